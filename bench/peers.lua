-- Chain-steps a second on all threads, in one run: ways of evaluating on all patterns, what "auto"
-- makes of it at T = 0.25 near the target, and the plain PyTorch program (bench/peer.py) on the
-- same work, LSE, by turns. 40 chains in each of two disorders, which go on from round to round. The
-- best round counts, of everybody: other programs only make things slower.
--
--   bench/peers.lua [seconds of each measurement [rounds]]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local chains, disorder, T = 40, 2, 0.25
local seconds, rounds = tonumber(arg[1]) or 0.7, tonumber(arg[2]) or 3
local threads = tonumber(os.getenv "DAMLUA_THREADS" or "") or 2

-- The last number: chain-steps a second of PyTorch 1.13 on a machine with two cores, as wanted.
local shapes = { { 990, 20000, 909 }, { 198, 20000 }, { 99, 20000, 2139 }, { 40, 20000, 4690 },
  { 24, 500000, 385 } }

-- Columns: name, `evaluation`, Hamiltonian, steps before it is timed.
local ways = {
  { "reference", "reference", dam.lse(), 1 },
  { "single", "single", dam.lse(), 1 },
  { "coarse", "coarse+single", dam.lse(), 1 },
  { "auto", "auto", dam.lse(), 200 },
  { "auto LSR", "auto", dam.lsr { b = 3.41 }, 200 },
}

local version

--- Chain-steps a second of PyTorch; nil where it is not installed.
local function peer(N, M)
  for _, python in ipairs { os.getenv "PYTHON" or "python3", "/usr/bin/python3" } do
    local command = ("%s %s/peer.py %d %d %d %d %g %g %d 2>/dev/null"):format(python, here, N, M,
      chains, disorder, T, seconds, threads)
    local pipe <close> = assert(io.popen(command))
    local rate, what = pipe:read("a"):match("^(%S+) (.-)\n")
    if rate then
      version = what
      return tonumber(rate)
    end
  end
end

--- Samplers of all ways that there are, by name; all chains at one T, so that rates are of that T.
local function samplers(p)
  local all = setmetatable({}, { __close = function(t)
    for _, s in pairs(t) do
      s:close()
    end
  end })
  for _, way in ipairs(ways) do
    local made, s = pcall(dam.mh, { hamiltonian = way[3], patterns = p, T = T, replicas = chains,
      evaluation = way[2] })
    if made then
      all[way[1]] = s
      s:run(way[4])
    end
  end
  return all
end

--- The best rates of all ways, by name, and of PyTorch under "PyTorch".
local function measure(N, M)
  local p <close> = dam.patterns { N = N, M = M, disorder = disorder }
  local all <close> = samplers(p)
  local best = {}
  for _ = 1, rounds do
    best.PyTorch = math.max(best.PyTorch or 0, peer(N, M) or 0)
    for name, s in pairs(all) do
      best[name] = math.max(best[name] or 0, support.rate(s, seconds, 0) * chains * disorder)
    end
  end
  return best
end

local function ratio(a, b)
  return a and b and b > 0 and ("%.4g"):format(a / b) or "-"
end

local header = ("%4s %7s %10s"):format("N", "M", "PyTorch")
for _, way in ipairs(ways) do
  header = header .. (" %10s"):format(way[1])
end
print(header .. (" | %9s %9s | %9s %9s"):format("single/P", "auto/P", "single/I", "auto/I"))
for _, shape in ipairs(shapes) do
  local N, M, wanted = table.unpack(shape)
  local best = measure(N, M)
  local line = ("%4d %7d %10.4g"):format(N, M, best.PyTorch)
  for _, way in ipairs(ways) do
    line = line .. (best[way[1]] and (" %10.4g"):format(best[way[1]]) or (" %10s"):format("-"))
  end
  print(line .. (" | %9s %9s | %9s %9s"):format(ratio(best.single, best.PyTorch),
    ratio(best.auto, best.PyTorch), ratio(best.single, wanted), ratio(best.auto, wanted)))
end
print(version and ("P: %s, %d threads; I: the rate of PyTorch 1.13 that is to be compared with")
  :format(version, threads) or "PyTorch is not installed")
