-- A little of everything on the device named by the first argument, for compute-sanitizer.
local dam = require "dam"
local device = arg[1] or "cuda:0"
for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 3 } } do
  for _, shape in ipairs { { 17, 150 }, { 24, 1100 }, { 99, 37 } } do
    local digests = {}
    for _, name in ipairs { "cpu", device } do
      local s <close> = dam.mh { hamiltonian = H, T = { 0.02, 0.6 }, replicas = 2, device = name,
        patterns = dam.patterns { N = shape[1], M = shape[2], disorder = 3 },
        init = { phi = { 0.9, 1 } } }
      s:run(20)
      digests[#digests + 1] = s:sample(20, { every = 5, series = { "phi" }, track = { 2 } }).digest
    end
    assert(digests[1] == digests[2], tostring(H) .. ": digests differ")
  end
end
print "9 passed, 0 failed"
