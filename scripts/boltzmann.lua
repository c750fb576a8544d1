-- Mean alignment in a single basin against temperature: the curves of B, Fig. 2, with the density
-- of states of B(9) and with the exact one, at dimensions of B's plan; N -> infinity to compare.
local dam = require "dam"

local opt = dam.options {
  N = { { 24, 105 }, "dimensions (105 is B's plan at alpha = 0.1, 24 at 0.55)",
    { 24 } },
  b = { 3.41, "sharpness of the LSR kernel" },
  T_max = { 2.0, "highest temperature" },
  out = { ".", "folder for boltzmann_lse.png and boltzmann_lsr.png" },
  suffix = { "png", "png, svg or pdf" },
}

local T = dam.linspace(0.005, opt.T_max, 400)

local function draw(name, title, H, low, hlines)
  local paper, exact = dam.theory(H), dam.theory(H, { law = "exact" })
  local curves = {}
  for i, N in ipairs(opt.N) do
    curves[#curves + 1] = { x = T, y = exact:phi_boltzmann(T, N), color = i,
      label = ("exact density, N = %g"):format(N) }
    curves[#curves + 1] = { x = T, y = paper:phi_boltzmann(T, N), color = i, dash = "dashed",
      label = ("B(9), N = %g"):format(N) }
  end
  curves[#curves + 1] = { x = T, y = paper:phi(T), color = "black", dash = "dotted",
    label = "N → ∞" }
  print(dam.plot {
    file = ("%s/%s.%s"):format(opt.out, name, opt.suffix), title = title,
    xlabel = "temperature T", ylabel = "equilibrium alignment φ_{eq}(T)", curves = curves,
    hlines = hlines, xrange = { 0, opt.T_max }, yrange = { low, 1 }, key = "top right",
    overwrite = true,
  })
end

draw("boltzmann_lse", "LSE", dam.lse(), 0.35, {})
local wall = 1 - 1 / opt.b
draw("boltzmann_lsr", ("LSR, b = %g"):format(opt.b), dam.lsr { b = opt.b },
  math.max(0, wall - 0.03), { { y = wall, label = "φ_{c} = 1 - 1/b", dash = "dotted" } })
