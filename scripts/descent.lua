--- Retrieval at T = 0 against load: the fraction of targets from which the attention update does
--- not lead away, LSE against LSR. Leaves descent.png; --help lists options.
local dam = require "dam"

local opt = dam.options {
  N = { { 6, 9, 12 }, "dimensions" },
  alpha = { dam.range(0.05, 0.75, 0.05), "loads ln(M)/N", dam.range(0.1, 0.7, 0.2) },
  b = { 3.41, "sharpness of the LSR kernel" },
  phi = { 1.0, "alignment that the starts have with the target" },
  retained = { 0.98, "alignment that counts as retrieved" },
  disorder = { 60, "independent draws of the patterns", 6 },
  steps = { 200, "updates at most" },
  seed = { 42, "random seed" },
  out = { "out", "folder for the figure" },
}
local points, vlines = {}, {}
for i, H in ipairs { dam.lse { beta_net = 1 }, dam.lsr { b = opt.b } } do
  for j, N in ipairs(opt.N) do
    local kept = dam.zeros(#opt.alpha)
    for k = 1, #opt.alpha do
      local patterns <close> = dam.patterns { N = math.tointeger(N), alpha = opt.alpha[k],
        disorder = opt.disorder, seed = opt.seed }
      local r = dam.descend { hamiltonian = H, patterns = patterns, init = { phi = opt.phi },
        max_steps = opt.steps, seed = opt.seed }
      kept[k] = r.phi:map(function(phi) return phi >= opt.retained and 1 or 0 end):mean()
    end
    points[#points + 1] = { x = opt.alpha, y = kept, style = "linespoints", color = i,
      label = ("%s, N = %d"):format(H.kernel:upper(), N),
      dash = ({ "dotted", "dashed", "solid" })[j] or "solid" }
  end
  local limit = dam.theory(H, { law = "exact" }):alpha_c(0)
  vlines[i] = { x = limit, color = i }
end
print(dam.plot { file = opt.out .. "/descent.png", points = points, vlines = vlines,
  xlabel = "load α", ylabel = "fraction retrieved", yrange = { -0.03, 1.05 }, overwrite = true,
  title = ("Retrieval at T = 0 from φ = %g, b = %g; vertical: N → ∞"):format(opt.phi, opt.b) })
