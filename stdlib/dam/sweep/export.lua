--- What a result file holds, as CSV, NPZ and JSON. Equal results give equal bytes: nothing of when,
-- where, with what build, device or threads they were computed goes in.
local file = require "dam.sweep.file"
local grid = require "dam.sweep.grid"
local json = require "dam.json"
local npz = require "dam.npz"

local export = {}

export.columns = { "alpha", "T", "N", "M", "disorder", "phi_a", "phi_b", "q12", "phi_max_other",
  "acceptance" }

local function number(v)
  if v == nil then
    return ""
  elseif math.type(v) == "integer" then
    return tostring(v)
  end
  return string.format("%.17g", v)
end

local function header(meta, keys)
  local lines = {}
  for _, key in ipairs(keys) do
    lines[#lines + 1] = meta[key] and string.format("# %s=%s\n", key, meta[key])
  end
  return table.concat(lines)
end

local map_keys = { "name" }
for _, key in ipairs(grid.facts) do
  map_keys[#map_keys + 1] = key
end
map_keys[#map_keys + 1] = "plan"

--- All rows of a map, each compared with its checksum: what is exported is what was computed.
local function sound_rows(f)
  local next_row, state, first, closing = f:each_row()
  return function(s, last)
    local row = next_row(s, last)
    if row and file.checksum(row) ~= row.checksum then
      error(string.format("%s is damaged: the row %s does not match its checksum (damlua -m verify "
        .. "lists all such rows)", f.path, file.row_name(row)), 0)
    end
    return row
  end, state, first, closing
end

local function map_csv(f, meta)
  local parts = { header(meta, map_keys), table.concat(export.columns, ","), "\n" }
  local cells = {}
  for row in sound_rows(f) do
    for i, column in ipairs(export.columns) do
      cells[i] = number(row[column])
    end
    parts[#parts + 1] = table.concat(cells, ",", 1, #export.columns) .. "\n"
  end
  return table.concat(parts)
end

--- Numbers before texts, each in their order.
local function before(a, b)
  if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
    return a < b
  end
  return type(a) < type(b)
end

--- Rows of the generic form with their cell's values: list of {key, place, values}, sorted by the
-- cell's values, and the sorted column names (the cell's first).
local function flat_cells(f)
  local rows, of_cell, of_row = {}, {}, {}
  for _, stored in ipairs(f:cell_rows()) do
    if file.cell_checksum(stored.key, stored.place, stored.data) ~= stored.checksum then
      error(string.format("%s is damaged: row %d of the cell %s does not match its checksum",
        f.path, stored.place, stored.key), 0)
    end
    local cell = json.decode(stored.key)
    cell = type(cell) == "table" and cell or { cell = cell }
    local row = { key = stored.key, place = stored.place, cell = cell,
      data = json.decode(stored.data) }
    for key in pairs(cell) do
      of_cell[tostring(key)] = true
    end
    for key in pairs(row.data) do
      of_row[tostring(key)] = true
    end
    rows[#rows + 1] = row
  end
  local cell_names, names = {}, {}
  for key in pairs(of_cell) do
    cell_names[#cell_names + 1] = key
  end
  table.sort(cell_names)
  for key in pairs(of_row) do
    names[#names + 1] = not of_cell[key] and key or nil
  end
  table.sort(names)
  table.move(names, 1, #names, #cell_names + 1, cell_names)
  table.sort(rows, function(a, b)
    for _, name in ipairs(cell_names) do
      local x, y = a.cell[name], b.cell[name]
      if before(x, y) or before(y, x) then
        return before(x, y)
      end
    end
    if a.key ~= b.key then
      return a.key < b.key
    end
    return a.place < b.place
  end)
  return rows, cell_names
end

local function text_cell(v)
  if type(v) == "number" or v == nil then
    return number(v)
  end
  v = type(v) == "table" and json.encode(v) or tostring(v)
  return v:find('[,"\r\n]') and '"' .. v:gsub('"', '""') .. '"' or v
end

local function cells_csv(f, meta)
  local rows, names = flat_cells(f)
  local parts = { header(meta, { "name", "seed", "script_hash" }), table.concat(names, ","), "\n" }
  for _, row in ipairs(rows) do
    local cells = {}
    for i, name in ipairs(names) do
      local v = row.data[name]
      if v == nil then
        v = row.cell[name]
      end
      cells[i] = text_cell(v)
    end
    parts[#parts + 1] = table.concat(cells, ",", 1, #names) .. "\n"
  end
  return table.concat(parts)
end

--- The CSV text of an open result file.
function export.csv(f)
  local meta = f:meta()
  return (meta.form == "map" and map_csv or cells_csv)(f, meta)
end

--- Mean and standard error of a list (nil for the error of a single value).
local function mean(values)
  local n, sum, squares = #values, 0.0, 0.0
  if n == 0 then
    return nil
  end
  for _, v in ipairs(values) do
    sum = sum + v
  end
  local m = sum / n
  for _, v in ipairs(values) do
    squares = squares + (v - m) ^ 2
  end
  return m, n > 1 and math.sqrt(squares / (n - 1) / n) or nil
end

--- One entry per (alpha, T) of the plan, sorted: N, M, realised_alpha, disorder (rows there), asked
-- (disorders in the plan), phi, q12, acceptance, phi_max_other and their standard errors over
-- disorder (replicas of a disorder are averaged first).
function export.summary(f)
  return export.points(f, sound_rows(f))
end

--- The same from rows that are not checked: where a file stands can be said of a damaged one, too.
function export.points(f, ...)
  local points = f:plan()
  local by_point = {}
  for _, p in ipairs(points) do
    p.asked, p.disorder, p.realised_alpha = p.disorder, 0, math.log(p.M) / p.N
    p.lists = { phi = {}, q12 = {}, acceptance = {}, phi_max_other = {} }
    by_point[p.alpha] = by_point[p.alpha] or {}
    by_point[p.alpha][p.T] = p
  end
  for row in ... do
    local p = by_point[row.alpha] and by_point[row.alpha][row.T]
    if not p then
      error(string.format("%s is damaged: the row %s is not in its plan", f.path,
        file.row_name(row)), 0)
    end
    p.disorder = p.disorder + 1
    local lists = p.lists
    lists.phi[p.disorder] = row.phi_b and 0.5 * (row.phi_a + row.phi_b) or row.phi_a
    lists.q12[p.disorder] = row.q12
    lists.acceptance[p.disorder] = row.acceptance
    lists.phi_max_other[p.disorder] = row.phi_max_other
  end
  for _, p in ipairs(points) do
    for name, list in pairs(p.lists) do
      p[name], p[name .. "_err"] = mean(list)
    end
    p.lists = nil
  end
  return points
end

local function facts(meta)
  local t = {}
  for _, key in ipairs(meta.form == "map" and map_keys or { "name", "seed", "script_hash" }) do
    t[key] = meta[key]
  end
  return t
end

--- The JSON text: the sweep's facts, and a summary per point or the rows of the cells.
function export.json(f)
  local meta = f:meta()
  local out = { sweep = facts(meta) }
  if meta.form == "map" then
    out.points = export.summary(f)
  else
    out.rows = {}
    for i, row in ipairs((flat_cells(f))) do
      out.rows[i] = { cell = row.cell, row = row.data }
    end
  end
  return json.encode(out) .. "\n"
end

--- Appends the numbers of a row to the columns' lists.
local function append(lists, names, row)
  for _, name in ipairs(names) do
    local list = lists[name]
    list[#list + 1] = type(row[name]) == "number" and row[name] or 0 / 0
  end
end

--- A cell's values and those of its row in one table; the row's come first.
local function flatten(row)
  return setmetatable(row.data, { __index = row.cell })
end

--- The NPZ bytes: a vector per CSV column, and the facts as a JSON text in bytes (`facts`).
function export.npz(f)
  local meta = f:meta()
  local lists, names = {}, export.columns
  local rows
  if meta.form ~= "map" then
    rows, names = flat_cells(f)
  end
  for _, name in ipairs(names) do
    lists[name] = {}
  end
  if rows then
    for _, row in ipairs(rows) do
      append(lists, names, flatten(row))
    end
  else
    for row in sound_rows(f) do
      append(lists, names, row)
    end
  end
  local arrays = { { name = "facts", bytes = json.encode(facts(meta)) } }
  for i, name in ipairs(names) do
    arrays[i + 1] = { name = name, values = lists[name] }
  end
  return npz.encode(arrays)
end

--- Opens a file for reading, and hands it to `body`; the file is closed before anything is written,
-- so that a reader who waits (for a pager, say) never holds up the writer.
function export.reading(path, body)
  local f <close> = file.open(path, "read")
  return body(f)
end

--- The text of an ending: "csv", "npz" or "json".
function export.text(path, ending)
  local form = export[ending]
  if ending ~= "csv" and ending ~= "npz" and ending ~= "json" then
    error(string.format("export: cannot write .%s: expected OUT.csv, OUT.npz or OUT.json", ending),
      0)
  end
  return export.reading(path, form)
end

--- Writes a file by its ending, beside and renamed, so that no half-written file is left.
function export.write(from, to)
  local text = export.text(from, to:match("%.(%w+)$") or "")
  local beside = to .. ".part"
  local f, message = io.open(beside, "wb")
  if not f then
    error("export: cannot write " .. message, 0)
  end
  local ok
  ok, message = f:write(text)
  if ok then
    ok, message = f:close()
  end
  if ok then
    ok, message = os.rename(beside, to)
  end
  if not ok then
    os.remove(beside)
    error(string.format("export: cannot write %s: %s", to, message), 0)
  end
end

return export
