--- NPZ files: NumPy arrays in an uncompressed zip. Equal arrays give equal bytes (no dates).
local dam = require "dam.core"

local npz = {}

--- 1 January 1980, the first day that zip knows: no time of writing goes into the bytes.
local DATE = 33

--- The NPY text of a vector: doubles, integers where all values are, or bytes.
local function npy(array)
  local values, kind = array.values, "<i8"
  if array.bytes then
    kind = "|S" .. math.max(#array.bytes, 1)
  end
  for _, v in ipairs(values or {}) do
    if math.type(v) ~= "integer" then
      kind = "<f8"
      break
    end
  end
  local shape = array.bytes and "()" or string.format("(%d,)", #values)
  local head = string.format("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", kind, shape)
  head = head .. (" "):rep(-(#head + 11) % 64) .. "\n"
  local parts = { "\x93NUMPY\1\0", string.pack("<I2", #head), head }
  if array.bytes then
    parts[#parts + 1] = #array.bytes > 0 and array.bytes or "\0"
  else
    local form = kind == "<f8" and "<d" or "<i8"
    for _, v in ipairs(values) do
      parts[#parts + 1] = string.pack(form, v)
    end
  end
  return table.concat(parts)
end

--- The bytes of a file with the given arrays.
-- @function npz.encode
-- @tparam table arrays list of { name =, values = list of numbers } or { name =, bytes = text }
-- @treturn string
-- @usage bytes = require "dam.npz".encode{ { name = "x", values = { 1.5, 2 } } }
function npz.encode(arrays)
  local bodies, directory, offset = {}, {}, 0
  for _, array in ipairs(arrays) do
    local name, data = array.name .. ".npy", npy(array)
    local crc = dam.tools.crc32(data)
    local common = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, 0, 0, DATE, crc, #data, #data, #name,
      0)
    local body = "PK\3\4" .. common .. name .. data
    directory[#directory + 1] = "PK\1\2" .. string.pack("<I2", 20) .. common
      .. string.pack("<I2I2I2I4I4", 0, 0, 0, 0, offset) .. name
    bodies[#bodies + 1] = body
    offset = offset + #body
  end
  local index = table.concat(directory)
  return table.concat(bodies) .. index .. "PK\5\6"
    .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #arrays, #arrays, #index, offset, 0)
end

return npz
