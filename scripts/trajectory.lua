--- Chains near the transition: alignment and energy against step. They stay with the target a
--- while, then wander among others just as low. Leaves trajectory_phi.png, trajectory_energy.png.
local dam = require "dam"

local opt = dam.options {
  N = { 24, "dimension" },
  alpha = { 0.25, "load ln(M)/N" },
  T = { 0.4, "temperature" },
  chains = { 5, "chains to show" },
  steps = { 20000, "steps to show", 1000 },
  every = { 50, "steps that a point is the mean of" },
  seed = { 3, "random seed" },
  out = { "out", "folder for the figures" },
}
local H = dam.lse { beta_net = 1 }
local patterns = dam.patterns { N = opt.N, alpha = opt.alpha, seed = opt.seed }
local s = dam.mh { hamiltonian = H, patterns = patterns, T = opt.T, replicas = opt.chains,
  init = "cold", seed = opt.seed }
local r = s:sample(opt.steps, { every = opt.every, series = { "phi", "energy_density" } })
local step = dam.range(opt.every, opt.steps, opt.every)
local th = dam.theory(H, { law = "exact" })
local phi, u = th:phi_boltzmann(opt.T, opt.N), th:u_noise(patterns.alpha)
local title = ("LSE, N = %d, α = %.3g, T = %g"):format(opt.N, patterns.alpha, opt.T)

local function draw(name, ylabel, series, yrange, hlines)
  local curves = {}
  for a = 1, opt.chains do
    curves[a] = { x = step, y = series:slice { 1, 1, a } }
  end
  return dam.plot { file = ("%s/trajectory_%s.png"):format(opt.out, name), curves = curves,
    xlabel = "Metropolis step", ylabel = ylabel, title = title, yrange = yrange, hlines = hlines,
    overwrite = true }
end

print(r:table())
print(draw("phi", "alignment φ with the target", r.series.phi, { -0.7, 1.05 },
  { { y = phi, label = "one basin" }, { y = 0, dash = "dotted" } }))
print(draw("energy", "energy density H/N", r.series.energy_density, { 0, 0.45 },
  { { y = 1 - phi, color = "#000000" }, { y = u, label = "noise floor", dash = "dotted" } }))
