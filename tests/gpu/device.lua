-- What only a device with its own memory can show: chunks by memory, refusals, two samplers at a
-- time, on the device named by the first argument.
package.path = "tests/lua/?.lua;" .. package.path
local t = require "support"
local dam = require "dam"
local device = arg[1] or "cuda:0"

local function entry()
  for _, d in ipairs(dam.devices()) do
    if d.name == device then
      return d
    end
  end
end

local function sampler(name, N, M, disorder)
  return dam.mh { hamiltonian = dam.lse(), T = { 0.2, 0.5 }, replicas = 2, device = name,
    patterns = dam.patterns { N = N, M = M, disorder = disorder }, init = { phi = 0.9 } }
end

t.test("more disorders than the memory holds", function()
  local N, M = 200, 200000
  local disorder = math.ceil(1.5 * entry().memory / (4 * N * M))
  local s <close> = sampler(device, N, M, disorder)
  s:run(2)
  local r = s:sample(2)
  local c <close> = sampler("cpu", N, M, 1)
  c:run(2)
  t.equal(r:chain_digest(1, 1, 1), c:sample(2):chain_digest(1, 1, 1), "digest of the first chain")
end)

t.test("a disorder that does not fit is refused, with sizes", function()
  local N = 1000
  local M = math.ceil(1.1 * entry().memory / (4 * N))
  local ok, message = pcall(sampler, device, N, M, 1)
  t.ok(not ok and (message:find "MiB" or message:find "GiB"), tostring(message))
end)

t.test("dropped samplers are collected before memory is refused", function()
  collectgarbage "stop"
  for seed = 1, 3 do
    local part = math.floor(0.4 * entry().memory / (4 * 100 * 100000))
    local s = sampler(device, 100, 100000, math.max(part, 1))
    s:run(seed)
  end
  collectgarbage "restart"
end)

t.test("two samplers at a time, and nothing is held after close", function()
  collectgarbage()
  local before = entry().live
  local a, b, c = sampler(device, 50, 3000, 8), sampler(device, 50, 3000, 8),
    sampler("cpu", 50, 3000, 8)
  for _ = 1, 5 do
    a:run(20)
    b:run(20)
    c:run(20)
  end
  local wanted = c:sample(20)
  t.equal(a:sample(20).digest, wanted.digest, "first")
  t.equal(b:sample(20).digest, wanted.digest, "second")
  a:close()
  b:close()
  t.equal(entry().live, before, "live bytes")
end)

--- What `code` prints in a process of its own, with these variables in its environment.
local function child(environment, code)
  local p <close> = assert(io.popen(("%s '%s' - %s 2>&1 <<'END'\n%s\nEND"):format(environment,
    arg[-1], device, code)))
  return p:read "a"
end

t.test("patterns on the chip and steps by launches do the same, energies included", function()
  local found = {}
  for i, environment in ipairs { "DAMLUA_TEST_CUDA_RESIDENT=0", "DAMLUA_TEST_CUDA_RESIDENT=1" } do
    found[i] = child(environment, [[
      for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 3 } } do
        for _, shape in ipairs { { 24, 20001, 3 }, { 24, 1500, 300 }, { 99, 4000, 7 },
          { 198, 20000, 1 }, { 350, 300, 9 }, { 3, 1, 2 } } do
          for _, replicas in ipairs { 1, 2, 5, 40 } do
            local s <close> = dam.mh { hamiltonian = H, T = { 0.1, 0.4 }, replicas = replicas,
              patterns = dam.patterns { N = shape[1], M = shape[2], disorder = shape[3] },
              evaluation = "single", device = arg[1], init = { phi = { 0.9, 1 } } }
            s:run(60)
            local r = s:sample(40)
            print(r.digest, ("%a"):format(r.energy_density:sum()))
          end
        end
      end]])
  end
  t.ok(found[1]:find "^%x+\t", found[1])
  t.equal(found[2], found[1], "digests and energies")
end)

t.test("tensor cores and plain products find the same, work and energies included", function()
  local found = {}
  for i, environment in ipairs { "", "DAMLUA_TEST_CUDA_PLAIN=1" } do
    found[i] = child(environment, [[
      local dam = require "dam"
      for _, H in ipairs { dam.lse(), dam.lse { beta_net = 3 }, dam.lsr { b = 3.41 } } do
        for _, shape in ipairs { { 24, 30001 }, { 99, 4000 }, { 500, 777 } } do
          for _, replicas in ipairs { 2, 5, 10, 40 } do
            local s <close> = dam.mh { hamiltonian = H, T = { 0.1, 0.4 }, replicas = replicas,
              patterns = dam.patterns { N = shape[1], M = shape[2], disorder = 2 },
              evaluation = "coarse+single", device = arg[1], init = { phi = { 0.9, 1 } } }
            s:run(60)
            local r = s:sample(40)
            print(r.digest, ("%a"):format(r.energy_density:sum()))
            for i = 1, 2 do
              local work = r.stats.by_tier[i]
              print(work.coarse, work.single, work.reference, r.stats.unsure[i].coarse)
            end
          end
        end
      end]])
  end
  t.ok(found[1]:find "^%x+\t", found[1])
  t.equal(found[2], found[1], "digests, energies and work")
end)

t.finish()
