--- The generic form of a sweep: any list of cells and a function that computes a cell's rows.
local check = require "dam.sweep.check"
local dam = require "dam.core"
local file = require "dam.sweep.file"
local json = require "dam.json"
local progress = require "dam.sweep.progress"

local cells = {}

local WHERE = "sweep.run"

cells.keys = { "name", "cells", "run", "seed", "file", "dry_run", "fresh", "shard", "quiet" }

--- The canonical key of a cell: its JSON text.
local function key_of(cell, i)
  local ok, text = pcall(json.encode, cell)
  if not ok or type(cell) == "nil" then
    check.fail("%s: cells[%d] is not allowed: expected numbers, texts, booleans and tables of them",
      WHERE, i)
  end
  return text
end

--- What a cell's function may use: the cell's own seed (from the sweep's seed and the key).
local function context(job, key)
  local _, hash = dam.tools.hash64(key)
  return { key = key, seed = dam.tools.word(job.seed, "cell", 0, hash), quiet = job.quiet }
end

function cells.prepare(options, common)
  check.keys(WHERE, options, cells.keys)
  local job = common
  if type(options.cells) ~= "table" or #options.cells == 0 then
    check.refuse(WHERE, "cells", options.cells, "a list of cells")
  end
  if type(options.run) ~= "function" then
    check.refuse(WHERE, "run", options.run, "a function(cell, ctx) that returns a list of rows")
  end
  job.body = options.run
  job.cells = {}
  local seen = {}
  for i, cell in ipairs(options.cells) do
    local key = key_of(cell, i)
    if seen[key] then
      check.fail("%s: cells[%d] and cells[%d] are the same cell %s", WHERE, seen[key], i, key)
    end
    seen[key] = i
    job.cells[i] = { key = key, cell = cell, position = i }
  end
  return job
end

function cells.dry_run(job)
  local rows = {}
  for i, c in ipairs(job.cells) do
    rows[i] = { key = c.key, cell = c.cell, seed = context(job, c.key).seed }
    print(c.key)
  end
  print(string.format("%d cells", #rows))
  return rows
end

--- The rows of one cell, checked.
function cells.compute(job, c)
  local rows = job.body(c.cell, context(job, c.key))
  if type(rows) == "table" and #rows == 0 and next(rows) ~= nil then
    rows = { rows } -- a single row
  end
  if type(rows) ~= "table" then
    check.fail("%s: run returned a %s for the cell %s: expected a list of rows (tables)", WHERE,
      type(rows), c.key)
  end
  for i, row in ipairs(rows) do
    local ok, message = pcall(json.encode, row)
    if type(row) ~= "table" or not ok then
      check.fail("%s: row %d of the cell %s cannot be stored: expected a table of numbers and "
        .. "texts%s", WHERE, i, c.key, ok and "" or " (" .. message .. ")")
    end
  end
  return rows
end

local function register(job, f)
  local meta = f:meta()
  local facts = { form = "cells", seed = tostring(job.seed),
    script_hash = job.facts.script_hash or "none" }
  local begun = meta.form and (next(f:cells()) ~= nil or f:count_rows() > 0)
  local lines = {}
  for _, key in ipairs { "form", "seed", "script_hash" } do
    if begun and meta[key] ~= facts[key] then
      lines[#lines + 1] = string.format("  %s: %s in the file, %s now", key, meta[key] or "nothing",
        facts[key])
    end
  end
  if #lines > 0 then
    check.fail("%s: %s holds results of another sweep (what a cell computes is in the script, so "
      .. "any change of it counts):\n%s\nChoose another name or file, or start anew with --fresh "
      .. "(the old file is moved aside, not overwritten)", WHERE, job.file,
      table.concat(lines, "\n"))
  end
  f:transaction(function()
    if not begun then
      f:forget() -- what a run asked that never got anywhere binds nobody
    end
    facts.name = job.name
    facts.cells = tostring(#job.cells)
    facts.shard = job.shard and string.format("%d/%d", job.shard[1], job.shard[2])
    f:set_meta(facts)
    f:begin_run(job.facts)
  end)
end

--- Cells of this shard that are not done, in the script's order.
local function missing(job, done)
  local sorted, place = {}, {}
  for i, c in ipairs(job.cells) do
    sorted[i] = c.key
  end
  table.sort(sorted)
  for i, key in ipairs(sorted) do
    place[key] = i
  end
  local list = {}
  for _, c in ipairs(job.cells) do
    local mine = not job.shard or place[c.key] % job.shard[2] == job.shard[1] - 1
    if mine and not done[c.key] then
      list[#list + 1] = c
    end
  end
  return list
end

function cells.run(job)
  local f <close> = file.open(job.file, "write")
  register(job, f)
  local list = missing(job, f:cells())
  local bar = progress.new { label = job.name, total = #list, clock = dam.clock, quiet = job.quiet }
  local finished, computed = false, 0
  local guard <close> = setmetatable({}, { __close = function(_, failure) -- luacheck: ignore 211
    if not finished then
      job.stopped(bar, computed, #list, failure)
      local outcome = tostring(failure):find "interrupted" and "interrupted" or "failed"
      pcall(f.end_run, f, outcome) -- on a full disk the first error is the one to see
    end
  end })
  for i, c in ipairs(list) do
    local began = dam.clock()
    local rows = cells.compute(job, c)
    f:transaction(function()
      f:put_cell(c.key, c.position, dam.clock() - began, rows)
    end)
    computed = i
    bar:update(i, c.key)
  end
  finished = true
  f:end_run "done"
  bar:clear()
  bar:say("%d cells computed, %s", computed, job.file)
  return { file = job.file, computed = computed }
end

return cells
