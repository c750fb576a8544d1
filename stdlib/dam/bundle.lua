--- Bundles: one file with a script, its modules, its results and where they come from. A zip
-- archive without compression, so that any zip program shows what is inside; the manifest, its
-- first part, names every other part with size and SHA-256. Nothing in a bundle is used before all
-- of it has been read and compared with the manifest.
local dam = require "dam.core"
local json = require "dam.json"

local bundle = {}

bundle.VERSION = 1

local MANIFEST = "manifest.json"
local FORMAT = "damlua bundle"
local LOCAL, CENTRAL, FINISH = "PK\3\4", "PK\1\2", "PK\5\6"
local DATE = 33 -- 1 January 1980: when a bundle was made is no part of it
local LARGEST = 0xffffffff

local function fail(path, format, ...)
  error(string.format("%s: " .. format, path, ...), 0)
end

--- Whether a name may become a file below a folder: no root, no "..", nothing a terminal obeys.
local function is_safe(name)
  if type(name) ~= "string" or name == "" or #name > 1000 or name:find "[%c\\]"
    or name:find "^/" or name:find "//" or name:find "/$" then
    return false
  end
  for part in name:gmatch "[^/]+" do
    if part == "." or part == ".." then
      return false
    end
  end
  return true
end

-- ---- the archive ----

--- The bytes of an archive of parts { name, bytes }.
local function pack(parts)
  local bodies, directory, offset = {}, {}, 0
  for i, part in ipairs(parts) do
    if offset + #part.bytes > LARGEST then
      error("bundle: more than 4 GiB do not go into one", 0)
    end
    local common = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, 0, 0, DATE,
      dam.tools.crc32(part.bytes), #part.bytes, #part.bytes, #part.name, 0)
    bodies[i] = LOCAL .. common .. part.name .. part.bytes
    directory[i] = CENTRAL .. string.pack("<I2", 20) .. common
      .. string.pack("<I2I2I2I4I4", 0, 0, 0, 0, offset) .. part.name
    offset = offset + #bodies[i]
  end
  local index = table.concat(directory)
  return table.concat(bodies) .. index .. FINISH
    .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #parts, #parts, #index, offset, 0)
end

