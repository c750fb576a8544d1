--- `damlua -m verify FILE [--units N|all] [--seed S] [--trust]`: Checks every row's checksum, the
-- plan and that no row is missing, then computes randomly chosen units again from what the file
-- says, and compares digests and values. FILE is a result file or a bundle. Where the script is
-- needed for that, it runs in the sandbox unless it is trusted.
local arguments = require "dam.sweep.arguments"
local bundle = require "dam.bundle"
local cells = require "dam.sweep.cells"
local child = require "dam.sweep.child"
local dam = require "dam.core"
local describe = require "dam.sweep.describe"
local file = require "dam.sweep.file"
local grid = require "dam.sweep.grid"
local json = require "dam.json"
local modules = require "dam.sweep.modules"
local plan = require "dam.sweep.plan"
local progress = require "dam.sweep.progress"
local sweep = require "dam.sweep"
local unit = require "dam.sweep.unit"

local USAGE = "damlua [--max-memory M] [--max-time S] -m verify FILE [--units N|all] [--seed S] "
  .. "[--trust]"

--- Energies are certified to this per neuron; everything else is equal to the last bit.
local ENERGY_TOLERANCE = 1e-6

local exact = { "phi_a", "phi_b", "q12", "phi_max_other", "acceptance", "acceptance_a",
  "acceptance_b", "digest" }

local MAX_COMPLAINTS = 20

local function complain(state, format, ...)
  state.bad = state.bad + 1
  if state.bad <= MAX_COMPLAINTS then
    print("verify: " .. string.format(format, ...))
  elseif state.bad == MAX_COMPLAINTS + 1 then
    print "verify: ..."
  end
end

local row_name = file.row_name

--- A source of choices that --seed repeats.
local function chooser(seed)
  local i = 0
  return function(n)
    i = i + 1
    return dam.tools.word(seed, "verify", i) % n + 1
  end
end

--- A set of `count` different integers from 1 to n (of all when there are not so many).
local function choose(n, count, choice)
  local chosen, found = {}, 0
  while found < math.min(count, n) do
    local i = choice(n)
    if not chosen[i] then
      chosen[i], found = true, found + 1
    end
  end
  return chosen
end

--- The sweep that the file's facts describe.
local function job_of(meta)
  return {
    name = meta.name, H = describe.make_hamiltonian(meta.H), seed = math.tointeger(meta.seed),
    replicas = math.tointeger(meta.replicas), init = describe.make_init(meta.init),
    step = tonumber(meta.step), equilibrate = math.tointeger(meta.equilibrate),
    sample = math.tointeger(meta.sample), memory = 0.75 * dam.tools.memory(),
  }
end

local function row_of(job, stored)
  return { alpha = stored.alpha, N = stored.N, M = stored.M,
    seed = plan.seed(job.seed, stored.N, stored.M) }
end

--- Units of a single row each.
local function single_units(job, rows)
  local units = {}
  for i, row in ipairs(rows) do
    units[i] = { row = row_of(job, row), T = { row.T }, first = row.disorder, disorder = 1 }
  end
  return units
end

local function key_of(row)
  return string.pack("<ddi8", row.alpha, row.T, row.disorder)
end

