--- `damlua -m status FILE`: what a result file holds, how far it is, who works on it.
local arguments = require "dam.sweep.arguments"
local dam = require "dam.core"
local export = require "dam.sweep.export"
local grid = require "dam.sweep.grid"

local function line(name, format, ...)
  print(string.format("%-12s" .. format, name, ...))
end

local function per_alpha(points)
  local rows, order = {}, {}
  for _, p in ipairs(points) do
    local row = rows[p.alpha]
    if not row then
      row = { alpha = p.alpha, N = p.N, M = p.M, done = 0, asked = 0, T = 0 }
      rows[p.alpha] = row
      order[#order + 1] = row
    end
    row.done, row.asked, row.T = row.done + p.disorder, row.asked + p.asked, row.T + 1
  end
  return order
end

local function map_status(f, meta)
  local points = export.points(f, f:each_row())
  local done, asked = 0, 0
  for _, p in ipairs(points) do
    done, asked = done + p.disorder, asked + p.asked
  end
  for _, key in ipairs(grid.facts) do
    if meta[key] then
      line(key, "%s", meta[key])
    end
  end
  line("plan", "%s", meta.plan)
  line("rows", "%d of %d (%.1f %%)%s", done, asked, asked > 0 and 100 * done / asked or 0,
    done == asked and ", complete" or "")
  print(string.format("%-12s %8s %10s %6s %10s", "alpha", "N", "M", "T", "rows"))
  for _, row in ipairs(per_alpha(points)) do
    print(string.format("%-12.6g %8d %10d %6d %10s", row.alpha, row.N, row.M, row.T,
      string.format("%d/%d", row.done, row.asked)))
  end
end

local function cells_status(f, meta)
  local done = 0
  for _ in pairs(f:cells()) do
    done = done + 1
  end
  line("seed", "%s", meta.seed)
  line("script", "%s", meta.script_hash)
  line("cells", "%d of %s%s", done, meta.cells, tostring(done) == meta.cells and ", complete" or "")
end

--- A run without an end is running, or was killed.
local function outcome(run, holder)
  if run.outcome ~= "running" or holder then
    return run.outcome
  end
  return "killed"
end

local function show(f, holder)
  local meta = f:meta()
  line("name", "%s", meta.name)
  if meta.shard then
    line("shard", "%s", meta.shard)
  end
  local form = meta.form == "map" and map_status or cells_status
  form(f, meta)
  local runs = f:runs()
  for i = math.max(1, #runs - 4), #runs do
    local run = runs[i]
    line("run " .. run.id, "%s to %s on %s: %s", run.started, run.finished or "?", run.host,
      outcome(run, holder))
  end
end

return function(...)
  local path = arguments.parse({ ... }, {}, "damlua -m status FILE", 1, 1)[1]
  local holder = dam.store.holder(path)
  export.reading(path, function(f)
    show(f, holder)
  end)
  line("writer", "%s", holder or "nobody; running the script again goes on where it stands")
end
