-- The user's own patterns: from NPY files of every layout to results equal to those of a drawn set
-- that holds the same numbers.
local t = require "support"
local dam = require "dam"

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)

--- Writes the list of values as an NPY file of type '<f4' or '<f8'.
local function npy(name, descr, fortran, shape, values)
  local dictionary = ("{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }\n"):format(descr,
    fortran and "True" or "False", table.concat(shape, ", "))
  local parts = { "\x93NUMPY\x01\x00", string.pack("<s2", dictionary) }
  for i, v in ipairs(values) do
    parts[i + 2] = string.pack(descr == "<f4" and "<f" or "<d", v)
  end
  local f = assert(io.open(folder .. "/" .. name, "wb"))
  f:write(table.concat(parts))
  f:close()
  return dam.load(folder .. "/" .. name)
end

--- The values of an array [M, N] or [D, M, N] in C or Fortran order.
local function flat(a, fortran)
  local values, shape = {}, a.shape
  local count = 1
  for _, n in ipairs(shape) do
    count = count * n
  end
  for i = 0, count - 1 do
    local at, rest = {}, i
    for j = 1, #shape do
      local dim = fortran and j or #shape + 1 - j
      at[dim] = rest % shape[dim] + 1
      rest = rest // shape[dim]
    end
    values[i + 1] = a(table.unpack(at))
  end
  return values
end

--- All disorders of a drawn set as one array [D, M, N].
local function numbers(p)
  local sets = {}
  for d = 1, p.disorder do
    sets[d] = p:array(d):totable()
  end
  return dam.array(sets)
end

local function sample(p, H)
  local s <close> = dam.mh { hamiltonian = H or dam.lse(), patterns = p, T = { 0.2, 0.7 },
    replicas = 2, init = { phi = { 0.9, 1 } } }
  s:run(40)
  return s:sample(60)
end

local function same(a, b)
  for _, name in ipairs { "digest", "phi", "q12", "energy_density", "phi_max_other" } do
    t.ok(a[name] == b[name] or name == "phi_max_other" and tostring(a[name]) == tostring(b[name]),
      name .. " equal")
  end
end

for _, case in ipairs { { N = 12, M = 1 }, { N = 12, M = 5 }, { N = 5, M = 40 } } do
  for _, disorder in ipairs { 1, 3 } do
    local drawn = dam.patterns { N = case.N, M = case.M, disorder = disorder, seed = 4 }
    local data = disorder == 1 and drawn:array(1) or numbers(drawn)
    for _, descr in ipairs { "<f4", "<f8" } do
      for _, fortran in ipairs { false, true } do
        t.test(("N = %d, M = %d, %d data sets, %s, %s order"):format(case.N, case.M, disorder,
          descr, fortran and "Fortran" or "C"), function()
            local read = npy("p.npy", descr, fortran, data.shape, flat(data, fortran))
            t.equal(read, data, "the file holds the numbers")
            local own = dam.patterns { from = read }
            t.equal(#own, case.M, "M")
            t.equal(own.disorder, disorder, "disorder")
            t.equal(own.rescaled, 0, "rescaled")
            t.equal(own.repeated, 0, "repeated")
            t.equal(own.seed, nil, "seed")
            for d = 1, disorder do
              t.equal(own:array(d), drawn:array(d), "patterns")
              t.equal(own:gram(d), drawn:gram(d), "gram")
            end
            for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 4 } } do
              same(sample(own, H), sample(drawn, H))
              local x = drawn:array(1)
              t.equal(H:energy(own, x), H:energy(drawn, x), "energies")
              local r = dam.descend { hamiltonian = H, patterns = own, init = "cold" }
              local q = dam.descend { hamiltonian = H, patterns = drawn, init = "cold" }
              t.equal(r.x, q.x, "descents")
            end
          end)
      end
    end
  end
end

t.test("rescaling: any length, huge and tiny included, gives the same patterns", function()
  local xi = dam.patterns { N = 9, M = 4, seed = 1 }:array(1)
  local plain = dam.patterns { from = xi }
  for _, factor in ipairs { 1, 3, 1e-3, 1e200, 1e-250 } do
    local own = dam.patterns { from = xi * factor, rescale = true }
    t.equal(own.rescaled, factor == 1 and 0 or 4, "rescaled")
    t.ok((own:array(1) - plain:array(1)):map(math.abs):max() < 3e-7, "patterns at " .. factor)
  end
end)

