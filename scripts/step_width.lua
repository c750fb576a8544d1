--- How wide a proposal should be: acceptance and autocorrelation time of the alignment against
--- `step`, where B(7) takes 2.4. Leaves step_width.png; --help lists options.
local dam = require "dam"

local opt = dam.options {
  N = { 50, "dimension" }, M = { 55, "patterns" },
  T = { 0.3, "temperature" },
  step = { { 1, 1.5, 2, 2.4, 3, 4, 5, 6 }, "widths of a proposal", { 1, 2.4, 4 } },
  steps = { 10000, "steps measured; a tenth as many before", 1000 },
  chains = { 16, "chains to average over", 4 },
  seed = { 42, "random seed" },
  out = { "out", "folder for the figure" },
}
local patterns = dam.patterns { N = opt.N, M = opt.M, disorder = opt.chains, seed = opt.seed }
local tau, err, acceptance = {}, {}, {}
for i, step in ipairs(opt.step) do
  local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = patterns, T = opt.T, step = step,
    init = "cold", seed = opt.seed }
  local r = s:run(opt.steps // 10):sample(opt.steps, { series = { "phi" } })
  local times = {}
  for d = 1, opt.chains do
    times[d] = dam.stats.autocorrelation(r.series.phi:slice { 1, d, 1 }).tau
  end
  tau[i], err[i] = dam.stats.mean(times)
  acceptance[i] = r.acceptance:mean()
  print(("step = %-4g acceptance = %.3f  tau = %s steps"):format(step, acceptance[i],
    dam.format.pm(tau[i], err[i])))
end
print(dam.plot { file = opt.out .. "/step_width.png", overwrite = true, logy = true,
  xlabel = "step: σ = step T/√N", ylabel = "autocorrelation time of φ (steps)",
  points = { { x = opt.step, y = tau, err = err, style = "linespoints" } },
  title = ("LSE, N = %d, M = %d, T = %g"):format(opt.N, opt.M, opt.T) })
