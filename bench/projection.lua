-- How long the whole LSE and LSR maps of B would take on this machine: 55 alphas, 40 temperatures,
-- 20480 steps, two replicas, the disorders of the adaptive plan. One unit is a disorder with all of
-- its chains; one in `fraction` of them is drawn, stratified by alpha, and a part of its steps is
-- timed: moving and measuring apart, after a warm-up. As in a sweep, where as many disorders as fit
-- into memory are on their way at once, it runs together with the seven after it, and takes an
-- eighth of the time. The best of some rounds counts, as other programs only make things slower.
-- The error is that of the drawing.
--   bench/projection.lua [fraction [seconds per unit and round [rounds]]]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local fraction, seconds = tonumber(arg[1]) or 500, tonumber(arg[2]) or 3
local rounds = tonumber(arg[3]) or 1
local T = dam.range(0.025, 2.0, 0.05)
local moving, measured, warm = 16384, 4096, 300
local together = 8

--- Seconds that one disorder of the map takes, from a part of its steps, on all threads.
local function seconds_of(H, N, M, disorder)
  local begin = dam.clock()
  local p <close> = dam.patterns { N = N, M = M, disorder = together, first_disorder = disorder }
  local s <close> = dam.mh { hamiltonian = H, patterns = p, T = T, replicas = 2,
    init = { phi = H.kernel == "lsr" and "support" or { 0.75, 1.0 } } }
  local making = dam.clock() - begin
  -- long calls: a short one would mostly make patterns, lists and last measurements anew
  local function part(advance, least)
    local steps = least
    while true do
      begin = dam.clock()
      advance(s, steps)
      local elapsed = dam.clock() - begin
      if elapsed >= seconds / 2 or steps >= 4096 then
        return elapsed / steps
      end
      steps = math.min(4096, math.ceil(steps * math.min(8, 0.7 * seconds / elapsed)))
    end
  end
  s:run(warm)
  local run, sample = math.huge, math.huge
  for _ = 1, rounds do
    run, sample = math.min(run, part(s.run, 64)), math.min(sample, part(s.sample, 64))
  end
  return (making + moving * run + measured * sample) / together
end

--- Which disorders are drawn: every `fraction`-th one, from a random place on, alpha by alpha.
local function draw()
  local units, state = {}, 12345
  local place = state % fraction
  for i = 1, 55 do
    local alpha = i / 100
    local N, M, disorders = support.plan(alpha)
    for d = 1, disorders do
      if place == 0 then
        units[#units + 1] = { alpha = alpha, N = N, M = M, disorder = d }
        place = fraction
      end
      place = place - 1
    end
  end
  return units
end

for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
  local total, squares, units = 0, 0, draw()
  for _, u in ipairs(units) do
    local t = seconds_of(H, u.N, u.M, u.disorder)
    total, squares = total + t, squares + t * t
    print(("  alpha = %.2f  N = %4d  M = %6d  %8.1f s a disorder"):format(u.alpha, u.N, u.M, t))
  end
  local n = #units
  local days = fraction * total / 86400
  local err = fraction * math.sqrt(math.max(0, squares - total * total / n) * n / (n - 1)) / 86400
  print(("%s: %d units of %d: the whole map takes %.2f +- %.2f days"):format(H, n, n * fraction,
    days, err))
end
