-- Chain-steps and multiply-adds a second of whole runs on the reference tier, on all threads, over
-- shapes (N, M) of the published maps.
local dam = require "dam"

local shapes = { { 24, 20000 }, { 50, 148 }, { 50, 20000 }, { 99, 20000 }, { 990, 20000 } }
local T, replicas, disorder = dam.range(0.05, 0.6, 0.05), 2, 2
local chains = #T * replicas * disorder

--- Seconds of a run of `steps` steps.
local function seconds(s, steps)
  local begin = dam.clock()
  s:run(steps)
  return dam.clock() - begin
end

--- Steps a second of every chain, from the first run that lasts half a second.
local function rate(s)
  local steps, elapsed = 1, seconds(s, 1)
  while elapsed < 0.5 do
    steps = math.ceil(steps * math.min(20, 1 / math.max(elapsed, 1e-3)))
    elapsed = seconds(s, steps)
  end
  return steps / elapsed
end

local header = ("%5s %7s %8s %14s %14s"):format("N", "M", "kernel", "chain-steps/s", "MAC/s")
print(header)
for _, shape in ipairs(shapes) do
  local N, M = table.unpack(shape)
  local p = dam.patterns { N = N, M = M, disorder = disorder }
  for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
    local s <close> = dam.mh { hamiltonian = H, patterns = p, T = T, replicas = replicas }
    local found = rate(s) * chains
    print(("%5d %7d %8s %14.4g %14.4g"):format(N, M, H.kernel, found, found * N * M))
  end
end
