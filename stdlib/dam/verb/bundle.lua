--- `damlua -m bundle RESULT [OUT]`: One file with a result file, the script that made it, the
-- modules the script required, options, arguments and where and when it ran. `replay` and `verify`
-- take it.
local arguments = require "dam.sweep.arguments"
local bundle = require "dam.bundle"
local dam = require "dam.core"
local file = require "dam.sweep.file"
local modules = require "dam.sweep.modules"

local USAGE = "damlua -m bundle RESULT.sqlite [OUT.bundle]"

--- The last run that has a script: what stands there now is what it made.
local function last_script(f, path)
  local runs = f:runs()
  for i = #runs, 1, -1 do
    if runs[i].script then
      return runs[i], runs
    end
  end
  error(string.format("bundle: %s keeps no script: only what a script computed can be bundled (not "
    .. "what was typed at the prompt)", path), 0)
end

--- Adds the modules of the script to the parts, or says which of them cannot travel.
local function add_modules(parts, run, listed)
  local outside = {}
  for _, module in ipairs(run.options and run.options.modules or {}) do
    local name = module.text and module.inside
    if name then
      parts[#parts + 1] = { name = "script/" .. name, bytes = module.text }
      listed[#listed + 1] = { name = module.name, part = "script/" .. name }
    else
      outside[#outside + 1] = string.format("  %s: %s%s", module.name, module.path,
        module.text and "" or " (a C module)")
    end
  end
  if #outside > 0 then
    error(string.format("bundle: the script %s required files outside its folder, which cannot go "
      .. "with it:\n%s\nMove them beside the script (%s/) and run it again", run.script_path,
      table.concat(outside, "\n"), modules.folder(run.script_path)), 0)
  end
end

local function provenance(f, runs)
  local list = {}
  for i, run in ipairs(runs) do
    list[i] = { started = run.started, finished = run.finished, outcome = run.outcome,
      version = run.version, device = run.device, host = run.host, script_hash = run.script_hash }
  end
  return { sweep = f:meta(), runs = list, bundled_by = "damlua " .. dam.version }
end

local function read_bytes(path)
  local f <close> = assert(io.open(path, "rb"))
  return f:read "a"
end

local function make(path)
  local f <close> = file.open(path, "read")
  local run, runs = last_script(f, path)
  local holder = dam.store.holder(path)
  if holder then
    error(string.format("bundle: %s is being written by %s: wait for it", path, holder), 0)
  end
  local script = "script/" .. run.script_path:match "[^/]*$"
  local facts = {
    name = f:meta().name, script = script, arguments = run.options and run.options.arguments,
    options = run.options and run.options.options, result = "result.sqlite",
    modules = {}, provenance = provenance(f, runs),
  }
  local parts = { { name = script, bytes = run.script } }
  add_modules(parts, run, facts.modules)
  parts[#parts + 1] = { name = facts.result, bytes = read_bytes(path) }
  return facts, parts
end

return function(...)
  local positional = arguments.parse({ ... }, {}, USAGE, 1, 2)
  local path = positional[1]
  local out = positional[2] or path:gsub("%.sqlite$", "") .. ".bundle"
  local facts, parts = make(path)
  local bytes, manifest = bundle.encode(facts, parts)
  bundle.write(out, bytes)
  print(string.format("%s: %s, %d modules, results of %s", out, facts.script, #facts.modules, path))
  print("manifest sha256 " .. dam.sharing.sha256(manifest))
end
