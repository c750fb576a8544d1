-- Time of a step on a device (first argument, default cuda:0) over shapes of paper B's maps: steps
-- of chains and multiply-adds a second, the CPU's beside them, and the time that the whole LSE map
-- of paper B would take at such a rate. All patterns are met in every step: what lists of near
-- patterns save is not counted. Digests of both devices are compared on the way.
local dam = require "dam"
local sweep = require "dam.sweep"

local device = arg[1] or "cuda:0"
local T, replicas = dam.range(0.025, 2.0, 0.05), 2
local STEPS = 16384 + 4096 -- of a chain of the map

local function sampler(name, N, M, disorder)
  return dam.mh { hamiltonian = dam.lse(), T = T, replicas = replicas, device = name, seed = 1,
    patterns = dam.patterns { N = N, M = M, disorder = disorder }, evaluation = "single" }
end

--- Seconds of a step of all chains, from the first run of half a second or more.
local function seconds(s)
  local steps = 4
  s:run(steps)
  while true do
    local begin = dam.clock()
    s:run(steps)
    local elapsed = dam.clock() - begin
    if elapsed > 0.5 then
      return elapsed / steps
    end
    steps = math.ceil(steps * math.min(20, 0.8 / math.max(elapsed, 1e-3)))
  end
end

--- Multiply-adds a second on the device at a shape, for the map's estimate.
local function rate(name, N, M, disorder)
  local s <close> = sampler(name, N, M, disorder)
  return #T * replicas * disorder * N * M / seconds(s)
end

local function same_digests(N, M)
  local a <close> = sampler(device, N, M, 1)
  local b <close> = sampler("cpu", N, M, 1)
  return a:sample(16).digest == b:sample(16).digest
end

print(("%5s %7s %9s %16s %12s %12s %8s"):format("N", "M", "disorder", "chain-steps/s", "MAC/s",
  "CPU MAC/s", "ratio"))
for _, shape in ipairs { { 24, 20000, 64 }, { 24, 500000, 16 }, { 50, 20000, 32 },
  { 99, 20000, 32 }, { 198, 20000, 16 }, { 990, 20000, 8 } } do
  local N, M, disorder = table.unpack(shape)
  assert(same_digests(N, M), "digests differ")
  local found, cpu = rate(device, N, M, disorder), rate("cpu", N, M, 1)
  print(("%5d %7d %9d %16.4g %12.4g %12.4g %8.1f"):format(N, M, disorder, found / (N * M), found,
    cpu, found / cpu))
end

-- The map: every row at the rate of the middle of its plan.
local rows = sweep.run { name = "gpu-projection", hamiltonian = dam.lse(), seed = 42,
  alpha = dam.range(0.01, 0.55, 0.01), T = T, replicas = replicas, equilibrate = 16384,
  sample = 4096, dry_run = true,
  plan = sweep.adaptive { M = { 20000, 500000 }, gamma = 10, trials = { 512, 64 } } }
local work = 0
for _, row in ipairs(rows) do
  work = work + row.disorder * #T * replicas * STEPS * row.N * row.M
end
local typical = rate(device, 50, 60000, 32)
print(("the LSE map of paper B: %.3g multiply-adds, %.1f min projected at %.3g a second (N = 50, "
  .. "M = 60000)"):format(work, work / typical / 60, typical))
