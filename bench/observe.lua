-- What observers and records cost at N = 50, M = 148, against a sample without options; the best of
-- several rounds each, taken in turn. On one thread (--threads 1) other programs disturb it least.
local dam = require "dam"

local patterns = dam.patterns { N = 50, M = 148, disorder = 8 }
local cases = {
  { "without options" },
  { "observe phi every 64 steps",
    { every = 64, observe = function(view) return view.phi end } },
  { "observe x every 64 steps", { every = 64, observe = function(view) return view.x end } },
  { "series of phi every 64 steps", { every = 64, series = { "phi" } } },
  { "series of all at every step", { series = { "phi", "energy_density", "q12" } } },
  { "histogram of phi", { histogram = { phi = { -1, 1, 200 } } } },
  { "track 2 patterns every 8 steps", { every = 8, track = { 2, 5 } } },
}
local best = {}
for _ = 1, tonumber(arg and arg[1]) or 7 do
  for i, case in ipairs(cases) do
    local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = patterns, replicas = 2,
      T = dam.range(0.1, 1, 0.1) }
    s:run(64)
    local begin = dam.clock()
    s:sample(2048, case[2])
    best[i] = math.min(best[i] or math.huge, dam.clock() - begin)
  end
end
for i, case in ipairs(cases) do
  print(("%-32s %7.3f s %+6.1f %%"):format(case[1], best[i], 100 * (best[i] / best[1] - 1)))
end
