--- Specific heat and susceptibility against temperature, with jackknife errors, on the exact curves
--- of a single basin; where the target is lost, χ leaps. Leaves specific_heat.png; see --help.
local dam = require "dam"

local opt = dam.options {
  N = { 50, "dimension" },
  alpha = { 0.08, "load ln(M)/N" },
  T = { dam.range(0.1, 1, 0.1), "temperatures", dam.range(0.2, 0.8, 0.3) },
  steps = { 20000, "steps; half as many before them are not measured", 200 },
  disorder = { 16, "independent draws of the patterns", 4 },
  seed = { 42, "random seed" },
  out = { "out", "folder for the figure" },
}
local H = dam.lse { beta_net = 1 }
local patterns = dam.patterns { N = opt.N, alpha = opt.alpha, disorder = opt.disorder,
  seed = opt.seed }
local s = dam.mh { hamiltonian = H, patterns = patterns, T = opt.T, replicas = 2, init = "cold",
  seed = opt.seed }
local r = s:run(opt.steps // 2):sample(opt.steps)
local c, c_err = dam.stats.specific_heat(r)
local chi, chi_err = dam.stats.susceptibility(r)
for t = 1, #opt.T do
  print(("T = %.2f  c = %s  chi = %s"):format(opt.T[t], dam.format.pm(c[t], c_err[t]),
    dam.format.pm(chi[t], chi_err[t])))
end
local th, x = dam.theory(H, { law = "exact" }), dam.linspace(0.05, 1.05, 100)
print(dam.plot { file = opt.out .. "/specific_heat.png", overwrite = true, xlabel = "temperature T",
  ylabel = "per neuron", title = ("LSE, N = %d, M = %d"):format(opt.N, patterns.M),
  points = { { x = opt.T, y = c, err = c_err, label = "specific heat c" },
    { x = opt.T, y = chi, err = chi_err, label = "susceptibility χ" } },
  curves = { { x = x, y = opt.N * th:u_variance(x, opt.N) / x ^ 2, label = "c, one basin" },
    { x = x, y = opt.N * th:phi_variance(x, opt.N) / x, label = "χ, one basin" } } })
