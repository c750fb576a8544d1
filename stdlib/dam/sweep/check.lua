--- Checks of a sweep's options; the errors point at the line of the user's script.
local core = require "dam.core"

local check = {}

--- Raises `format` filled in, at the first line outside the standard library.
function check.fail(format, ...)
  local message = select("#", ...) > 0 and string.format(format, ...) or format
  local getinfo = debug and debug.getinfo
  for level = 2, 40 do
    local frame = getinfo and getinfo(level, "Sl")
    if not frame then
      break
    elseif frame.currentline > 0 and frame.source:sub(1, 8) ~= "@stdlib/" then
      error(string.format("%s:%d: %s", frame.short_src, frame.currentline, message), 0)
    end
  end
  error(message, 0)
end

--- A value as an error message shows it.
function check.show(value)
  if type(value) == "string" then
    return string.format("%q", value)
  elseif type(value) == "number" then
    return string.format(math.type(value) == "integer" and "%d" or "%.14g", value)
  elseif type(value) == "table" then
    return "(a table)"
  end
  return tostring(value)
end

function check.refuse(where, key, value, expected)
  check.fail("%s: %s = %s is not allowed: expected %s", where, key, check.show(value), expected)
end

function check.keys(where, options, keys)
  local ok, message = pcall(core.store.check_keys, where, options, keys)
  if not ok then
    check.fail("%s", (tostring(message):gsub("^[^\n]-:%d+: ", "")))
  end
end

--- A finite number that `allowed` (a function, optional) accepts; `fallback` when absent.
function check.number(where, options, key, fallback, expected, allowed)
  local value = options[key]
  if value == nil and fallback ~= nil then
    return fallback
  elseif value == nil then
    check.fail("%s: option '%s' is missing: expected %s", where, key, expected)
  end
  if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge
      or (allowed and not allowed(value)) then
    check.refuse(where, key, value, expected)
  end
  return value
end

function check.integer(where, options, key, fallback, least, expected)
  local value = check.number(where, options, key, fallback, expected, function(v)
    return math.tointeger(v) and v >= least
  end)
  return value and math.tointeger(value)
end

--- A number, a table or a dam.array as a sorted list of different floats.
function check.list(where, key, value, expected, allowed)
  local list, seen = {}, {}
  if type(value) == "number" then
    value = { value }
  elseif type(value) == "userdata" then
    local ok, values = pcall(function()
      return value:totable()
    end)
    value = ok and values or check.refuse(where, key, value, expected)
  end
  if type(value) ~= "table" or #value == 0 then
    check.refuse(where, key, value, expected)
  end
  for i = 1, #value do
    local v = value[i]
    if type(v) ~= "number" or v ~= v or math.abs(v) == math.huge or not allowed(v) then
      check.refuse(where, string.format("%s[%d]", key, i), v, expected)
    end
    v = v + 0.0
    if not seen[v] then
      seen[v] = true
      list[#list + 1] = v
    end
  end
  table.sort(list)
  return list
end

--- Bytes, as a number or a text like "8G".
function check.bytes(where, key, value)
  local units = { [""] = 1, K = 2 ^ 10, M = 2 ^ 20, G = 2 ^ 30, T = 2 ^ 40 }
  local number, unit
  if type(value) == "string" then
    number, unit = value:match("^(%d+%.?%d*)([KMGT]?)i?B?$")
  elseif type(value) == "number" then
    number, unit = value, ""
  end
  number = tonumber(number)
  if not number or number < 1 or number == math.huge then
    check.refuse(where, key, value, 'bytes, such as 2e9 or "2G"')
  end
  return number * units[unit]
end

return check
