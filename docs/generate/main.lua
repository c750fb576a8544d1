--- Makes what is made from the docstrings: main.lua KIND OUT FILE...
---   data         OUT is the Lua module that help() reads
---   reference    OUT is the folder of the reference pages
---   annotations  OUT is the file of annotations for the Lua language server
--- Files are rewritten only where they change.
local here = arg[0]:match "^(.*/)" or "./"
package.path = here .. "?.lua;" .. package.path

local function write(path, text)
  local f = io.open(path, "rb")
  local old = f and f:read "a"
  if f then
    f:close()
  end
  if old ~= text then
    f = assert(io.open(path, "wb"))
    f:write(text)
    f:close()
  end
end

local kind, out = arg[1], arg[2]
local paths = table.move(arg, 3, #arg, 1, {})
table.sort(paths)
local entries = require "entries" (paths)
if kind == "data" then
  write(out, require "data" (entries))
elseif kind == "annotations" then
  write(out, require "annotations" (entries))
else
  local pages = require "reference" (entries)
  for name, text in pairs(pages) do
    write(out .. "/" .. name, text)
  end
  local list <close> = assert(io.popen(("ls '%s'"):format(out)))
  for name in list:lines() do -- pages of what is no longer there
    if name:find "%.md$" and not pages[name] then
      os.remove(out .. "/" .. name)
    end
  end
end