--- Units that cover all rows: blocks as the sweep itself would make them. What grid.missing calls
-- present is here what the file lacks.
local function all_units(job, points, rows)
  local have, lacks = {}, {}
  for _, row in ipairs(rows) do
    have[key_of(row)] = true
  end
  job.rows, job.T = {}, {}
  local seen_T, by_alpha = {}, {}
  for _, p in ipairs(points) do
    if not by_alpha[p.alpha] then
      by_alpha[p.alpha] = row_of(job, p)
      by_alpha[p.alpha].disorder = 0
      job.rows[#job.rows + 1] = by_alpha[p.alpha]
    end
    by_alpha[p.alpha].disorder = math.max(by_alpha[p.alpha].disorder, p.disorder)
    if not seen_T[p.T] then
      seen_T[p.T] = true
      job.T[#job.T + 1] = p.T
    end
  end
  for _, row in ipairs(job.rows) do
    lacks[row.alpha] = {}
    for _, T in ipairs(job.T) do
      local list = {}
      for d = 1, row.disorder do
        list[d] = not have[key_of { alpha = row.alpha, T = T, disorder = d }] or nil
      end
      lacks[row.alpha][T] = list
    end
  end
  return grid.divide(job, (grid.missing(job, lacks)))
end

local function check_row(state, stored, computed)
  local wrong = {}
  for _, name in ipairs(exact) do
    if stored[name] ~= computed[name] then
      wrong[#wrong + 1] = name
    end
  end
  for _, name in ipairs { "energy_a", "energy_b" } do
    local a, b = stored[name], computed[name]
    if (a == nil) ~= (b == nil) or (a and math.abs(a - b) > ENERGY_TOLERANCE) then
      wrong[#wrong + 1] = name
    end
  end
  if #wrong > 0 then
    complain(state, "%s: computed again, these differ: %s", row_name(stored),
      table.concat(wrong, ", "))
  end
end

--- Checks the rows' checksums; returns how many there are, and those that `wanted` (a set of
-- places, nil: all) names, by key and as a list.
local function read_rows(f, state, wanted)
  local stored, list, count = {}, {}, 0
  for row in f:each_row() do
    count = count + 1
    if file.checksum(row) ~= row.checksum then
      complain(state, "%s does not match its checksum", row_name(row))
    end
    if not wanted or wanted[count] then
      stored[key_of(row)] = row
      list[#list + 1] = row
    end
  end
  return count, stored, list
end

--- Lets `require` find the modules as they were when the script ran.
local function provide_modules(run, environment)
  for _, module in ipairs(run.options and run.options.modules or {}) do
    if module.text then
      rawget(environment, "package").preload[module.name] =
        assert(load(module.text, "@" .. module.path, "t", environment))
    end
  end
end

--- Runs the script that the file keeps up to its sweep of the file's name; returns that sweep.
-- `path` is where the script would be.
local function sweep_of_script(f, meta, path)
  local runs = f:runs()
  local run = runs[#runs]
  if not run or not run.script then
    error("verify: the file keeps no script to compute its rows again", 0)
  end
  path = path or run.script_path or "script"
  local environment = dam.sharing.environment()
  local theirs = rawget(environment, "package")
  theirs.path = modules.folder(path) .. "/?.lua;" .. theirs.path
  local arguments_then = run.options and run.options.arguments or {}
  arguments_then[0], arguments_then[-1] = path, "damlua"
  rawset(environment, "arg", arguments_then)
  provide_modules(run, environment)
  local chunk = assert(load(run.script, "@" .. path, "t", environment))
  local found
  sweep.instead = function(job)
    if job.name == meta.name and (job.cells or job.patterns) then
      found = job
      error("sweep found", 0) -- what the script does after it is not wanted
    end
    return {}
  end
  local ok, message = pcall(chunk, table.unpack(arguments_then))
  sweep.instead = nil
  if not found then
    error(string.format("verify: the script kept in the file makes no sweep named %q%s", meta.name,
      ok and "" or ": " .. tostring(message)), 0)
  end
  return found
end

--- The patterns that the script gave to the sweep, if they still are what they were.
local function given_patterns(f, meta, state)
  local p = sweep_of_script(f, meta, state.script).patterns
  if not p or p:fingerprint() ~= meta.patterns then
    error(string.format("verify: the script kept in the file gives other patterns now: %s in the "
      .. "file, %s now", meta.patterns, p and p:fingerprint() or "none"), 0)
  end
  return p
end

--- The plan against its checksum, and the rows against the plan.
local function check_plan(f, meta, state)
  if meta.plan_checksum and meta.plan_checksum ~= f:plan_checksum() then
    complain(state, "the plan was altered: it does not match its checksum")
  end
  local points, missing, first = {}, 0, nil
  for _, p in ipairs(f:plan()) do
    points[string.pack("<dd", p.alpha, p.T)] = p
    p.rows = 0
  end
  for row in f:each_row() do
    local p = points[string.pack("<dd", row.alpha, row.T)]
    if not p or p.N ~= row.N or p.M ~= row.M or row.disorder < 1 or row.disorder > p.disorder then
      complain(state, "%s is not in the plan", row_name(row))
    else
      p.rows = p.rows + 1
    end
  end
  for _, p in ipairs(f:plan()) do
    local there = points[string.pack("<dd", p.alpha, p.T)].rows
    missing = missing + p.disorder - there
    first = first or there < p.disorder and p or nil
  end
  local runs = f:runs()
  local last = runs[#runs]
  if first and last and last.outcome == "done" and not meta.shard then
    complain(state, "%d rows of the plan are missing, though the last run was completed; the first "
      .. "at alpha = %.12g, T = %.12g", missing, first.alpha, first.T)
  elseif first then
    print(string.format("verify: %d rows of the plan are not computed yet", missing))
  end
end

local function verify_map(f, meta, state, choice)
  local wanted
  if state.units ~= "all" then
    wanted = choose(f:count_rows(), state.units, choice)
  end
  local count, stored, list = read_rows(f, state, wanted)
  print(string.format("verify: %d rows, checksums read", count))
  check_plan(f, meta, state)
  local job = job_of(meta)
  job.patterns = meta.patterns and given_patterns(f, meta, state)
  local units = wanted and single_units(job, list) or all_units(job, f:plan(), list)
  local bar = progress.new { label = "verify", total = #units, clock = dam.clock,
    quiet = state.quiet }
  for i, u in ipairs(units) do
    for _, row in ipairs(unit.compute(u, job, unit.plain_hooks)) do
      check_row(state, stored[key_of(row)], row)
    end
    bar:update(i)
  end
  bar:clear()
  return #units
end

local function verify_cells(f, meta, state, choice)
  local stored = {}
  for _, row in ipairs(f:cell_rows()) do
    stored[row.key] = stored[row.key] or {}
    table.insert(stored[row.key], row.data)
    if file.cell_checksum(row.key, row.place, row.data) ~= row.checksum then
      complain(state, "row %d of the cell %s does not match its checksum", row.place, row.key)
    end
  end
  local job = sweep_of_script(f, meta, state.script)
  local done, there = {}, f:cells()
  for _, c in ipairs(job.cells) do
    done[#done + 1] = there[c.key] and c or nil
  end
  local runs = f:runs()
  if #done < #job.cells and not meta.shard and runs[#runs].outcome == "done" then
    complain(state, "%d of %d cells are missing, though the last run was completed",
      #job.cells - #done, #job.cells)
  end
  local wanted = choose(#done, state.units == "all" and #done or state.units, choice)
  local chosen = {}
  for i, c in ipairs(done) do
    chosen[#chosen + 1] = wanted[i] and c or nil
  end
  for _, c in ipairs(chosen) do
    local rows = cells.compute(job, c)
    local kept = stored[c.key] or {}
    local same = #rows == #kept
    for i = 1, math.min(#rows, #kept) do
      same = same and json.encode(rows[i]) == kept[i]
    end
    if not same then
      complain(state, "the cell %s: computed again, its rows differ", c.key)
    end
  end
  return #chosen
end

--- Whether computing the file's rows again takes code from the script.
local function needs_script(meta)
  return meta.form ~= "map" or meta.patterns ~= nil
end

local function verify(path, meta, state, seed)
  local f <close> = file.open(path, "read")
  local form = meta.form == "map" and verify_map or verify_cells
  local count = form(f, meta, state, chooser(seed))
  print(string.format("verify: %d units computed again (--seed %d): %s", count, seed,
    state.bad == 0 and "all equal" or state.bad .. " differences"))
  return state.bad == 0
end

--- The same in the sandbox, by another damlua: its exit status.
local function verify_in_sandbox(path, script, state, seed)
  return child.run { "--sandbox", "--read", modules.folder(path), "--read", modules.folder(script),
    "-m", "verify", path, "--units", tostring(state.units), "--seed", tostring(seed), "--script",
    script }
end

local function facts_of(path)
  local f <close> = file.open(path, "read")
  local runs = f:runs()
  return f:meta(), runs[#runs] and runs[#runs].script_path
end

local function verify_result(path, state, seed)
  local meta, script = facts_of(path)
  script = state.script or script
  if not needs_script(meta) or state.trust or dam.sharing.confined() or not script then
    return verify(path, meta, state, seed)
  elseif not dam.config.program then
    error("verify: the script would run unconfined: say --trust, or use the program damlua", 0)
  end
  return verify_in_sandbox(path, script, state, seed)
end

local function verify_bundle(path, state, seed)
  local manifest, bytes, text = bundle.read(path)
  print(string.format("verify: %s is what its manifest says (sha256 %s)", path,
    dam.sharing.sha256(text)))
  local folder <close> = child.folder()
  bundle.extract(bytes, folder.path)
  state.script = folder.path .. "/" .. manifest.script
  return verify_result(folder.path .. "/" .. manifest.result, state, seed)
end

return function(...)
  local positional, options = arguments.parse({ ... },
    { units = "text", seed = "text", trust = "flag", script = "text" }, USAGE, 1, 1)
  local units = options.units or "5"
  units = units == "all" and units or math.tointeger(tonumber(units))
  local seed = math.tointeger(tonumber(options.seed or os.time()))
  if not units or not seed or (units ~= "all" and units < 0) then
    error("usage: " .. USAGE, 0)
  end
  local state = { units = units, bad = 0, quiet = dam.config and dam.config.quiet,
    trust = options.trust, script = options.script }
  local path = positional[1]
  return (bundle.is(path) and verify_bundle or verify_result)(path, state, seed)
end
