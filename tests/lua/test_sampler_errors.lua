-- Bad input to the main job: each an error that names the key, the value and the remedy.
local t = require "support"
local dam = require "dam"

local nan, inf = 0 / 0, math.huge
local H, p = dam.lse(), dam.patterns { N = 10, M = 4, disorder = 2 }

local function mh(change)
  local o = { hamiltonian = H, patterns = p, T = 0.5 }
  for k, v in pairs(change) do
    o[k] = v
  end
  return function()
    return dam.mh(o)
  end
end

local function patterns(o)
  return function()
    return dam.patterns(o)
  end
end

local bad = {
  { mh { T = nan }, "dam.mh", "T = nan", "> 0" },
  { mh { T = inf }, "dam.mh", "T = inf", "> 0" },
  { mh { T = -0.1 }, "dam.mh", "T = -0.1", "dam.descend" },
  { mh { T = 0 }, "T = 0", "dam.descend" },
  { mh { T = "0.1" }, 'T = "0.1"', "a number" },
  { mh { T = {} }, "dam.mh", "T", "a number" },
  { mh { T = { 0.1, -2 } }, "T[2] = -2", "> 0" },
  { mh { T = { 0.1, "x" } }, 'T[2] = "x"' },
  { mh { T = dam.zeros(2, 2) }, "T", "1-D" },
  { mh { replicas = 0 }, "replicas = 0", "from 1" },
  { mh { replicas = 1.5 }, "replicas = 1.5", "integer" },
  { mh { replica = 2 }, "unknown option 'replica'", "did you mean 'replicas'" },
  { mh { first_replica = -1 }, "first_replica = -1" },
  { mh { step = 0 }, "step = 0", "> 0" },
  { mh { step = nan }, "step = nan" },
  { mh { seed = 1.5 }, "seed = 1.5", "an integer" },
  { mh { seed = "7" }, 'seed = "7"', "an integer" },
  { mh { device = "gpu" }, 'device = "gpu"', "expected auto, cpu" },
  { mh { device = 0 }, "device = 0", '"cpu"' },
  { mh { device = "cuda:0" }, 'device = "cuda:0"', "CUDA" },
  { mh { evaluation = "fast" }, 'evaluation = "fast"', "reference" },
  { mh { evaluation = "active+fast" }, 'evaluation = "active+fast"', "'fast'", '"single"' },
  { mh { evaluation = "active+" }, 'evaluation = "active+"', '"active+single"' },
  { mh { evaluation = "single+single" }, "named twice" },
  { mh { evaluation = "" }, 'evaluation = ""', '"auto"' },
  { mh { evaluation = 3 }, "evaluation = 3", '"reference"' },
  { mh { init = "warm" }, 'init = "warm"', "cold, hot, exact, support" },
  { mh { init = { phi = 2 } }, "phi = 2", "[-1, 1]" },
  { mh { init = { phi = { 0.9, 0.8 } } }, "phi = {0.9, 0.8}", "a <= b" },
  { mh { init = { phi = { 0.9, nan } } }, "phi[2] = nan" },
  { mh { init = { ph = 0.9 } }, "unknown option 'ph'", "did you mean 'phi'" },
  { mh { init = { pattern = 5 } }, "pattern = 5", "from 1 to 4" },
  { mh { init = { mix = { 1, 9 } } }, "mix = 9", "from 1 to 4" },
  { mh { init = { mix = {} } }, "mix", "indices of patterns" },
  { mh { init = dam.zeros(1, 2, 1, 9) }, "init", "[1, 2, 1, 10]" },
  { mh { init = dam.zeros(1, 2, 1, 10) }, "off the sphere", "disorder 1, replica 1" },
  { mh { init = "exact" }, "exact", "T = 1/beta_net" },
  { mh { init = "exact", hamiltonian = dam.lsr { b = 3 } }, "exact", "LSE" },
  { mh { hamiltonian = 5 }, "hamiltonian = 5", "dam.lse" },
  { mh { patterns = {} }, "patterns", "dam.patterns" },
  { mh { hamiltonian = dam.lsr { b = 20 }, init = { phi = 0.8 } }, "out of every pattern's support",
    "T = 0.5, disorder 1, replica 1", "0.95" },
  { function() return dam.mh { hamiltonian = H, patterns = p } end, "option 'T' is missing" },
  { function() return dam.mh() end, "dam.mh", "table of options" },
  { function() return dam.mh { H, p } end, "key = value" },
  { patterns { N = 0, M = 1 }, "N = 0", "from 2" },
  { patterns { N = 10, M = 0 }, "M = 0", ">= 1" },
  { patterns { N = 1000, M = 10 ^ 12 }, "GiB", "available", "lower M" },
  { mh { T = 1e160 }, "T = 1e+160", "<= 1e100" },
  { mh { step = 1e300 }, "step = 1e+300", "<= 1e100" },
  { function() return H:energy(p, dam.zeros(10) / 0) end, "nan in state 1", "finite" },
  { patterns { N = "10", M = 1 }, 'N = "10"', "integer" },
  { patterns { N = 10, M = 2.5 }, "M = 2.5", "integer" },
  { patterns { N = 1000, alpha = 1 }, "alpha = 1", "10^434", "GiB", "lower alpha" },
  { patterns { N = 10, alpha = nan }, "alpha = nan" },
  { patterns { N = 10, alpha = -1 }, "alpha = -1", ">= 0" },
  { patterns { N = 10, alpha = 0.1, M = 3 }, "either M or alpha", "not both" },
  { patterns { N = 10 }, "either M or alpha" },
  { patterns { M = 10 }, "'N' is missing" },
  { patterns { N = 1000, M = 4000000000 }, "GiB", "available", "lower M" },
  { patterns { N = 10, M = 3, disorder = 0 }, "disorder = 0" },
  { patterns { N = 10, M = 3, targets = { 1 } }, "'targets'", "from" },
  { patterns { from = dam.zeros(2, 4) }, "off the sphere", "pattern 1", "rescale" },
  { patterns { from = dam.zeros(2, 4), rescale = true }, "pattern 1", "no direction" },
  { patterns { from = dam.array { { 1, 1, 1 }, { 1, nan, 1 } } }, "pattern 2", "nan at 2" },
  { patterns { from = dam.zeros(4) }, "from", "[M, N]" },
  { patterns { from = dam.zeros(2, 4), N = 4 }, "'N' cannot be given with 'from'" },
  { patterns { from = dam.array { { 1, 1 }, { 1, -1 } }, target = 3 }, "target = 3" },
  { patterns { from = dam.array { { 1, 1 }, { 1, -1 } }, targets = { 1, 0 } }, "targets = 0" },
  { function() return dam.lse { betanet = 1 } end, "unknown option 'betanet'",
    "did you mean 'beta_net'" },
  { function() return dam.lse { beta_net = 0 } end, "beta_net = 0", "> 0" },
  { function() return dam.lsr {} end, "either b or beta_net" },
  { function() return dam.lsr { b = 2, beta_net = 1 } end, "not both" },
  { function() return dam.lsr { b = 2, epsilon = 1 } end, "epsilon = 1", "< 1" },
  { function() return dam.polynomial { k = 0 } end, "k = 0", "from 1 to 100" },
  { function() return p:overlap(dam.zeros(9)) end, "[10] or [n, 10]" },
  { function() return p:array(3) end, "disorder = 3", "from 1 to 2" },
  { function() return H:u(2) end, "phi = 2", "[-1, 1]" },
  { function() return p.alhpa end, "did you mean 'alpha'" },
}
for _, case in ipairs(bad) do
  t.test("error: " .. table.concat(case, " / ", 2), function()
    t.raises(table.unpack(case))
  end)
