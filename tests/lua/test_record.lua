-- What a sample keeps beside its averages: series, histograms, tracked alignments, observers. None
-- of it changes what is sampled, and an interruption changes none of it.
local t = require "support"
local dam = require "dam"

local T = { 0.1, 0.3, 0.9 }
local patterns = dam.patterns { N = 17, M = 150, seed = 5, disorder = 4 }
local kernels = { dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 3 } }

local function sampler(change)
  change = change or {}
  return dam.mh { hamiltonian = change.hamiltonian or kernels[1], patterns = patterns, T = T,
    replicas = change.replicas or 2, init = { phi = { 0.9, 1 } },
    evaluation = change.evaluation }
end

local everything = { every = 8, series = { "phi", "energy_density", "q12" }, track = { 1, 2, 150 },
  histogram = { phi = { 0.5, 0.9, 40 }, energy_density = { 0, 1, 10 }, q12 = { -1, 1, 7 } } }

local function with(change)
  local o = {}
  for k, v in pairs(everything) do
    o[k] = v
  end
  for k, v in pairs(change) do
    o[k] = v
  end
  return o
end

local function sample(options, n, change)
  local s <close> = sampler(change)
  s:run(30)
  return s:sample(n or 96, options)
end

--- Raises unless every measured quantity of a and b is the same, to the bit.
local function same(a, b, recorded)
  t.equal(a.digest, b.digest, "digest")
  for _, name in ipairs { "phi", "phi2", "q12", "energy_density", "energy2", "acceptance",
    "phi_max_other" } do
    t.equal(a[name], b[name], name)
  end
  for _, name in ipairs(recorded and { "phi", "energy_density", "q12" } or {}) do
    t.equal(a.series[name], b.series[name], "series of " .. name)
    t.equal(a.histogram[name], b.histogram[name], "histogram of " .. name)
    t.equal(a.histogram[name .. "_below"], b.histogram[name .. "_below"], "below")
    t.equal(a.histogram[name .. "_above"], b.histogram[name .. "_above"], "above")
  end
  t.equal(a.track, recorded and b.track or a.track, "track")
end

local function largest(a)
  return a:map(math.abs):max()
end

for i, H in ipairs(kernels) do
  t.test("no option changes what is sampled, kernel " .. i, function()
    local plain = sample(nil, 96, { hamiltonian = H })
    local options = { { every = 4 }, { series = { "phi" } },
      { series = { "energy_density", "q12" } }, { histogram = everything.histogram },
      { track = { 2, 5 } }, everything,
      { observe = function() end }, { every = 32, observe = function(view)
        return view.x, view.phi, view.energy_density, view.q12, view.step
      end }, with { observe = function() collectgarbage() end } }
    for _, o in ipairs(options) do
      same(sample(o, 96, { hamiltonian = H }), plain)
    end
    t.equal(plain.series, nil, "no series")
    t.equal(plain.histogram, nil, "no histogram")
    t.equal(plain.track, nil, "no track")
  end)
end

