--- A small data set of one's own: ten digits of 4 x 5 pixels, far from random. Writes digits.npy,
--- reads it back and retrieves every digit from noise, at T = 0 and against T. Leaves
--- own_patterns.png (starts above, retrieved below) and own_patterns_phi.png; --help lists options.
local dam = require "dam"

local opt = dam.options {
  beta_net = { 1.0, "sharpness of the LSE kernel" }, b = { 2.5, "sharpness of the LSR kernel" },
  phi = { 0.7, "alignment that the starts have with their digit" }, seed = { 4, "random seed" },
  T = { dam.range(0.02, 1, 0.07), "temperatures" }, steps = { 10000, "steps, and before", 200 },
  data = { "digits.npy", "file for the data" }, out = { "out", "folder for the figures" } }
local digits, glyphs = dam.zeros(10, 20), "6999626227692476121626AF2F8E1E68E96F12446969669716"
for i = 0, 199 do -- a hexadecimal digit is a row of four pixels
  local row = tonumber(glyphs:sub(i // 4 + 1, i // 4 + 1), 16)
  digits:set((row >> 3 - i % 4 & 1) * 2 - 1, i // 20 + 1, i % 20 + 1)
end
digits:save(opt.data)
local p = dam.patterns { from = dam.load(opt.data), rescale = true,
  targets = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 } }
print(p, "overlaps:", p:gram())
local kernels, points = { dam.lse { beta_net = opt.beta_net }, dam.lsr { b = opt.b } }, {}
local picture = dam.zeros(50, 18) * (0 / 0)
for i, H in ipairs { kernels[1], kernels[1], kernels[2] } do -- the starts, then both kernels
  local r = dam.descend { hamiltonian = H, patterns = p, init = { phi = opt.phi }, seed = opt.seed,
    max_steps = i == 1 and 0 or nil }
  for pixel = 0, 199 do
    local d, k = pixel // 20 + 1, pixel % 20
    picture:set(r.x(d, 1, k + 1), d * 5 - 4 + k % 4, 23 - 6 * i - k // 4)
  end
end
for i, H in ipairs(kernels) do
  local s = dam.mh { hamiltonian = H, patterns = p, T = opt.T, seed = opt.seed, init = "cold" }
  local t = s:run(opt.steps):sample(opt.steps):table()
  points[i] = { x = opt.T, y = t:column "phi", err = t:column "phi_err", label = H.kernel:upper() }
end
print(dam.plot { file = opt.out .. "/own_patterns.png", overwrite = true, size = { 1200, 520 },
  heatmap = { x = dam.range(1, 50, 1), y = dam.range(1, 18, 1), z = picture, range = { -2, 2 } },
  title = ("Starts at φ = %g; below, retrieved by LSE; at the bottom, by LSR"):format(opt.phi) })
print(dam.plot { file = opt.out .. "/own_patterns_phi.png", overwrite = true, points = points,
  xlabel = "temperature T", ylabel = "alignment φ with the digit", yrange = { 0, 1.02 } })
