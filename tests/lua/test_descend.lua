-- dam.descend: starts, fixed points, retrieval well below capacity, and what is not allowed.
local t = require "support"
local dam = require "dam"

local lse, lsr, cubic = dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 3 }

local function descend(change)
  local p = dam.patterns { N = 20, M = 60, disorder = 3, seed = 2 }
  local o = { hamiltonian = lse, patterns = p }
  for k, v in pairs(change or {}) do
    o[k] = v
  end
  return dam.descend(o), o.patterns
end

local function largest(a)
  return a:map(math.abs):max()
end

for _, rule in ipairs { "update", "gradient" } do
  for name, H in pairs { LSE = lse, LSR = lsr, polynomial = dam.polynomial { k = 6 } } do
    t.test(("%s by %s: phi = 0.9 well below capacity lands on the target"):format(name, rule),
      function()
        local p = dam.patterns { N = 50, alpha = 0.06, disorder = 20, seed = 1 }
        local r = descend { hamiltonian = H, patterns = p, init = { phi = 0.9 }, rule = rule,
          replicas = 3 }
        -- the polynomial's fixed point has a part of order phi_other^(k-1) of the others in it
        local near = name == "polynomial" and 1e-3 or 1e-5
        t.ok(largest(r.phi - 1) < near, ("alignment 1 (off by %g)"):format(largest(r.phi - 1)))
        t.equal(r.converged:min(), 1, "all converged")
        t.equal(r.pattern:max(), 1, "nearest pattern")
        t.ok(largest(r.phi_pattern - r.phi) == 0, "its alignment")
        for d = 1, 20 do
          local own = dam.patterns { N = 50, alpha = 0.06, first_disorder = d, seed = 1 }
          local x = r.x:slice { d }
          t.equal(H:energy(own, x):slice { 1 }, r.energy:slice { d }, "energy is H:energy")
          t.equal(own:overlap(x):slice { 1, { 1, 3 }, 1 }, r.phi:slice { d }, "phi is p:overlap")
          local g = H:gradient(own, x)
          for a = 1, 3 do
            local s, off = x:slice { a }, g:slice { 1, a }
            local along = (s * off):sum() / 50
            t.ok(((off - s * along) ^ 2):sum() ^ 0.5 <= 1e-6 * math.abs(along) * 50 ^ 0.5,
              "the gradient points to the state")
          end
        end
      end)
  end
end

t.test("LSR lands in finitely many steps on the mean of the patterns in support", function()
  local r, p = descend { hamiltonian = dam.lsr { b = 1.2 }, init = "hot", replicas = 40 }
  t.equal(r.converged:min(), 1, "all converged")
  t.ok(r.steps:max() < 60, "few steps")
  local xi, x = p:array(2), r.x:slice { 2, 7 }
  local own = dam.patterns { N = 20, M = 60, first_disorder = 2, seed = 2 }
  local phi, sum = own:overlap(x), dam.zeros(20)
  for mu = 1, 60 do
    if 1 - 1.2 * (1 - phi(1, mu)) > 0 then
      sum = sum + xi:slice { mu }
    end
  end
  t.ok(largest(sum * math.sqrt(20 / (sum * sum):sum()) - x) < 1e-12, "their mean")
end)

t.test("a single pattern is reached in one step from anywhere", function()
  local p = dam.patterns { N = 30, M = 1, disorder = 2 }
  for _, H in ipairs { lse, dam.lsr { b = 0.4 }, cubic, dam.polynomial { k = 1 } } do
    local r = descend { hamiltonian = H, patterns = p, init = "hot", replicas = 5 }
    t.ok(largest(r.phi - 1) < 1e-6, "phi = 1")
    t.equal(r.steps:max(), 1, "steps")
  end
  local even = descend { hamiltonian = dam.polynomial { k = 2 }, patterns = p, init = "hot",
    replicas = 5 }
  t.ok(largest(even.phi:map(math.abs) - 1) < 1e-6, "phi = 1 or -1")
end)

t.test("energies never rise along any path, and end in the result", function()
  for _, rule in ipairs { "update", "gradient" } do
    for _, H in ipairs { lse, dam.lsr { b = 2, epsilon = 1e-3 }, cubic } do
      local r = descend { hamiltonian = H, init = "hot", replicas = 50, rule = rule, path = true,
        max_steps = 80 }
      local E, phi = r.path.energy, r.path.phi
      t.equal(table.concat(E.shape, " "), "3 50 81", "shape")
      local later, earlier = { 2, 81 }, { 1, 80 }
      local d = E:slice { { 1, 3 }, { 1, 50 }, later } - E:slice { { 1, 3 }, { 1, 50 }, earlier }
      t.ok(d:max() <= 0, "descent")
      t.equal(E:slice { { 1, 3 }, { 1, 50 }, 1 }, r.energy_start, "start")
      t.equal(E:slice { { 1, 3 }, { 1, 50 }, 81 }, r.energy, "end")
      t.equal(phi:slice { { 1, 3 }, { 1, 50 }, 81 }, r.phi, "phi at the end")
    end
  end
end)

