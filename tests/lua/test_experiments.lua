-- Starts, set_T, and files of samplers: the same chains on any number of threads, under any
-- instruction set, and after being put away.
local t = require "support"
local dam = require "dam"

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)

local function largest(a)
  return a:map(math.abs):max()
end

--- A child damlua's answer, nil where the instruction set is not available.
local function child(environment, code)
  local p = assert(io.popen(("%s '%s' -e '%s' 2>&1"):format(environment, arg[-1], code)))
  local text = p:read "a"
  p:close()
  return not text:find "not available" and text or nil
end

local BEGIN = [[local s = dam.mh { hamiltonian = dam.lsr { b = 3.41 }, replicas = 3, seed = 9,
  patterns = dam.patterns { N = 19, M = 1100, disorder = 3 }, T = { 0.2, 0.4 } }
  s:run(30) ]]
local WARM = [[s:set_T { 0.5, 0.9 }:run(25):set_T { 0.2, 0.3 } ]]
local FINISH = [[local r = s:sample(40, { every = 10, series = { "phi", "q12" } })
  print(r.digest, ("%a %a"):format(r.series.phi:sum(), r.series.q12:sum())) ]]
local VARIANTS = { "DAMLUA_ISA=scalar DAMLUA_THREADS=1", "DAMLUA_ISA=avx2 DAMLUA_THREADS=3",
  "DAMLUA_THREADS=2" }

t.test("set_T on any threads and instruction set", function()
  local wanted = child("", BEGIN .. WARM .. FINISH)
  t.ok(wanted:find "^%x+\t", wanted)
  for _, variant in ipairs(VARIANTS) do
    t.equal(child(variant, BEGIN .. WARM .. FINISH) or wanted, wanted, variant)
  end
end)

t.test("saved under one instruction set, loaded under another, heated on the way", function()
  local file, wanted = folder .. "/s.mh", child("", BEGIN .. WARM .. FINISH)
  for i, variant in ipairs(VARIANTS) do
    local next_one = VARIANTS[i % #VARIANTS + 1]
    if child(variant, BEGIN .. ("s:save %q"):format(file)) then
      local load = ("local s = dam.load %q "):format(file)
      child(next_one, load .. WARM .. ("s:save %q"):format(file))
      t.equal(child(variant, load .. FINISH), wanted, variant .. ", then " .. next_one)
    end
  end
end)

t.test("a truncated or altered file is an error", function()
  local file = folder .. "/whole.mh"
  local s <close> = dam.mh { hamiltonian = dam.lse(), T = 0.3,
    patterns = dam.patterns { from = dam.patterns { N = 5, M = 3 }:array(1) } }
  s:save(file)
  local f = assert(io.open(file, "rb"))
  local text = f:read "a"
  f:close()
  local function load(bytes)
    f = assert(io.open(file, "wb"))
    f:write(bytes)
    f:close()
    return dam.load(file)
  end
  t.equal(load(text):sample(9).digest, s:sample(9).digest, "the whole file")
  for n = 8, #text - 1, 5 do
    t.raises(function() load(text:sub(1, n)) end, "is not a complete sampler file")
  end
  for at = 9, #text do -- one bit of every byte after the magic
    local bad = string.char(text:byte(at) ~ (1 << at % 8))
    t.raises(function() load(text:sub(1, at - 1) .. bad .. text:sub(at + 1)) end, "sampler file")
  end
end)

local p = dam.patterns { N = 40, M = 120, disorder = 3 }

local function states(init, H, T)
  local s <close> = dam.mh { hamiltonian = H or dam.lse(), patterns = p, T = T or { 0.3, 0.6 },
    replicas = 3, init = init }
  return s:state()
end

t.test("starts have the alignments that they are asked to have", function()
  for init, phi in pairs { [{ phi = 0.9 }] = 0.9, [{ phi = -0.2 }] = -0.2, cold = 1 } do
    local x = states(init)
    for d = 1, 3 do
      local own = p:part(d)
      for ti = 1, 2 do
        t.ok(largest(own:overlap(x:slice { ti, d }):slice { 1, { 1, 3 }, 1 } - phi) < 1e-6, "phi")
      end
    end
  end
  local other = p:part(2):overlap(states { pattern = 7, phi = 0.8 }:slice { 2, 2 })
  t.ok(largest(other:slice { 1, { 1, 3 }, 7 } - 0.8) < 1e-6, "alignment with pattern 7")
  local hot = p:part(1):overlap(states "hot":slice { 1, 1 })
  t.ok(hot:max() < 0.8, "hot starts know no pattern")
  t.ok(states "hot" ~= states { phi = 0 }, "nor do they avoid the target")
end)

t.test("phi is uniform in its range, one for each chain", function()
  local many = dam.patterns { N = 30, M = 2, disorder = 400 }
  local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = many, T = 1e-9, replicas = 2,
    init = { phi = { 0.2, 0.6 } } }
  local phi = s:sample(1).phi
  t.ok(phi:min() >= 0.2 - 1e-6 and phi:max() <= 0.6 + 1e-6, "within the range")
  t.near(phi:mean(), 0.4, 4 * 0.4 / 12 ^ 0.5 / 800 ^ 0.5, "mean of a uniform")
  t.near(phi:slice { 1 }:std(2):map(function(v) return v ^ 2 end):mean(), 0.16 / 12, 0.003,
    "variance between the chains of a disorder")
end)

