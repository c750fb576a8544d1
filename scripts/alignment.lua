-- Alignment against temperature, B Fig. 2: LSE at alpha = 0.05 and 0.1, LSR at alpha = 0.1, with
-- the N and M of the published map, on the Boltzmann average of a single basin, B(8).
local dam = require "dam"
local sweep = require "dam.sweep"

local opt = dam.options {
  disorder = { 16, "independent pattern sets" },
  b = { 2 + math.sqrt(2), "sharpness of LSR" },
  seed = { 42, "random seed" },
  out = { "out", "folder for the result files and figures" },
  quick = { false, "N and M of the quick maps, few temperatures, 6 disorders" },
}
local disorder = opt.quick and 6 or opt.disorder
local M = opt.quick and { 500, 2000 } or { 20000, 500000 }

--- One panel: a sweep over T at a few loads, drawn on the single-basin curves.
local function panel(kernel, H, alphas, floor)
  local name = "alignment-" .. kernel .. (opt.quick and "-quick" or "")
  local file = opt.out .. "/" .. name
  local run = sweep.run {
    name = name, file = file .. ".sqlite", seed = opt.seed, hamiltonian = H, alpha = alphas,
    T = opt.quick and dam.range(0.1, 1.9, 0.2) or dam.range(0.025, 2.0, 0.05),
    plan = sweep.adaptive {
      M = M, gamma = 10, range = { 0.01, 0.55 }, trials = { 2 * disorder, 2 * disorder },
    },
    replicas = 2,
    equilibrate = opt.quick and 2048 or 16384,
    sample = opt.quick and 1024 or 4096,
  }
  if not run.file then
    return -- a dry run
  end
  local T = dam.linspace(0.02, 2, 100)
  local points, curves, th = {}, {}, dam.theory(H, { law = "exact" })
  for _, p in ipairs(run:points()) do
    local s = points[#points]
    if not s or s.alpha ~= p.alpha then
      s = { alpha = p.alpha, N = p.N, M = p.M, x = {}, y = {}, err = {} }
      points[#points + 1] = s
    end
    table.insert(s.x, p.T)
    table.insert(s.y, p.phi)
    table.insert(s.err, p.phi_err or 0)
  end
  for i, s in ipairs(points) do
    points[i] = { x = s.x, y = s.y, err = s.err,
      label = ("α = %g (N = %d, M = %d)"):format(s.alpha, s.N, s.M) }
    curves[i] = { x = T, y = th:phi_boltzmann(T, s.N), label = ("Boltzmann, N = %d"):format(s.N) }
  end
  print(dam.plot {
    file = file .. ".png", title = kernel:upper() .. ": alignment with the target",
    xlabel = "temperature T", ylabel = "alignment φ", points = points, curves = curves,
    hlines = floor and { { y = floor, label = "φ_{c}", dash = "dotted" } }, yrange = { -0.1, 1.02 },
  })
end

panel("lse", dam.lse { beta_net = 1 }, { 0.05, 0.1 })
panel("lsr", dam.lsr { b = opt.b }, { 0.1 }, 1 - 1 / opt.b)
