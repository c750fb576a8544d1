--- Exact oracles: cases in which the sampler's answer is known without it, used by the tests and by
--- `damlua -m selftest`. Each returns what was found, what is exact, and a verdict.
local core = require "dam.core"

local oracle = {}

--- I_nu(x) / I_{nu-1}(x) by its continued fraction, from far inside outwards.
local function bessel_ratio(nu, x)
  local ratio = 0
  for n = nu + 200 + 2 * x // 1, nu, -1 do
    ratio = 1 / (2 * n / x + ratio)
  end
  return ratio
end

--- Mean of phi under (1 - phi^2)^((N-3)/2) w(phi) on [low, 1], ln w given; by Simpson's rule in the
--- angle theta, where phi = cos(theta), whose density sin(theta)^(N-2) w has no singular ends.
local function mean_phi(N, low, log_weight)
  local n, upper = 200000, math.acos(low)
  local h = upper / n
  local logs, peak = {}, -math.huge
  for i = 1, n - 1 do
    local theta = i * h
    logs[i] = (N - 2) * math.log(math.sin(theta)) + log_weight(math.cos(theta))
    peak = math.max(peak, logs[i])
  end
  local top, bottom = 0, 0
  for i = 1, n - 1 do
    local w = math.exp(logs[i] - peak) * (i % 2 == 1 and 4 or 2)
    top = top + w * math.cos(i * h)
    bottom = bottom + w
  end
  return top / bottom
end

--- The exact mean alignment with M = 1, LSE (von Mises-Fisher) or LSR (quadrature).
-- @function oracle.single_pattern
-- @tparam hamiltonian H made by dam.lse or dam.lsr{ b = }
-- @tparam integer N
-- @tparam number T
-- @treturn number mean of phi
-- @see B(8)
-- @usage print(require "dam.oracle".single_pattern(dam.lse(), 24, 0.5))
function oracle.single_pattern(H, N, T)
  if H.kernel == "lse" then
    return bessel_ratio(N / 2, N / T)
  end
  local b = H.b
  return mean_phi(N, math.max(-1, 1 - 1 / b), function(phi)
    return N / (b * T) * math.log(1 - b * (1 - phi))
  end)
end

--- Runs M = 1 chains and compares their mean alignment with the exact one.
-- @function oracle.check_single_pattern
-- @tparam hamiltonian H
-- @tparam integer N
-- @tparam number T
-- @tparam table size disorder, equilibrate, sample; seed
-- @treturn table found, error, exact, deviation (in standard errors)
-- @usage oracle = require "dam.oracle"
-- r = oracle.check_single_pattern(dam.lse(), 12, 0.5,
--   { disorder = 4, equilibrate = 100, sample = 200, seed = 1 })
-- print(r.found, r.exact)
function oracle.check_single_pattern(H, N, T, size)
  local p <close> = core.patterns { N = N, M = 1, disorder = size.disorder, seed = size.seed }
  local s <close> = core.mh { hamiltonian = H, patterns = p, T = T, seed = size.seed }
  s:run(size.equilibrate)
  local r <close> = s:sample(size.sample)
  local phi = r.phi:slice { 1, { 1, size.disorder }, 1 }
  local out = { found = phi:mean(), error = phi:sem(), exact = oracle.single_pattern(H, N, T) }
  out.deviation = (out.found - out.exact) / out.error
  return out
end

--- Asymptotic probability that a Kolmogorov-Smirnov distance exceeds d sqrt(n).
local function kolmogorov(scaled)
  if scaled < 0.3 then
    return 1
  end
  local sum = 0
  for k = 1, 100 do
    sum = sum + (k % 2 == 1 and 2 or -2) * math.exp(-2 * k * k * scaled * scaled)
  end
  return math.max(0, math.min(1, sum))
end

--- Kolmogorov-Smirnov test of values against a distribution function.
-- @function oracle.ks
-- @tparam table values sorted in place
-- @tparam function cdf
-- @treturn number probability of such a distance or a larger one
-- @usage print(require "dam.oracle".ks({ 0.1, 0.4, 0.8 }, function(x) return x end))
function oracle.ks(values, cdf)
  table.sort(values)
  local n, d = #values, 0
  for i, v in ipairs(values) do
    local f = cdf(v)
    d = math.max(d, f - (i - 1) / n, i / n - f)
  end
  return kolmogorov(d * math.sqrt(n))
