--- Sweeps: declare a map or a list of cells, see what it costs, run it, stop it, go on.
-- Results go to one SQLite file; see `damlua -m status|export|verify|plot|merge`.
local cells = require "dam.sweep.cells"
local check = require "dam.sweep.check"
local dam = require "dam.core"
local export = require "dam.sweep.export"
local figures = require "dam.sweep.figures"
local file = require "dam.sweep.file"
local grid = require "dam.sweep.grid"
local json = require "dam.json"
local modules = require "dam.sweep.modules"
local plan = require "dam.sweep.plan"

local sweep = {}

local WHERE = "sweep.run"

--- The adaptive plan of B(5): M grows from M[1] at the lowest load to M[2] at the highest, as
-- M = round((M1^(1/gamma) + t (M2^(1/gamma) - M1^(1/gamma)))^gamma), t = (alpha - lo)/(hi - lo);
-- N = round(ln(M)/alpha); trials linear in t, disorder = trials // replicas.
-- @function sweep.adaptive
-- @tparam table options
-- @tparam {integer,integer} options.M numbers of patterns at the lowest and the highest load, >= 2
-- @tparam[opt=10] number options.gamma exponent of the growth of M, > 0
-- @tparam {integer,integer} options.trials trials at the lowest and at the highest load
-- @tparam[opt] {number,number} options.range loads {lo, hi} where M and trials are those given;
--  default: the smallest and largest alpha of the sweep. Give it where alphas will be added later
-- @treturn plan
-- @raise on unknown options and values that are not allowed
-- @see B(5)
-- @usage
-- sweep = require "dam.sweep"
-- plan = sweep.adaptive{ M = {20000, 500000}, gamma = 10, trials = {512, 64} }
sweep.adaptive = plan.adaptive

--- A plan with N or M the same at every load (the other follows from alpha), or both.
-- @function sweep.fixed
-- @tparam table options N or M, or both
-- @tparam[opt] integer options.N dimension, >= 2
-- @tparam[opt] integer options.M number of patterns, >= 1
-- @tparam[opt=1] integer options.disorder independent pattern sets at each load
-- @treturn plan
-- @raise on unknown options and values that are not allowed
-- @usage plan = require "dam.sweep".fixed{ N = 50, disorder = 16 }
-- print(plan:table({ 0.1, 0.2 }, 2))
sweep.fixed = plan.fixed

--- The script that runs: path, text and its hash. At a prompt there is none.
local function script_facts()
  local path = modules.script()
  local f = path and io.open(path, "rb")
  if not f then
    return {}
  end
  local text = f:read "a"
  f:close()
  return { script_path = path, script = text, script_hash = (dam.tools.hash64(text)) }
end

--- Values of dam.options in this script, its arguments as they were given, and its modules.
local function recorded_options()
  local module = package.loaded["dam.options"]
  local values = {}
  for name, value in pairs(module and module.last or {}) do
    values[name] = type(value) == "userdata" and value:totable() or value
  end
  local arguments = modules.arguments()
  return json.encode {
    options = values, arguments = #arguments > 0 and arguments or nil,
    modules = modules.required(),
  }
end

local function parse_shard(value)
  local i, n
  if type(value) == "string" then
    i, n = value:match("^(%d+)/(%d+)$")
  elseif type(value) == "table" then
    i, n = value[1], value[2]
  end
  i, n = math.tointeger(tonumber(i)), math.tointeger(tonumber(n))
  if not i or not n or i < 1 or n < i then
    check.refuse(WHERE, "shard", value, 'i/n with 1 <= i <= n, such as "2/8"')
  end
  return { i, n }
end

--- "map.sqlite" -> "map.2-of-8.sqlite"
local function shard_file(path, shard)
  local stem, ending = path:match("^(.*)(%.[^./]*)$")
  return string.format("%s.%d-of-%d%s", stem or path, shard[1], shard[2], ending or "")
end

local function flag(options, config, key)
  local value = options[key]
  if value ~= nil and type(value) ~= "boolean" then
    check.refuse(WHERE, key, value, "true or false")
  end
  return value or (config[key] and true or false)
end

--- What an interrupted or failed run says: what is safe and how to go on.
local function stopped(job)
  return function(bar, rows, wanted, failure)
    bar:clear()
    local interrupted = tostring(failure):find("interrupted", 1, true)
    io.stderr:write(string.format("%s: %s after %d of %d rows; what was computed is in %s. Run the "
      .. "same script again to go on.\n", job.name, interrupted and "stopped" or "failed", rows,
      wanted, job.file))
    io.stderr:flush()
  end
