--- JSON as results need it: keys sorted and numbers exact, so that equal values give equal texts.
-- Numbers that JSON lacks are written NaN, Infinity and -Infinity, as Python reads and writes them.
local json = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(s)
  return '"' .. s:gsub('[%c"\\]', function(c)
    return escapes[c] or string.format("\\u%04x", c:byte())
  end) .. '"'
end

--- The shortest text that reads back as the same number; a float keeps a point or an exponent.
-- @function json.number
-- @tparam number v
-- @treturn string
-- @usage json = require "dam.json"; assert(json.number(0.1) == "0.1")
function json.number(v)
  if math.type(v) == "integer" then
    return tostring(v)
  elseif v ~= v then
    return "NaN"
  elseif v == math.huge or v == -math.huge then
    return v > 0 and "Infinity" or "-Infinity"
  end
  for digits = 6, 17 do
    local text = string.format("%." .. digits .. "g", v)
    if tonumber(text) == v then
      return text:find("[.e]") and text or text .. ".0"
    end
  end
end

local encode

local function encode_table(t, seen)
  if seen[t] then
    error("json.encode: a table contains itself", 0)
  end
  seen[t] = true
  local parts, n = {}, #t
  local keys = {}
  for key in pairs(t) do
    if type(key) == "string" then
      keys[#keys + 1] = key
    elseif not (math.type(key) == "integer" and key >= 1 and key <= n) then
      error("json.encode: a table with a key of type " .. type(key), 0)
    end
  end
  if n > 0 and #keys > 0 then
    error("json.encode: a table with both a list and named values", 0)
  end
  for i = 1, n do
    parts[i] = encode(t[i], seen)
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    parts[i] = quote(key) .. ":" .. encode(t[key], seen)
  end
  seen[t] = nil
  return (n > 0 and "[%s]" or "{%s}"):gsub("%%s", function()
    return table.concat(parts, ",")
  end)
end

function encode(v, seen)
  local kind = type(v)
  if kind == "number" then
    return json.number(v)
  elseif kind == "string" then
    return quote(v)
  elseif kind == "boolean" or kind == "nil" then
    return kind == "nil" and "null" or tostring(v)
  elseif kind == "table" then
    return (encode_table(v, seen))
  end
  error("json.encode: a value of type " .. kind, 0)
end

--- The text of a value: numbers, strings, booleans, lists, and tables with string keys (sorted).
-- @function json.encode
-- @param v any of these
-- @treturn string
-- @raise on functions, userdata, other keys and tables that contain themselves
-- @usage json = require "dam.json"; assert(json.encode{ b = 1, a = {2.5} } == '{"a":[2.5],"b":1}')
function json.encode(v)
  return encode(v, {})
end

local constants = {
  { "true", true },
  { "false", false },
  { "null", nil },
  { "NaN", 0 / 0 },
  { "Infinity", math.huge },
  { "-Infinity", -math.huge },
}

local function fail(text, at, wanted)
  error(string.format("json.decode: expected %s at position %d of %q", wanted, at,
    text:sub(1, 60)), 0)
end

local unescapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function decode_string(text, at)
  local parts = {}
  local i = at + 1
  while true do
    local from, to = text:find('[\\"]', i)
    if not from then
      fail(text, at, 'a closing "')
    end
    parts[#parts + 1] = text:sub(i, from - 1)
    if text:sub(from, from) == '"' then
      return table.concat(parts), to + 1
    end
    local c = text:sub(to + 1, to + 1)
    if c == "u" then
      local code = tonumber(text:sub(to + 2, to + 5), 16)
      parts[#parts + 1] = code and utf8.char(code) or fail(text, to, "four hex digits")
      i = to + 6
    else
      parts[#parts + 1] = unescapes[c] or c
      i = to + 2
    end
  end
end

local decode

local function decode_list(text, at)
  local list = {}
  local i = text:find("%S", at + 1) or fail(text, at, "]")
  while text:sub(i, i) ~= "]" do
    list[#list + 1], i = decode(text, i)
    local stop
    stop, i = text:match("^%s*([],])%s*()", i)
    if not stop then
      fail(text, at, "] or ,")
    elseif stop == "]" then
      return list, i
    end
  end
  return list, i + 1
end

local function decode_object(text, at)
  local object = {}
  local i = text:find("%S", at + 1) or fail(text, at, "}")
  while text:sub(i, i) ~= "}" do
    local key
    key, i = decode_string(text, i)
    i = text:match("^%s*:%s*()", i) or fail(text, i, ":")
    object[key], i = decode(text, i)
    local stop
    stop, i = text:match("^%s*([},])%s*()", i)
    if not stop then
      fail(text, at, "} or ,")
    elseif stop == "}" then
      return object, i
    end
  end
  return object, i + 1
end

function decode(text, at)
  at = text:find("%S", at) or fail(text, at, "a value")
  local c = text:sub(at, at)
  if c == "{" then
    return decode_object(text, at)
  elseif c == "[" then
    return decode_list(text, at)
  elseif c == '"' then
    return decode_string(text, at)
  end
  for _, constant in ipairs(constants) do
    if text:sub(at, at + #constant[1] - 1) == constant[1] then
      return constant[2], at + #constant[1]
    end
  end
  local number, stop = text:match("^(%-?%d+%.?%d*[eE]?[-+]?%d*)()", at)
  return tonumber(number) or fail(text, at, "a value"), stop
end

--- The value of a text; null in a list or table leaves nothing.
-- @function json.decode
-- @tparam string text
-- @raise where the text is not JSON
-- @usage json = require "dam.json"; assert(json.decode('{"a":[1,2.5]}').a[2] == 2.5)
function json.decode(text)
  local value, stop = decode(text, 1)
  if text:find("%S", stop) then
    fail(text, stop, "the end")
  end
  return value
end

return json
