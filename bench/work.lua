-- Patterns evaluated per step, as a fraction of M, over the (alpha, T) grid of the published maps:
-- what lists of near patterns save. Counts, not times: they are the same on every machine.
--   bench/work.lua [steps]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local steps = tonumber(arg[1]) or 2000
local alphas = { 0.01, 0.02, 0.05, 0.1, 0.2, 0.4 }
local T = { 0.025, 0.1, 0.25, 0.5, 1.0, 2.0 }

for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
  local title = ("%s: patterns per step / M after %d steps"):format(H, steps)
  support.map(title, alphas, T, 1, "%10.2g", function(p, t, M)
    local s <close> = dam.mh { hamiltonian = H, patterns = p, T = t, init = { phi = 0.95 } }
    s:run(steps // 4)
    return s:sample(steps).stats.patterns_per_step[1] / M
  end)
end
