-- Sweeps with several units in flight, on "cuda-on-cpu" or on the GPU that TEST_DEVICE names
-- (tests/gpu): the same rows whatever the number, also where runs are stopped, units fail and
-- memory is short.
local core = require "dam.core"
local export = require "dam.sweep.export"
local file = require "dam.sweep.file"
local sandbox = require "sandbox"
local sweep = require "dam.sweep"
local t = require "support"
local unit = require "dam.sweep.unit"

local DEVICE = os.getenv "TEST_DEVICE" or "cuda-on-cpu"
local ON_CPU = DEVICE == "cuda-on-cpu" -- calls can be made to fail there

local function live()
  for _, d in ipairs(dam.devices()) do
    if d.name == DEVICE or d.kind == DEVICE then
      return d.usable and d.live
    end
  end
end

if not live() then
  print("skipped: device " .. DEVICE .. " is not usable here")
  os.exit(77)
end

local function run(path, changes)
  local options = {
    name = "test", file = path, seed = 5, hamiltonian = dam.lse(), alpha = { 0.1, 0.15, 0.2 },
    T = { 0.1, 0.6 }, plan = sweep.fixed { N = 16, disorder = 3 }, replicas = 2, equilibrate = 30,
    sample = 20, quiet = true, device = DEVICE,
  }
  for key, value in pairs(changes or {}) do
    options[key] = value
  end
  return sweep.run(options)
end

local folder <close> = sandbox.folder()
run(folder.cpu, { device = "cpu" })
local wanted = export.text(folder.cpu, "csv")

--- Calls of core.flight.advance: the most samplers of one, and whether their N or M differed.
local function watched(body)
  local advance, most, mixed = core.flight.advance, 0, false
  function core.flight.advance(samplers, ...)
    most = math.max(most, #samplers)
    for _, s in ipairs(samplers) do
      mixed = mixed or s.M ~= samplers[1].M
    end
    return advance(samplers, ...)
  end
  local guard <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    core.flight.advance = advance
  end })
  body()
  return most, mixed
end

t.test("the same rows for any number in flight", function()
  for _, n in ipairs { 1, 2, 5 } do
    local path = folder["map" .. n]
    local most, mixed = watched(function()
      t.equal(run(path, { in_flight = n }).computed, 18, n .. " in flight")
    end)
    t.equal(most, n == 1 and 0 or math.min(n, 3), "samplers under way with in_flight = " .. n)
    t.equal(mixed, n > 1, "values of alpha mixed")
    t.equal(export.text(path, "csv"), wanted, n .. " in flight")
  end
  t.equal(live(), 0, "bytes on the device")
end)

t.test("four fly where nothing is asked, and one on the CPU", function()
  t.equal(watched(function()
    run(folder.four, { alpha = { 0.1, 0.12, 0.14, 0.16, 0.18 }, equilibrate = 5, sample = 5 })
  end), 4)
  t.equal(watched(function()
    run(folder.one, { device = "cpu", in_flight = 5 })
  end), 0)
  t.equal(export.text(folder.one, "csv"), wanted)
  t.raises(function() run(folder.none, { in_flight = 0 }) end, "in_flight = 0", ">= 1")
  t.raises(function() run(folder.none, { in_flight = "all" }) end, "in_flight")
  t.raises(function() run(folder.none, { device = "gpu" }) end, 'sweep.run: device = "gpu"')
  t.raises(function() run(folder.none, { device = 1 }) end, "sweep.run: device = 1")
end)

t.test("an error of one unit ends the run; the rows of others are safe", function()
  local sampler = unit.sampler
  for _, late in ipairs { false, true } do
    local path = folder["failing" .. tostring(late)]
    function unit.sampler(u, ...)
      if u.row.alpha == 0.2 then
        t.ok(not late or file.open(path, "read"):count_rows() > 0, "rows before")
        error("lights out", 0)
      end
      return sampler(u, ...)
    end
    local ok, message = pcall(run, path, { in_flight = late and 2 or 5 })
    unit.sampler = sampler
    t.equal(ok, false)
    t.equal(message, "lights out")
    t.equal(live(), 0, "bytes on the device")
    t.equal(run(path).computed, late and 12 or 18, "what was left")
    t.equal(export.text(path, "csv"), wanted)
  end
end)

