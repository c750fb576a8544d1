--- The script that runs and the modules of its own that it required: what a result file keeps of
-- them, so that it can be computed again elsewhere.
local core = require "dam.core"

local modules = {}

local BUILT_IN = { _G = true, package = true, coroutine = true, table = true, io = true, os = true,
  string = true, math = true, utf8 = true, debug = true, dam = true }

--- The path of the script; nil at a prompt and in a program that has none.
function modules.script()
  local arg = rawget(core.sharing.environment(), "arg")
  if type(arg) == "table" and arg[-1] and type(arg[0]) == "string" then
    return arg[0] -- without a script arg[0] is the program itself
  end
end

--- The script's arguments.
function modules.arguments()
  local arg = rawget(core.sharing.environment(), "arg")
  return type(arg) == "table" and table.move(arg, 1, #arg, 1, {}) or {}
end

--- "a/b" of "a/b/c.lua"; "." when there is none.
function modules.folder(path)
  return path:match "^(.*)/[^/]*$" or "."
end

--- The text of a file; nil where there is none or it may not be read.
local function read(path)
  local ok, f = pcall(io.open, path, "rb")
  if not ok or not f then
    return nil
  end
  local text = f:read "a"
  f:close()
  return text
end

--- The first file of the templates that there is: its path and text.
local function find(name, templates)
  local part = name:gsub("%.", "/")
  for template in templates:gmatch "[^;]+" do
    local path = template:gsub("%?", (part:gsub("%%", "%%%%")))
    local text = read(path)
    if text then
      return path, text
    end
  end
end

local function text_of(value)
  return type(value) == "string" and value or ""
end

--- `path` as seen from `folder`; nil when it is not below it.
local function relative(path, folder)
  local whole, base = core.sharing.absolute(path), core.sharing.absolute(folder)
  if whole and base and whole:sub(1, #base + 1) == base .. "/" then
    return whole:sub(#base + 2)
  end
end

--- Modules that were loaded from files: list of { name, path, inside, text }; `inside` is the path
-- from the script's folder, for those below it; C modules have no text; nil when there are none.
-- Found again as `require` finds them: beside the script, then by LUA_PATH.
function modules.required()
  local script = modules.script()
  local package = rawget(core.sharing.environment(), "package")
  if not script or type(package) ~= "table" or type(package.loaded) ~= "table" then
    return nil
  end
  local folder = modules.folder(script)
  local beside = script:find "/" and folder or "."
  local lua = ("%s/?.lua;%s/?/init.lua;"):format(beside, beside) .. text_of(package.path)
  local list = {}
  for name in next, package.loaded do
    if type(name) == "string" and not BUILT_IN[name] and not core.sharing.embedded(name)
      and name ~= "dam.core" then
      local path, text = find(name, lua)
      if path then
        list[#list + 1] = { name = name, path = path, inside = relative(path, beside),
          text = text }
      else
        path = find(name, text_of(package.cpath))
        list[#list + 1] = path and { name = name, path = path } or nil
      end
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return #list > 0 and list or nil
end

return modules