t.test("the mean of a series is the average of the sample", function()
  for _, every in ipairs { 1, 3, 8, 96 } do
    local r = sample(with { every = every })
    t.equal(table.concat(r.series.phi.shape, " "), "3 4 2 " .. 96 // every, "shape")
    t.equal(table.concat(r.series.q12.shape, " "), "3 4 " .. 96 // every, "shape of q12")
    t.equal(r.every, every, "every")
    t.ok(largest(r.series.phi:mean(4) - r.phi) < 1e-14, "phi")
    t.ok(largest(r.series.energy_density:mean(4) - r.energy_density) < 1e-13, "energy_density")
    t.ok(largest(r.series.q12:mean(3) - r.q12) < 1e-14, "q12")
  end
  local fine, coarse = sample { series = { "phi" } }, sample { series = { "phi" }, every = 2 }
  t.near(coarse.series.phi(2, 3, 1, 5), (fine.series.phi(2, 3, 1, 9) + fine.series.phi(2, 3, 1, 10))
    / 2, 1e-15, "blocks are means")
  t.ok(largest((fine.series.phi ^ 2):mean(4) - fine.phi2) < 1e-14, "phi2")
  local e = sample { series = "energy_density" }
  t.ok(largest((e.series.energy_density ^ 2):mean(4) - e.energy2) < 1e-13, "energy2")
end)

t.test("histograms count every step, below and above included", function()
  local r = sample(everything)
  local fine = sample { series = { "phi", "energy_density", "q12" } }
  for name, spec in pairs(everything.histogram) do
    local low, high, bins = table.unpack(spec)
    local counts, below, above = r.histogram[name], r.histogram[name .. "_below"],
      r.histogram[name .. "_above"]
    local last = #counts.shape
    t.equal(counts.shape[last], bins, "bins")
    t.equal(counts:sum(last) + below + above, below * 0 + 96, name .. ": total of each chain")
    local wanted = counts * 0
    local series = fine.series[name]
    local outside = 0
    for ti = 1, #T do
      for d = 1, 4 do
        for a = 1, name == "q12" and 1 or 2 do
          for step = 1, 96 do
            local at = name == "q12" and { ti, d } or { ti, d, a }
            local v = series(ti, d, table.unpack({ a, step }, name == "q12" and 2 or 1))
            if v < low or v > high then
              outside = outside + 1
            else
              at[#at + 1] = math.min(bins, 1 + (v - low) / (high - low) * bins // 1)
              for k = 1, #at do
                at[k] = math.tointeger(at[k])
              end
              wanted:set(wanted(table.unpack(at)) + 1, table.unpack(at))
            end
          end
        end
      end
    end
    t.equal(counts, wanted, name .. ": counts")
    t.equal((below + above):sum(), outside, name .. ": outside")
  end
  t.ok(r.histogram.phi_below:sum() > 0 and r.histogram.phi_above:sum() > 0, "both ends were missed")
end)

t.test("rounding at the ends counts as inside", function()
  local s <close> = dam.mh { hamiltonian = kernels[1], patterns = patterns, T = 1e-12,
    init = "cold" }
  local r = s:sample(10, { histogram = { phi = { -1, 1, 200 } } })
  t.equal(r.histogram.phi(1, 1, 1, 200), 10, "phi = 1 but for single rounding")
end)

t.test("tracked alignments are the overlaps of the states", function()
  local s <close> = sampler()
  s:run(5)
  local states = {}
  local r = s:sample(40, { every = 10, track = { 2, 77, 1 }, observe = function(view)
    states[#states + 1] = view.x
  end })
  t.equal(table.concat(r.track.shape, " "), "3 4 2 4 3", "shape")
  t.equal(states[4], s:state(), "the last view is the state")
  for block = 1, 4 do
    for ti = 1, 3 do
      for d = 1, 4 do
        local own = dam.patterns { N = 17, M = 150, seed = 5, first_disorder = d }
        local phi = own:overlap(states[block]:slice { ti, d })
        for a = 1, 2 do
          for i, mu in ipairs { 2, 77, 1 } do
            t.equal(r.track(ti, d, a, block, i), phi(1, a, mu), "alignment")
          end
        end
      end
    end
  end
end)

t.test("a view shows all chains at the same step", function()
  local s <close> = sampler { replicas = 3, evaluation = "reference" }
  s:run(7)
  local steps, views = {}, {}
  local r = s:sample(24, { every = 8, series = { "phi" }, observe = function(view)
    steps[#steps + 1] = view.step
    views[#views + 1] = view
    t.equal(view.phi, view.phi, "fetched twice")
    t.equal(table.concat(view.x.shape, " "), "3 4 3 17", "x")
    t.equal(table.concat(view.q12.shape, " "), "3 4", "q12")
    t.equal(tostring(view), "dam.view at step " .. view.step, "tostring")
    local d1 = dam.patterns { N = 17, M = 150, seed = 5, disorder = 1 }
    local x = view.x:slice { 2, 1, 3 }
    t.equal(view.phi(2, 1, 3), d1:overlap(x)(1, 1), "phi")
    t.near(view.energy_density(2, 1, 3), kernels[1]:energy(d1, x)[1] / 17, 1e-12, "energy")
    t.raises(function() return view.phy end, "dam.view has no field 'phy'; did you mean 'phi'")
  end })
  t.equal(table.concat(steps, " "), "15 23 31", "steps since the sampler was made")
  t.ok(r.series.phi, "a series beside an observer")
  t.raises(function() return views[1].phi end, "dam.view: this view is over", "only during")
  t.equal(tostring(views[1]), "dam.view (over)", "tostring")
  s:sample(8, { every = 8, observe = function(view)
    t.raises(function() return views[1].phi end, "this view is over")
    view:close()
    t.raises(function() return view.phi end, "this view is over")
  end })
  local one <close> = sampler { replicas = 1 }
  one:sample(1, { observe = function(view)
    t.equal(view.q12, nil, "q12 of one replica")
  end })
end)

t.test("an error in observe stops the sample at that block, and finish completes it", function()
  local whole = sample(everything)
  local s <close> = sampler()
  s:run(30)
  local count, token = 0, { "mine" }
  local ok, raised = pcall(s.sample, s, 96, with { observe = function()
    count = count + 1
    if count == 5 then
      error(token)
    end
  end })
  t.ok(not ok and raised == token, "the error itself arrives")
  t.equal(count, 5, "blocks seen")
  t.raises(function() s:run(1) end, "an interrupted sample of 96 steps waits")
  t.raises(function() s:sample(1) end, "s:finish()")
  t.raises(function() s:set_T(T) end, "set_T while an interrupted sample waits")
  local seen = {}
  t.raises(function()
    s:finish { observe = function(view)
      seen[#seen + 1] = view.step
      error("again", 0)
    end }
  end, "again")
  t.equal(table.concat(seen, " "), "78", "finish goes on after the block that failed")
  same(s:finish(), whole, true)
  t.equal(s.steps, 126, "steps")
  t.equal(s:finish(), s, "nothing is left to finish")
end)

t.test("an error at the last block keeps the result for finish", function()
  local s <close> = sampler()
  s:run(30)
  t.raises(function()
    s:sample(96, with { every = 96, observe = function() error "late" end })
  end, "late")
  same(s:finish { observe = function() error "no block is left" end },
    sample(with { every = 96 }), true)
end)

t.test("what an observer must not do", function()
  local s <close> = sampler()
  local name = os.tmpname()
  s:sample(2, { observe = function()
    for method, args in pairs { run = 1, sample = 1, set_state = s:state(), set_T = T } do
      t.raises(function() s[method](s, args) end, "sampler:" .. method, "observe may only look")
    end
    t.raises(function() s:finish() end, "sampler:finish", "observe may only look")
    t.raises(function() s:close() end, "sampler:close", "observe may only look")
    s:save(name)
  end })
  local other <close> = dam.load(name) -- saved by the observer, at the end of the last block
  os.remove(name)
  t.equal(other:finish().digest, sampler():sample(2).digest, "digest")
  t.raises(function()
    s:sample(2, { observe = function() coroutine.yield() end })
  end, "yield")
  s:finish()
end)

t.test("observers that take apart what they stand on", function()
  local s = sampler()
  t.raises(function()
    s:sample(4, { observe = function()
      s = nil
      collectgarbage()
      collectgarbage()
      error "gone"
    end })
  end, "gone")
  collectgarbage()
end)

t.test("a sample that waits is saved with its record", function()
  local whole = sample(everything)
  local s <close> = sampler()
  local name = os.tmpname()
  s:run(30)
  t.raises(function()
    s:sample(96, with { observe = function(view)
      if view.step == 54 then
        error "stop"
      end
    end })
  end, "stop")
  s:save(name)
  local again <close> = dam.load(name)
  local steps = {}
  same(again:finish { observe = function(view) steps[#steps + 1] = view.step end }, whole, true)
  t.equal(#steps, 9, "blocks left")
  t.equal(steps[1], 62, "first block left")
  -- a byte anywhere, or a piece missing
  local f = assert(io.open(name, "rb"))
  local text = f:read "a"
  f:close()
  for _, bad in ipairs { text:sub(1, -9), text:sub(1, #text // 2), text .. "12345678",
    text:sub(1, 4000) .. string.char(text:byte(4001) ~ 1) .. text:sub(4002) } do
    f = assert(io.open(name, "wb"))
    f:write(bad)
    f:close()
    t.raises(function() dam.load(name) end, "is not a complete sampler file")
  end
  os.remove(name)
  same(s:finish(), whole, true)
end)

local nan = 0 / 0
local bad = {
  { { every = 7 }, "every = 7 does not divide n = 96", "n = 91 or 98" },
  { { every = 0 }, "every = 0", "from 1 to n = 96" },
  { { every = 97 }, "every = 97" },
  { { series = { "phy" } }, 'series = "phy"', "did you mean 'phi'" },
  { { series = { 3 } }, "series = 3", "phi, energy_density or q12" },
  { { series = {} }, "series", "a list" },
  { { series = true }, "series = true" },
  { { histogram = { phi = { 0, 1 } } }, "histogram.phi", "{low, high, bins}" },
  { { histogram = { phi = { 1, 0, 5 } } }, "histogram.phi", "low < high" },
  { { histogram = { phi = { 0, 1, 0 } } }, "histogram.phi = 0", "whole number" },
  { { histogram = { phi = { nan, 1, 5 } } }, "histogram.phi = nan" },
  { { histogram = { energy = { 0, 1, 5 } } }, 'histogram = "energy"', "energy_density" },
  { { histogram = { { 0, 1, 5 } } }, "histogram = 1" },
  { { track = { 151 } }, "track = 151", "from 1 to 150" },
  { { track = {} }, "track", "a list" },
  { { track = 2 }, "track = 2", "a list" },
  { { observe = 3 }, "observe = 3", "a function" },
  { { serie = {} }, "unknown option 'serie'", "did you mean 'series'" },
}
for _, case in ipairs(bad) do
  t.test("error: " .. table.concat(case, " / ", 2), function()
    local s <close> = sampler()
    t.raises(function() s:sample(96, case[1]) end, table.unpack(case, 2))
    t.equal(s:sample(10).steps, 10, "nothing waits")
  end)
end

t.test("a record that does not fit is refused before anything is taken", function()
  local s <close> = sampler()
  t.raises(function() s:sample(1 << 40, { series = { "phi" } }) end, "sampler:sample", "GiB",
    "available", "raise every")
  t.raises(function() sampler { replicas = 1 }:sample(4, { series = { "q12" } }) end, "q12",
    "replicas = 1")
  t.equal(s:sample(4).steps, 4, "steps")
end)

t.test("a long observation keeps memory bounded", function()
  local s <close> = sampler()
  local function live()
    collectgarbage()
    collectgarbage()
    return collectgarbage "count"
  end
  s:sample(100, { observe = function(view) return view.x end })
  local before = live()
  s:sample(2000, { observe = function(view) return view.x end })
  t.ok(live() - before < 64, "no more than 64 KiB stay")
end)

t.test("retained: the fraction of chains above a threshold", function()
  local r = sample()
  for _, threshold in ipairs { 0.2, 0.7, 0.85 } do
    local kept = r:retained(threshold)
    for ti = 1, #T do
      local n = 0
      for d = 1, 4 do
        for a = 1, 2 do
          n = n + (r.phi(ti, d, a) >= threshold and 1 or 0)
        end
      end
      t.equal(kept[ti], n / 8, "fraction at " .. threshold)
    end
  end
  t.equal(r:retained(), r:retained(0.5), "default")
  t.raises(function() r:retained "0.5" end, 'threshold = "0.5"', "a number")
end)

t.finish()
