local t = require "support"
local dam = require "dam"

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)

local function path(name)
  return folder .. "/" .. name
end

local function write(name, text)
  local f = assert(io.open(path(name), "wb"))
  f:write(text)
  f:close()
  return path(name)
end

local function read(name)
  local f = assert(io.open(path(name), "rb"))
  local text = f:read("a")
  f:close()
  return text
end

--- An NPY file of the given header text and data.
local function npy(dictionary, data, version)
  version = version or 1
  return "\x93NUMPY" .. string.char(version, 0)
    .. string.pack(version == 1 and "<s2" or "<s4", dictionary) .. data
end

local function header(descr, fortran, shape)
  return ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n"):format(descr, fortran, shape)
end

t.test("what is saved loads again, bit by bit", function()
  local nan = 0 / 0
  for _, a in ipairs {
    dam.array { 1.5, -2, 1 / 3, 5e-324, math.huge, nan },
    dam.array { { 1, 2, 3 }, { 4, 5, 6 } },
    dam.linspace(0, 1, 100003),
    dam.zeros(1, 2, 1, 2, 1, 2, 1, 2) + 3,
  } do
    a:save(path "a.npy")
    t.ok(dam.load(path "a.npy") == a)
  end
end)

t.test("files have NumPy's own layout", function()
  dam.array { { 1, 2, 3 }, { 4, 5, 6 } }:save(path "a.npy")
  local text = read "a.npy"
  t.equal(text:sub(1, 8), "\x93NUMPY\x01\x00")
  t.equal((#text - 48) % 64, 0)
  t.ok(text:find("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", 1, true))
  t.equal(text:sub(#text - 48, #text - 48), "\n")
  t.equal(string.unpack("<d", text, #text - 7), 6)
  dam.array { 7 }:save(path "a.npy")
  t.ok(read "a.npy":find("'shape': (1,), }", 1, true))
end)

t.test("all number types, byte orders, orders and versions load", function()
  local v = { 1, 2, 3, 4, 5, 6 }
  for descr, format in pairs {
    ["<f8"] = "<d", [">f8"] = ">d", ["<f4"] = "<f", [">f4"] = ">f", ["|i1"] = "b", ["|u1"] = "B",
    ["<i2"] = "<i2", [">i2"] = ">i2", ["<u2"] = "<I2", [">u2"] = ">I2", ["<i4"] = "<i4",
    [">i4"] = ">i4", ["<u4"] = "<I4", [">u4"] = ">I4", ["<i8"] = "<i8", [">i8"] = ">i8",
    ["<u8"] = "<I8", [">u8"] = ">I8",
  } do
    local data = string.pack(("!1" .. format):rep(6), table.unpack(v))
    for version = 1, 3 do
      local file = write("x.npy", npy(header(descr, "False", "(2, 3)"), data, version))
      t.ok(dam.load(file) == dam.array { { 1, 2, 3 }, { 4, 5, 6 } }, descr)
      file = write("x.npy", npy(header(descr, "True", "(2, 3)"), data, version))
      t.ok(dam.load(file) == dam.array { { 1, 3, 5 }, { 2, 4, 6 } }, descr .. " Fortran")
    end
  end
  local f = write("x.npy", npy(header("<i2", "False", "(2,)"), string.pack("<i2i2", -1, -32768)))
  t.ok(dam.load(f) == dam.array { -1, -32768 })
  f = write("x.npy", npy(header(">i8", "False", "(1,)"), string.pack(">i8", math.mininteger)))
  t.equal(dam.load(f)[1], -2 ^ 63)
  f = write("x.npy", npy(header("<u8", "False", "(1,)"), string.pack("<i8", -1)))
  t.equal(dam.load(f)[1], 2 ^ 64)
  f = write("x.npy", npy(header("|b1", "False", "(3,)"), "\0\1\2"))
  t.ok(dam.load(f) == dam.array { 0, 1, 1 })
end)

t.test("headers may be written in other ways", function()
  local one = string.pack("<d", 4.5)
  for _, dictionary in ipairs {
    '{"shape":(1L,),"fortran_order":False,"descr":"<f8"}',
    "{ 'shape' : ( 1 ) , 'descr' : '<f8' , 'fortran_order' : True }   \n",
  } do
    t.equal(dam.load(write("x.npy", npy(dictionary, one)))[1], 4.5)
  end
end)

t.test("bad files are errors that name the file", function()
  local function bad(text, ...)
    local file = write("bad.npy", text)
    t.raises(function() dam.load(file) end, "dam.load", "bad.npy", ...)
  end
  local eight = string.rep("\0", 8)
  bad("", "empty")
  bad("hello, world", "no known kind", "NPY")
  bad("\x93NUMP", "no known kind")
  bad("\x93NUMPY", "not a valid NPY file")
  bad("\x93NUMPY\1\0", "ends within its header")
  bad("\x93NUMPY\1\0\x10", "ends within its header")
  bad("\x93NUMPY\1\0\x10\0{'descr", "ends within its header")
  bad("\x93NUMPY\2\0\xff\xff\xff\xff{", "header is too long")
  bad(npy(header("<f8", "False", "(1,)"), eight, 4), "version 4")
  bad(npy(header("<f8", "False", "(1,)"), eight:sub(2)), "truncated", "8", "7")
  bad(npy(header("<f8", "False", "(1,)"), eight .. "x"), "1 bytes follow")
  bad(npy(header("<f8", "False", "()"), eight), "single number")
  bad(npy(header("<f8", "False", "(0,)"), ""), "empty array")
  bad(npy(header("<f8", "False", "(3, 0)"), ""), "empty array")
  bad(npy(header("<f8", "False", "(9223372036854775807, 9223372036854775807, 3)"), eight),
    "truncated")
  bad(npy(header("<f8", "False", "(1000000000000,)"), eight), "truncated", "8000000000000")
  bad(npy(header("<f8", "False", "(99999999999999999999,)"), eight), "too large")
  bad(npy(header("<f8", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), eight), "more than 8")
  bad(npy(header("<f8", "False", "(-1,)"), eight), "shape")
  bad(npy(header("<f8", "False", "(1 1)"), eight), "comma")
  bad(npy(header("<f8", "False", "[1]"), eight), "shape")
  bad(npy(header("<f8", "Maybe", "(1,)"), eight), "fortran_order")
  for _, descr in ipairs { "<c16", "<f2", "<U4", "|O", "", "<", "f", "<f80", "<M8[ns]" } do
    bad(npy(header(descr, "False", "(1,)"), eight), "'" .. descr .. "'", "not supported")
  end
  bad(npy("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,), }", eight), "structure")
  bad(npy("{'descr': '<f8', 'shape': (1,), }", eight), "lacks")
  bad(npy("{'descr': '<f8', 'descr': '<f8', 'shape': (1,), }", eight), "unexpected key")
  bad(npy("{'order': '<f8'}", eight), "unexpected key")
  bad(npy("{'descr': '<f8' 'shape': (1,)}", eight), "comma")
  bad(npy("{'descr': '<f8", eight), "not closed")
  bad(npy("hello", eight), "dictionary")
  bad(npy(header("<f8", "False", "(1,)") .. "}", eight), "goes on")
  t.raises(function() dam.load(path "none.npy") end, "none.npy", "No such file")
  t.raises(function() dam.load(folder) end, folder, "directory")
  t.raises(function() dam.load("/dev/null") end, "/dev/null")
  t.raises(function() dam.load() end, "file = nil")
  t.raises(function() dam.load(3) end, "file = 3")
  t.raises(function() dam.load("a\0b") end, "zero byte")
  t.raises(function() dam.load("") end, "empty")
end)

t.test("a save that fails says why and leaves the old file", function()
  local a = dam.array { 1, 2 }
  t.raises(function() a:save(path "no/such/x.npy") end, "no/such/x.npy", "No such file")
  t.raises(function() a:save(folder) end, "folder")
  t.raises(function() a:save("/dev/full") end, "/dev/full", "No space left")
  t.raises(function() a:save() end, "file = nil")
  t.raises(function() a:save(path(("x"):rep(300))) end, "name too long")
end)

t.test("a save leaves no other file, and follows links", function()
  os.execute("rm -f " .. folder .. "/*")
  dam.array { 1, 2 }:save(path "a.npy")
  os.execute("cd " .. folder .. " && ln -s a.npy link.npy && chmod 600 a.npy")
  dam.array { 3, 4 }:save(path "link.npy")
  t.equal(dam.load(path "a.npy")[2], 4)
  local p = io.popen("cd " .. folder .. " && ls && stat -c %a a.npy && readlink link.npy")
  t.equal(p:read("a"), "a.npy\nlink.npy\n600\na.npy\n")
  p:close()
end)

-- LLVM's OpenMP, which the ThreadSanitizer build has, dies by itself under a limit on files.
local program = rawget(_G, "arg") and not dam.build.type:find "thread" and arg[-1]

if program then
  t.test("a disk that fills up leaves the old file and no torn one", function()
    os.execute("rm -rf " .. folder .. "/*")
    dam.array { 1, 2 }:save(path "a.npy")
    local f = assert(io.open(path "s.lua", "w"))
    f:write('local dam = require "dam"; dam.zeros(100000):save "' .. path "a.npy" .. '"\n')
    f:close()
    -- A limit on the size of files stands for the full disk.
    local p = io.popen(("trap '' XFSZ; ulimit -f 8; '%s' %s 2>&1"):format(program, path "s.lua"))
    t.ok(p:read("a"):find("a.npy: cannot be written: File too large", 1, true))
    p:close()
    t.ok(dam.load(path "a.npy") == dam.array { 1, 2 })
    p = io.popen("ls -A " .. folder)
    t.equal(p:read("a"), "a.npy\ns.lua\n")
    p:close()
  end)
else
  print("skipped: a disk that fills up (needs arg, and no ThreadSanitizer)")
end

local function have_numpy()
  return os.execute("/usr/bin/python3 -c 'import numpy' 2>/dev/null")
end

if have_numpy() then
  t.test("NumPy reads what was saved, and is read", function()
    dam.array { { 1, 2, 3 }, { 4, 5, 1 / 3 } }:save(path "a.npy")
    local f = assert(io.open(path "check.py", "w"))
    f:write([[
import sys, numpy as np
folder = sys.argv[1]
a = np.load(folder + "/a.npy")
assert a.dtype == np.dtype("<f8") and a.shape == (2, 3) and a.flags.c_contiguous
assert a[1, 2] == 1 / 3 and a[0, 1] == 2
x = np.arange(24).reshape(2, 3, 4)
kinds = "<f8 <f4 >f8 >f4 i1 <i2 >i4 <i8 u1 >u2 <u4 >u8".split()
for i, d in enumerate(kinds):
    np.save("%s/c%d.npy" % (folder, i), x.astype(d))
    np.save("%s/f%d.npy" % (folder, i), np.asfortranarray(x.astype(d)))
np.save(folder + "/bool.npy", x > 11)
]])
    f:close()
    t.ok(os.execute("/usr/bin/python3 " .. path "check.py" .. " " .. folder), "numpy's own check")
    local want = dam.zeros(2, 3, 4)
    for n = 0, 23 do
      want:set(n, n // 12 + 1, n // 4 % 3 + 1, n % 4 + 1)
    end
    for i = 0, 11 do
      t.ok(dam.load(path("c" .. i .. ".npy")) == want, "c" .. i)
      t.ok(dam.load(path("f" .. i .. ".npy")) == want, "f" .. i)
    end
    t.ok(dam.load(path "bool.npy") == want:map(function(v) return v > 11 and 1 or 0 end))
  end)
else
  print("skipped: NumPy reads what was saved (/usr/bin/python3 has no numpy)")
end

os.execute("rm -r " .. folder)
t.finish()
