--- Starts halfway between two patterns: LSE falls to one of them, a wide LSR kernel keeps the
--- mixture as a memory of its own. Leaves mixture.png; --help lists options.
local dam = require "dam"

local opt = dam.options {
  N = { 60, "dimension" },
  M = { 8, "patterns" },
  b = { 1.3, "sharpness of the LSR kernel" },
  T = { dam.range(0.04, 0.6, 0.04), "temperatures", dam.range(0.1, 0.5, 0.2) },
  steps = { 3000, "steps; half as many before them are not measured", 200 },
  disorder = { 40, "independent draws of the patterns", 5 },
  seed = { 42, "random seed" },
  out = { "out", "folder for the figure" },
}
local patterns = dam.patterns { N = opt.N, M = opt.M, disorder = opt.disorder, seed = opt.seed }
local points = {}
for i, H in ipairs { dam.lse { beta_net = 1 }, dam.lsr { b = opt.b } } do
  local s = dam.mh { hamiltonian = H, patterns = patterns, T = opt.T, init = { mix = { 1, 2 } },
    seed = opt.seed }
  s:run(opt.steps // 2)
  local track = s:sample(opt.steps, { every = opt.steps // 50, track = { 1, 2 } }).track
  local sides = { dam.zeros(#opt.T, opt.disorder), dam.zeros(#opt.T, opt.disorder) }
  for t = 1, #opt.T do
    for d = 1, opt.disorder do
      local phi = track:slice { t, d, 1 }:mean(1)
      sides[1]:set(math.max(phi[1], phi[2]), t, d)
      sides[2]:set(math.min(phi[1], phi[2]), t, d)
    end
  end
  for k, name in ipairs { "winner", "loser" } do
    points[#points + 1] = { x = opt.T, y = sides[k]:mean(2), err = sides[k]:sem(2), color = i,
      style = "linespoints", label = ("%s, the %s"):format(H.kernel:upper(), name),
      dash = k == 2 and "dotted" or "solid" }
  end
end
print(dam.plot { file = opt.out .. "/mixture.png", points = points, xlabel = "temperature T",
  ylabel = "alignments with the two", yrange = { 0, 1.02 }, key = "above", overwrite = true,
  hlines = { { y = math.sqrt(0.5), dash = "dotted" } },
  title = ("Starts (dotted) between two of M = %d, N = %d, b = %g"):format(opt.M, opt.N, opt.b) })
