-- What a GPU does, over shapes of paper B's maps: bench/gpu.lua [device [part]]. In the same run,
-- so that they can be compared: the device's ceilings (multiply-adds in registers, a copy), time
-- per step and the fraction of the ceilings that it reaches, the CPU's rate, steps by launches and
-- with the patterns on the chip, a sweep with several units in flight, and the time that the whole
-- maps would take. `part` divides M and the number of disorders, to try the script out. Exit status
-- 77 where the device is not usable.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local dam = require "dam"
local core = require "dam.core"
local support = require "support"

local device = arg[1] or "cuda:0"
local part = tonumber(arg[2]) or 1
local T, replicas = dam.range(0.025, 2.0, 0.05), 2
local chains = #T * replicas
local MOVING, MEASURED = 16384, 4096 -- steps of a chain of the maps
local SECONDS = part > 1 and 0.05 or 0.5

local function why_not()
  for _, d in ipairs(dam.devices()) do
    if d.name == device then
      return not d.usable and d.why or nil
    end
  end
  return "there is no such device"
end

local why = why_not()
if why then
  print(("skipped: %s is not usable here: %s"):format(device, why))
  os.exit(77)
end

local function sampler(name, H, N, M, disorder, evaluation)
  return dam.mh { hamiltonian = H, T = T, replicas = replicas, device = name, seed = 1,
    patterns = dam.patterns { N = N, M = M, disorder = disorder }, evaluation = evaluation,
    init = H.kernel == "lsr" and "support" or { phi = { 0.75, 1 } } }
end

--- Seconds of a step of all chains: from the first advance that lasts long enough.
local function seconds(s, advance)
  local steps = 4
  advance(s, steps)
  while true do
    local begin = dam.clock()
    advance(s, steps)
    local elapsed = dam.clock() - begin
    if elapsed > SECONDS then
      return elapsed / steps
    end
    steps = math.ceil(steps * math.min(20, 1.6 * SECONDS / math.max(elapsed, 1e-3)))
  end
end

local function step(name, N, M, disorder, evaluation)
  local s <close> = sampler(name, dam.lse(), N, M, disorder, evaluation)
  return seconds(s, s.run)
end

if arg[3] == "step" then -- a child of this script: one shape, in the environment it was given
  print(step(device, tonumber(arg[4]), tonumber(arg[5]), tonumber(arg[6]), "single"))
  os.exit()
end

