-- What a chain does depends on its identity alone. This file is run under every instruction set.
local t = require "support"
local dam = require "dam"

local kernels = { dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 3 } }
local T = { 0.1, 0.3, 0.9 }

--- A sampler of the standard case, with changes.
local function sampler(change)
  change = change or {}
  local p = dam.patterns { N = change.N or 17, M = change.M or 150, seed = change.pattern_seed or 5,
    disorder = change.disorder or 4, first_disorder = change.first_disorder }
  return dam.mh { hamiltonian = change.hamiltonian or kernels[1], patterns = p,
    T = change.T or T, replicas = change.replicas or 2, first_replica = change.first_replica,
    seed = change.seed, step = change.step, init = change.init or { phi = { 0.9, 1 } },
    evaluation = change.evaluation }
end

local function digest(change, steps)
  local s <close> = sampler(change)
  s:run(steps or 100)
  return s:sample(100).digest
end

local function sum(...)
  local total = 0
  for _, d in ipairs { ... } do
    total = total + math.tointeger(tonumber("0x" .. d:sub(1, 8))) * (1 << 32)
      + tonumber("0x" .. d:sub(9))
  end
  return ("%016x"):format(total)
end

for i, H in ipairs(kernels) do
  t.test("golden digest of kernel " .. i, function()
    local name, found = tostring(H), digest { hamiltonian = H, disorder = 3, N = 23, M = 1100 }
    for line in io.lines "tests/golden/digests.txt" do
      local known, wanted = line:match "^(.-)%s*|%s*(%x+)$"
      if known == name then
        return t.equal(found, wanted, name)
      end
    end
    error(("no golden digest of '%s'; found %s"):format(name, found))
  end)
end

t.test("disorders alone and within more", function()
  local all = digest { disorder = 16 }
  t.equal(sum(digest { disorder = 8 }, digest { first_disorder = 9, disorder = 8 }), all, "sum")
  local s <close> = sampler { disorder = 16 }
  local part <close> = sampler { first_disorder = 9, disorder = 8 }
  local r, q = s:sample(50), part:sample(50)
  for ti = 1, #T do
    for d = 1, 8 do
      t.equal(q:chain_digest(ti, d, 2), r:chain_digest(ti, d + 8, 2), "chain digest")
      t.equal(q.phi(ti, d, 1), r.phi(ti, d + 8, 1), "phi")
      t.equal(q.q12(ti, d), r.q12(ti, d + 8), "q12")
    end
  end
end)

t.test("a replica alone and within two", function()
  t.equal(sum(digest { replicas = 1 }, digest { replicas = 1, first_replica = 2 }), digest(), "sum")
end)

t.test("a temperature alone and within a list, in any order", function()
  t.equal(sum(digest { T = 0.1 }, digest { T = 0.3 }, digest { T = { 0.9 } }), digest(), "sum")
  t.equal(digest { T = dam.array { 0.9, 0.1, 0.3 } }, digest(), "another order")
end)

t.test("sets nest: more patterns begin with the same ones", function()
  local a, b = dam.patterns { N = 9, M = 70, seed = 3 }, dam.patterns { N = 9, M = 33, seed = 3 }
  t.equal(a:array(1):slice { { 1, 33 } }, b:array(1), "patterns 1 to 33")
end)

t.test("runs cut into calls", function()
  local whole <close> = sampler()
  local cut <close> = sampler()
  whole:run(200)
  for n = 1, 16 do
    cut:run(n)
  end
  cut:run(64)
  t.equal(cut:sample(10).digest, whole:sample(10).digest, "digest")
  t.equal(cut.steps, 210, "steps")
end)

t.test("measuring changes nothing", function()
  local a <close> = sampler()
  local b <close> = sampler()
  a:run(90)
  b:sample(90)
  t.equal(a:sample(10).digest, b:sample(10).digest, "digest")
end)

