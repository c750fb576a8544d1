--- Numbers with errors, and tables that align: how results look on a terminal and in a CSV file.
local check = require "dam.check"

local format = {}

-- Beyond these the value and its error share a power of ten.
local FIXED_FROM, FIXED_TO = 1e-4, 1e7

-- A double has no more digits than this.
local DIGITS = 16

local function plain(v, spec)
  if v ~= v then
    return "nan"
  elseif v == math.huge or v == -math.huge then
    return v > 0 and "inf" or "-inf"
  end
  return (spec or "%.6g"):format(v)
end

--- The power of ten of x > 0 once it is rounded to two digits.
local function exponent(x)
  return tonumber(("%.1e"):format(x):match("e(.*)$"))
end

--- v and err with `decimals` digits after the point; negative: rounded before the point.
local function fixed(v, err, decimals)
  local unit = 10.0 ^ -decimals
  if decimals < 0 then
    local function round(x)
      return ("%.0f"):format(tonumber(("%.0f"):format(x / unit)) * unit)
    end
    return round(v), round(err)
  end
  local digits = ("%%.%df"):format(decimals)
  local e = digits:format(err)
  if tonumber(e) < 1 then
    e = ("%.0f"):format(err / unit) -- 0.00072 is written as 72
  end
  return digits:format(v), e
end

--- A value with its error in parentheses, the error's two leading digits kept: the digits in
--- parentheses count in the last place of the value; an error of 1 or more keeps its point.
-- @function format.pm
-- @tparam number v the value
-- @tparam[opt] number err its standard error, >= 0. 0 is exact and gives "(0)"; NaN or infinite:
--  not known, the value is shown with six digits; nil: the value alone
-- @treturn string
-- @raise on values that are no numbers and negative errors
-- @usage print(dam.format.pm(0.31498, 0.00072)) --> 0.31498(72)
function format.pm(v, err)
  if type(v) ~= "number" then
    check.argument("format.pm", "v", v, "a number")
  elseif err ~= nil and (type(err) ~= "number" or err < 0) then
    check.argument("format.pm", "err", err, "a number >= 0 or nil")
  end
  if err == nil or v ~= v or v == math.huge or v == -math.huge then
    return plain(v)
  elseif err ~= err or err == math.huge then
    return plain(v) .. "(" .. plain(err) .. ")"
  elseif err == 0 then
    return plain(v, "%.14g") .. "(0)"
  end
  local size = math.max(math.abs(v), err)
  local power = exponent(size)
  local decimals = math.min(1 - exponent(err), DIGITS - power)
  local suffix = ""
  if size < FIXED_FROM or size >= FIXED_TO then
    local scale = 10.0 ^ math.abs(power)
    if scale == math.huge then -- next to the ends of the range of doubles
      return ("%.6g(%.2g)"):format(v, err)
    end
    v, err = power > 0 and v / scale or v * scale, power > 0 and err / scale or err * scale
    decimals, suffix = decimals + power, ("e%d"):format(power)
  end
  local digits, e = fixed(v, err, decimals)
  if tonumber(digits) == 0 then
    digits = digits:gsub("^-", "")
  end
  return digits .. "(" .. e .. ")" .. suffix
end

local Table = {}

local function cell_text(row, column)
  local v = row[column.name]
  if v == nil then
    return ""
  elseif type(v) ~= "number" then
    return tostring(v)
  elseif column.err and type(row[column.err]) == "number" then
    return format.pm(v, row[column.err])
  elseif math.type(v) == "integer" and not column.format then
    return ("%d"):format(v)
  end
  return plain(v, column.format)
end

--- The width on a terminal: characters of UTF-8, not bytes.
local function width(text)
  return utf8.len(text) or #text
end

local function is_text(rows, column)
  for _, row in ipairs(rows) do
    if type(row[column.name]) == "string" then
      return true
    end
  end
  return false
end

local function column_lines(rows, column)
  local title = column.title or (column.err and column.name .. "(" .. column.err .. ")")
    or column.name
  local lines, widest, left = { title }, width(title), is_text(rows, column)
  for i, row in ipairs(rows) do
    lines[i + 1] = cell_text(row, column)
    widest = math.max(widest, width(lines[i + 1]))
  end
  for i, text in ipairs(lines) do
    local pad = (" "):rep(widest - width(text))
    lines[i] = left and text .. pad or pad .. text
  end
  return lines
end

