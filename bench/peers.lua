-- Chain-steps a second on all threads, in one run: ways of evaluating on all patterns, what "auto"
-- makes of it at T = 0.25 near the target, and PyTorch (bench/peer.py, plain and tuned) on the same
-- work, LSE, by turns. 40 chains in each of two disorders go on from round to round; the best round
-- counts, of everybody: other programs only make things slower. With DAMLUA_THREADS=1 it is
-- processor time that is measured, of everybody, for machines that are busy.
--
--   bench/peers.lua [seconds of each measurement [rounds]]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local chains, disorder, T = 40, 2, 0.25
local seconds, rounds = tonumber(arg[1]) or 0.7, tonumber(arg[2]) or 3
local threads = tonumber(os.getenv "DAMLUA_THREADS" or "") or 2
local clock = threads == 1 and os.clock or dam.clock

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

--- Chain-steps a second of PyTorch, plain and tuned; 0 where it is not installed.
local function peer(N, M)
  for _, python in ipairs { os.getenv "PYTHON" or "python3", "/usr/bin/python3" } do
    local command = ("%s %s/peer.py %d %d %d %d %g %g %d 2>/dev/null"):format(python, here, N, M,
      chains, disorder, T, seconds, threads)
    local pipe <close> = assert(io.popen(command))
    local plain, tuned, what = pipe:read("a"):match("^(%S+) (%S+) (.-)\n")
    if plain then
      version = what
      return tonumber(plain), tonumber(tuned)
    end
  end
  return 0, 0
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

--- The best rates of all ways, by name, and of PyTorch under "plain" and "tuned".
local function measure(N, M)
  local p <close> = dam.patterns { N = N, M = M, disorder = disorder }
  local all <close> = samplers(p)
  local best = setmetatable({}, { __index = function() return 0 end })
  for _ = 1, rounds do
    local plain, tuned = peer(N, M)
    best.plain, best.tuned = math.max(best.plain, plain), math.max(best.tuned, tuned)
    for name, s in pairs(all) do
      best[name] = math.max(best[name],
        support.rate(s, seconds, 0, nil, clock) * chains * disorder)
    end
  end
  return best
end

local function number(value)
  return value > 0 and ("%.3g"):format(value) or "-"
end

local columns = { "plain", "tuned" }
for i, way in ipairs(ways) do
  columns[i + 2] = way[1]
end
local header = ("%4s %7s"):format("N", "M")
for _, name in ipairs(columns) do
  header = ("%s %9s"):format(header, name)
end
print(header .. " | single and auto: / plain     / tuned     / wanted")
for _, shape in ipairs(shapes) do
  local N, M, wanted = table.unpack(shape)
  local best = measure(N, M)
  local line = ("%4d %7d"):format(N, M)
  for _, name in ipairs(columns) do
    line = ("%s %9s"):format(line, number(best[name]))
  end
  line = line .. " |                "
  for _, peers in ipairs { best.plain, best.tuned, wanted or 0 } do
    line = ("%s %5s %5s"):format(line, number(peers > 0 and best.single / peers or 0),
      number(peers > 0 and best.auto / peers or 0))
  end
  print(line)
end
print(version and version .. "; wanted: what was asked for, PyTorch 1.13 on two cores"
  or "PyTorch is not installed")
print(("%d threads, %s time"):format(threads, threads == 1 and "processor" or "wall-clock"))