t.test("lists of near patterns decide as all patterns do", function()
  local p = dam.patterns { N = 40, M = 3000, disorder = 2, seed = 5 }
  for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
    local r = {}
    for _, evaluation in ipairs { "reference", "active", "auto", "active+single" } do
      local s <close> = dam.mh { hamiltonian = H, patterns = p, T = { 0.05, 0.3 }, replicas = 2,
        evaluation = evaluation }
      local first = s:sample(200)
      t.equal(first.stats.rebuilds[1] >= 1, evaluation ~= "reference", "lists are made")
      r[evaluation] = s:sample(300)
    end
    for _, evaluation in ipairs { "active", "auto", "active+single" } do
      local q, all = r[evaluation], r.reference
      t.equal(q.digest, all.digest, evaluation .. " digest")
      t.equal(q.phi, all.phi, evaluation .. " phi")
      t.equal(q.q12, all.q12, evaluation .. " q12")
      t.ok((q.energy_density - all.energy_density):map(math.abs):max() < 1e-6,
        "energies agree to 1e-6")
      t.ok(q.stats.patterns_per_step[1] < 0.2 * all.stats.patterns_per_step[1], "less work")
      t.ok(q.stats.list_size[1] >= 1, "lists are kept between samples")
      t.ok(q.stats.unsure[1].active < 0.1, "lists decide nearly all")
      local patterns = 0
      for _, tier in ipairs { "active", "coarse", "single", "reference" } do
        patterns = patterns + q.stats.by_tier[1][tier]
      end
      t.near(patterns, q.stats.patterns_per_step[1], 1e-9, "patterns by tier")
      t.equal(all.stats.by_tier[1].reference, 3000, "patterns of the reference")
      t.equal(all.stats.rebuilds[1], 0, "lists of the reference")
    end
  end
end)

t.test("patterns are put into other numbers for samples, and back", function()
  local p = dam.patterns { N = 48, M = 2000, disorder = 2, seed = 5 }
  local r = {}
  for _, evaluation in ipairs { "reference", "auto", "coarse" } do
    local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = p, T = { 0.3, 0.9 },
      replicas = 2, evaluation = evaluation }
    s:run(70)
    local short = s:sample(20) -- too few steps for that
    s:run(10)
    local long = s:sample(70)
    s:run(70)
    r[evaluation] = { short, long, s:sample(5) }
  end
  for _, evaluation in ipairs { "auto", "coarse" } do
    for i, q in ipairs(r[evaluation]) do
      local all = r.reference[i]
      t.equal(q.digest, all.digest, evaluation .. " digest")
      t.ok((q.energy_density - all.energy_density):map(math.abs):max() < 1e-6,
        "energies agree to 1e-6")
      t.ok(evaluation ~= "coarse" or q.stats.by_tier[2].coarse > 0, "the tier is asked")
    end
  end
end)

t.test("save and load, also between a run and a sample", function()
  local name = os.tmpname()
  local s <close> = sampler { hamiltonian = kernels[2] }
  s:run(57)
  s:save(name)
  local again <close> = dam.load(name)
  os.remove(name)
  t.equal(again.steps, 57, "steps")
  local r, q = s:sample(43), again:sample(43)
  t.equal(q.digest, r.digest, "digest")
  t.equal(q.phi, r.phi, "phi")
  t.equal(q.q12, r.q12, "q12")
  t.equal(q.phi_max_other, r.phi_max_other, "phi_max_other")
end)

t.test("states taken out and put back", function()
  local a <close> = sampler()
  local b <close> = sampler()
  a:run(40)
  b:run(40)
  b:set_state(b:state())
  t.equal(b:sample(10).digest, a:sample(10).digest, "digest")
  local hot <close> = sampler { init = "hot" }
  hot:run(40) -- the decisions differ, the states will not
  hot:set_state(a:state())
  t.equal(hot:state(), a:state(), "states")
end)

