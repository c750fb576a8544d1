--- "did you mean": the name that a misspelt global, field or method most likely meant. Used where
--- an error is reported, so it reads tables raw and never raises on purpose.
local check = require "dam.check"
local chunk = require "dam.prompt.chunk"
local tokens = require "dam.prompt.tokens"

local suggest = {}

local MOST = 5000

local function names_of(t, list)
  local depth = 0
  while type(t) == "table" and depth < 5 do
    for key in next, t do
      if type(key) == "string" and #list < MOST then
        list[#list + 1] = key
      end
    end
    local meta = debug.getmetatable(t)
    t, depth = type(meta) == "table" and rawget(meta, "__index"), depth + 1
  end
  table.sort(list)
  return list
end

--- The global that a name most likely meant.
-- @function suggest.global
-- @tparam string name
-- @tparam[opt] table more other names that may be meant
-- @treturn string|nil
-- @usage print(require "dam.prompt.suggest".global "prnt")
function suggest.global(name, more)
  return #name > 1 and check.nearest(name, names_of(chunk.globals, more or {})) or nil
end

--- A variable as the function at a level of the stack sees it.
local function variable(level, name)
  local found, i = nil, 1
  while true do
    local n, v = debug.getlocal(level + 1, i)
    if not n then
      break
    elseif n == name then
      found = v
    end
    i = i + 1
  end
  if found ~= nil then
    return found
  end
  local f = debug.getinfo(level + 1, "f").func
  for k = 1, 255 do
    local n, v = debug.getupvalue(f, k)
    if n == name then
      return v
    elseif not n then
      break
    end
  end
  return rawget(chunk.globals, name)
end

--- Line `number` of what a chunk was made from.
local function source_line(info)
  local lines
  if info.source:sub(1, 1) == "@" then
    local f = io.open(info.source:sub(2), "r")
    lines = f and f:read("a") or ""
    if f then
      f:close()
    end
  else
    lines = info.source == "=stdin" and chunk.typed or ""
  end
  local n = 0
  for line in (lines .. "\n"):gmatch "(.-)\n" do
    n = n + 1
    if n == info.currentline then
      return line
    end
  end
  return ""
end

--- The table in which a line looks a field up.
local function owner(line, name, level)
  local list = tokens.scan(line)
  for i, t in ipairs(list) do
    local mark = list[i - 1]
    if t.kind == "name" and t.text == name and mark and (mark.text == "." or mark.text == ":") then
      local names = tokens.chain(list, i - 2)
      local v = names and variable(level + 1, names[1][1])
      for k = 2, names and #names or 0 do
        v = type(v) == "table" and rawget(v, names[k][1]) or nil
      end
      if type(v) == "string" then
        v = string
      end
      if type(v) == "table" then
        return v
      end
    end
  end
end

--- What to add to an error message about a nil value: "; did you mean 'x'?" or nothing.
-- @function suggest.message
-- @tparam string message the error's
-- @tparam integer level of the function that raised it
-- @treturn string
-- @usage print(require "dam.prompt.suggest".message("a nil value (global 'prnt')", 1))
function suggest.message(message, level)
  local kind, name = message:match("a nil value %((%a+) '([%a_][%w_]*)'%)$")
  local near
  if kind == "global" then
    near = suggest.global(name)
  elseif kind == "field" or kind == "method" then
    local info = debug.getinfo(level + 1, "Sl")
    local t = info and owner(source_line(info), name, level + 1)
    near = t and check.nearest(name, names_of(t, {}))
  end
  return near and ("; did you mean '%s'?"):format(near) or ""
end

return suggest
