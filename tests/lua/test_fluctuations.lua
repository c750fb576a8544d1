-- Specific heat and susceptibility against the exact law of one pattern, and their errors against
-- the scatter of independent repetitions.
local t = require "support"
local dam = require "dam"
local oracle = require "dam.oracle"

local N, T = 24, { 0.2, 0.5, 1 }
local H = dam.lse()

-- The numbers are the same on every device; fewer where kernels for GPUs are executed on the CPU.
local REPETITIONS = os.getenv "DAMLUA_DEVICE" == "cuda-on-cpu" and 12 or 40

local function measure(seed, disorder, replicas, M)
  local p = dam.patterns { N = N, M = M or 1, disorder = disorder, seed = seed }
  local s <close> = dam.mh { hamiltonian = H, patterns = p, T = T, replicas = replicas,
    seed = seed }
  s:run(500)
  return s:sample(1500)
end

--- Exact c of one pattern: e = 1 - phi, so c = -dphi/dT, and chi = N var(phi)/T = c T.
local function exact(i)
  local h = 1e-4
  return (oracle.single_pattern(H, N, T[i] - h) - oracle.single_pattern(H, N, T[i] + h)) / (2 * h)
end

t.test("one pattern: both are the exact ones, within their errors", function()
  local r = measure(3, 100, 2)
  local c, c_err = dam.stats.specific_heat(r)
  local chi, chi_err = dam.stats.susceptibility(r)
  for i in ipairs(T) do
    t.ok(c_err[i] < 0.04 * exact(i), "a small error")
    t.near(c[i], exact(i), 4 * c_err[i], "specific heat at T = " .. T[i])
    t.near(chi[i], exact(i) * T[i], 4 * chi_err[i], "susceptibility at T = " .. T[i])
  end
end)

t.test("errors are the scatter of repetitions, no smaller and no larger", function()
  local values, errors = {}, {}
  for seed = 1, REPETITIONS do
    local c, err = dam.stats.specific_heat(measure(100 + seed, 12, 2))
    values[seed], errors[seed] = c[2], err[2]
  end
  local ratio = dam.array(errors):mean() / dam.array(values):std()
  t.ok(ratio > 0.7 and ratio < 1.4, ("ratio of errors to scatter %g"):format(ratio))
end)

t.test("the definition, one disorder at a time", function()
  local r = measure(5, 3, 1, 9)
  local c, err = dam.stats.specific_heat(r)
  local all = (r.energy2 - r.energy_density ^ 2):slice { 2, { 1, 3 }, 1 } * (N / T[2] ^ 2)
  t.near(c[2], all:mean(), 1e-12 * c[2], "mean over disorder")
  t.near(err[2], all:sem(), 1e-9 * c[2], "jackknife of a mean is its standard error")
  local two = measure(5, 1, 2, 9)
  local e, e2 = two.energy_density, two.energy2
  local product = (e2(1, 1, 1) + e2(1, 1, 2)) / 2 - e(1, 1, 1) * e(1, 1, 2)
  local value, none = dam.stats.specific_heat(two)
  t.near(value[1], product * N / T[1] ^ 2, 1e-9, "two replicas: their means multiplied")
  t.ok(none[1] ~= none[1], "one disorder, two replicas: no error known")
  local _, some = dam.stats.susceptibility(measure(5, 1, 4, 9))
  t.ok(some[1] > 0, "one disorder, four replicas: over replicas")
  t.raises(function() dam.stats.specific_heat {} end, "stats.specific_heat", "r =", "sample")
end)

t.finish()
