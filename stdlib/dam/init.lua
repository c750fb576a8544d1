--- The module `dam`: the C core with the standard library over it. Reading a name that it does not
--- have is an error with the nearest spelling; to probe, use rawget(dam, name).
-- @module dam
-- @tfield string version such as "0.1.0"
-- @tfield table config what command line and environment ask for
-- @tfield string config.device as --device
-- @tfield integer config.threads as --threads; one per core when nothing was asked
-- @tfield boolean config.quiet --quiet
-- @tfield boolean config.dry_run --dry-run
-- @tfield boolean config.fresh --fresh
-- @tfield[opt] integer[] config.shard {i, n} of --shard i/n
-- @tfield table build how this binary was made
-- @tfield string build.type such as "release"
-- @tfield string build.compiler its name and version
-- @tfield string build.flags flags of the compiler
-- @tfield string build.glibc oldest C library that it runs with
-- @tfield table build.libraries version by name of library
-- @usage print(dam.version, dam.build.type, dam.config.threads)
local core = require "dam.core"
local check = require "dam.check"

local dam = {}

-- What the core hands to the standard library only.
local internal = { result_methods = true, descent_methods = true, store = true, tools = true,
  sharing = true, flight = true }

for name, value in pairs(core) do
  if not internal[name] then
    dam[name] = value
  end
end

dam.format = require "dam.format"
dam.options = require "dam.options"
dam.plot = require "dam.plot"
dam.stats = require "dam.stats"

if rawget(core, "result_methods") then
  for name, method in pairs(require "dam.result") do
    core.result_methods[name] = method
  end
end
if rawget(core, "descent_methods") then
  core.descent_methods.table = require "dam.descent"
end

local function unknown(_, name)
  local names = {}
  for known in pairs(dam) do
    if type(known) == "string" then
      names[#names + 1] = known
    end
  end
  local near = check.nearest(name, names)
  local hint = near and ("; did you mean '%s'?"):format(near) or ""
  check.raise("dam has no field '%s'%s", tostring(name), hint)
end

return setmetatable(dam, { __index = unknown, __name = "dam" })
