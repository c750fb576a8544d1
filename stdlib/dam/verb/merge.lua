--- `damlua -m merge OUT IN...`: joins result files of the same sweep, such as those of its shards.
-- OUT is created, or added to. Rows that are there twice must be equal.
local arguments = require "dam.sweep.arguments"
local file = require "dam.sweep.file"

--- Facts that files to be joined must share.
local same = { "form", "H", "seed", "replicas", "init", "step", "equilibrate", "sample", "plan",
  "script_hash" }

local function check_same(out, meta, path, name)
  for _, key in ipairs(same) do
    if out[key] ~= meta[key] then
      error(string.format("merge: %s and %s are not of the same sweep:\n  %s: %s in the first, %s "
        .. "in the second", name, path, key, out[key] or "nothing", meta[key] or "nothing"), 0)
    end
  end
end

local function row_key(row)
  return string.pack("<ddi8i8i8", row.alpha, row.T, row.N, row.M, row.disorder)
end

local function check_row(row, path)
  if file.checksum(row) ~= row.checksum then
    error(string.format("merge: %s is damaged: the row alpha = %.12g, T = %.12g, disorder %d does "
      .. "not match its checksum", path, row.alpha, row.T, row.disorder), 0)
  end
end

local function merge_map(out, from, path, there)
  local added = 0
  for _, row in ipairs(from:rows()) do
    check_row(row, path)
    local key = row_key(row)
    if not there[key] then
      out:put_row(row)
      there[key] = row.digest
      added = added + 1
    elseif there[key] ~= row.digest then
      error(string.format("merge: the row alpha = %.12g, T = %.12g, disorder %d of %s differs from "
        .. "the one that is there: one of them is wrong (see damlua -m verify)", row.alpha, row.T,
        row.disorder, path), 0)
    end
  end
  out:extend_plan(from:plan())
  return added
end

local function merge_cells(out, from, path, there)
  local added, rows = 0, {}
  for _, row in ipairs(from:cell_rows()) do
    if file.cell_checksum(row.key, row.place, row.data) ~= row.checksum then
      error(string.format("merge: %s is damaged: cell %s", path, row.key), 0)
    end
    rows[row.key] = rows[row.key] or {}
    table.insert(rows[row.key], row.data)
  end
  for _, cell in ipairs(from:list "SELECT key, position, seconds FROM cells ORDER BY key") do
    local text = table.concat(rows[cell.key] or {}, "\n")
    if not there[cell.key] then
      out:put_cell_text(cell.key, cell.position, cell.seconds, rows[cell.key] or {})
      there[cell.key] = text
      added = added + 1
    elseif there[cell.key] ~= text then
      error(string.format("merge: cell %s of %s differs from the one that is there", cell.key,
        path), 0)
    end
  end
  return added
end

--- What OUT holds already, by key.
local function present(out, form)
  local there = {}
  if form == "map" then
    for _, row in ipairs(out:rows()) do
      there[row_key(row)] = row.digest
    end
    return there
  end
  for key in pairs(out:cells()) do
    there[key] = ""
  end
  for _, row in ipairs(out:cell_rows()) do
    there[row.key] = (there[row.key] == "" and "" or there[row.key] .. "\n") .. row.data
  end
  return there
end

local function merge(out, paths)
  local meta = out:meta()
  local there = meta.form and present(out, meta.form)
  local total = 0
  for _, path in ipairs(paths) do
    local from <close> = file.open(path, "read")
    local theirs = from:meta()
    if meta.form then
      check_same(meta, theirs, path, out.path)
    else
      theirs.shard = nil
      meta, there = theirs, {}
      out:set_meta(meta)
    end
    local added = (meta.form == "map" and merge_map or merge_cells)(out, from, path, there)
    for _, run in ipairs(from:runs()) do
      out:copy_run(run)
    end
    print(string.format("%s: %d %s added", path, added, meta.form == "map" and "rows" or "cells"))
    total = total + added
  end
  return total
end

return function(...)
  local paths = arguments.parse({ ... }, {}, "damlua -m merge OUT IN...", 2, math.huge)
  local path = table.remove(paths, 1)
  local first
  for _, from in ipairs(paths) do -- all inputs are readable and fit before OUT is made
    local f <close> = file.open(from, "read")
    first = first or f:meta()
    check_same(first, f:meta(), from, paths[1])
  end
  local out <close> = file.open(path, "write")
  local total
  out:transaction(function()
    total = merge(out, paths)
  end)
  print(string.format("%s: %d added", path, total))
end