end

--- What both forms share.
local function common(options)
  local config = dam.config or {}
  if type(options) ~= "table" then
    check.fail("%s: expected one table of options, got %s", WHERE, type(options))
  end
  if type(options.name) ~= "string" or options.name == "" or options.name:find("[/\n%z]") then
    check.refuse(WHERE, "name", options.name, "a text that can name a file, without /")
  end
  if options.file ~= nil and (type(options.file) ~= "string" or options.file == "") then
    check.refuse(WHERE, "file", options.file, "the path of the result file")
  end
  local job = {
    name = options.name,
    seed = check.integer(WHERE, options, "seed", 1, math.mininteger, "an integer"),
    dry_run = flag(options, config, "dry_run"),
    fresh = flag(options, config, "fresh"),
    quiet = flag(options, config, "quiet"),
  }
  local shard = options.shard or config.shard
  job.shard = shard and parse_shard(shard) or nil
  job.file = options.file or options.name .. ".sqlite"
  if config.results then
    if job.file:find "/" then -- the script may write other things beside its result file
      dam.sharing.folder(modules.folder(job.file))
    end
    job.file = config.results .. "/" .. job.file:match "[^/]*$"
  end
  if job.shard then
    job.file = shard_file(job.file, job.shard)
  end
  job.facts = script_facts()
  job.facts.options = recorded_options
  job.facts.version = dam.version
  job.facts.device = options.device or config.device
  job.stopped = stopped(job)
  return job
end

--- What sweep.run leaves: the result file and what reads it.
-- @type sweep.result
-- @tfield string file path of the result file
-- @tfield integer computed rows or cells computed by this run; others were there already
-- @usage
-- sweep = require "dam.sweep"
-- name = os.tmpname()
-- r = sweep.run{ name = "example", file = name, quiet = true, cells = { 1, 2 },
--   run = function(cell) return { { square = cell ^ 2 } } end }
-- print(r, r.computed)
-- os.remove(name)
local Result = { __name = "dam.sweep.result" }
Result.__index = Result

--- Writes the rows of the result file as CSV, NPZ or JSON, by the ending; a missing folder is an
-- error.
-- @function sweep.result:export
-- @tparam string out file name
-- @treturn string its name
-- @raise when it cannot be written
-- @usage
-- sweep = require "dam.sweep"
-- name = os.tmpname()
-- r = sweep.run{ name = "example", file = name, hamiltonian = dam.lse(), quiet = true,
--   alpha = 0.2, T = { 0.1, 0.5 }, plan = sweep.fixed{ N = 12, disorder = 2 },
--   equilibrate = 10, sample = 10 }
-- r:export(name .. ".csv")
-- os.remove(name); os.remove(name .. ".csv")
function Result:export(out)
  export.write(self.file, out)
  return out
end

--- Draws the figures of a map: phi over (alpha, T) as `out`, cuts, residual and q12 beside it.
-- @function sweep.result:plot
-- @tparam string out file name ending in .png, .svg or .pdf
-- @tparam[opt] "map"|"cuts"|"residual"|"q12" only this one alone, as `out`
-- @treturn table names of the files made
-- @raise when gnuplot is missing or a file cannot be written
-- @usage
-- sweep = require "dam.sweep"
-- name = os.tmpname()
-- r = sweep.run{ name = "example", file = name, hamiltonian = dam.lse(), quiet = true,
--   alpha = 0.2, T = { 0.1, 0.5 }, plan = sweep.fixed{ N = 12, disorder = 2 },
--   equilibrate = 10, sample = 10 }
-- for _, made in ipairs(r:plot(name .. ".png", "map")) do os.remove(made) end
-- os.remove(name)
function Result:plot(out, only)
  return figures.draw(self.file, out, only)
end

--- The points of a map, sorted by alpha and T.
-- @function sweep.result:points
-- @treturn table list of tables with alpha, T, N, M, realised_alpha, disorder (those done), asked
--  (those planned), phi, q12, acceptance, phi_max_other, and phi_err, q12_err, acceptance_err,
--  phi_max_other_err (one standard error over disorder)
-- @raise when the file is gone or damaged
-- @usage
-- sweep = require "dam.sweep"
-- name = os.tmpname()
-- r = sweep.run{ name = "example", file = name, hamiltonian = dam.lse(), quiet = true,
--   alpha = 0.2, T = { 0.1, 0.5 }, plan = sweep.fixed{ N = 12, disorder = 2 },
--   equilibrate = 10, sample = 10 }
-- for _, point in ipairs(r:points()) do print(point.T, point.phi, point.phi_err) end
-- os.remove(name)
function Result:points()
  return export.reading(self.file, export.summary)