t.test("max_steps cuts the path, the rest goes on from there", function()
  local cut = descend { hamiltonian = cubic, init = "hot", replicas = 4, max_steps = 5 }
  local whole = descend { hamiltonian = cubic, init = "hot", replicas = 4 }
  t.equal(cut.steps:max(), 5, "steps")
  t.equal(cut.converged:max(), 0, "not converged")
  local rest = descend { hamiltonian = cubic, init = cut.x, replicas = 4 }
  t.ok(largest(rest.x - whole.x) < 1e-5, "the same fixed point")
  local none = descend { init = "hot", max_steps = 0 }
  t.equal(none.energy, none.energy_start, "no step")
end)

t.test("starts are those of dam.mh but for T", function()
  local p = dam.patterns { N = 20, M = 60, disorder = 3, seed = 2 }
  for _, init in ipairs { "cold", { mix = { 1, 2, 60, 1 } } } do -- no randomness in them
    local s <close> = dam.mh { hamiltonian = lse, patterns = p, T = 1, init = init }
    local r = descend { init = init, max_steps = 0 }
    t.ok(largest(r.x - s:state():slice { 1 }) < 1e-5, "states")
  end
  for phi, init in pairs { [0.9] = { phi = 0.9 }, [-0.3] = { phi = -0.3 } } do
    t.ok(largest(descend { init = init, max_steps = 0 }.phi - phi) < 1e-6, "phi = " .. phi)
  end
  local other = descend { init = { pattern = 9, phi = 0.8 }, max_steps = 0 }
  t.equal(other.pattern:min() + other.pattern:max(), 18, "pattern 9")
  t.ok(largest(other.phi_pattern - 0.8) < 1e-6, "its alignment")
  local steep = dam.lsr { b = 8 }
  local r = descend { hamiltonian = steep, init = "support", replicas = 50, max_steps = 0 }
  t.ok(r.phi:min() > 1 - 1 / 8 and r.phi:max() > 0.98, "within the support")
  t.ok(largest(descend().phi:map(function(v) return math.max(v, 0.75) end) - 1) <= 0.25, "default")
end)

t.test("what becomes of a start does not depend on which others there are", function()
  local all = descend { init = "hot", replicas = 6 }
  local one = descend { init = "hot", first_replica = 4 }
  t.equal(one.x:slice { { 1, 3 }, 1 }, all.x:slice { { 1, 3 }, 4 }, "replica 4 alone")
  local p = dam.patterns { N = 20, M = 60, first_disorder = 3, seed = 2 }
  t.equal(descend { patterns = p, init = "hot", replicas = 6 }.x:slice { 1 }, all.x:slice { 3 },
    "disorder 3 alone")
  t.ok(descend { init = "hot", replicas = 6, seed = 2 }.x ~= all.x, "another seed")
end)