t.test("support: from max(0.75, phi_c) to 1", function()
  for _, b in ipairs { 3.41, 8 } do
    local H, low = dam.lsr { b = b }, math.max(0.75, 1 - 1 / b)
    for _, init in ipairs { "support", { phi = "support" } } do
      local x = states(init, H)
      local phi = p:part(3):overlap(x:slice { 1, 3 }):slice { 1, { 1, 3 }, 1 }
      t.ok(phi:min() > low - 1e-6 and phi:max() <= 1 + 1e-6, "alignments for b = " .. b)
    end
    t.equal(states("support", H), states({ phi = "support" }, H), "both spellings")
  end
end)

t.test("mixtures of any number of patterns", function()
  for _, count in ipairs { 1, 2, 100 } do
    local mix = {}
    for i = 1, count do
      mix[i] = i + 3
    end
    local x = states({ mix = mix }):slice { 1, 2, 1 }
    local sum = dam.zeros(40)
    for _, mu in ipairs(mix) do
      sum = sum + p:array(2):slice { mu }
    end
    t.ok(largest(sum * math.sqrt(40 / (sum * sum):sum()) - x) < 1e-6, count .. " patterns")
  end
  t.ok(largest(states { mix = { 5, 5, 5 } } - states { pattern = 5, phi = 1 }) < 1e-6, "thrice")
  local xi = dam.patterns { N = 6, M = 1 }:array(1):slice { 1 }
  local opposite = dam.patterns { from = dam.array { xi:totable(), (-1 * xi):totable() } }
  t.raises(function()
    dam.mh { hamiltonian = dam.lse(), patterns = opposite, T = 1, init = { mix = { 1, 2 } } }
  end, "the sum of the patterns vanishes in disorder 1")
end)

t.test("set_T keeps states and steps, and the result names the new T", function()
  local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = p, T = { 0.3, 0.6 } }
  s:run(50)
  local before = s:state()
  s:set_T(dam.array { 0.1, 0.2 })
  t.equal(s:state(), before, "states")
  t.equal(s.steps, 50, "steps")
  local r = s:sample(10)
  t.equal(r.T, dam.array { 0.1, 0.2 }, "T of the result")
  t.raises(function() s:set_T { 0.1, 0 } end, "T[2] = 0", "> 0")
  t.equal(s.T, dam.array { 0.1, 0.2 }, "a bad T changes nothing")
end)

os.execute("rm -r " .. folder)
t.finish()
