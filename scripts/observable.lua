--- An observable of one's own in a few lines of Lua: what a chain remembers of its start, C(t) =
--- x(0).x(t)/N, phi^2 while in a basin. Leaves observable.png and tells what observing costs.
local dam = require "dam"

local opt = dam.options {
  N = { 50, "dimension" }, M = { 148, "patterns" },
  T = { { 0.1, 0.3, 0.5, 0.7 }, "temperatures" },
  disorder = { 100, "independent draws of the patterns", 10 },
  steps = { 3200, "steps, a multiple of every", 320 }, every = { 32, "steps between observations" },
  seed = { 1, "random seed" }, out = { "out", "folder for the figure" },
}
local patterns = dam.patterns { N = opt.N, M = opt.M, disorder = opt.disorder, seed = opt.seed }
local function sample(observe)
  local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = patterns, T = opt.T,
    init = "cold", seed = opt.seed }
  s:run(1000)
  local first, begin = s:state(), dam.clock()
  local r = s:sample(opt.steps, { every = opt.every, observe = observe and observe(first) })
  return dam.clock() - begin, r.digest
end

local steps, memory, curves = {}, {}, {}
local seconds, digest = sample(function(first)
  return function(view)
    steps[#steps + 1] = view.step - 1000
    memory[#memory + 1] = ((view.x * first):sum(4) / opt.N):mean(3):mean(2):totable()
  end
end)
local plain, same = sample()
local cheap = sample(function() return function(view) return view.phi end end)
print(("none %.3f s; phi %.3f s (%+.1f %%); x in Lua %.3f s (%+.1f %%); digests equal: %s"):format(
  plain, cheap, 100 * (cheap / plain - 1), seconds, 100 * (seconds / plain - 1), digest == same))
for t, T in ipairs(opt.T) do
  local y = dam.array(memory):slice { { 1, #steps }, t }
  curves[t] = { x = steps, y = y, label = ("T = %g"):format(T) }
end
print(dam.plot { file = opt.out .. "/observable.png", curves = curves, overwrite = true,
  xlabel = "Metropolis step t", ylabel = "memory C(t) = x(0)·x(t)/N",
  yrange = { 0, 1.02 }, title = ("LSE, N = %d, M = %d"):format(opt.N, opt.M) })
