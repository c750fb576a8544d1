-- A little of everything on the device named by the first argument, for compute-sanitizer: "auto"
-- keeps the patterns on the chip, the tiers by name take their steps by launches.
local dam = require "dam"
local device = arg[1] or "cuda:0"
for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 3 } } do
  for _, shape in ipairs { { 17, 150 }, { 24, 1100 }, { 99, 37 } } do
    local digests = {}
    for i, evaluation in ipairs { "auto", "auto", "active+coarse+single" } do
      local s <close> = dam.mh { hamiltonian = H, T = { 0.02, 0.6 }, replicas = 2,
        device = i == 1 and "cpu" or device, evaluation = evaluation, init = { phi = { 0.9, 1 } },
        patterns = dam.patterns { N = shape[1], M = shape[2], disorder = 3 } }
      s:run(20)
      digests[i] = s:sample(20, { every = 5, series = { "phi" }, track = { 2 } }).digest
      assert(digests[i] == digests[1], tostring(H) .. ": digests differ")
    end
  end
end
print "9 passed, 0 failed"
