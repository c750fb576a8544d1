--- Statistics of measured series: means with errors, the jackknife, binning, autocorrelation times.
local core = require "dam.core"
local check = require "dam.check"

local stats = {}

local function series(where, x, least)
  local list = check.numbers(where, "x", x)
  if #list < least then
    check.raise("%s: x has %d values: expected %d or more", where, #list, least)
  end
  return core.array(list)
end

--- Mean and standard error of independent values.
-- @function stats.mean
-- @tparam table|array x one-dimensional
-- @treturn number mean
-- @treturn number standard error of it (NaN for one value)
-- @raise on an empty list and on values that are no numbers
-- @usage print(dam.stats.mean { 1, 2, 6 })
function stats.mean(x)
  local a = series("stats.mean", x, 1)
  return a:mean(), a:sem()
end

--- The jackknife: an estimate from samples, its standard error and its bias to first order, for any
--- function of them, such as a ratio of means or a susceptibility.
-- @function stats.jackknife
-- @tparam function f takes a list of samples, returns a number
-- @tparam table|array samples independent samples; the rows of a two-dimensional array are lists
-- @treturn number f of all samples
-- @treturn number standard error
-- @treturn number bias, to be subtracted where it matters
-- @raise on fewer than two samples and when f returns something else
-- @usage print(dam.stats.jackknife(function(s) return s[1] / s[2] end, { 1, 2, 4 }))
function stats.jackknife(f, samples)
  if type(f) ~= "function" then
    check.argument("stats.jackknife", "f", f, "a function")
  end
  local all = type(samples) == "userdata" and samples:totable() or samples
  if type(all) ~= "table" or #all < 2 then
    check.argument("stats.jackknife", "samples", samples, "two samples or more")
  end
  local function value(list)
    local v = f(list)
    if type(v) ~= "number" then
      check.raise("stats.jackknife: the function returned a %s value: expected a number", type(v))
    end
    return v
  end
  local n, left_out = #all, {}
  for i = 1, n do
    local rest = table.move(all, 1, i - 1, 1, {})
    left_out[i] = value(table.move(all, i + 1, n, i, rest))
  end
  local whole, parts = value(all), core.array(left_out)
  local err = parts:std() * (n - 1) / math.sqrt(n)
  return whole, err, (n - 1) * (parts:mean() - whole)
end

local function quantile(sorted, share)
  local at = 1 + share * (#sorted - 1)
  local i = math.min(math.floor(at), #sorted - 1)
  return sorted[i] + (at - i) * (sorted[i + 1] - sorted[i])
end

--- The bootstrap: the spread of an estimate over samples drawn anew with replacement. Better than
--- the jackknife for medians, quantiles and other estimates that are not smooth.
-- @function stats.bootstrap
-- @tparam function f takes a list of samples, returns a number
-- @tparam table|array samples independent samples; the rows of a two-dimensional array are lists
-- @tparam[opt] table options
-- @tparam[opt=1000] integer options.resamples how often to draw, >= 2
-- @tparam[opt=1] integer options.seed the draws come from the engine's streams, so equal seeds give
--  equal results everywhere
-- @treturn number f of all samples
-- @treturn number standard error
-- @treturn number lower end of the central 68.3 % of the estimates
-- @treturn number upper end
-- @raise on fewer than two samples, when f returns something else, and on options not allowed
-- @usage print(dam.stats.bootstrap(function(s) return s[1] / s[2] end, { 1, 2, 4 }))
function stats.bootstrap(f, samples, options)
  local where = "stats.bootstrap"
  options = options or {}
  check.options(where, options, { "resamples", "seed" })
  local resamples, seed = options.resamples or 1000, options.seed or 1
  local all = type(samples) == "userdata" and samples:totable() or samples
  if type(f) ~= "function" then
    check.argument(where, "f", f, "a function")
  elseif type(all) ~= "table" or #all < 2 then
    check.argument(where, "samples", samples, "two samples or more")
  elseif math.type(resamples) ~= "integer" or resamples < 2 then
    check.argument(where, "resamples", resamples, "an integer >= 2")
  elseif math.type(seed) ~= "integer" then
    check.argument(where, "seed", seed, "an integer")
  end
  local n, estimates = #all, {}
  for b = 1, resamples do
    local drawn = {}
    for i = 1, n do
      drawn[i] = all[core.tools.word(seed, "bootstrap", i, b) % n + 1]
    end
    estimates[b] = f(drawn)
    if type(estimates[b]) ~= "number" then
      check.raise("%s: the function returned a %s value: expected a number", where,
        type(estimates[b]))
    end
  end
  local err = core.array(estimates):std()
  table.sort(estimates)
  return f(all), err, quantile(estimates, 0.1587), quantile(estimates, 0.8413)
end

--- Neighbours of x averaged in pairs.
local function halve(x)
  local n = #x // 2
  local y = core.zeros(n)
  for i = 1, n do
    y[i] = 0.5 * (x[2 * i - 1] + x[2 * i])
  end
  return y
end

--- Binning analysis of a correlated series: the naive standard error of bins of 1, 2, 4, ... values
--- grows with the bin until the bins are independent.
-- @function stats.binning
-- @tparam table|array x a time series, one-dimensional, 32 values or more
-- @treturn table `mean`; `levels`, a list of { bin =, count =, error =, uncertainty = }; `error`,
--  the first level's error that the larger bins confirm within their uncertainty (the last
--  level's, and `converged = false`, when none is); `tau`, the integrated autocorrelation time it
--  implies, in steps of the series: error^2 / naive error^2 / 2, 0.5 for independent values
-- @raise on shorter series and values that are no numbers
-- @usage b = dam.stats.binning(dam.linspace(0, 1, 64)); print(b.mean, b.error, b.tau)
function stats.binning(x)
  local a = series("stats.binning", x, 32)
  local levels, bin, mean = {}, 1, a:mean()
  while #a >= 16 do
    local e = a:sem()
    levels[#levels + 1] =
      { bin = bin, count = #a, error = e, uncertainty = e / math.sqrt(2 * (#a - 1)) }
    a, bin = halve(a), 2 * bin
  end
  local chosen, converged = levels[#levels], false
  for i = 1, #levels - 1 do
    local settled = true
    for j = i + 1, #levels do
      settled = settled and levels[j].error <= levels[i].error + levels[j].uncertainty
    end
    if settled then
      chosen, converged = levels[i], true
      break
    end
  end
  local naive = levels[1].error
  return {
    mean = mean, levels = levels, error = chosen.error, converged = converged,
    tau = naive > 0 and 0.5 * (chosen.error / naive) ^ 2 or 0.5,
  }
end

--- Integrated autocorrelation time tau = 1/2 + sum rho(t), cut at the first t >= window * tau
--- (Sokal's automatic window), and what it means for the mean's error.
-- @function stats.autocorrelation
-- @tparam table|array x a time series, one-dimensional, 4 values or more
-- @tparam[opt=5] number window how many tau to sum over, > 0
-- @treturn table `tau` in steps of the series, `tau_error` (Madras and Sokal), `cut`, `mean`,
--  `error` of the mean with correlations, `effective`, the number of independent values
-- @raise on shorter series, values that are no numbers, and a window that is not allowed
-- @usage c = dam.stats.autocorrelation(dam.linspace(0, 1, 64)); print(c.tau, c.error)
function stats.autocorrelation(x, window)
  local a = series("stats.autocorrelation", x, 4)
  window = window or 5
  if type(window) ~= "number" or window ~= window or window <= 0 then
    check.argument("stats.autocorrelation", "window", window, "a number > 0")
  end
  local n, mean = #a, a:mean()
  local d = (a - mean):totable()
  local function covariance(t)
    local s = 0.0
    for i = 1, n - t do
      s = s + d[i] * d[i + t]
    end
    return s / n
  end
  local variance, tau, cut = covariance(0), 0.5, 0
  if variance > 0 then
    repeat
      cut = cut + 1
      tau = tau + covariance(cut) / variance
    until cut >= window * tau or cut == n - 1
  end
  tau = math.max(tau, 0.5 / n)
  return {
    tau = tau, tau_error = tau * math.sqrt((4 * cut + 2) / n), cut = cut, mean = mean,
    error = math.sqrt(2 * tau * variance / (n - 1)), effective = n / (2 * tau),
  }
end

--- What a fluctuation needs of a result: its fields, checked.
local function check_result(where, r)
  local meta = type(r) == "userdata" and getmetatable(r)
  if type(meta) ~= "table" or meta.__name ~= "dam.result" then
    check.argument(where, "r", r, "the result of sampler:sample")
  end
  return r
end

--- Thermal variance of x in each disorder at temperature t: the mean variance within a chain, and
--- with several replicas the variance between their means. Each replica alone misses what it had no
--- time to visit; its mean square minus the product of two independent means does not.
local function thermal_variance(x, x2, t)
  local within = (x2:slice { t } - x:slice { t } ^ 2):mean(2)
  local replicas = x.shape[3]
  return replicas > 1 and within + x:slice { t }:std(2) ^ 2 or within
end

--- The variances of single chains at temperature t, of one disorder.
local function chain_variances(x, x2, t)
  return (x2:slice { t, 1 } - x:slice { t, 1 } ^ 2)
end

local function list_mean(list)
  local sum = 0.0
  for _, v in ipairs(list) do
    sum = sum + v
  end
  return sum / #list
end

--- N variance / T^power for every temperature, with jackknife errors.
local function fluctuation(r, x, x2, power)
  local T, disorder, replicas = r.T, x.shape[2], x.shape[3]
  local value, err = core.zeros(#T), core.zeros(#T)
  for t = 1, #T do
    local factor = r.N / T[t] ^ power
    local samples = thermal_variance(x, x2, t):totable()
    value[t], err[t] = factor * list_mean(samples), 0 / 0
    if disorder == 1 and replicas > 2 then
      samples = chain_variances(x, x2, t):totable()
    end
    if #samples > 1 then
      local _, e = stats.jackknife(list_mean, samples)
      err[t] = factor * e
    end
  end
  return value, err
end

--- Specific heat per neuron, c = dE/dT/N = N (<e^2> - <e>^2)/T^2 with e = H/N, thermal averages in
--- each disorder, then the mean over disorder. Replicas of a disorder are taken together, so that
--- the variance between them counts (with one replica, c is too small by about 2 tau/n of itself, n
--- steps of autocorrelation time tau).
-- @function stats.specific_heat
-- @tparam result r of sampler:sample
-- @treturn array c [T]
-- @treturn array one standard error [T], jackknife over disorders; with one disorder and three
--  replicas or more over replicas, which holds for chains that visit the same states; else NaN
-- @raise when r is something else
-- @usage p = dam.patterns{ N = 24, M = 8, disorder = 4 }
-- s = dam.mh{ hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.5 }, replicas = 2 }
-- s:run(200); print(dam.stats.specific_heat(s:sample(500)))
function stats.specific_heat(r)
  check_result("stats.specific_heat", r)
  return fluctuation(r, r.energy_density, r.energy2, 2)
end

--- Susceptibility of the alignment to a field that favours the target (H - N h phi),
--- chi = dphi/dh = N (<phi^2> - <phi>^2)/T, averaged and with errors as the specific heat.
-- @function stats.susceptibility
-- @tparam result r of sampler:sample
-- @treturn array chi [T]
-- @treturn array one standard error [T], as of stats.specific_heat
-- @raise when r is something else
-- @usage p = dam.patterns{ N = 24, M = 8, disorder = 4 }
-- s = dam.mh{ hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.5 }, replicas = 2 }
-- s:run(200); print(dam.stats.susceptibility(s:sample(500)))
function stats.susceptibility(r)
  check_result("stats.susceptibility", r)
  return fluctuation(r, r.phi, r.phi2, 1)
end

return stats
