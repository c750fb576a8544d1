--- `damlua -m export FILE [OUT.csv|.npz|.json]`: the rows of a result file; CSV to standard output
-- without OUT.
local arguments = require "dam.sweep.arguments"
local export = require "dam.sweep.export"

local USAGE = "damlua -m export FILE [OUT.csv|OUT.npz|OUT.json]"

--- Writes beside and renames, so that no half-written file is left.
local function write_file(path, text)
  local beside = path .. ".part"
  local f, message = io.open(beside, "wb")
  if not f then
    error("export: cannot write " .. message, 0)
  end
  local ok
  ok, message = f:write(text)
  if ok then
    ok, message = f:close()
  end
  if ok then
    ok, message = os.rename(beside, path)
  end
  if not ok then
    os.remove(beside)
    error(string.format("export: cannot write %s: %s", path, message), 0)
  end
end

return function(...)
  local positional = arguments.parse({ ... }, {}, USAGE, 1, 2)
  local from, to = positional[1], positional[2]
  if not to then
    io.stdout:write(export.text(from, "csv"))
    return
  end
  local text = export.text(from, to:match("%.(%w+)$") or "")
  write_file(to, text)
  return true
end