t.test("states of all units in flight are saved, while they fly and when a unit fails", function()
  local methods = getmetatable(file.open(folder.cpu, "read"))
  local put, saved, names = methods.put_checkpoint, 0, {}
  local every, least = unit.CHECKPOINT_EVERY, unit.CHECKPOINT_LEAST
  function methods.put_checkpoint(f, name, ...)
    put(f, name, ...)
    saved = saved + 1
    names[name] = true
    if saved == 4 then
      error("lights out", 0)
    end
  end
  unit.CHECKPOINT_EVERY, unit.CHECKPOINT_LEAST = 1e-4, 0
  local ok, message = pcall(run, folder.saved, { in_flight = 3 })
  methods.put_checkpoint = put
  unit.CHECKPOINT_EVERY, unit.CHECKPOINT_LEAST = every, least
  t.equal(ok, false)
  t.equal(message, "lights out")
  local different = 0
  for _ in pairs(names) do
    different = different + 1
  end
  t.ok(different > 1, "states of " .. different .. " units")
  local f = file.open(folder.saved, "read")
  local kept = f:checkpoints()
  f:close()
  t.ok(#kept > 0 and kept[1].done >= 0, "states in the file")
  local loads, load = 0, core.load
  function core.load(path)
    loads = loads + 1
    return load(path)
  end
  run(folder.saved, { in_flight = 2 })
  core.load = load
  t.equal(loads, #kept, "states used")
  t.equal(export.text(folder.saved, "csv"), wanted)
end)

--- Runs the sweep in a child; `environment` is for it.
local script = folder["map.lua"]
local made = assert(io.open(script, "w"))
made:write([[
local opt = dam.options { file = { "", "result file" }, in_flight = { 5, "units" },
  steps = { 30, "to equilibrate" }, signal = { "", "from itself, once units are under way" } }
local core, unit = require "dam.core", require "dam.sweep.unit"
unit.CHECKPOINT_LEAST = 0
local advance, calls = core.flight.advance, 0
function core.flight.advance(...)
  calls = calls + 1
  if calls == 3 and opt.signal ~= "" then
    io.popen("kill -" .. opt.signal .. " $PPID"):close()
  end
  return advance(...)
end
return require("dam.sweep").run {
  name = "test", file = opt.file, seed = 5, hamiltonian = dam.lse(), alpha = { 0.1, 0.15, 0.2 },
  T = { 0.1, 0.6 }, plan = require("dam.sweep").fixed { N = 16, disorder = 3 }, replicas = 2,
  equilibrate = opt.steps, sample = 20, in_flight = opt.in_flight }
]])
made:close()

local function child(environment, path, ...)
  return sandbox.shell(("DAMLUA_DEVICE=%s %s "):format(DEVICE, environment)
    .. sandbox.command("--quiet", script, "--file", path, ...))
end

t.test("whatever streams do first", function()
  for streams = 1, ON_CPU and 3 or 0 do
    local path = folder["streams" .. streams]
    t.equal(child("DAMLUA_TEST_CUDA_STREAMS=" .. streams, path), 0)
    t.equal(export.text(path, "csv"), wanted, "streams " .. streams)
  end
end)

t.test("stopped by a signal, all units in flight have their states saved; and gone on with",
  function()
    local long = { device = "cpu", equilibrate = 3000 }
    run(folder.long, long)
    for _, signal in ipairs { "INT", "TERM", "KILL" } do
      local path = folder[signal]
      local status, text = child("", path, "--steps", "3000", "--signal", signal)
      if signal == "KILL" then
        t.equal(status, 137, text)
      else
        t.equal(status, 130, text)
        t.ok(text:find("Run the same script again to go on", 1, true), text)
        local result = file.open(path, "read")
        t.ok(#result:checkpoints() > 1 or result:count_rows() > 0, "states saved")
        result:close()
      end
      run(path, long)
      t.equal(export.text(path, "csv"), export.text(folder.long, "csv"), signal)
    end
  end)

t.test("a call of the device that fails is named, and costs no finished unit", function()
  for _, fault in ipairs(ON_CPU and { "launch:25", "copy:30", "wait:30", "launch:40!" } or {}) do
    local path = folder["fault " .. fault]
    local status, text = child("DAMLUA_TEST_CUDA_RESIDENT=0 DAMLUA_TEST_CUDA_FAULT=" .. fault, path,
      "--in_flight", "2")
    t.equal(status, 1, fault .. ": " .. text)
    t.ok(text:find "device cuda%-on%-cpu: .+ failed %(cuda/%l+.cu:%d+%)", text)
    t.equal(child("", path), 0)
    t.equal(export.text(path, "csv"), wanted, fault)
  end
end)

t.test("units that find no memory beside others are computed alone", function()
  for _, bytes in ipairs(ON_CPU and { 30000, 100000 } or {}) do
    local path = folder["memory" .. bytes]
    local status, text = child("DAMLUA_TEST_CUDA_MEMORY=" .. bytes, path)
    t.equal(status, 0, text)
    t.equal(export.text(path, "csv"), wanted, bytes .. " bytes")
  end
  local path = folder.refused
  local alone = 0
  local alone_then = core.flight.share
  function core.flight.share(name, parts)
    alone = alone + (parts == 1 and 1 or 0)
    return alone_then(name, parts)
  end
  local advance, refusals = core.flight.advance, 0
  function core.flight.advance(samplers, ...) -- as if the second one never found room
    if #samplers > 1 then
      refusals = refusals + 1
      return false, 2, "no room", true
    end
    return advance(samplers, ...)
  end
  run(path, { in_flight = 3 })
  core.flight.advance, core.flight.share = advance, alone_then
  t.equal(refusals, 2, "refusals until one flew alone")
  t.equal(alone, 2, "all memory for those set aside, and at the end")
  t.equal(export.text(path, "csv"), wanted)
end)

if ON_CPU then
  t.test("what does not fit alone is an error with sizes", function()
    local status, text = child("DAMLUA_TEST_CUDA_MEMORY=6000", folder.small)
    t.equal(status, 1, text)
    for _, word in ipairs { "cuda-on-cpu", "MiB", "lower M" } do
      t.ok(text:find(word, 1, true), word .. " in " .. text)
    end
  end)

  t.test("each sampler keeps to its part of the memory", function()
    local code = [[
      local flight = require "dam.core".flight
      local function most(parts)
        flight.share("cuda-on-cpu", parts)
        local s <close> = dam.mh { hamiltonian = dam.lse(), T = 0.3, device = "cuda-on-cpu",
          patterns = dam.patterns { N = 16, M = 200, disorder = 40 } }
        local live, digest = 0, nil
        s:run(2)
        digest = s:sample(3, { observe = function()
          for _, d in ipairs(dam.devices()) do
            live = d.name == "cuda-on-cpu" and math.max(live, d.live) or live
          end
        end }).digest
        return live, digest
      end
      local all, digest = most(1)
      local third, same = most(3)
      print(third > 0 and third <= all / 2, digest == same)]]
    local status, text = sandbox.shell("DAMLUA_TEST_CUDA_MEMORY=400000 DAMLUA_TEST_CUDA_RESIDENT=0 "
      .. sandbox.command("-e", code))
    t.equal(status, 0, text)
    t.equal(text, "true\ttrue\n")
  end)
end

t.finish()
