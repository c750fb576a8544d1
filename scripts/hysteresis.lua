--- Heating and cooling the same chains with set_T: what is lost on the way up does not come back on
--- the way down. Leaves hysteresis.png; --help lists options.
local dam = require "dam"

local opt = dam.options {
  N = { 24, "dimension" },
  alpha = { 0.2, "load ln(M)/N" },
  b = { 3.41, "sharpness of the LSR kernel" },
  T = { dam.range(0.05, 1.2, 0.05), "temperatures, ascending", dam.range(0.2, 1, 0.2) },
  steps = { 1000, "steps at each temperature; as many before are not measured", 100 },
  disorder = { 16, "independent draws of the patterns", 4 },
  seed = { 42, "random seed" },
  out = { "out", "folder for the figure" },
}
local patterns = dam.patterns { N = opt.N, alpha = opt.alpha, disorder = opt.disorder,
  seed = opt.seed }
local n, points, curves = #opt.T, {}, {}
for i, H in ipairs { dam.lse { beta_net = 1 }, dam.lsr { b = opt.b } } do
  local s = dam.mh { hamiltonian = H, patterns = patterns, T = opt.T[1], init = "cold",
    replicas = 2, seed = opt.seed }
  for leg, way in ipairs { "heating", "cooling" } do
    local phi, err = dam.zeros(n), dam.zeros(n)
    for j = 1, n do
      local at = leg == 1 and j or n + 1 - j
      local row = s:set_T(opt.T[at]):run(opt.steps):sample(opt.steps):table()[1]
      phi[at], err[at] = row.phi, row.phi_err
    end
    points[#points + 1] = { x = opt.T, y = phi, err = err, style = "linespoints", color = i,
      label = ("%s, %s"):format(H.kernel:upper(), way), dash = leg == 2 and "dotted" or "solid" }
  end
  curves[i] = { x = opt.T, y = dam.theory(H, { law = "exact" }):phi_boltzmann(opt.T, opt.N),
    label = H.kernel:upper() .. ", one basin", color = i, dash = "dashed" }
end
print(dam.plot { file = opt.out .. "/hysteresis.png", points = points, curves = curves,
  xlabel = "temperature T", ylabel = "alignment φ with the target", yrange = { -0.1, 1.02 },
  title = ("N = %d, α = %.3g (M = %d), %d draws"):format(opt.N, patterns.alpha, patterns.M,
    opt.disorder), overwrite = true })
