local t = require "support"
local dam = require "dam"

local nan, inf = 0 / 0, math.huge

t.test("nested tables become arrays", function()
  local a = dam.array { { 1, 2, 3 }, { 4, 5, 6 } }
  t.equal(#a, 2)
  t.equal(#a.shape, 2)
  t.equal(a.shape[1], 2)
  t.equal(a.shape[2], 3)
  t.equal(a(2, 3), 6)
  t.equal(a(1, 1), 1)
  a:set(7.5, 2, 1)
  t.equal(a(2, 1), 7.5)
  local b = dam.array { { { 1, 2 } }, { { 3, 4 } }, { { 5, 6 } } }
  t.equal(table.concat(b.shape, ","), "3,1,2")
  t.equal(b(3, 1, 2), 6)
end)

t.test("an array of an array is a copy; lists of arrays stack", function()
  local a = dam.array { 1, 2 }
  local b = dam.array(a)
  b[1] = 9
  t.equal(a[1], 1)
  local c = dam.array { a, { 5, 6 }, b }
  t.equal(table.concat(c.shape, ","), "3,2")
  t.equal(c(2, 2), 6)
  t.equal(c(3, 1), 9)
  t.raises(function() dam.array { a, { 5 } } end, "ragged", "[2]")
  t.raises(function() dam.array { a, dam.zeros(3) } end, "ragged", "[2]", "3", "2")
  t.raises(function() dam.array { a, dam.zeros(2, 2) } end, "ragged", "[2]", "2 dimensions")
end)

t.test("what is no array is an error that names the place", function()
  t.raises(function() dam.array {} end, "empty")
  t.raises(function() dam.array { { 1 }, {} } end, "[2] is empty")
  t.raises(function() dam.array { {}, { 1 } } end, "[1] is empty")
  t.raises(function() dam.array { { 1, 2 }, { 3 } } end, "ragged", "[2] has length 1")
  t.raises(function() dam.array { { 1, 2 }, 3 } end, "[2] is 3", "a list")
  t.raises(function() dam.array { 1, { 2 } } end, "[2] is a table", "a number")
  t.raises(function() dam.array { { 1, 2 }, { 3, "4" } } end, '[2][2] is "4"', "a number")
  t.raises(function() dam.array { 1, true } end, "[2] is true")
  t.raises(function() dam.array { 1, nil, 3 } end, "[2] is nil")
  t.raises(function() dam.array { 1, x = 2 } end, "key 'x'")
  t.raises(function() dam.array(5) end, "values = 5")
  t.raises(function() dam.array() end, "values = nil")
  local deep = { 1 }
  for _ = 1, 8 do
    deep = { deep }
  end
  t.raises(function() dam.array(deep) end, "deeper than 8")
  local loop = {}
  loop[1] = loop
  t.raises(function() dam.array(loop) end, "deeper than 8")
  t.raises(function() dam.array { {}, setmetatable({}, { __len = error }) } end, "empty")
end)

t.test("zeros", function()
  local a = dam.zeros(2, 3, 4)
  t.equal(a(2, 3, 4), 0)
  t.equal(a:sum(), 0)
  t.raises(function() dam.zeros() end, "0 lengths")
  t.raises(function() dam.zeros(1, 2, 3, 4, 5, 6, 7, 8, 9) end, "9 lengths")
  t.raises(function() dam.zeros(2, 0) end, "length 2 = 0", "integer >= 1")
  t.raises(function() dam.zeros(2.5) end, "length 1 = 2.5")
  t.raises(function() dam.zeros("2") end, "length 1")
  t.raises(function() dam.zeros(-1) end, "length 1 = -1")
  t.raises(function() dam.zeros(1e6, 1e6) end, "dam.zeros", "GiB", "smaller")
  t.raises(function() dam.zeros(1 << 40, 1 << 40) end, "too large")
  t.raises(function() dam.zeros(math.maxinteger, math.maxinteger, math.maxinteger) end, "too large")
end)

t.test("range and linspace give decimals as they are written", function()
  t.equal(dam.range(0.1, 0.3, 0.1)[3], 0.3)
  t.equal(#dam.range(0.1, 0.3, 0.1), 3)
  local a = dam.range(0.025, 2.0, 0.05)
  t.equal(#a, 40)
  t.equal(a[40], 1.975)
  a = dam.range(0.01, 0.55, 0.01)
  t.equal(#a, 55)
  for i = 1, 55 do
    t.equal(a[i], tonumber(string.format("%.2f", i / 100)))
  end
  a = dam.range(-0.3, 0.3, 0.1)
  t.equal(#a, 7)
  t.equal(a[4], 0)
  t.equal(a[5], 0.1)
  a = dam.range(-1, 1, 1e-6)
  t.equal(#a, 2000001)
  t.equal(a[1000001], 0)
  t.equal(a[1000002], 1e-6)
  t.equal(a[1000124], 0.000123)
  a = dam.range(3, 1, -0.5)
  t.equal(#a, 5)
  t.equal(a[5], 1)
  t.equal(#dam.range(1, 1, 0.1), 1)
  t.equal(#dam.range(0, 1, 0.3), 4)
  t.equal(#dam.range(0, 1, 1 / 3), 4)
  t.equal(dam.range(0, 1, 1 / 3)[2], 0.333333333333)
  t.equal(dam.range(-1, 1, 1 / 3)[4], 0)
  a = dam.linspace(0, 1, 11)
  t.equal(#a, 11)
  t.equal(a[4], 0.3)
  t.equal(a[8], 0.7)
  a = dam.linspace(0, math.pi, 3)
  t.equal(a[3], 3.14159265359)
  t.equal(dam.linspace(0, 1, 70)[2], 0.0144927536232)
  a = dam.linspace(1, -1, 5)
  t.equal(table.concat(a:totable(), " "), "1.0 0.5 0.0 -0.5 -1.0")
  t.equal(dam.linspace(-1e308, 1e308, 3)[2], 0)
  t.equal(dam.linspace(5, 9, 1)[1], 5)
end)

t.test("range and linspace refuse what has no meaning", function()
  t.raises(function() dam.range(0, 1, 0) end, "step = 0")
  t.raises(function() dam.range(0, 1, -0.1) end, "no values")
  t.raises(function() dam.range(1, 0, 0.1) end, "no values")
  t.raises(function() dam.range(0, nan, 1) end, "b = ")
  t.raises(function() dam.range(0, inf, 1) end, "b = inf")
  t.raises(function() dam.range(0, 1) end, "step = nil")
  t.raises(function() dam.range(0, 1e300, 1e-300) end, "numbers needs", "GiB")
  t.raises(function() dam.range(0, 1, 1e-12) end, "numbers needs", "GiB")
  t.raises(function() dam.linspace(0, 1, 0) end, "n = 0")
  t.raises(function() dam.linspace(0, 1, 2.5) end, "n = 2.5")
  t.raises(function() dam.linspace(0, "1", 2) end, "b = ")
  t.raises(function() dam.linspace(0, 1, math.maxinteger) end, "numbers needs", "GiB")
end)

t.test("one-dimensional arrays read and write by index, and ipairs ends", function()
  local a = dam.array { 1, 2, 3 }
  a[2] = 5
  t.equal(a[2], 5)
  t.equal(a[2.0], 5)
  local n = 0
  for i, v in ipairs(a) do
    n = n + 1
    t.equal(v, a(i))
  end
  t.equal(n, 3)
  t.equal(a[4], nil)
  t.raises(function() return a[5] end, "index 5 of dimension 1", "1 to 3")
  t.raises(function() return a[0] end, "index 0 of dimension 1", "1 to 3")
  t.raises(function() return a[1.5] end, "index 1.5")
  t.raises(function() a[4] = 1 end, "index 4 of dimension 1", "1 to 3")
  t.raises(function() a[0] = 1 end, "index 0")
  t.raises(function() a[1] = "x" end, 'value = "x"')
  t.raises(function() a[1] = nil end, "value = nil")
  t.raises(function() a.foo = 1 end, "only elements can be set")
  t.raises(function() return a(1, 2) end, "2 indices", "[3]")
  local b = dam.zeros(2, 3)
  t.raises(function() return b[1] end, "[2, 3]", "a(i, j)")
  t.raises(function() b[1] = 1 end, "[2, 3]")
  t.raises(function() return b(3, 1) end, "index 3 of dimension 1", "1 to 2")
  t.raises(function() return b(1, 4) end, "index 4 of dimension 2", "1 to 3")
  t.raises(function() return b(1, "2") end, "index 2 of dimension 2")
  t.raises(function() b:set(1, 1) end, "1 indices", "[2, 3]")
  t.raises(function() b:set("1", 1, 1) end, 'v = "1"')
end)

t.test("unknown fields suggest the nearest", function()
  local a = dam.zeros(2)
  t.raises(function() return a.shap end, "no field 'shap'", "did you mean 'shape'")
  t.raises(function() a:summ() end, "did you mean 'sum'")
  t.raises(function() return a[true] end, "boolean")
end)

t.test("slices", function()
  local a = dam.zeros(3, 4, 5)
  for i = 1, 3 do for j = 1, 4 do for k = 1, 5 do
    a:set(100 * i + 10 * j + k, i, j, k)
  end end end
  local s = a:slice { 2, { 2, 4 } }
  t.equal(table.concat(s.shape, ","), "3,5")
  for j = 1, 3 do for k = 1, 5 do
    t.equal(s(j, k), 200 + 10 * (j + 1) + k)
  end end
  s = a:slice { nil, 3, 5 }
  t.equal(table.concat(s:totable(), ","), "135.0,235.0,335.0")
  t.equal(a:slice { 3, 4, 5 }, 345)
  t.ok(a:slice {} == a)
  s = a:slice { { 3, 3 }, { 1, 2 }, { 5, 5 } }
  t.equal(table.concat(s.shape, ","), "1,2,1")
  t.equal(s(1, 2, 1), 325)
  t.raises(function() a:slice { 4 } end, "index 4 of dimension 1", "1 to 3")
  t.raises(function() a:slice { 1, { 0, 2 } } end, "index 0 of dimension 2")
  t.raises(function() a:slice { 1, { 2, 9 } } end, "index 9 of dimension 2")
  t.raises(function() a:slice { 1, { 3, 2 } } end, "dimension 2", "{3, 2} holds nothing")
  t.raises(function() a:slice { { 1 } } end, "two numbers")
  t.raises(function() a:slice { "1" } end, "index 1 of dimension 1")
  t.raises(function() a:slice { 1, 1, 1, 1 } end, "entry '4'", "has 3")
  t.raises(function() a:slice { x = 1 } end, "entry 'x'")
  t.raises(function() a:slice(1) end, "table expected")
end)

t.test("totable gives nested tables back", function()
  local v = { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } } }
  local w = dam.array(v):totable()
  for i = 1, 2 do for j = 1, 2 do for k = 1, 2 do
    t.equal(w[i][j][k], v[i][j][k])
  end end end
end)

t.test("arithmetic goes element by element", function()
  local a, b = dam.array { 1, 2, 4 }, dam.array { 2, 4, 8 }
  t.ok(a + b == dam.array { 3, 6, 12 })
  t.ok(b - a == a)
  t.ok(a * b == dam.array { 2, 8, 32 })
  t.ok(a / b == dam.array { 0.5, 0.5, 0.5 })
  t.ok(a ^ b == dam.array { 1, 16, 65536 })
  t.ok(-a == dam.array { -1, -2, -4 })
  t.ok(a + 1 == dam.array { 2, 3, 5 })
  t.ok(1 - a == dam.array { 0, -1, -3 })
  t.ok(2 * a == b)
  t.ok(8 / a == dam.array { 8, 4, 2 })
  t.ok(2 ^ a == dam.array { 2, 4, 16 })
  t.ok(a / 0 == dam.array { inf, inf, inf })
  t.ok(a == dam.array { 1, 2, 4 }, "operands are unchanged")
  local m = dam.array { { 1, 2 }, { 3, 4 } }
  t.ok(m + m == 2 * m)
  t.raises(function() return a + m end, "+ needs equal shapes", "[3]", "[2, 2]")
  t.raises(function() return dam.zeros(2, 3) * dam.zeros(3, 2) end, "*", "[2, 3]", "[3, 2]")
  t.raises(function() return a + "1" end, "+", "string")
  t.raises(function() return "1" / a end, "/", "string")
  t.raises(function() return {} - a end, "-", "table")
  t.raises(function() return a + nil end, "+", "nil")
end)

t.test("equality compares shapes and values", function()
  t.ok(dam.array { 1, nan } == dam.array { 1, nan })
  t.ok(dam.array { 1, 2 } ~= dam.array { 1, nan })
  t.ok(dam.array { 1, 2 } ~= dam.array { { 1, 2 } })
  t.ok(dam.array { 1, 2 } ~= dam.array { 1, 2, 3 })
  t.ok(dam.array { 1 } ~= dam.array { 1 + 2 ^ -52 })
  t.ok(dam.array { 1 } ~= io.stdout)
end)

t.test("map", function()
  local a = dam.array { { 1, 4 }, { 9, 16 } }
  t.ok(a:map(math.sqrt) == dam.array { { 1, 2 }, { 3, 4 } })
  t.raises(function() a:map(function() end) end, "nil value")
  t.raises(function() a:map(function() return "1" end) end, "string value")
  t.raises(function() a:map(function() error("mine", 0) end) end, "mine")
  t.raises(function() a:map(3) end, "function")
  t.raises(function()
    local b = dam.zeros(3)
    b:map(function() b:close() return 1 end)
  end, "closed")
end)

t.test("statistics, whole and by dimension", function()
  local a = dam.array { { 1, 2, 6 }, { 4, 8, 12 } }
  t.equal(a:sum(), 33)
  t.ok(a:sum(1) == dam.array { 5, 10, 18 })
  t.ok(a:sum(2) == dam.array { 9, 24 })
  t.ok(a:mean(2) == dam.array { 3, 8 })
  t.equal(a:mean(), 5.5)
  t.equal(a:min(), 1)
  t.equal(a:max(), 12)
  t.ok(a:min(1) == dam.array { 1, 2, 6 })
  t.ok(a:max(2) == dam.array { 6, 12 })
  t.near(a:std(2)[1], math.sqrt(7), 1e-15)
  t.near(a:sem(2)[2], 4 / math.sqrt(3), 1e-15)
  local v = dam.array { 1, 2, 6 }
  t.near(v:std(), math.sqrt(7), 1e-15)
  t.near(v:std(1), math.sqrt(7), 1e-15)
  t.near(v:sem(), math.sqrt(7 / 3), 1e-15)
  t.equal(math.type(v:sum(1)), "float")
  local b = dam.zeros(2, 3, 2)
  b:set(5, 2, 3, 1)
  t.equal(table.concat(b:sum(2).shape, ","), "2,2")
  t.equal(b:sum(2)(2, 1), 5)
  t.raises(function() a:sum(3) end, "array:sum", "dim = 3")
  t.raises(function() a:mean(0) end, "dim = 0")
  t.raises(function() a:mean("1") end, "dim")
  local one = dam.array { 3 }
  t.ok(one:std() ~= one:std(), "std of one value is NaN")
  t.ok(one:sem() ~= one:sem(), "sem of one value is NaN")
  for _, name in ipairs { "sum", "mean", "std", "sem", "min", "max" } do
    local r = dam.array { 1, nan, 3 }
    r = r[name](r)
    t.ok(r ~= r, name .. " of NaN is NaN")
  end
  t.equal(dam.array { 1, inf }:max(), inf)
  t.equal(dam.array { 1, -inf }:min(), -inf)
end)

t.test("sums do not lose digits", function()
  local n = 1000000
  local a = dam.zeros(n) + 0.1
  t.near(a:sum(), 100000, 1e-10) -- a plain loop is off by 1.3e-6
  t.near((dam.zeros(n, 2) + 0.1):sum(1)[2], 100000, 1e-10)
  a = dam.zeros(n) + 1e9
  for i = 1, n, 2 do
    a[i] = 1e9 + 1
  end
  t.near(a:std(), 0.5 * math.sqrt(n / (n - 1)), 1e-12)
  t.equal((dam.zeros(10) + 0.1):std(), 0)
end)

t.test("tostring shows shape and values, corners of large arrays", function()
  t.equal(tostring(dam.array { 1, 2.5, -3 }), "dam.array [3] {   1, 2.5,  -3 }")
  t.equal(tostring(dam.array { { 1, 2 }, { 3, 4 } }), "dam.array [2, 2]\n{ { 1, 2 },\n  { 3, 4 } }")
  local s = tostring(dam.range(1, 1000, 1))
  t.ok(s:find("1,    2,    3, ..., ", 1, true), s)
  t.ok(s:find("1000 }", 1, true), s)
  t.ok(#tostring(dam.zeros(1000, 1000)) < 1000)
  t.ok(#tostring(dam.zeros(4, 4, 4, 4, 4, 4, 4, 4)) < 10000)
  t.ok(#tostring(dam.zeros(1, 1, 1, 1, 1, 1, 1, 100000)) < 1000)
end)

t.test("closing", function()
  local a = dam.zeros(3)
  a:close()
  a:close()
  for _, use in ipairs {
    function() return a[1] end, function() a[1] = 2 end, function() return #a end,
    function() return a.shape end, function() return a + 1 end, function() return 1 + a end,
    function() return -a end, function() return a:sum() end, function() return a:slice {} end,
    function() return a:totable() end, function() return a(1) end, function() a:set(1, 1) end,
    function() return a == dam.zeros(3) end, function() return a:map(math.sin) end,
    function() a:save("never.npy") end, function() return dam.array(a) end,
    function() return dam.array { a } end,
  } do
    t.raises(use, "dam.array is closed")
  end
  t.equal(tostring(a), "dam.array (closed)")
  local kept
  do
    local b <close> = dam.zeros(3)
    kept = b
    t.equal(#b, 3)
  end
  t.raises(function() return #kept end, "closed")
  t.raises(function() a.sum(3) end, "dam.array")
  t.raises(function() a.close {} end, "dam.array")
end)

t.test("a finaliser that closes arrays cannot crash their users", function()
  local a, m = dam.zeros(20) + 1, dam.zeros(20, 20) + 1
  local function trap()
    setmetatable({}, { __gc = function() a:close() m:close() end })
  end
  for i = 1, 200 do
    a, m = dam.zeros(20) + 1, dam.zeros(20, 20) + 1
    collectgarbage("step", 1)
    for _ = 1, i % 20 do
      trap()
    end
    for _ = 1, 5 do
      pcall(function() return a + a, -a, a:map(math.abs), a:totable(), m:slice { 1 }, m:sum(1) end)
      pcall(tostring, m)
      pcall(function() return dam.array { a, a } end)
    end
  end
end)

t.test("dropped arrays do not pile up", function()
  local function resident()
    for line in io.lines("/proc/self/status") do
      local kib = line:match("^VmRSS:%s*(%d+)")
      if kib then return tonumber(kib) end
    end
  end
  local before = resident()
  for _ = 1, 200 do
    dam.zeros(1000000)
  end
  t.ok(resident() - before < 400 * 1024, "200 arrays of 8 MB dropped stay below 400 MB")
  local peak = 0
  for _ = 1, 100 do
    for _ = 1, 10000 do
      dam.zeros(3)
    end
    peak = math.max(peak, collectgarbage "count")
  end
  t.ok(peak < 40 * 1024, "a million tiny arrays dropped stay below 40 MB in Lua")
end)

t.finish()