end

t.test("a sampler that does not fit says what to lower", function()
  local many = dam.patterns { N = 1000, M = 2, disorder = 4000000000 }
  t.raises(mh { patterns = many, replicas = 1000 }, "GiB", "available", "lower disorder")
end)

t.test("closed objects say so; closing twice is harmless", function()
  local q = dam.patterns { N = 10, M = 4 }
  local s = dam.mh { hamiltonian = H, patterns = q, T = 1 }
  q:close()
  q:close()
  t.raises(function() return q.N end, "pattern set is closed")
  t.raises(function() return #q end, "closed")
  t.equal(tostring(q), "dam.patterns (closed)", "tostring")
  local G <close> = dam.lse()
  G:close()
  G:close()
  t.raises(function() return G:u(0.5) end, "Hamiltonian is closed")
  t.raises(function() return G.beta_net end, "closed")
  t.equal(tostring(G), "dam.hamiltonian (closed)", "tostring")
  local r = s:sample(10) -- the sampler keeps what it works on
  s:close()
  s:close()
  t.raises(function() s:run(1) end, "sampler is closed")
  t.ok(r.phi(1, 1, 1) < 1.1, "results live on")
  r:close()
  t.raises(function() return r.phi end, "result is closed")
  t.raises(function() return r:chain_digest(1, 1, 1) end, "result is closed")
end)

t.test("steps must be whole and positive", function()
  local s <close> = dam.mh { hamiltonian = H, patterns = p, T = 1 }
  for _, n in ipairs { 0, -1, 1.5, "10", 2 ^ 50, nan } do
    t.raises(function() s:run(n) end, "sampler:run", "n = ", "whole number")
    t.raises(function() s:sample(n) end, "sampler:sample", "n = ")
  end
  t.raises(function() s:sample(1, { evry = 2 }) end, "unknown option 'evry'")
  t.raises(function() s:set_T { 1, 2 } end, "2 temperatures", "expected 1")
  t.raises(function() s:set_state(dam.zeros(3)) end, "[1, 2, 1, 10]")
  t.raises(function() return s.stepp end, "did you mean 'steps'")
end)

t.test("set_state changes nothing when it fails", function()
  local lsr <close> = dam.mh { hamiltonian = dam.lsr { b = 3.41 }, patterns = p, T = 0.5 }
  local before = lsr:state()
  t.raises(function() lsr:set_state(before * -1) end, "out of every pattern's support")
  t.raises(function() lsr:set_state(before * 2) end, "off the sphere")
  t.equal(lsr:state(), before, "states")
end)

t.test("energies are finite for every state at beta_net = 100, N = 1000", function()
  local q = dam.patterns { N = 1000, M = 5, seed = 2 }
  local x = q:array(1):slice { 1 }
  for _, G in ipairs { dam.lse { beta_net = 100 }, dam.lse { beta_net = 1e-3 },
    dam.polynomial { k = 100 }, dam.lsr { b = 5, epsilon = 1e-300 } } do
    for _, y in ipairs { x, x * -1, q:array(1):slice { 2 } } do
      local E = G:energy(q, y)[1]
      t.ok(E == E and math.abs(E) < inf, ("finite energy of %s (found %g)"):format(tostring(G), E))
    end
  end
  -- far from every pattern the nearest one dominates: H/N = 1 - phi_max
  local far = q:overlap(x * -1):max()
  t.near(dam.lse { beta_net = 100 }:energy(q, x * -1)[1] / 1000, 1 - far, 1e-5, "LSE energy")
  local s <close> = dam.mh { hamiltonian = dam.lse { beta_net = 100 }, patterns = q, T = 0.1,
    init = "hot" }
  t.ok(s:sample(5).energy_density(1, 1, 1) < 2, "a finite mean")
end)

t.test("damaged sampler files are errors", function()
  local name = os.tmpname()
  local data = dam.array { { 1, 1 }, { 1, -1 }, { -1, 1 } }
  local own = dam.patterns { from = data, targets = { 1, 3 } }
  local s <close> = dam.mh { hamiltonian = H, patterns = own, T = { 0.5, 1 }, replicas = 2 }
  s:run(10)
  s:save(name)
  local f <close> = assert(io.open(name, "rb"))
  local text = f:read "a"
  local again <close> = dam.load(name)
  t.equal(again:sample(7).digest, s:sample(7).digest, "digest of the undamaged file")
  local function check(changed, what)
    local g = assert(io.open(name, "wb"))
    g:write(changed)
    g:close()
    t.raises(function() dam.load(name) end, "dam.load", name)
    t.ok(true, what)
  end
  for n = 0, #text - 1, 7 do
    check(text:sub(1, n), "truncated to " .. n)
  end
  for n = 1, #text, 5 do
    local other = string.char(text:byte(n) ~ 16)
    check(text:sub(1, n - 1) .. other .. text:sub(n + 1), "altered at " .. n)
  end
  check(text .. "12345678", "with a tail")
  os.remove(name)
  local nowhere = "/no/such/folder/x.mh"
  t.raises(function() s:save(nowhere) end, nowhere, "cannot be written")
  t.raises(function() dam.load "/no/such/file" end, "/no/such/file")
end)

t.finish()
