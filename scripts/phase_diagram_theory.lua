-- The phase diagrams of A, Fig. 1: LSE and LSR in the plane of load and temperature, by the papers'
-- formulas. With --law exact the exact boundaries are drawn over them: three for LSE, the support
-- threshold for LSR (where A(22) with LSR's own floor A(30) is drawn as well).
local dam = require "dam"

local opt = dam.options {
  law = { "paper", "paper, or exact: overlay the exact boundaries" },
  beta_net = { 1.0, "inverse variance of the LSE kernel" },
  b = { 3.41, "sharpness of the LSR kernel" },
  T_lse = { 2.0, "highest temperature of the LSE panel" },
  T_lsr = { 0.5, "highest temperature of the LSR panel" },
  alpha_max = { 0.65, "highest load" },
  out = { ".", "folder for phase_lse.png and phase_lsr.png" },
  suffix = { "png", "png, svg or pdf" },
}

local RETRIEVAL, SPIN_GLASS, PARAMAGNETIC = "#0072B2", "#E69F00", "#999999"

-- The critical line as a curve with the temperature as parameter; the papers' end where f_ret > 1.
local function line(th, T_top, options, style)
  local curve = { x = {}, y = {} }
  for i = 0, 400 do
    local T = T_top * (i / 400) ^ 2
    local alpha = th:alpha_c(T, options)
    if alpha then
      curve.x[#curve.x + 1], curve.y[#curve.y + 1] = alpha, T
    end
  end
  for key, value in pairs(style) do
    curve[key] = value
  end
  return curve
end

-- Retrieval up to T_c(alpha), spin glass above it, paramagnet beyond alpha = 1/2.
local function regions(th, T_top)
  local retrieval, glass = { x = {}, low = {}, high = {} }, { x = {}, low = {}, high = {} }
  local loads = {}
  for i = 0, 600 do
    loads[#loads + 1] = 0.5 * i / 600
  end
  local threshold = th:alpha_th()
  if threshold then -- the step of LSR at alpha_th, from both sides
    loads[#loads + 1] = threshold * (1 - 1e-12)
    loads[#loads + 1] = threshold
  end
  table.sort(loads)
  for _, alpha in ipairs(loads) do
    local T = math.min(th:T_c(alpha) or 0, T_top)
    for _, region in ipairs { retrieval, glass } do
      region.x[#region.x + 1] = alpha
    end
    retrieval.low[#retrieval.low + 1], retrieval.high[#retrieval.high + 1] = 0, T
    glass.low[#glass.low + 1], glass.high[#glass.high + 1] = T, T_top
  end
  retrieval.label, retrieval.color = "retrieval", RETRIEVAL
  glass.label, glass.color = "spin glass", SPIN_GLASS
  return {
    retrieval, glass,
    { x = { 0.5, opt.alpha_max }, low = { 0, 0 }, high = { T_top, T_top },
      label = "paramagnetic", color = PARAMAGNETIC },
  }
end

local function draw(name, title, T_top, th, curves, vlines)
  local file = dam.plot {
    file = ("%s/%s.%s"):format(opt.out, name, opt.suffix), title = title,
    xlabel = "load α = ln(M)/N", ylabel = "temperature T",
    xrange = { 0, opt.alpha_max }, yrange = { 0, T_top }, key = "outside right top",
    shaded = regions(th, T_top), curves = curves, vlines = vlines, size = { 1300, 800 },
    overwrite = true,
  }
  print(file)
end

local H = dam.lse { beta_net = opt.beta_net }
local paper = dam.theory(H)
local curves = { line(paper, opt.T_lse, {}, { label = "α_{c}(T), A(35)", color = "black" }) }
if opt.law == "exact" then
  local exact = dam.theory(H, { law = "exact" })
  for i, which in ipairs { "depth", "spinodal", "global" } do
    curves[#curves + 1] = line(exact, opt.T_lse, { which = which }, {
      label = "exact, " .. which, dash = ({ "dashed", "dotted", "dashdot" })[i],
      color = ({ "#B22222", "#6A0DAD", "#006400" })[i],
    })
  end
end
draw("phase_lse", ("LSE, β_{net} = %g"):format(opt.beta_net), opt.T_lse, paper, curves,
  { { x = 0.5, label = "α = 1/2" } })

H = dam.lsr { b = opt.b }
paper = dam.theory(H)
local threshold, T_max = paper:alpha_th(), paper:T_max()
curves = {
  line(paper, T_max or opt.T_lsr, {}, { label = "α_{c}(T), A(39)", color = "black" }),
}
local title, vlines = ("LSR, b = %g"):format(opt.b), { { x = 0.5, label = "α = 1/2" } }
if T_max then -- b > 1
  title = ("%s: T_{max} = %.4f"):format(title, T_max)
  vlines[2] = { x = threshold, label = ("α_{th} = %.4f"):format(threshold) }
end
if opt.law == "exact" then
  local exact = dam.theory(H, { law = "exact" })
  curves[2] = line(paper, opt.T_lsr, { floor = "A30" },
    { label = "α_{c}(T) with floor A(30)", color = "#006400", dash = "dashdot" })
  curves[3] = line(exact, opt.T_lsr, {}, { color = "#B22222", dash = "dashed",
    label = ("exact, α_{th} = %.4f"):format(exact:alpha_th()) })
end
draw("phase_lsr", title, opt.T_lsr, paper, curves, vlines)
