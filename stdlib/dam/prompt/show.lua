--- How values look at the prompt: tables with limits of depth, width and number, arrays and other
--- objects by what they say of themselves, results of samples with their table.
local globals = require "dam.prompt.chunk".globals
local keywords = require "dam.prompt.tokens".keywords

local show = {}

local debug_getmetatable, getinfo, getlocal = debug.getmetatable, debug.getinfo, debug.getlocal
local byte, find, format = string.byte, string.find, string.format
local gsub, match, rep, sub = string.gsub, string.match, string.rep, string.sub
local concat, sort = table.concat, table.sort
local math_min, math_type, length_of = math.min, math.type, utf8.len
local ipairs, next, pcall, rawget, rawlen = ipairs, next, pcall, rawget, rawlen
local tostring, type = tostring, type

-- Entries shown of one table, of all tables within a value, and looked at for sorting.
local ENTRIES, ALL_ENTRIES, SORTED = 40, 120, 2000
local DEPTH = 4
local STRING = 200

-- More entries with keys than this share lines.
local MANY = 12

local function width(text)
  return length_of(text) or #text
end

local function quoted(s)
  local cut = #s > STRING and sub(s, 1, STRING)
  local text = gsub(gsub(format("%q", cut or s), "\\\n", "\\n"), "\\9", "\\t")
  if not length_of(text) then
    text = gsub(text, "[\x80-\xff]", function(c)
      return format("\\x%02x", byte(c))
    end)
  end
  return cut and text .. format("... (%d bytes)", #s) or text
end

local function is_word(key)
  return type(key) == "string" and not keywords[key] and find(key, "^[%a_][%w_]*$") ~= nil
end

--- Whether a value is called like a function, such as dam.options.
local function is_callable(v)
  local meta = type(v) == "table" and debug_getmetatable(v)
  return type(meta) == "table" and rawget(meta, "__call") ~= nil
end

-- Functions of the libraries by what they are called there, as this found them.
local library_names = {}
for _, module in ipairs { "_G", "string", "table", "math", "io", "os", "coroutine", "utf8", "debug",
  "dam" } do
  for name, value in next, rawget(globals, module) or {} do
    if (type(value) == "function" or is_callable(value)) and not library_names[value] then
      library_names[value] = module == "_G" and name or module .. "." .. name
    end
  end
end

--- A function by its name in a library, or by its parameters and, at length, where it was defined.
local function function_text(f, at_length)
  local info = getinfo(f, "Su")
  local name = library_names[f]
  if info.what == "C" or (name and not at_length) then
    return name and "function " .. name or tostring(f)
  end
  local parameters = {}
  for i = 1, info.nparams do
    parameters[i] = getlocal(f, i)
  end
  if info.isvararg then
    parameters[#parameters + 1] = "..."
  end
  local text = format("function %s(%s)", name or "", concat(parameters, ", "))
  return at_length and format("%s, %s:%d", text, info.short_src, info.linedefined) or text
end

local function has_tostring(v)
  local meta = debug_getmetatable(v)
  return type(meta) == "table" and rawget(meta, "__tostring") ~= nil
end

--- A value in one line, its own tables aside.
local function atom(v)
  local kind = type(v)
  if kind == "string" then
    return quoted(v)
  elseif kind == "function" then
    return function_text(v)
  elseif kind == "userdata" or kind == "table" then
    local text = tostring(v)
    local line = match(text, "^[^\n]*")
    return #line < #text and gsub(line, "%s+$", "") .. " ..." or line
  end
  return tostring(v)
end

local RANK = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local ta, tb = type(a), type(b)
  if ta == tb and (ta == "number" or ta == "string") then
    return a < b
  elseif ta ~= tb then
    return (RANK[ta] or 4) < (RANK[tb] or 4)
  end
  return tostring(a) < tostring(b)
end

--- The entries of a table: the list at its front, then other keys in order; how many are left out,
--- nil where counting them all would take long.
local function entries(t)
  local list, keys, n = {}, {}, 0
  while n < ENTRIES and rawget(t, n + 1) ~= nil do
    n = n + 1
    list[n] = { nil, rawget(t, n) }
  end
  local length = n == ENTRIES and rawlen(t) or n
  local key, looked = nil, 0
  repeat
    key = next(t, key)
    looked = looked + 1
    local in_list = math_type(key) == "integer" and key >= 1 and key <= length
    if key ~= nil and not in_list then
      keys[#keys + 1] = key
    end
  until key == nil or #keys > SORTED or looked > length + 50 * SORTED
  sort(keys, before)
  local shown = math_min(#keys, ENTRIES)
  for i = 1, shown do
    list[n + i] = { keys[i], rawget(t, keys[i]), true }
  end
  return list, length - n, key == nil and #keys - shown or nil
end

local render

local function key_text(key)
  if is_word(key) then
    return key .. " = "
  end
  return "[" .. (type(key) == "string" and quoted(key) or atom(key)) .. "] = "
end

--- Parts of a block as lines that fill the width: short ones share a line.
local function fill(parts, indent, columns)
  local lines, line = {}, nil
  for _, part in ipairs(parts) do
    local text = part .. ","
    if line and not find(text, "\n", 1, true) and width(line) + 1 + width(text) <= columns then
      line = line .. " " .. text
    else
      lines[#lines + 1] = line
      line = indent .. text
      if find(text, "\n", 1, true) then
        lines[#lines + 1] = line
        line = nil
      end
    end
  end
  lines[#lines + 1] = line
  return concat(lines, "\n")
end

--- The list and the other entries as texts, and whether each is of one line.
local function entry_texts(t, state, depth)
  local list, list_rest, rest = entries(t)
  state.left = state.left - #list
  local front, keyed, short = {}, {}, true
  for _, e in ipairs(list) do
    local prefix = e[3] and key_text(e[1]) or ""
    local text = prefix .. render(e[2], state, depth + 1, state.columns - 2 * depth - #prefix - 1)
    local parts = e[3] and keyed or front
    parts[#parts + 1] = text
    short = short and not find(text, "\n", 1, true)
  end
  if list_rest > 0 then
    front[#front + 1] = format("... %d more", list_rest)
  end
  if rest ~= 0 then
    keyed[#keyed + 1] = rest and format("... %d more", rest) or "... and more"
  end
  return front, keyed, short
end

local function table_text(t, state, depth, columns)
  if state.path[t] then
    return "<cycle>"
  elseif next(t) == nil then
    return "{}"
  elseif depth > DEPTH or state.left <= 0 then
    return "{...}"
  end
  state.path[t] = true
  local front, keyed, short = entry_texts(t, state, depth)
  state.path[t] = nil
  local both = #front > 0 and #keyed > 0
  local line = "{ " .. concat(front, ", ") .. (both and ", " or "") .. concat(keyed, ", ") .. " }"
  if short and width(line) <= columns then
    return line
  end
  local indent = rep("  ", depth)
  local body = #front > 0 and fill(front, indent, state.columns) .. "\n" or ""
  if #keyed > MANY then
    body = body .. fill(keyed, indent, state.columns) .. "\n"
  elseif #keyed > 0 then
    body = body .. indent .. concat(keyed, ",\n" .. indent) .. "\n"
  end
  return "{\n" .. gsub(body, ",\n$", "\n") .. rep("  ", depth - 1) .. "}"
end

function render(v, state, depth, columns)
  if type(v) == "table" and library_names[v] then
    return "function " .. library_names[v]
  elseif type(v) == "table" and not has_tostring(v) then
    return table_text(v, state, depth, columns)
  end
  return atom(v)
end

--- The text of a value.
-- @function show.text
-- @param v any value; strings, and what has a __tostring, as `print` shows them
-- @tparam[opt=79] integer columns of the terminal
-- @treturn string
-- @usage print(require "dam.prompt.show".text { 1, 2, x = { "a" } })
function show.text(v, columns)
  columns = columns or 79
  local kind = type(v)
  if kind == "table" and not has_tostring(v) then
    return table_text(v, { path = {}, left = ALL_ENTRIES, columns = columns }, 1, columns)
  elseif kind == "function" then
    return function_text(v, true)
  end
  local text = tostring(v)
  local meta = kind == "userdata" and debug_getmetatable(v)
  if meta and (meta.__name == "dam.result" or meta.__name == "dam.descent") then
    local ok, rows = pcall(function()
      return tostring(v:table())
    end)
    if ok then
      text = text .. "\n" .. rows
    end
  end
  return text
end

--- The results of a line: short ones side by side as `print` does, others one below the other.
-- @function show.line
-- @tparam table values
-- @tparam integer n how many
-- @tparam[opt=79] integer columns
-- @treturn string
-- @usage print(require "dam.prompt.show".line({ 1, "two" }, 2))
function show.line(values, n, columns)
  local parts, several = {}, false
  for i = 1, n do
    parts[i] = show.text(values[i], columns)
    several = several or find(parts[i], "\n", 1, true)
  end
  return concat(parts, several and "\n" or "\t")
end

return show