-- Hot, cold and with steps of a thousand proposals, L changes by so much that what a list leaves
-- out cannot be represented beside it.
t.test("lists where terms differ by more than e^690", function()
  for _, case in ipairs { { 7337.59745, 0.000553746, 4439.04, 8000, 42, 2995 },
    { 15076.4916, 0.000226522, 15019.4, 4000, 868, 2634 } } do
    local beta_net, T1, step, M, pattern_seed, seed = table.unpack(case)
    local function found(evaluation)
      return digest({ hamiltonian = dam.lse { beta_net = beta_net }, N = 36, M = M, disorder = 1,
        pattern_seed = pattern_seed, seed = seed, T = T1, step = step, replicas = 8, init = "hot",
        evaluation = evaluation }, 150)
    end
    local wanted = found "reference"
    for _, evaluation in ipairs { "active", "active+single", "auto" } do
      t.equal(found(evaluation), wanted, evaluation)
    end
  end
end)

t.test("set_T there and back", function()
  local a <close> = sampler()
  local b <close> = sampler()
  b:set_T { 5, 6, 7 }
  b:set_T(T)
  t.equal(a:sample(30).digest, b:sample(30).digest, "digest")
end)

t.test("own patterns equal a drawn set of the same numbers", function()
  local drawn = dam.patterns { N = 17, M = 150, seed = 5 }
  local own = dam.patterns { from = drawn:array(1) }
  local r, q
  for _, p in ipairs { drawn, own } do
    local s <close> = dam.mh { hamiltonian = kernels[2], patterns = p, T = T, replicas = 2 }
    r, q = q, s:sample(60)
  end
  t.equal(q.digest, r.digest, "digest")
  t.equal(q.phi_max_other, r.phi_max_other, "phi_max_other")
end)

t.test("every change changes the digest", function()
  local seen = { [digest()] = "nothing" }
  local changes = { seed = 2, pattern_seed = 6, T = { 0.1, 0.3, 0.9000001 }, step = 2.4000001,
    hamiltonian = dam.lse { beta_net = 1.0000001 }, N = 18, M = 151, replicas = 3, disorder = 5,
    first_disorder = 2, first_replica = 2, init = "cold" }
  for name, value in pairs(changes) do
    local d = digest { [name] = value }
    t.ok(not seen[d], name .. " changes the digest (equal to " .. tostring(seen[d]) .. ")")
    seen[d] = name
  end
  t.ok(digest({}, 101) ~= digest(), "steps change the digest")
  -- too few steps for a decision to differ: the Hamiltonian alone makes the difference
  local function one(H)
    local s <close> = sampler { hamiltonian = H, T = { 0.001 } }
    return s:sample(1).digest
  end
  t.ok(one(dam.lse()) ~= one(dam.lsr { b = 2 }), "the Hamiltonian is part of the identity")
end)

t.test("measured alignments are those of the states", function()
  local s <close> = sampler { disorder = 1, replicas = 3, evaluation = "reference" }
  s:run(30)
  local r = s:sample(1)
  local p = dam.patterns { N = 17, M = 150, seed = 5 }
  local x = s:state()
  for ti = 1, #T do
    for a = 1, 3 do
      local phi = p:overlap(x:slice { ti, 1, a }):slice { 1 }
      t.equal(r.phi(ti, 1, a), phi[1], "phi")
      t.equal(r.phi_max_other(ti, 1, a), phi:slice { { 2, 150 } }:max(), "phi_max_other")
      t.near(r.energy_density(ti, 1, a), kernels[1]:energy(p, x:slice { ti, 1, a })[1] / 17, 1e-12,
        "energy density")
    end
    local q = 0
    for k = 1, 17 do
      q = q + (x(ti, 1, 1, k) * x(ti, 1, 2, k) + x(ti, 1, 1, k) * x(ti, 1, 3, k)
        + x(ti, 1, 2, k) * x(ti, 1, 3, k)) / 51
    end
    t.near(r.q12(ti, 1), q, 1e-12, "q12")
  end
end)

t.finish()
