-- Two replicas in one disorder: maps of their overlap q12 and of q12 - phi^2. Where both follow the
-- target alone, q12 = phi^2; a q12 of its own while phi vanishes is frozen (spin-glass) order.
local dam = require "dam"
local sweep = require "dam.sweep"

local opt = dam.options {
  kernel = { "lse", "lse or lsr" },
  b = { 2 + math.sqrt(2), "sharpness of LSR" },
  seed = { 42, "random seed" },
  out = { "out", "folder for the result file and figures" },
  quick = { false, "M up to 2000, few disorders: a minute or so" },
}

local name = "two-replicas-" .. opt.kernel .. (opt.quick and "-quick" or "")
local file = opt.out .. "/" .. name

local run = sweep.run {
  name = name, file = file .. ".sqlite", seed = opt.seed,
  hamiltonian = opt.kernel == "lsr" and dam.lsr { b = opt.b } or dam.lse { beta_net = 1 },
  alpha = opt.quick and dam.range(0.05, 0.55, 0.1) or dam.range(0.01, 0.55, 0.01),
  T = opt.quick and dam.range(0.05, 1.05, 0.1) or dam.range(0.025, 2.0, 0.05),
  plan = opt.quick and sweep.adaptive { M = { 500, 2000 }, gamma = 10, trials = { 16, 16 } }
    or sweep.adaptive { M = { 20000, 500000 }, gamma = 10, trials = { 512, 64 } }, -- B(5)
  replicas = 2,
  equilibrate = opt.quick and 2048 or 16384,
  sample = opt.quick and 1024 or 4096,
}
if not run.file then
  return run -- a dry run
end

--- A map of value(point) over (alpha, T).
local function heatmap(ending, label, range, value)
  local alphas, temperatures, z = {}, {}, {}
  for _, p in ipairs(run:points()) do
    if alphas[#alphas] ~= p.alpha then
      alphas[#alphas + 1], z[#z + 1] = p.alpha, {}
    end
    table.insert(z[#z], value(p))
    temperatures[#z[#z]] = p.T
  end
  print(dam.plot {
    file = file .. ending, title = opt.kernel:upper() .. ": two replicas, " .. label,
    xlabel = "load α", ylabel = "temperature T",
    heatmap = { x = alphas, y = temperatures, z = z, label = label, range = range },
  })
end

heatmap("-q12.png", "q_{12}", { 0, 1 }, function(p) return p.q12 end)
heatmap("-excess.png", "q_{12} − φ^{2}", { -0.05, 0.15 }, function(p) return p.q12 - p.phi ^ 2 end)
return run
