--- A small sweep for tests that stop, kill and resume it. Options say what varies.
local sweep = require "dam.sweep"

local opt = dam.options {
  file = { "map.sqlite", "result file" },
  disorder = { 6, "disorders" },
  alpha = { dam.array { 0.1, 0.15, 0.2 }, "loads" },
  T = { dam.array { 0.1, 0.4, 0.8 }, "temperatures" },
  equilibrate = { 2000, "steps before measuring" },
  sample = { 500, "steps measured" },
  memory = { "1G", "memory" },
  beta_net = { 1.0, "sharpness" },
  slice = { 0.0, "seconds between saved states; 0: as usual" },
  signal = { "", "signal that the sweep gets at its second unit, from itself" },
}
-- Where kernels for GPUs are executed on the CPU a step takes some fifty times as long.
local part = os.getenv "DAMLUA_DEVICE" == "cuda-on-cpu" and 10 or 1
local unit = require "dam.sweep.unit"
if opt.slice > 0 then
  unit.CHECKPOINT_EVERY = opt.slice
end
if opt.signal ~= "" then
  local sampler, units = unit.sampler, 0
  function unit.sampler(...)
    units = units + 1
    if units == 2 then
      io.popen("kill -" .. opt.signal .. " $PPID"):close()
    end
    return sampler(...)
  end
end
return sweep.run {
  name = "child", file = opt.file, seed = 5, hamiltonian = dam.lse { beta_net = opt.beta_net },
  alpha = opt.alpha, T = opt.T, plan = sweep.fixed { N = 24, disorder = opt.disorder },
  replicas = 2, equilibrate = opt.equilibrate // part, sample = math.max(opt.sample // part, 10),
  memory = opt.memory,
}