t.test("the same bits under every instruction set and number of threads", function()
  local code = [[local p = dam.patterns { N = 21, M = 1100, disorder = 2 }
    for _, H in ipairs { dam.lse(), dam.lsr { b = 0.45 }, dam.polynomial { k = 3 } } do
      for _, rule in ipairs { "update", "gradient" } do
        local r = dam.descend { hamiltonian = H, patterns = p, init = "hot", replicas = 4,
          rule = rule, max_steps = 200 }
        print(("%a %a %d"):format(r.x:sum(), r.energy:sum(), r.steps:sum() // 1))
      end
    end]]
  local answers = {}
  for _, set in ipairs { "DAMLUA_ISA=scalar", "DAMLUA_ISA=avx2", "DAMLUA_THREADS=1",
    "DAMLUA_THREADS=3" } do
    local f = assert(io.popen(("%s '%s' -e '%s' 2>&1"):format(set, arg[-1], code)))
    local answer = f:read "a"
    f:close()
    if not answer:find "not available" then
      answers[#answers + 1] = answer
      t.equal(answer, answers[1], set)
    end
  end
  t.ok(answers[1]:find "^%-?0x", answers[1])
end)

t.test("states of a sampler, with their leading dimension", function()
  local p = dam.patterns { N = 20, M = 60, disorder = 3, seed = 2 }
  local s <close> = dam.mh { hamiltonian = lse, patterns = p, T = { 0.1, 0.2 }, replicas = 2 }
  s:run(100)
  local r = descend { init = s:state(), replicas = 2 }
  t.equal(table.concat(r.x.shape, " "), "2 3 2 20", "shape of x")
  t.equal(table.concat(r.phi.shape, " "), "2 3 2", "shape of phi")
  local second = descend { init = s:state():slice { 2 }, replicas = 2 }
  t.equal(second.x, r.x:slice { 2 }, "set 2 alone")
  t.equal(#r:table(), 12, "rows")
  t.equal(r:table()[7].set, 2, "set of row 7")
end)

t.test("the table says what became of each start", function()
  local r = descend { init = { phi = 0.95 }, replicas = 2 }
  local rows = r:table()
  t.equal(#rows, 6, "rows")
  t.equal(rows[6].disorder * 10 + rows[6].replica, 32, "last row")
  t.equal(rows[3].phi, r.phi(2, 1), "phi")
  t.equal(rows[3].converged, true, "converged")
  t.ok(tostring(rows):find "phi_pattern", "prints")
  t.equal(tostring(r), "dam.descent of 6 starts", "tostring")
  t.equal(r.rule, "update", "rule")
  r:close()
  t.raises(function() return r.phi end, "this result is closed")
  t.equal(tostring(r), "dam.descent (closed)", "tostring")
end)

t.test("retrieval ends at the capacity", function()
  local function retrieved(H, alpha)
    local p = dam.patterns { N = 12, alpha = alpha, disorder = 24, seed = 4 }
    local r = dam.descend { hamiltonian = H, patterns = p, init = { phi = 0.9 } }
    return r.phi:map(function(phi) return phi > 0.95 and 1 or 0 end):mean()
  end
  t.equal(retrieved(lse, 0.15), 1, "LSE, alpha = 0.15")
  t.ok(retrieved(lse, 0.45) > 0.8 and retrieved(lsr, 0.45) < 0.5, "LSE holds more than LSR")
  t.ok(retrieved(lse, 0.7) < 0.3, "LSE, alpha = 0.7")
  t.equal(retrieved(lsr, 0.15), 1, "LSR, alpha = 0.15")
  t.ok(retrieved(lsr, 0.6) < 0.5, "LSR, alpha = 0.6")
end)

t.test("gradients: shapes, flat and infinite places", function()
  local p = dam.patterns { N = 8, M = 3, disorder = 2 }
  local x = p:array(1)
  t.equal(table.concat(lse:gradient(p, x).shape, " "), "2 3 8", "several states")
  t.equal(table.concat(lse:gradient(p, x:slice { 1 }).shape, " "), "2 8", "one state")
  local away = x:slice { 1 } * -1
  t.ok(dam.lsr { b = 20 }:gradient(p, away):sum() ~= 0, "nan")
  t.equal(largest(dam.lsr { b = 20, epsilon = 1e-3 }:gradient(p, away)), 0, "flat")
  t.raises(function() lse:gradient(p, dam.zeros(7)) end, "hamiltonian:gradient", "[8] or [n, 8]")
  local flat = dam.descend { hamiltonian = dam.lsr { b = 20, epsilon = 1e-3 }, patterns = p,
    init = { phi = -1 } }
  t.equal(flat.converged:min(), 1, "a flat place is a fixed point")
  t.equal(flat.steps:max(), 0, "no step")
end)

local p = dam.patterns { N = 20, M = 60, disorder = 3, seed = 2 }
local bad = {
  { { rule = "up" }, 'rule = "up"', "update, gradient" },
  { { tolerance = -1 }, "tolerance = -1", "from 0 to 1" },
  { { max_steps = -1 }, "max_steps = -1" },
  { { T = 0.1 }, "unknown option 'T'" },
  { { replica = 2 }, "did you mean 'replicas'" },
  { { init = "exact" }, "exact", "dam.mh" },
  { { init = "warm" }, 'init = "warm"' },
  { { init = { mix = { 61 } } }, "mix = 61", "dam.descend: init" },
  { { init = dam.zeros(3, 1, 20) }, "off the sphere", "disorder 1, replica 1" },
  { { init = dam.zeros(3, 2, 20) }, "[disorder, replica, N] = [3, 1, 20]" },
  { { hamiltonian = p }, "hamiltonian" },
  { { hamiltonian = dam.lsr { b = 20 }, init = { phi = 0.8 } }, "out of every pattern's support",
    "0.95" },
  { { path = true, replicas = 1000000, max_steps = 1000000 }, "GiB" },
}
for _, case in ipairs(bad) do
  t.test("error: " .. table.concat(case, " / ", 2), function()
    t.raises(function() descend(case[1]) end, table.unpack(case, 2))
  end)
end

t.finish()
