--- The module `dam`: the C core with the standard library over it.
local dam = require "dam.core"

return dam
