--- Equilibrium alignment of LSE and LSR memories against temperature (paper A, Fig. 2 left): Monte
--- Carlo symbols on theory curves. Leaves quickstart.png and quickstart.csv; --help lists options.
local dam = require "dam"

local opt = dam.options {
  N = { 50, "dimension" },
  alpha = { 0.1, "load ln(M)/N" },
  b = { 3.41, "sharpness of the LSR kernel" },
  disorder = { 0, "independent draws of the patterns (0: 32, or 8 with --quick)" },
  seed = { 42, "random seed" },
  out = { "out", "folder for the figure and the table" },
  quick = { false, "8 temperatures instead of 30, and few draws" },
}
local T = opt.quick and dam.range(0.05, 1.5, 0.2) or dam.range(0.05, 1.5, 0.05)
local disorder = opt.disorder ~= 0 and opt.disorder or opt.quick and 8 or 32
local patterns = dam.patterns { N = opt.N, alpha = opt.alpha, disorder = disorder, seed = opt.seed }
print(patterns)

local x = dam.linspace(0.01, 1.55, 155)
local points, curves, rows = {}, {}, {}
for i, H in ipairs { dam.lse { beta_net = 1 }, dam.lsr { b = opt.b } } do
  local name = H.kernel:upper()
  local s = dam.mh { hamiltonian = H, patterns = patterns, T = T, replicas = 2, seed = opt.seed }
  s:run(1500)
  local t = s:sample(1000):table()
  print(H)
  print(t)
  points[i] = { x = T, y = t:column "phi", err = t:column "phi_err",
    label = name .. ", Monte Carlo" }
  curves[i] = { x = x, y = dam.theory(H):phi(x), label = name .. ", N → ∞" }
  curves[i + 2] = { x = x, y = dam.theory(H, { law = "exact" }):phi_boltzmann(x, opt.N),
    label = name .. ", one basin", dash = "dashed", color = i }
  for _, row in ipairs(t) do
    row.kernel = name
    rows[#rows + 1] = row
  end
end

local columns = { "kernel", "T", "phi", "phi_err", "q12", "q12_err", "energy_density",
  "energy_density_err", "acceptance" }
local figure = dam.plot { file = opt.out .. "/quickstart.png", points = points, curves = curves,
  xlabel = "temperature T", ylabel = "alignment φ with the target", xrange = { 0, 1.55 },
  yrange = { -0.05, 1.02 }, overwrite = true,
  title = ("N = %d, α = %.3g (M = %d), %d disorders × 2 replicas"):format(opt.N, patterns.alpha,
    patterns.M, disorder) }
local csv = assert(io.open(opt.out .. "/quickstart.csv", "w"))
csv:write(dam.format.table(rows, columns):csv())
csv:close()
print("figure: " .. figure, "table: " .. opt.out .. "/quickstart.csv")
