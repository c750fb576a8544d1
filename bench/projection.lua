-- How long the whole LSE and LSR maps of B would take on this machine: 55 alphas, 40 temperatures,
-- 20480 steps, two replicas, the disorders of the adaptive plan. One unit is a disorder with all of
-- its chains; one in `fraction` of them is drawn, stratified by alpha. As in a sweep, where as many
-- disorders as fit into memory are on their way at once, it runs together with the seven after it,
-- and takes an eighth of the time. Calls are timed as a campaign makes them: what the first one of
-- each kind takes beyond its steps (patterns, lists, learning) counts once, and a step what a long
-- call takes beyond a short one; the best of some rounds, as other programs only make things
-- slower.
--
-- The logarithm of a unit's time is interpolated in alpha between those drawn. The error is what
-- each of them is off where it is left out, in its part of the sum: what differs from unit to unit
-- and what the interpolation does not see, but not what the machine may do tomorrow.
--   bench/projection.lua [fraction [seconds per unit and round [rounds]]]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local fraction, seconds = tonumber(arg[1]) or 500, tonumber(arg[2]) or 3
local rounds = tonumber(arg[3]) or 1
local T = dam.range(0.025, 2.0, 0.05)
local moving, measured, warm, short = 16384, 4096, 300, 64
local together, alphas = 8, 55

--- Seconds of `steps` steps in one call.
local function time(s, advance, steps)
  local begin = dam.clock()
  advance(s, steps)
  return dam.clock() - begin
end

--- What the first call takes beyond its steps, and what a step takes, of at least `least` more.
local function parts(s, advance, least)
  local first, step = time(s, advance, short), math.huge
  for _ = 1, rounds do
    local begin = time(s, advance, short)
    local more = math.ceil(0.5 * seconds * short / begin)
    more = math.max(least, math.min(4 * least, more))
    step = math.min(step, math.max(0, time(s, advance, short + more) - begin) / more)
  end
  return math.max(0, first - short * step), step
end

--- Seconds that one disorder of the map takes, from a part of its steps, on all threads.
local function seconds_of(H, N, M, disorder)
  local begin = dam.clock()
  local p <close> = dam.patterns { N = N, M = M, disorder = together, first_disorder = disorder }
  local s <close> = dam.mh { hamiltonian = H, patterns = p, T = T, replicas = 2,
    init = { phi = H.kernel == "lsr" and "support" or { 0.75, 1.0 } } }
  local making = dam.clock() - begin
  s:run(warm)
  local run_once, run = parts(s, s.run, 512)
  local sample_once, sample = parts(s, s.sample, 128)
  return (making + run_once + sample_once + moving * run + measured * sample) / together,
    run / together, sample / together
end

--- Which disorders are drawn: every `fraction`-th one, from a random place on, alpha by alpha; and
--- how many there are of each alpha.
local function draw()
  local units, number = {}, {}
  local place = 12345 % fraction
  for i = 1, alphas do
    local N, M, disorders = support.plan(i / 100)
    number[i] = disorders
    for d = 1, disorders do
      if place == 0 then
        units[#units + 1] = { i = i, N = N, M = M, disorder = d }
        place = fraction
      end
      place = place - 1
    end
  end
  return units, number
end

--- The mean of ln t at each alpha that was drawn, in their order.
local function points_of(units)
  local points = {}
  for _, u in ipairs(units) do
    local last = points[#points]
    if last and last.i == u.i then
      last.n = last.n + 1
      last.y = last.y + (math.log(u.t) - last.y) / last.n
    else
      points[#points + 1] = { i = u.i, n = 1, y = math.log(u.t) }
    end
  end
  return points
end

--- The two points between which, or beyond which, i lies, `skip` left out; and how much the second
--- one weighs.
local function between(points, i, skip)
  local a, b
  for k = 1, #points do
    if k ~= skip and (not a or points[b].i < i) then
      a, b = b, k
    end
  end
  return a, b, (i - points[a].i) / (points[b].i - points[a].i)
end

--- Seconds of the whole map, and their error.
local function whole(points, number)
  local total, part = 0, {}
  for k = 1, #points do
    part[k] = 0
  end
  for i = 1, alphas do
    local a, b, f = between(points, i)
    local t = number[i] * math.exp((1 - f) * points[a].y + f * points[b].y)
    total, part[a], part[b] = total + t, part[a] + (1 - f) * t, part[b] + f * t
  end
  local square = 0
  for k, p in ipairs(points) do
    local a, b, f = between(points, p.i, k)
    local off = p.y - (1 - f) * points[a].y - f * points[b].y
    square = square + (part[k] * off) ^ 2
  end
  return total, math.sqrt(square)
end

local units, number = draw()
local drawn = {}
for _, u in ipairs(units) do
  drawn[u.i] = true
end
local n = 0
for _ in pairs(drawn) do
  n = n + 1
end
if n < 4 then
  error(("fraction = %g draws units of %d alphas, and 4 are needed"):format(fraction, n), 0)
end

for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
  for _, u in ipairs(units) do
    local run, sample
    u.t, run, sample = seconds_of(H, u.N, u.M, u.disorder)
    local ns = 1e9 / (2 * #T * u.M)
    print(("  alpha = %.2f  N = %4d  M = %6d  %8.1f s a disorder"):format(u.i / 100, u.N, u.M, u.t)
      .. ("; moving %.3f, measuring %.3f ns a pattern and chain"):format(run * ns, sample * ns))
  end
  local total, err = whole(points_of(units), number)
  print(("%s: %d units drawn: the whole map takes %.2f +- %.2f days"):format(H, #units,
    total / 86400, err / 86400))
end
