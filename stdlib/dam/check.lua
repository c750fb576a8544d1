--- Checks shared by the modules of the standard library: the same manners, and the same wording, as
--- the bindings' own. Messages name the function, the option, the value found and what is allowed.
local check = {}

local function fold(word)
  return (tostring(word):lower():gsub("[_-]", ""))
end

--- Edit distance with transpositions of neighbours.
local function distance(a, b)
  local d = {}
  for i = 0, #a do
    d[i] = { [0] = i }
  end
  for j = 0, #b do
    d[0][j] = j
  end
  for i = 1, #a do
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + same)
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, d[i - 2][j - 2] + 1)
      end
      d[i][j] = best
    end
  end
  return d[#a][#b]
end

--- The member of a list of names that a word most likely meant.
-- @function check.nearest
-- @tparam string word what was written
-- @tparam table candidates list of names
-- @treturn string|nil the name; nil when none is near (one edit in a short word, two in a longer)
-- @usage print(require "dam.check".nearest("sede", { "seed", "quick" }))
function check.nearest(word, candidates)
  local a, best = fold(word), nil
  local limit = #a <= 3 and 1 or 2
  for _, name in ipairs(candidates) do
    local b = fold(name)
    local d = math.abs(#a - #b) <= limit and distance(a, b) or limit + 1
    if d <= limit then
      best, limit = name, d - 1
    elseif not best and #a >= 3 and b:sub(1, #a) == a then
      best = name
    end
  end
  return best
end

--- "'sede'; did you mean 'seed'? (options: quick, seed)" for a name that is not in a list.
-- @function check.unknown
-- @tparam string word what was written
-- @tparam table candidates list of names
-- @tparam string what what the names are, such as "options"
-- @treturn string
-- @usage print(require "dam.check".unknown("sede", { "seed", "quick" }, "options"))
function check.unknown(word, candidates, what)
  local near = check.nearest(word, candidates)
  local hint = near and ("; did you mean '%s'?"):format(near) or ""
  return ("'%s'%s (%s: %s)"):format(word, hint, what, table.concat(candidates, ", "))
end

--- What users recognise of a value.
-- @function check.show
-- @param v any value
-- @treturn string
-- @usage print(require "dam.check".show("x"))
function check.show(v)
  if type(v) == "string" then
    return '"' .. v .. '"'
  elseif type(v) == "table" or type(v) == "userdata" or type(v) == "function" then
    local meta = getmetatable(v)
    local name = type(meta) == "table" and rawget(meta, "__name")
    return "(" .. (type(name) == "string" and name or type(v)) .. ")"
  end
  return tostring(v)
end

--- The level at which an error names the first caller outside the standard library.
local function user_level()
  local level = 2
  while true do
    local info = debug.getinfo(level, "S")
    if not info then
      return nil -- a verb: nobody's line is to blame
    end
    if info.what ~= "C" and not info.source:find("^@stdlib/") then
      return level
    end
    level = level + 1
  end
end

--- Raises an error at the place where the user called the standard library.
-- @function check.raise
-- @tparam string format as for string.format
-- @param ... its values
-- @raise always
-- @usage print(pcall(require "dam.check".raise, "no %s", "way"))
function check.raise(format, ...)
  local level = user_level()
  error(format:format(...), level and level - 1 or 0)
end

--- Raises "WHERE: KEY = VALUE is not allowed: expected EXPECTED".
-- @function check.argument
-- @tparam string where the function, such as "dam.plot"
-- @tparam string key the option's name
-- @param value what was found
-- @tparam string expected what is allowed
-- @raise always
-- @usage print(pcall(require "dam.check".argument, "dam.plot", "size", 3, "two numbers"))
function check.argument(where, key, value, expected)
  check.raise("%s: %s = %s is not allowed: expected %s", where, key, check.show(value), expected)
end

--- Checks the keys of a table of options.
-- @function check.options
-- @tparam string where the function, such as "dam.plot"
-- @tparam table options what the user gave
-- @tparam table allowed list of the option names
-- @raise on another type and on unknown keys, with the nearest spelling
-- @usage require "dam.check".options("dam.plot", { file = "x.png" }, { "file", "title" })
function check.options(where, options, allowed)
  if type(options) ~= "table" then
    check.raise("%s: expected one table of options, got %s", where, type(options))
  end
  local known = {}
  for _, name in ipairs(allowed) do
    known[name] = true
  end
  for key in pairs(options) do
    if type(key) ~= "string" then
      check.raise("%s: options are written key = value; found a value without a key", where)
    elseif not known[key] then
      check.raise("%s: unknown option %s", where, check.unknown(key, allowed, "options"))
    end
  end
end

--- A list of numbers from a table or a one-dimensional array.
-- @function check.numbers
-- @tparam string where the function
-- @tparam string key the name of the value
-- @tparam table|array value numbers; NaN and infinities are allowed
-- @treturn table a new list
-- @raise on anything else
-- @usage print(#require "dam.check".numbers("dam.plot", "x", { 1, 2, 3 }))
function check.numbers(where, key, value)
  if type(value) == "userdata" then
    local meta = getmetatable(value)
    if type(meta) ~= "table" or meta.__name ~= "dam.array" or #value.shape ~= 1 then
      check.argument(where, key, value, "a list of numbers or a one-dimensional array")
    end
    return value:totable()
  elseif type(value) ~= "table" then
    check.argument(where, key, value, "a list of numbers or a one-dimensional array")
  end
  local list = {}
  for i = 1, #value do
    if type(value[i]) ~= "number" then
      check.argument(where, ("%s[%d]"):format(key, i), value[i], "a number")
    end
    list[i] = value[i]
  end
  return list
end

return check
