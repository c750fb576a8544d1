-- Chain-steps and multiply-adds a second of whole runs on the reference tier, on all threads, over
-- shapes (N, M) of the published maps.
local dam = require "dam"

print(("%5s %7s %8s %8s %14s %14s"):format("N", "M", "chains", "kernel", "chain-steps/s", "MAC/s"))
for _, shape in ipairs { { 24, 20000 }, { 50, 148 }, { 50, 20000 }, { 99, 20000 }, { 990, 20000 } } do
  local N, M = table.unpack(shape)
  for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
    local s <close> = dam.mh { hamiltonian = H, patterns = dam.patterns { N = N, M = M, disorder = 2 },
      T = dam.range(0.05, 0.6, 0.05), replicas = 2 }
    local chains, steps, begin = 48, 1, nil
    repeat -- until a run is long enough to be timed
      begin = dam.clock()
      s:run(steps)
      local elapsed = dam.clock() - begin
      if elapsed > 0.5 then
        local rate = chains * steps / elapsed
        print(("%5d %7d %8d %8s %14.4g %14.4g"):format(N, M, chains, H.kernel, rate, rate * N * M))
        break
      end
      steps = math.ceil(steps * math.min(20, 1 / math.max(elapsed, 1e-3)))
    until false
  end
end
