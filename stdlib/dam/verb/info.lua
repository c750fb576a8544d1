--- `damlua -m info`: how this binary was built, what it runs on, which libraries it uses.
local dam = require "dam"

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function line(name, format, ...)
  print(string.format("%-12s" .. format, name, ...))
end

--- Prints the report.
return function(...)
  if select("#", ...) > 0 then
    error("info takes no arguments", 0)
  end
  local build = dam.build
  line("damlua", "%s", dam.version)
  line("build", "%s", build.type)
  line("compiler", "%s", build.compiler)
  line("flags", "%s", build.flags)
  line("glibc", "%s or newer", build.glibc)
  line("isa", "%s", dam.isa())
  line("threads", "%d", dam.threads())
  for _, name in ipairs(sorted_keys(build.libraries)) do
    line(name, "%s", build.libraries[name])
  end
  for _, device in ipairs(dam.devices()) do
    if device.usable then
      line(device.name, "usable, %.1f GiB available", device.memory / 2 ^ 30)
    else
      line(device.name, "not usable: %s", device.why)
    end
  end
end
