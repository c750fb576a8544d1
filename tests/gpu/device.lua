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

t.finish()
