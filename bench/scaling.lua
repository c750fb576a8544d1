-- One thread and two on the same work, in alternation: many disorders, and one large disorder.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

if not os.getenv "DAM_BENCH_CHILD" then
  local program = arg[-1] or "damlua"
  for _, shape in ipairs { "16 2000", "1 50000" } do
    local rate = { 0, 0 }
    for _ = 1, 3 do
      for threads = 1, 2 do
        local pipe <close> = assert(io.popen(("DAM_BENCH_CHILD=1 %s --threads %d %s %s"):format(
          program, threads, arg[0], shape)))
        rate[threads] = rate[threads] + assert(tonumber(pipe:read "a"))
      end
    end
    print(("disorder, M = %-10s 1 thread %.4g, 2 threads %.4g chain-steps/s: %.2f times"):format(
      shape, rate[1] / 3, rate[2] / 3, rate[2] / rate[1]))
  end
  return
end
local disorder, M = tonumber(arg[1]), tonumber(arg[2])
local p = dam.patterns { N = 50, M = M, disorder = disorder }
local s = dam.mh { hamiltonian = dam.lse(), patterns = p, T = dam.linspace(0.5, 2, 20),
  replicas = 2, evaluation = "single" }
print(support.rate(s, 1, 5) * 40 * disorder)