end

--- Kolmogorov-Smirnov test of two samples against each other.
-- @function oracle.ks2
-- @tparam table a sorted in place
-- @tparam table b sorted in place
-- @treturn number probability of such a distance or a larger one
-- @usage print(require "dam.oracle".ks2({ 0.1, 0.4, 0.8 }, { 0.2, 0.5, 0.9 }))
function oracle.ks2(a, b)
  table.sort(a)
  table.sort(b)
  local i, j, d = 1, 1, 0
  while i <= #a and j <= #b do
    local v = math.min(a[i], b[j])
    while i <= #a and a[i] <= v do
      i = i + 1
    end
    while j <= #b and b[j] <= v do
      j = j + 1
    end
    d = math.max(d, math.abs((i - 1) / #a - (j - 1) / #b))
  end
  return kolmogorov(d * math.sqrt(#a * #b / (#a + #b)))
end

--- Distribution function of the alignment phi when (1 + phi)/2 is Beta(k/2, k/2): the law of one
--- coordinate of a uniform point is k = N - 1. By the recursion of integrals of cos^(k-1).
-- @function oracle.beta_cdf
-- @tparam integer k
-- @treturn function of phi
-- @usage print(require "dam.oracle".beta_cdf(11)(0))
function oracle.beta_cdf(k)
  local n = k - 1
  local function integral(theta)
    local c, s = math.cos(theta), math.sin(theta)
    local value = n % 2 == 0 and theta or s
    for m = n % 2 == 0 and 2 or 3, n, 2 do
      value = c ^ (m - 1) * s / m + (m - 1) / m * value
    end
    return value
  end
  local low, high = integral(-math.pi / 2), integral(math.pi / 2)
  return function(phi)
    return (integral(math.asin(math.max(-1, math.min(1, phi)))) - low) / (high - low)
  end
end

--- Instantaneous alignments at T = 1e6, where every state is as likely as any other.
-- @function oracle.infinite_temperature
-- @tparam hamiltonian H without a wall
-- @tparam integer N
-- @tparam integer states how many, a multiple of 10000
-- @tparam integer seed
-- @treturn table list of alignments
-- @usage print(#require "dam.oracle".infinite_temperature(dam.lse(), 4, 10000, 1))
function oracle.infinite_temperature(H, N, states, seed)
  local p <close> = core.patterns { N = N, M = 3, disorder = 100, seed = seed }
  local s <close> = core.mh { hamiltonian = H, patterns = p, T = 1e6, replicas = 100, seed = seed }
  local values = {}
  s:run(20)
  for _ = 1, states // 10000 do
    local r <close> = s:sample(1)
    for d = 1, 100 do
      for a = 1, 100 do
        values[#values + 1] = r.phi(1, d, a)
      end
    end
  end
  return values
end

--- Energies and largest alignments of states [1, disorder, replica, N].
local function observe(H, sets, states)
  local energies, largest = {}, {}
  for d, p in ipairs(sets) do
    local x = states:slice { 1, d }
    local E, phi = H:energy(p, x), p:overlap(x):slice { 1 }:max(2)
    for a = 1, #x do
      energies[#energies + 1] = E(1, a)
      largest[#largest + 1] = phi[a]
    end
  end
  return energies, largest
end

--- Goes on for `snapshots` times `apart` steps; each chain's mean of the energies then found.
local function mean_energies(chains, N, snapshots, apart)
  local total = 0
  for _ = 1, snapshots do
    chains:run(apart - 1)
    local r <close> = chains:sample(1) -- the average over one step is the state itself
    total = total + r.energy_density
  end
  local mean = total:slice { 1 } * (N / snapshots)
  local values = {}
  for d = 1, #mean do
    for _, v in ipairs(mean:slice { d }:totable()) do
      values[#values + 1] = v
    end
  end
  return core.array(values)
end

--- Mean energy of `batches` batches of fresh draws, and its standard error.
local function drawn_energy(H, sets, draws, batches, seed)
  local values = {}
  for batch = 1, batches do
    local fresh <close> = draws(seed + batch)
    local states = fresh:state()
    for d, p in ipairs(sets) do
      values[#values + 1] = H:energy(p, states:slice { 1, d }):mean()
    end
  end
  local a = core.array(values) -- rows of batches: each disorder has its own mean
  local by_disorder = core.zeros(batches, #sets)
  for i = 1, #a do
    by_disorder:set(a[i], (i - 1) // #sets + 1, (i - 1) % #sets + 1)
  end
  local total = by_disorder:mean(2)
  return total:mean(), total:sem()
end

--- At T = 1/beta_net the LSE Gibbs measure is a mixture of von Mises-Fisher laws. Chains that start
--- from independent draws of it must keep its distribution. A `rule` other than T itself samples
--- with a wrong acceptance at the right proposal width, which must be noticed.
-- @function oracle.exact_mixture
-- @tparam number beta_net
-- @tparam integer M
-- @tparam integer N
-- @tparam table size chains (a multiple of 40), steps; for the mean energy then snapshots, `apart`
--  steps from one to the next, and batches of as many fresh draws; seed
-- @tparam[opt] number rule temperature that acceptance uses (default 1/beta_net)
-- @treturn table energy, largest: probabilities (two-sample Kolmogorov-Smirnov) that the states
--  after `steps` follow the law of fresh draws; deviation: of the mean energy of the snapshots from
--  that of fresh draws, in standard errors; kept: whether all agree
-- @usage oracle = require "dam.oracle"
-- r = oracle.exact_mixture(1, 3, 6,
--   { chains = 40, steps = 10, snapshots = 2, apart = 5, batches = 2, seed = 1 })
-- print(r.energy, r.deviation)
function oracle.exact_mixture(beta_net, M, N, size, rule)
  local H, T, disorder = core.lse { beta_net = beta_net }, 1 / beta_net, 40
  local replicas = size.chains // disorder
  local p <close> = core.patterns { N = N, M = M, disorder = disorder, seed = size.seed }
  local sets = {}
  for d = 1, disorder do
    sets[d] = core.patterns { N = N, M = M, first_disorder = d, disorder = 1, seed = size.seed }
  end
  local function draws(seed)
    return core.mh { hamiltonian = H, patterns = p, T = T, replicas = replicas, init = "exact",
      seed = seed }
  end
  local chains = draws(size.seed)
  if rule then
    chains = core.mh { hamiltonian = H, patterns = p, T = rule, replicas = replicas,
      init = chains:state(), step = 2.4 * T / rule, seed = size.seed }
  end
  chains:run(size.steps)
  local E, phi = observe(H, sets, chains:state())
  local fresh <close> = draws(size.seed + 1)
  local E0, phi0 = observe(H, sets, fresh:state())
  local later = mean_energies(chains, N, size.snapshots, size.apart)
  local drawn, drawn_error = drawn_energy(H, sets, draws, size.batches, size.seed + 1)
  local out = { energy = oracle.ks2(E, E0), largest = oracle.ks2(phi, phi0),
    deviation = (later:mean() - drawn) / math.sqrt(later:sem() ^ 2 + drawn_error ^ 2) }
  out.kept = out.energy > 1e-4 and out.largest > 1e-4 and math.abs(out.deviation) < 4
  chains:close()
  return out
end

--- The four wrong acceptance rules, as the temperatures that they amount to: T forgotten, T
--- inverted, 1/beta_net dropped, exponent 5 % off.
-- @function oracle.wrong_rules
-- @tparam number beta_net
-- @treturn table name -> temperature
-- @usage for name, T in pairs(require "dam.oracle".wrong_rules(2)) do print(name, T) end
function oracle.wrong_rules(beta_net)
  local T = 1 / beta_net
  return { ["T forgotten"] = 1, ["T inverted"] = 1 / T, ["1/beta_net dropped"] = T / beta_net,
    ["exponent 5 % off"] = T / 1.05 }
end

return oracle
