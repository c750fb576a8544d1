-- Patterns evaluated per step, as a fraction of M, over the (alpha, T) grid of the published maps:
-- what lists of near patterns save. Counts, not times: they are the same on every machine.
--   bench/work.lua [steps]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local steps = tonumber(arg[1]) or 2000
local alphas = { 0.01, 0.02, 0.05, 0.1, 0.2, 0.4 }
local T = { 0.025, 0.1, 0.25, 0.5, 1.0, 2.0 }

--- Patterns per step / M, of the chains of `evaluation`.
local function work(H, p, t, M, chains, evaluation)
  local s <close> = dam.mh { hamiltonian = H, patterns = p, T = t, replicas = chains,
    init = { phi = 0.95 }, evaluation = evaluation }
  s:run(steps // 4)
  return s:sample(steps).stats.patterns_per_step[1] / M
end

local kernels = { dam.lse(), dam.lsr { b = 3.41 } }
for _, H in ipairs(kernels) do
  local title = ("%s: patterns per step / M after %d steps"):format(H, steps)
  support.map(title, alphas, T, 1, "%10.2g", function(p, t, M)
    return work(H, p, t, M, 1, "auto")
  end)
  title = ("%s: patterns per step with lists / without"):format(H)
  support.map(title, alphas, T, 1, "%10.2g", function(p, t, M)
    return work(H, p, t, M, 1, "auto") / work(H, p, t, M, 1, "coarse+single")
  end)
end

-- Mean and largest over four disorders with 1, 8 and 40 chains each.
print "Patterns per step / M at M = 20000, mean and largest; wanted is less"
print(("%5s %6s %19s %19s %8s"):format("N", "T", "LSE", "LSR", "than"))
local cases = { { 990, 0.25, 5000 }, { 198, 0.25, 100 }, { 99, 0.25, 15 }, { 99, 0.5, 15 } }
for _, case in ipairs(cases) do
  local N, t, wanted = table.unpack(case)
  local sum, most = { 0, 0 }, { 0, 0 }
  for d = 1, 4 do
    local p <close> = dam.patterns { N = N, M = 20000, first_disorder = d }
    for i, H in ipairs(kernels) do
      for _, chains in ipairs { 1, 8, 40 } do
        local w = work(H, p, t, 20000, chains, "auto")
        sum[i], most[i] = sum[i] + w, math.max(most[i], w)
      end
    end
  end
  print(("%5d %6g %9.2g %9.2g %9.2g %9.2g %8.2g"):format(N, t, sum[1] / 12, most[1], sum[2] / 12,
    most[2], 1 / wanted))
end