--- The parts of an archive as `pack` makes it; anything else is refused.
local function unpack(path, bytes)
  local parts, at = {}, 1
  local header = "<I2I2I2I2I2I4I4I4I2I2"
  while bytes:sub(at, at + 3) == LOCAL do
    if #bytes < at + 3 + string.packsize(header) then
      fail(path, "is cut off")
    end
    local _, flags, method, _, _, crc, size, same, length, extra, body =
      string.unpack(header, bytes, at + 4)
    if flags ~= 0 or method ~= 0 or size ~= same or extra ~= 0 then
      fail(path, "is not a bundle as damlua writes it")
    end
    local last = body + length + size - 1
    if #bytes < last then
      fail(path, "is cut off")
    end
    local part = { name = bytes:sub(body, body + length - 1), bytes = bytes:sub(body + length,
      last) }
    if dam.tools.crc32(part.bytes) ~= crc then
      fail(path, "is damaged: the part %q", part.name)
    end
    parts[#parts + 1] = part
    at = last + 1
  end
  if #parts == 0 or pack(parts) ~= bytes then
    fail(path, "is damaged, or not a bundle as damlua writes it")
  end
  return parts
end

-- ---- the manifest ----

--- The bytes of a bundle of parts { name, bytes }; `facts` are added to the manifest.
-- @function bundle.encode
-- @tparam table facts what is known of the parts
-- @tparam table parts list of { name =, bytes = }
-- @treturn string
-- @usage bytes = require "dam.bundle".encode({ name = "x" }, { { name = "a.txt", bytes = "b" } })
function bundle.encode(facts, parts)
  local manifest = { format = FORMAT, version = bundle.VERSION, parts = {} }
  for key, value in pairs(facts) do
    manifest[key] = value
  end
  for i, part in ipairs(parts) do
    manifest.parts[i] = { name = part.name, size = #part.bytes,
      sha256 = dam.sharing.sha256(part.bytes) }
  end
  local text = json.encode(manifest) .. "\n"
  return pack { { name = MANIFEST, bytes = text }, table.unpack(parts) }, text
end

local function check_manifest(path, text)
  local ok, manifest = pcall(json.decode, text)
  if not ok or type(manifest) ~= "table" or manifest.format ~= FORMAT then
    fail(path, "is not a bundle of damlua: it has no manifest")
  elseif math.type(manifest.version) ~= "integer" or manifest.version > bundle.VERSION then
    fail(path, "was made by a newer damlua (bundle version %s, this one knows %d)",
      tostring(manifest.version), bundle.VERSION)
  elseif type(manifest.parts) ~= "table" then
    fail(path, "has a manifest that names no parts")
  end
  return manifest
end

--- The parts of the archive against those the manifest names: the same ones, in the same order.
local function check_parts(path, manifest, parts)
  local seen, bytes = {}, {}
  if #manifest.parts ~= #parts - 1 then
    fail(path, "holds %d parts, its manifest names %d", #parts - 1, #manifest.parts)
  end
  for i, wanted in ipairs(manifest.parts) do
    local part = parts[i + 1]
    if type(wanted) ~= "table" or not is_safe(wanted.name) then
      fail(path, "names a part that is no name for a file: %q", tostring(
        type(wanted) == "table" and wanted.name))
    elseif seen[wanted.name] then
      fail(path, "names the part %q twice", wanted.name)
    elseif part.name ~= wanted.name then
      fail(path, "holds the part %q where its manifest names %q", part.name, wanted.name)
    elseif #part.bytes ~= wanted.size or dam.sharing.sha256(part.bytes) ~= wanted.sha256 then
      fail(path, "was altered: the part %q is not what the manifest says", wanted.name)
    end
    seen[wanted.name], bytes[wanted.name] = true, part.bytes
  end
  return bytes
end

local function check_text(path, bytes, name, what)
  if type(name) ~= "string" or not bytes[name] then
    fail(path, "has a manifest that names no %s", what)
  end
end

--- Whether a file begins like a bundle.
-- @function bundle.is
-- @tparam string path
-- @treturn boolean
-- @usage print(require "dam.bundle".is "x.sqlite")
function bundle.is(path)
  local f = io.open(path, "rb")
  local head = f and f:read(4)
  if f then
    f:close()
  end
  return head == LOCAL
end

--- Checks bytes as a bundle; nothing in them is run.
-- @function bundle.decode
-- @tparam string path the name for messages
-- @tparam string bytes
-- @treturn table the manifest
-- @treturn table bytes by name of part
-- @raise on anything that is not exactly what the manifest says
-- @usage
-- bundle = require "dam.bundle"
-- bytes = bundle.encode({ script = "a.lua", result = "a.lua" }, { { name = "a.lua", bytes = "" } })
-- assert(bundle.decode("x", bytes).script == "a.lua")
function bundle.decode(path, bytes)
  local parts = unpack(path, bytes)
  if parts[1].name ~= MANIFEST then
    fail(path, "is not a bundle of damlua: it has no manifest")
  end
  local manifest = check_manifest(path, parts[1].bytes)
  local by_name = check_parts(path, manifest, parts)
  check_text(path, by_name, manifest.script, "script")
  check_text(path, by_name, manifest.result, "result file")
  for _, word in ipairs(type(manifest.arguments) == "table" and manifest.arguments or {}) do
    if type(word) ~= "string" then
      fail(path, "has a manifest with arguments that are no texts")
    end
  end
  return manifest, by_name, parts[1].bytes
end

--- Reads and checks a bundle.
-- @function bundle.read
-- @tparam string path
-- @treturn table the manifest
-- @treturn table bytes by name of part
-- @treturn string the manifest's text, whose SHA-256 names the bundle
-- @raise when it cannot be read or is not exactly what its manifest says
-- @usage print(pcall(require "dam.bundle".read, "no such file"))
function bundle.read(path)
  local f <close> = io.open(path, "rb") or fail(path, "cannot be read")
  return bundle.decode(path, f:read "a")
end

--- Writes a file, whole or not at all.
-- @function bundle.write
-- @tparam string path
-- @tparam string bytes
-- @raise when it cannot be written
-- @usage print(pcall(require "dam.bundle".write, "/no/such/folder", ""))
function bundle.write(path, bytes)
  local beside = path .. ".part"
  local f, message = io.open(beside, "wb")
  if not f then
    error("cannot write " .. message, 0)
  end
  local ok
  ok, message = f:write(bytes)
  ok = ok and f:close()
  if ok then
    ok, message = os.rename(beside, path)
  end
  if not ok then
    os.remove(beside)
    error(string.format("cannot write %s: %s", path, message), 0)
  end
end

--- Writes the parts of a bundle below a folder.
-- @function bundle.extract
-- @tparam table bytes by name of part, as bundle.read gives them
-- @tparam string folder
-- @raise when a file cannot be written
-- @usage require "dam.bundle".extract({}, ".")
function bundle.extract(bytes, folder)
  for name, text in pairs(bytes) do
    local path = folder .. "/" .. name
    dam.sharing.folder(path:match "^(.*)/")
    bundle.write(path, text)
  end
end

return bundle
