--- A sweep of anything: here the temperature at which a heated chain leaves its target, for several
--- N. Cells are computed once, kept in own_sweep.sqlite and gone on with. --help lists options.
local dam = require "dam"
local sweep = require "dam.sweep"

local opt = dam.options {
  N = { { 16, 24, 32 }, "dimensions", { 8, 12 } },
  alpha = { { 0.1, 0.2, 0.3 }, "loads ln(M)/N", { 0.1, 0.3 } },
  steps = { 2000, "steps at each temperature", 50 },
  disorder = { 16, "chains, each with patterns of its own", 4 },
  out = { "out", "folder for the result file" },
}
local cells = {}
for _, N in ipairs(opt.N) do
  for _, alpha in ipairs(opt.alpha) do
    cells[#cells + 1] = { N = math.tointeger(N), alpha = alpha, steps = opt.steps,
      disorder = opt.disorder } -- every number that matters is in the cell
  end
end
local run = sweep.run { name = "own_sweep", file = opt.out .. "/own_sweep.sqlite", cells = cells,
  run = function(cell, ctx)
    local s = dam.mh { hamiltonian = dam.lse(), T = 0.05, init = "cold", seed = ctx.seed,
      patterns = dam.patterns { N = cell.N, alpha = cell.alpha, disorder = cell.disorder,
        seed = ctx.seed } }
    local left = dam.zeros(cell.disorder) + 2 -- at T = 2 all have left
    for T = 0.05, 2, 0.05 do
      local phi = s:set_T(T):sample(cell.steps).phi
      for d = 1, cell.disorder do
        left[d] = math.min(left[d], phi(1, d, 1) < 0.5 and T or 2)
      end
    end
    return { { T = left:mean(), T_err = left:sem() } }
  end }
if run.file then -- not a dry run
  print(run:export((run.file:gsub("%.sqlite$", ".csv"))))
end
