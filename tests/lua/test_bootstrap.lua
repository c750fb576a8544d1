-- dam.stats.bootstrap: errors of the right size from the engine's streams.
local t = require "support"

local function mean(list)
  local sum = 0.0
  for _, v in ipairs(list) do
    sum = sum + v
  end
  return sum / #list
end

--- n numbers spread evenly over (0, 1).
local function uniforms(n)
  local list = {}
  for i = 1, n do
    list[i] = (i * 0.61803398874989485) % 1
  end
  return list
end

t.test("the error of a mean is the standard error, within the noise of the resamples", function()
  local x = uniforms(200)
  local m, err, low, high = dam.stats.bootstrap(mean, x, { resamples = 4000 })
  local _, sem = dam.stats.mean(x)
  t.near(m, mean(x), 1e-15)
  t.near(err / sem, 1, 0.05) -- 1/sqrt(2 * 4000) = 1.1 %, and (n-1)/n
  t.near((high - low) / (2 * sem), 1, 0.06)
end)

t.test("equal seeds give equal results, others do not", function()
  local x = uniforms(20)
  local _, a = dam.stats.bootstrap(mean, x, { resamples = 50, seed = 3 })
  local _, b = dam.stats.bootstrap(mean, x, { resamples = 50, seed = 3 })
  local _, c = dam.stats.bootstrap(mean, x, { resamples = 50, seed = 4 })
  t.equal(a, b)
  t.ok(a ~= c, "another seed")
end)

t.test("more resamples begin with the same ones", function()
  local seen = {}
  local function record(list)
    seen[#seen + 1] = mean(list)
    return seen[#seen]
  end
  dam.stats.bootstrap(record, uniforms(10), { resamples = 5 })
  local first = seen
  seen = {}
  dam.stats.bootstrap(record, uniforms(10), { resamples = 8 })
  for i = 1, 5 do
    t.equal(seen[i], first[i])
  end
end)

t.test("arguments that are not allowed are named", function()
  t.raises(function() dam.stats.bootstrap(mean, { 1 }) end, "samples", "two samples")
  t.raises(function() dam.stats.bootstrap(3, { 1, 2 }) end, "f = 3")
  t.raises(function() dam.stats.bootstrap(mean, { 1, 2 }, { resample = 3 }) end, "resamples")
  t.raises(function() dam.stats.bootstrap(mean, { 1, 2 }, { resamples = 1 }) end, ">= 2")
  t.raises(function() dam.stats.bootstrap(function() end, { 1, 2 }) end, "returned a nil")
end)

t.finish()
