-- The phase diagram of the LSR memory, B Fig. 1 right: alignment over (alpha, T). The published map
-- has b = 2 + sqrt(2). --equal-beta compares with LSE at equal beta_net = 1, that is b = N.
local dam = require "dam"
local sweep = require "dam.sweep"

local opt = dam.options {
  b = { 2 + math.sqrt(2), "sharpness b = N beta_net" },
  equal_beta = { false, "beta_net = 1, b = N instead of --b" },
  seed = { 42, "random seed" },
  out = { "out", "folder for the result file, CSV and figures" },
  quick = { false, "M up to 2000, few disorders: a minute or so" },
}

local name = "map-lsr" .. (opt.equal_beta and "-equal-beta" or "") .. (opt.quick and "-quick" or "")
local file = opt.out .. "/" .. name

local map = sweep.run {
  name = name, file = file .. ".sqlite", seed = opt.seed,
  hamiltonian = opt.equal_beta and dam.lsr { beta_net = 1 } or dam.lsr { b = opt.b },
  init = (opt.equal_beta or opt.b > 4) and { phi = "support" } or nil, -- B(6) would start outside
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
