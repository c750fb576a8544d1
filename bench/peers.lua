-- Chain-steps a second on all threads, in one run: every way of evaluating on all patterns, what
-- "auto" does of it at T = 0.25 near the target, and the plain PyTorch program (bench/peer.py) on
-- the same work. 40 chains in each of two disorders.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local chains, disorder, seconds = 40, 2, tonumber(arg[1]) or 1
local threads = tonumber(os.getenv "DAMLUA_THREADS" or "") or 2
local shapes = { { 24, 500000 }, { 24, 20000 }, { 40, 20000 }, { 50, 200000 }, { 99, 20000 },
  { 198, 20000 }, { 990, 20000 } }

--- Chain-steps a second of PyTorch; nil where it is not installed.
local function peer(N, M, T)
  for _, python in ipairs { os.getenv "PYTHON" or "python3", "/usr/bin/python3" } do
    local command = ("%s %s/peer.py %d %d %d %d %g %g %d 2>/dev/null"):format(python, here, N, M,
      chains, disorder, T, seconds, threads)
    local pipe <close> = assert(io.popen(command))
    local found = tonumber(pipe:read "a")
    if found then
      return found
    end
  end
end

--- Chain-steps a second of the sampler; all chains at one T, so that rates are of that T.
local function own(p, T, evaluation, warm)
  local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = p, T = T, replicas = chains,
    evaluation = evaluation }
  return support.rate(s, seconds, warm) * chains * disorder
end

local function show(value)
  return value and ("%.4g"):format(value) or "-"
end

print(("%4s %7s %10s %10s %10s %10s %10s | %9s %9s %9s"):format("N", "M", "PyTorch", "reference",
  "single", "tiles", "auto 0.25", "single/P", "tiles/P", "auto/P"))
for _, shape in ipairs(shapes) do
  local N, M = table.unpack(shape)
  local p <close> = dam.patterns { N = N, M = M, disorder = disorder }
  local before = peer(N, M, 0.25)
  local reference, single = own(p, 0.25, "reference", 1), own(p, 0.25, "single", 1)
  local usable, tiles = pcall(own, p, 0.25, "tiles", 1)
  local auto = own(p, 0.25, "auto", 200)
  local after = peer(N, M, 0.25)
  local torch = before and 0.5 * (before + after)
  tiles = usable and tiles or nil
  print(("%4d %7d %10s %10s %10s %10s %10s | %9s %9s %9s"):format(N, M, show(torch),
    show(reference), show(single), show(tiles), show(auto), show(torch and single / torch),
    show(torch and tiles and tiles / torch), show(torch and auto / torch)))
end