local function to_text(self)
  local columns, lines = {}, {}
  for i, column in ipairs(Table.shown(self)) do
    columns[i] = column_lines(self, column)
  end
  for l = 1, #self + 1 do
    local parts = {}
    for i, column in ipairs(columns) do
      parts[i] = column[l]
    end
    lines[l] = (table.concat(parts, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

-- The columns of each table object, out of the way of its rows.
local columns_of = setmetatable({}, { __mode = "k" })

function Table.shown(self)
  return columns_of[self]
end

--- Every column by name, errors after their values.
local function all_names(self)
  local names = {}
  for _, column in ipairs(columns_of[self]) do
    names[#names + 1] = column.name
    names[#names + 1] = column.err
  end
  return names
end

local function csv_cell(v)
  if v == nil then
    return ""
  elseif math.type(v) == "integer" then
    return ("%d"):format(v)
  elseif type(v) == "number" then
    return plain(v, "%.17g")
  end
  v = tostring(v)
  return v:find('[,"\r\n]') and '"' .. v:gsub('"', '""') .. '"' or v
end

--- The table as CSV text: a line of names, then the rows; numbers with %.17g, so that they read
--- back exactly; missing values are empty.
-- @function table:csv
-- @treturn string
-- @usage print(dam.format.table({ { T = 0.1, phi = 0.95 } }, { "T", "phi" }):csv())
function Table.csv(self)
  local names = all_names(self)
  local lines = { table.concat(names, ",") }
  for i, row in ipairs(self) do
    local cells = {}
    for j, name in ipairs(names) do
      cells[j] = csv_cell(row[name])
    end
    lines[i + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

--- One column as a list; NaN where a row has no number.
-- @function table:column
-- @tparam string name the column's name
-- @treturn table list of numbers, one per row
-- @raise on unknown names
-- @usage x = dam.format.table({ { T = 0.1 }, { T = 0.2 } }, { "T" }):column "T"
function Table.column(self, name)
  local names, known = all_names(self), false
  for _, n in ipairs(names) do
    known = known or n == name
  end
  if not known then
    check.raise("table:column: no column %s", check.unknown(tostring(name), names, "columns"))
  end
  local list = {}
  for i, row in ipairs(self) do
    list[i] = type(row[name]) == "number" and row[name] or 0 / 0
  end
  return list
end

local methods = { csv = Table.csv, column = Table.column }
--- Rows that print as an aligned table: result:table(), descent:table() and format.table make them.
--- `t[i].phi` is a value.
-- @type table
-- @usage t = dam.format.table({ { T = 0.1, phi = 0.95 } }, { "T", "phi" })
-- print(t, t[1].phi)
local Table_meta = { __name = "dam.table", __tostring = to_text, __index = methods }

local function read_column(column, i)
  if type(column) == "string" then
    return { name = column }
  end
  local where = ("format.table: column %d"):format(i)
  check.options(where, column, { "name", "err", "format", "title" })
  if type(column.name) ~= "string" then
    check.argument(where, "name", column.name, "a string")
  end
  return { name = column.name, err = column.err, format = column.format, title = column.title }
end

--- A table of results that prints aligned.
-- @function format.table
-- @tparam table rows list of rows, each a table from column name to number or string
-- @tparam table columns list of names, or of tables of the following
-- @tparam string columns.name the column's name
-- @tparam[opt] string columns.err the column of its standard errors, which the text merges as
--  0.31498(72) and CSV keeps apart
-- @tparam[opt="%.6g"] string columns.format for string.format
-- @tparam[opt] string columns.title what the text calls the column
-- @treturn table list of the same rows, which prints aligned (help "csv", help "column")
-- @raise on rows and columns of another form
-- @usage print(dam.format.table({ { T = 0.1, phi = 0.95, e = 0.01 } },
--   { "T", { name = "phi", err = "e" } }))
function format.table(rows, columns)
  if type(rows) ~= "table" then
    check.argument("format.table", "rows", rows, "a list of rows")
  elseif type(columns) ~= "table" or #columns == 0 then
    check.argument("format.table", "columns", columns, "a list of columns")
  end
  local self, list = {}, {}
  for i, row in ipairs(rows) do
    if type(row) ~= "table" then
      check.argument("format.table", ("rows[%d]"):format(i), row, "a table")
    end
    self[i] = row
  end
  for i, column in ipairs(columns) do
    list[i] = read_column(column, i)
  end
  columns_of[self] = list
  return setmetatable(self, Table_meta)
end

return format
