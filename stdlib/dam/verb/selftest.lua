--- `damlua -m selftest`: the sampler of this binary, on this machine, against answers known without
--- it. Takes a few seconds.
local dam = require "dam"
local oracle = require "dam.oracle"

local failed

local function report(ok, format, ...)
  failed = failed or not ok
  print((ok and "ok      " or "FAILED  ") .. format:format(...))
end

local function single_patterns()
  for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
    for _, T in ipairs { 0.1, 0.5, 2 } do
      local r = oracle.check_single_pattern(H, 24, T,
        { disorder = 96, equilibrate = 1000, sample = 4000, seed = 1 })
      report(math.abs(r.deviation) < 4, "M = 1, %s, T = %g: phi = %s, exact %.6f", H.kernel, T,
        dam.format.pm(r.found, r.error), r.exact)
    end
  end
end

local function infinite_temperature()
  for _, N in ipairs { 4, 12 } do
    local values = oracle.infinite_temperature(dam.lse(), N, 50000, 2)
    local p = oracle.ks(values, oracle.beta_cdf(N - 1))
    report(p > 1e-3, "T = 1e6, N = %d: (1 + phi)/2 is Beta((N-1)/2, (N-1)/2), probability %.3f", N,
      p)
  end
end

local function mixtures()
  local size = { chains = 2000, steps = 1000, snapshots = 10, apart = 50, batches = 20, seed = 3 }
  for _, case in ipairs { { 0.6, 64, 12 }, { 2.5, 64, 12 }, { 2, 8, 16 } } do
    local beta_net, M, N = table.unpack(case)
    local r = oracle.exact_mixture(beta_net, M, N, size)
    report(r.kept, "T = 1/beta_net = %.4g, M = %d, N = %d: exact draws keep their law, "
      .. "probabilities %.3f and %.3f, mean energy off by %.1f errors", 1 / beta_net, M, N,
      r.energy, r.largest, r.deviation)
  end
end

local function instruction_sets()
  local function digest()
    local p = dam.patterns { N = 23, M = 300, disorder = 2, seed = 4 }
    local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.6 },
      replicas = 2 }
    return s:sample(300).digest
  end
  local found, golden = digest(), "05c290f832b01d19"
  report(found == golden, "digest of a standard run: %s (%s), everywhere %s", found, dam.isa(),
    golden)
end

--- Runs all of it; false when something failed.
return function(...)
  if select("#", ...) > 0 then
    error("selftest takes no arguments", 0)
  end
  failed = false
  instruction_sets()
  single_patterns()
  infinite_temperature()
  mixtures()
  return not failed
end