local function scaled(shape)
  local N, M, disorder = table.unpack(shape)
  return N, math.max(M // part, 10), math.max(disorder // part, 1)
end

local function same_digests(N, M)
  local a <close> = sampler(device, dam.lse(), N, M, 1, "auto")
  local b <close> = sampler("cpu", dam.lse(), N, M, 1, "auto")
  return a:sample(16).digest == b:sample(16).digest
end

local adds, bytes = core.tools.ceilings(device)
if not adds then
  print(device .. ": no ceilings are measured there; fractions are of nothing")
  adds, bytes = 0 / 0, 0 / 0
end
print(("ceilings of %s: %.4g multiply-adds/s in single precision, %.4g bytes/s by a copy"):format(
  device, adds, bytes))

print "\nAll patterns at every step, 80 chains a disorder; `bytes`: patterns read once a step."
print(("%5s %7s %9s %12s %12s %7s %7s | %12s %7s | %12s %7s"):format("N", "M", "disorder",
  "us a step", "MAC/s", "fp32", "bytes", "coarse", "fp32", "CPU MAC/s", "ratio"))
for _, shape in ipairs { { 24, 20000, 64 }, { 24, 500000, 16 }, { 50, 20000, 32 },
  { 99, 20000, 32 }, { 198, 20000, 16 }, { 990, 20000, 8 } } do
  local N, M, disorder = scaled(shape)
  assert(same_digests(N, M), "digests differ")
  local work, cpu = disorder * chains * N * M, chains * N * M / step("cpu", N, M, 1, "single")
  local single, coarse = step(device, N, M, disorder, "single"),
    step(device, N, M, disorder, "coarse+single")
  print(("%5d %7d %9d %12.4g %12.4g %7.3f %7.3f | %12.4g %7.3f | %12.4g %7.1f"):format(N, M,
    disorder, 1e6 * single, work / single, work / single / adds,
    4 * disorder * N * M / single / bytes, work / coarse, work / coarse / adds, cpu,
    work / single / cpu))
end

--- Seconds of a step in a process of its own, with patterns on the chip (1) or by launches (0).
local function child(resident, N, M, disorder)
  local p <close> = assert(io.popen(("DAMLUA_TEST_CUDA_RESIDENT=%d '%s' '%s' '%s' %g step %d %d %d")
    :format(resident, arg[-1], arg[0], device, part, N, M, disorder)))
  return tonumber(p:read "a") or 0 / 0
end

print "\nSmall disorders: us a step by launches, and with the patterns on the chip where they fit."
print(("%5s %7s %9s %12s %12s %7s"):format("N", "M", "disorder", "launches", "on chip", "ratio"))
for _, shape in ipairs { { 24, 2000, 8 }, { 24, 20000, 4 }, { 24, 20000, 64 }, { 50, 20000, 4 },
  { 99, 5000, 8 }, { 198, 20000, 1 } } do
  local N, M, disorder = scaled(shape)
  local launches, chip = child(0, N, M, disorder), child(1, N, M, disorder)
  print(("%5d %7d %9d %12.4g %12.4g %7.2f"):format(N, M, disorder, 1e6 * launches, 1e6 * chip,
    launches / chip))
end

--- Seconds of a sweep of small units, so many of them in flight at most.
local function sweep_seconds(in_flight)
  local name = os.tmpname()
  os.remove(name)
  local remove <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    os.remove(name)
    os.remove(name .. "-lock")
  end })
  local sweep = require "dam.sweep"
  local begin = dam.clock()
  sweep.run { name = "flight", file = name, hamiltonian = dam.lse(), device = device, quiet = true,
    alpha = dam.range(0.18, 0.32, 0.02), T = part > 1 and { 0.1, 0.5 } or T, replicas = replicas,
    plan = sweep.fixed { N = part > 1 and 16 or 36, disorder = part > 1 and 1 or 24 },
    equilibrate = part > 1 and 20 or 8192, sample = part > 1 and 5 or 2048, in_flight = in_flight }
  return dam.clock() - begin
end

print "\nA sweep of eight loads: seconds with so many units in flight, and how many times faster."
local alone = sweep_seconds(1)
print(("%5d %12.4g"):format(1, alone))
for _, in_flight in ipairs { 2, 4, 8 } do
  local together = sweep_seconds(in_flight)
  print(("%5d %12.4g %7.2f"):format(in_flight, together, alone / together))
end

--- Disorders of the maps that are timed together, by load.
local TOGETHER = { [0.01] = 8, [0.05] = 16, [0.1] = 32, [0.2] = 32, [0.35] = 24, [0.55] = 16 }

--- Seconds that one disorder of the map takes at a load, in "auto".
local function unit(H, alpha)
  local N, M = support.plan(alpha)
  local _, few, disorder = scaled { N, M, TOGETHER[alpha] }
  local s <close> = sampler(device, H, N, few, disorder, "auto")
  s:run(part > 1 and 4 or 300)
  local one = (MOVING * seconds(s, s.run) + MEASURED * seconds(s, s.sample)) / disorder
  print(("%5.2f %5d %7d %9d %12.4g"):format(alpha, N, few, disorder, one))
  return one
end

--- A map of 55 loads; between those that are timed, log seconds are taken as linear in alpha.
local function project(H)
  local loads, found, total = { 0.01, 0.05, 0.1, 0.2, 0.35, 0.55 }, {}, 0
  for i, alpha in ipairs(loads) do
    found[i] = math.log(unit(H, alpha))
  end
  for n = 1, 55 do
    local alpha, i = n / 100, 1
    while i < #loads - 1 and alpha > loads[i + 1] do
      i = i + 1
    end
    local x = (alpha - loads[i]) / (loads[i + 1] - loads[i])
    local _, _, disorders = support.plan(alpha)
    total = total + disorders * math.exp(found[i] + x * (found[i + 1] - found[i]))
  end
  return total / 60
end

for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
  print(("\nThe map of paper B for %s in \"auto\", %d + %d steps: seconds a disorder"):format(
    tostring(H), MOVING, MEASURED))
  print(("%5s %5s %7s %9s %12s"):format("alpha", "N", "M", "together", "s"))
  print(("the whole map: %.1f min projected%s"):format(project(H),
    part > 1 and " for this part of it" or ""))
end
