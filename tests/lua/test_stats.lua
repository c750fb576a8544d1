local t = require "support"
local dam = require "dam"
local stats = dam.stats

--- An AR(1) series of n values, autocorrelation a^t, variance 1: tau = (1 + a) / (1 - a) / 2.
local function correlated(n, a, seed)
  local state = seed
  local function uniform()
    state = state * 6364136223846793005 + 1442695040888963407
    return ((state >> 11) + 0.5) / 2 ^ 53
  end
  local function normal()
    return math.sqrt(-2 * math.log(uniform())) * math.cos(2 * math.pi * uniform())
  end
  local x, v = {}, normal()
  for i = 1, n do
    x[i] = v
    v = a * v + math.sqrt(1 - a * a) * normal()
  end
  return x
end

t.test("mean and standard error", function()
  local m, e = stats.mean { 1, 2, 6 }
  t.equal(m, 3)
  t.near(e, math.sqrt(7 / 3), 1e-15)
  m, e = stats.mean(dam.array { 4 })
  t.equal(m, 4)
  t.ok(e ~= e)
  t.raises(function() stats.mean {} end, "0 values")
  t.raises(function() stats.mean { 1, "2" } end, "x[2] = \"2\"")
  t.raises(function() stats.mean(dam.zeros(2, 2)) end, "one-dimensional")
end)

t.test("the jackknife of a mean is its standard error, without bias", function()
  local function mean(s)
    local sum = 0
    for _, v in ipairs(s) do sum = sum + v end
    return sum / #s
  end
  local v, e, bias = stats.jackknife(mean, { 1, 2, 6, 3 })
  t.equal(v, 3)
  t.near(e, dam.array { 1, 2, 6, 3 }:sem(), 1e-14)
  t.near(bias, 0, 1e-14)
  -- The square of a mean is biased by the variance of the mean, which the jackknife finds exactly.
  v, e, bias = stats.jackknife(function(s) return mean(s) ^ 2 end, { 1, 2, 6, 3 })
  t.equal(v, 9)
  t.near(bias, dam.array { 1, 2, 6, 3 }:sem() ^ 2, 1e-12)
  t.ok(e > 0)
  local ratio = stats.jackknife(function(s) return #s[1] end, dam.zeros(5, 3))
  t.equal(ratio, 3)
  t.raises(function() stats.jackknife(mean, { 1 }) end, "two samples")
  t.raises(function() stats.jackknife(3, { 1, 2 }) end, "f = 3")
  t.raises(function() stats.jackknife(function() end, { 1, 2 }) end, "nil value")
end)

t.test("autocorrelation times of a known process, neither too small nor too large", function()
  for _, a in ipairs { 0, 0.8, 0.95 } do
    local n, tau = 40000, 0.5 * (1 + a) / (1 - a)
    local x = correlated(n, a, 11)
    local c = stats.autocorrelation(x)
    t.near(c.tau, tau, 4 * c.tau_error, "tau at a = " .. a)
    t.ok(c.tau_error < 0.25 * tau)
    local exact = math.sqrt(2 * tau / n)
    t.near(c.error, exact, 0.15 * exact)
    t.ok(math.abs(c.mean) < 4 * exact)
    local b = stats.binning(x)
    t.ok(b.converged)
    t.near(b.error, exact, 0.25 * exact, "binned error at a = " .. a)
    t.near(b.tau, tau, 0.5 * tau)
    t.near(b.mean, c.mean, 1e-12)
  end
  t.near(stats.autocorrelation(correlated(40000, 0, 3)).tau, 0.5, 0.05)
end)

t.test("constant and short series", function()
  local flat = dam.zeros(64) + 0.1
  t.equal(stats.binning(flat).error, 0)
  t.near(stats.autocorrelation(flat).error, 0, 1e-15)
  t.raises(function() stats.binning { 1, 2, 3 } end, "3 values", "32")
  t.raises(function() stats.autocorrelation { 1 } end, "1 values")
  t.raises(function() stats.autocorrelation({ 1, 2, 3, 4 }, 0) end, "window = 0")
  t.ok(not stats.binning(dam.linspace(0, 1, 64)).converged, "a drift has no plateau")
end)

t.finish()
