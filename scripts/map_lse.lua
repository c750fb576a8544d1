-- The phase diagram of the LSE memory, B Fig. 1 left: alignment over (alpha, T). What the published
-- plan costs on your machine is shown by --dry-run; --quick is a small map with the same features.
local dam = require "dam"
local sweep = require "dam.sweep"

local opt = dam.options {
  beta_net = { 1.0, "sharpness of the kernel" },
  seed = { 42, "random seed" },
  out = { "out", "folder for the result file, CSV and figures" },
  quick = { false, "M up to 2000, few disorders: a minute or so" },
}

local name = opt.quick and "map-lse-quick" or "map-lse"
local file = opt.out .. "/" .. name

local map = sweep.run {
  name = name, file = file .. ".sqlite", seed = opt.seed,
  hamiltonian = dam.lse { beta_net = opt.beta_net },
  alpha = opt.quick and dam.range(0.05, 0.55, 0.05) or dam.range(0.01, 0.55, 0.01),
  T = opt.quick and dam.range(0.05, 1.95, 0.1) or dam.range(0.025, 2.0, 0.05),
  plan = opt.quick and sweep.adaptive { M = { 500, 2000 }, gamma = 10, trials = { 12, 12 } }
    or sweep.adaptive { M = { 20000, 500000 }, gamma = 10, trials = { 512, 64 } }, -- B(5)
  replicas = 2,
  equilibrate = opt.quick and 2048 or 16384,
  sample = opt.quick and 512 or 4096,
}

if map.file then -- not a dry run
  map:export(file .. ".csv")
  map:plot(file .. ".png")
  print("see " .. file .. ".png")
end
return map
