--- Checks of a sweep's options, beyond what dam.check has.
local basic = require "dam.check"

local check = { fail = basic.raise, refuse = basic.argument, keys = basic.options }

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