end

function Result:__tostring()
  return string.format("sweep result(%s: %d computed now)", self.file, self.computed)
end

--- Runs a sweep, or goes on with it: what is already in the result file is not computed again.
--
-- The map form takes `hamiltonian`, `T` and either `alpha` and `plan` or `patterns`. Raising the
-- plan's disorder or adding T or alpha later computes only what is missing. The generic form takes
-- `cells` and `run` instead.
-- @function sweep.run
-- @tparam table options
-- @tparam string options.name what the sweep is called, and its file
-- @tparam[opt] hamiltonian options.hamiltonian map: dam.lse{}, dam.lsr{} or dam.polynomial{}
-- @tparam[opt] number|number[]|array options.alpha map: loads ln(M)/N, > 0
-- @tparam[opt] number|number[]|array options.T map: temperatures, > 0
-- @tparam[opt] plan options.plan map: sweep.adaptive{} or sweep.fixed{}
-- @tparam[opt] patterns options.patterns map: your own or drawn ones, all of their disorders,
--  instead of alpha and plan
-- @tparam[opt=1] integer options.replicas map: chains per temperature and disorder
-- @tparam[opt=16384] integer options.equilibrate map: steps that are not measured
-- @tparam[opt=4096] integer options.sample map: steps that are
-- @tparam[opt={ phi = {0.75, 1} }] table|"cold"|"hot"|"support"|"exact" options.init map: as dam.mh
-- @tparam[opt=2.4] number options.step map: as dam.mh
-- @tparam[opt] table options.cells generic: a list of values, each the name of its cell
-- @tparam[opt] function options.run generic: run(cell, ctx) returns a list of rows (tables);
--  ctx.seed belongs to the cell alone
-- @tparam[opt=1] integer options.seed seed of all cells
-- @tparam[opt] string options.file path of the result file; default NAME.sqlite
-- @tparam[opt] number|string options.memory map: bytes, or a text like "8G"; default three quarters
--  of what is free, on a GPU what is free there less a sixteenth of the whole
-- @tparam[opt] "auto"|"cpu"|"cuda"|"cuda-on-cpu"|string options.device map: as dam.mh
-- @tparam[opt=4] integer options.in_flight map: on a GPU, the most units (of any alpha) that are
--  worked on at a time; fewer where memory is short. On the CPU always one
-- @tparam[opt="auto"] "auto"|"reference"|"active" options.evaluation map: as dam.mh
-- @tparam[opt=false] boolean options.dry_run print the plan and run nothing, as --dry-run
-- @tparam[opt=false] boolean options.fresh begin anew, as --fresh
-- @tparam[opt] string|table options.shard "i/n" or {i, n}, as --shard
-- @tparam[opt=false] boolean options.quiet no progress, as --quiet
-- @treturn sweep.result with dry_run the planned rows instead
-- @raise on options that are not allowed, on a result file of another sweep (the difference is
-- shown), on a file that cannot be written, and "interrupted" on Ctrl-C (what is done is saved)
-- @see B(5)
-- @usage
-- sweep = require "dam.sweep"
-- name = os.tmpname()
-- r = sweep.run{
--   name = "example", file = name, hamiltonian = dam.lse{ beta_net = 1 }, quiet = true,
--   alpha = {0.1, 0.2}, T = {0.1, 0.5}, plan = sweep.fixed{ N = 20, disorder = 2 },
--   equilibrate = 10, sample = 10,
-- }
-- print(r.computed)
-- os.remove(name)
function sweep.run(options)
  local job = common(options)
  local form = (options.cells ~= nil or options.run ~= nil) and cells or grid
  job = form.prepare(options, job)
  if sweep.instead then
    return sweep.instead(job, form) -- a verb that wants what the script describes
  end
  if job.dry_run then
    return form.dry_run(job)
  end
  if job.fresh then
    local old = file.move_aside(job.file)
    if old and not job.quiet then
      io.stderr:write(string.format("%s: the old %s is %s now\n", job.name, job.file, old))
    end
  end
  return setmetatable(form.run(job), Result)
end

return sweep
