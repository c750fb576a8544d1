--- `damlua -m plot FILE [OUT.png|.svg|.pdf] [--only map|cuts|residual|q12]`: the map of phi as OUT,
-- and beside it cuts phi(T), the residual phi - phi_boltzmann and the map of q12. Works while the
-- sweep runs; cells without a row yet carry a mark.
local arguments = require "dam.sweep.arguments"
local figures = require "dam.sweep.figures"

local USAGE = "damlua -m plot FILE [OUT.png|.svg|.pdf] [--only map|cuts|residual|q12]"

return function(...)
  local positional, options = arguments.parse({ ... }, { only = "text" }, USAGE, 1, 2)
  local out = positional[2] or positional[1]:gsub("%.[^./]*$", "") .. ".png"
  for _, name in ipairs(figures.draw(positional[1], out, options.only)) do
    print(name)
  end
end
