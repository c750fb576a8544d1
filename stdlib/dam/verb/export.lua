--- `damlua -m export FILE [OUT.csv|.npz|.json]`: the rows of a result file; CSV to standard output
-- without OUT.
local arguments = require "dam.sweep.arguments"
local export = require "dam.sweep.export"

local USAGE = "damlua -m export FILE [OUT.csv|OUT.npz|OUT.json]"

return function(...)
  local positional = arguments.parse({ ... }, {}, USAGE, 1, 2)
  local from, to = positional[1], positional[2]
  if not to then
    io.stdout:write(export.text(from, "csv"))
    return
  end
  export.write(from, to)
end
