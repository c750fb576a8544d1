-- The sampler against what is known without it (see stdlib/dam/oracle.lua).
local t = require "support"
local dam = require "dam"
local oracle = require "dam.oracle"

for _, N in ipairs { 24, 50 } do
  for _, T in ipairs { 0.1, 0.5, 2 } do
    for name, H in pairs { LSE = dam.lse(), LSR = dam.lsr { b = 3.41 } } do
      t.test(("M = 1 %s, N = %d, T = %g: mean alignment"):format(name, N, T), function()
        local r = oracle.check_single_pattern(H, N, T,
          { disorder = 192, equilibrate = 1500, sample = 12000, seed = 11 })
        t.ok(r.error < 1e-3, ("an error below 1e-3 (found %g)"):format(r.error))
        t.ok(math.abs(r.deviation) < 4,
          ("agreement within 4 errors (found %.6f +- %.6f, exact %.6f)"):format(r.found, r.error,
            r.exact))
      end)
    end
  end
end

t.test("the exact values of M = 1 are the reference's", function()
  for line in io.lines "tests/reference/boltzmann.csv" do
    local N, T, lse, lsr = line:match "^(%d+),([%d.]+),([%d.]+),[%d.]+,([%d.]+),"
    if N then
      N, T = tonumber(N), tonumber(T)
      t.near(oracle.single_pattern(dam.lse(), N, T), tonumber(lse), 6e-11, "LSE")
      t.near(oracle.single_pattern(dam.lsr { b = 3.41 }, N, T), tonumber(lsr), 6e-9, "LSR")
    end
  end
end)

local uniform = { LSE = dam.lse(), polynomial = dam.polynomial { k = 3 },
  ["LSR without a wall"] = dam.lsr { b = 0.4 } }
for _, N in ipairs { 4, 12 } do
  for name, H in pairs(uniform) do
    t.test(("T = 1e6, %s, N = %d: alignments follow Beta((N-1)/2, (N-1)/2)"):format(name, N),
      function()
        local values = oracle.infinite_temperature(H, N, 200000, 3)
        local right, wrong = oracle.ks(values, oracle.beta_cdf(N - 1)),
          oracle.ks(values, oracle.beta_cdf(N))
        t.ok(right > 1e-3, ("the right law (probability %g)"):format(right))
        t.ok(wrong < 1e-6, ("rejection of Beta(N/2, N/2) (probability %g)"):format(wrong))
      end)
  end
end

local rough = { chains = 400, steps = 500, snapshots = 2, apart = 50, batches = 4, seed = 8 }
-- 5 % moves the mean energy by few errors at the lowest beta_net, by many at the others
for _, case in ipairs { { 0.6, 64, 12, 50 }, { 2.5, 64, 12, 10 }, { 2, 8, 16, 10 } } do
  local beta_net, M, N, snapshots = table.unpack(case)
  local thorough = { chains = 4000, steps = 2000, snapshots = snapshots, apart = 40, batches = 60,
    seed = 8 }
  local label = ("beta_net = %g, M = %d, N = %d: "):format(beta_net, M, N)
  local function told(r)
    return (" (probabilities %g of energy, %g of alignment; mean energy off by %.2f errors)")
      :format(r.energy, r.largest, r.deviation)
  end
  t.test(label .. "exact draws keep their law", function()
    local r = oracle.exact_mixture(beta_net, M, N, thorough)
    t.ok(r.kept, "the law" .. told(r))
  end)
  for name, T in pairs(oracle.wrong_rules(beta_net)) do
    t.test(label .. name .. " is noticed", function()
      -- 5 % needs the full size, the gross errors do not
      local r = oracle.exact_mixture(beta_net, M, N, name:find "5 %%" and thorough or rough, T)
      t.ok(not r.kept, "a change of the law" .. told(r))
    end)
  end
end

t.finish()
