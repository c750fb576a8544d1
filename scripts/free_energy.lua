-- Retrieval free energy against temperature for LSE and LSR: A, Fig. 2, right. The LSR curve of
-- A(39) exists up to f_ret = 1.
local dam = require "dam"

local opt = dam.options {
  b = { 3.41, "sharpness of the LSR kernel" },
  T_max = { 2.0, "highest temperature" },
  points = { 401, "points of a curve", 41 },
  file = { "free_energy.png", "figure, .png, .svg or .pdf" },
}

local T = dam.linspace(0, opt.T_max, opt.points)
local lse, lsr = dam.theory(dam.lse()), dam.theory(dam.lsr { b = opt.b })

print(dam.plot {
  file = opt.file, title = "Retrieval free energy", xlabel = "temperature T",
  ylabel = "f_{ret}(T) per neuron", overwrite = true, key = "bottom right",
  xrange = { 0, opt.T_max },
  curves = {
    { x = T, y = lse:f_ret(T), label = "LSE, A(34)" },
    { x = T, y = lsr:f_ret(T), label = ("LSR, b = %g"):format(opt.b), dash = "dashed" },
  },
  hlines = { { y = 1, label = "f_{ret} = 1" } },
})