t.test("rows off the sphere are counted in the error", function()
  local xi = dam.patterns { N = 9, M = 4, seed = 1 }:array(1)
  for k = 1, 9 do
    xi:set(2 * xi(2, k), 2, k)
  end
  t.raises(function() dam.patterns { from = xi } end, "pattern 2 of data set 1",
    "instead of 1; use", "rescale = true")
  for k = 1, 9 do
    xi:set(0, 4, k)
  end
  t.raises(function() dam.patterns { from = xi } end, "pattern 2", "1 more of the 4 rows")
  t.raises(function() dam.patterns { from = xi, rescale = true } end, "pattern 4 of data set 1",
    "no direction")
  xi:set(0 / 0, 3, 5)
  t.raises(function() dam.patterns { from = xi } end, "pattern 3", "nan at 5", "finite")
  xi:set(1 / 0, 3, 5)
  t.raises(function() dam.patterns { from = xi, rescale = true } end, "pattern 3", "inf at 5")
end)

t.test("repeated patterns are legal, counted and listed", function()
  local xi = dam.patterns { N = 9, M = 4, seed = 1 }:array(1):totable()
  local own = dam.patterns { from = dam.array { xi[1], xi[2], xi[1], xi[3], xi[2], xi[1] } }
  t.equal(own.repeated, 3, "repeated")
  t.ok(tostring(own):find("3 repeated", 1, true), "tostring")
  local groups = own:duplicates()
  t.equal(#groups, 2, "groups")
  t.equal(table.concat(groups[1], " ") .. "; " .. table.concat(groups[2], " "), "1 3 6; 2 5",
    "groups")
  local all = dam.patterns { from = dam.array { xi[1], xi[1], xi[1], xi[1] } }
  t.equal(table.concat(all:duplicates()[1], " "), "1 2 3 4", "one group")
  t.equal(all:gram(1):min() > 0.999999, true, "gram of ones")
  -- twice the same set: H is lower by ln 2 / beta_net everywhere, so the chains are those of one
  local twice = dam.patterns { from = dam.array { xi[1], xi[2], xi[1], xi[2] } }
  local once = dam.patterns { from = dam.array { xi[1], xi[2] } }
  local x = dam.array(xi)
  local E = dam.lse():energy(once, x) - dam.lse():energy(twice, x)
  t.ok((E - math.log(2)):map(math.abs):max() < 1e-12, "energies")
  local zero = dam.patterns { from = dam.array { { 0.0, 2 ^ 0.5 }, { -0.0, 2 ^ 0.5 } } }
  t.equal(zero.repeated, 1, "-0 is 0")
  t.equal(#dam.patterns { N = 9, M = 500, disorder = 3 }:duplicates(2), 0, "drawn ones differ")
  t.raises(function() own:duplicates(2) end, "disorder = 2", "from 1 to 1")
end)

t.test("two data sets: each has its own repeats", function()
  local xi = dam.patterns { N = 6, M = 3, seed = 1 }:array(1):totable()
  local own = dam.patterns { from = dam.array { { xi[1], xi[2], xi[1] }, { xi[1], xi[2], xi[3] } } }
  t.equal(own.repeated, 1, "repeated")
  t.equal(#own:duplicates(1), 1, "of set 1")
  t.equal(#own:duplicates(2), 0, "of set 2")
end)

t.test("targets: disorders of one data set", function()
  local xi = dam.patterns { N = 20, M = 9, seed = 1 }:array(1)
  local own = dam.patterns { from = xi, targets = { 3, 9, 1 } }
  t.equal(own.disorder, 3, "disorder")
  for d, target in ipairs { 3, 9, 1 } do
    local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = own, T = 1e-9, init = "cold" }
    local x = s:state():slice { 1, d, 1 }
    t.ok((x - xi:slice { target }):map(math.abs):max() < 1e-6, "cold start of target " .. target)
    local r = s:sample(1, { track = { target } })
    t.equal(r.track(1, d, 1, 1, 1), r.phi(1, d, 1), "phi is the alignment with the target")
  end
end)

os.execute("rm -r " .. folder)
t.test("rows off the sphere by more than rounding are evaluated by the reference alone", function()
  local rows = dam.patterns { N = 20, M = 1100, seed = 4 }:array(1)
  for factor, others in pairs { [1] = true, [1 + 3e-6] = false } do
    local s <close> = dam.mh { hamiltonian = dam.lse(), T = 0.3, device = "cpu",
      patterns = dam.patterns { from = rows * factor } }
    local tiers = s:sample(20).stats.by_tier[1]
    t.equal(tiers.active + tiers.coarse + tiers.single > 0, others, "factor " .. factor)
  end
end)

t.finish()
