local t = require "support"
local dam = require "dam"
local pm = dam.format.pm
local nan, inf = 0 / 0, math.huge

t.test("numbers with errors", function()
  for _, case in ipairs {
    { 0.31498, 0.00072, "0.31498(72)" },
    { -0.31498, 0.00072, "-0.31498(72)" },
    { 0.3149837, 0.000995, "0.3150(10)" },
    { 0.5, 0.0096, "0.5000(96)" },
    { 0.5, 0.0999, "0.50(10)" },
    { 0, 0.001, "0.0000(10)" },
    { -1e-9, 0.001, "0.0000(10)" },
    { 12.3456, 0.56, "12.35(56)" },
    { 12.3456, 0.997, "12.3(1.0)" },
    { 123.456, 5.6, "123.5(5.6)" },
    { 1234.4, 12, "1234(12)" },
    { 56789, 1234, "56800(1200)" },
    { 0.001, 25, "0(25)" },
    { 1.23456e-10, 5e-13, "1.2346(50)e-10" },
    { 1.23456e-10, 5e-9, "0.1(5.0)e-9" },
    { 6.02214076e23, 1.5e17, "6.0221408(15)e23" },
    { -2.5e8, 3e6, "-2.500(30)e8" },
    { 1, 1e-300, "1.0000000000000000(0)" },
    { 0.5, 0, "0.5(0)" },
    { 0.5, nan, "0.5(nan)" },
    { 0.5, inf, "0.5(inf)" },
    { nan, 0.1, "nan" },
    { inf, 0.1, "inf" },
    { -inf, nan, "-inf" },
    { 0.123456789, nil, "0.123457" },
    { 3, 1, "3.0(1.0)" },
    { 1e308, 1e307, "1.00(10)e308" },
  } do
    t.equal(pm(case[1], case[2]), case[3])
  end
  t.ok(pm(5e-324, 5e-324):find("^%d"), "the smallest double")
  t.raises(function() pm(1, -1) end, "format.pm", "err = -1")
  t.raises(function() pm("1", 1) end, "v = \"1\"")
  t.raises(function() pm(1, "1") end, "err")
end)

t.test("tables align, index as rows and give CSV", function()
  local rows = {
    { T = 0.1, phi = 0.95123, phi_err = 0.0012, n = 3, name = "a" },
    { T = 0.25, phi = 0.8, phi_err = nan, n = 20, name = "φφ, \"x\"" },
    { T = 10, n = 1 },
  }
  local tab = dam.format.table(rows,
    { "T", { name = "phi", err = "phi_err" }, "n", { name = "name", title = "Name" } })
  t.equal(#tab, 3)
  t.equal(tab[1].phi, 0.95123)
  t.equal(tostring(tab), table.concat({
    "   T  phi(phi_err)   n  Name",
    " 0.1    0.9512(12)   3  a",
    "0.25      0.8(nan)  20  φφ, \"x\"",
    "  10                 1",
  }, "\n"))
  t.equal(tab:csv(), 'T,phi,phi_err,n,name\n0.10000000000000001,0.95123000000000002,'
    .. '0.0011999999999999999,3,a\n0.25,0.80000000000000004,nan,20,"φφ, ""x"""\n10,,,1,\n')
  t.equal(tab:column "T"[2], 0.25)
  local phi = tab:column "phi"
  t.ok(phi[3] ~= phi[3])
  t.raises(function() tab:column "ph" end, "did you mean 'phi'")
  t.equal(tostring(dam.format.table({}, { "x" })), "x")
  t.equal(tostring(dam.format.table({ { x = 1 / 3 } }, { { name = "x", format = "%.2f" } })),
    "   x\n0.33")
  t.raises(function() dam.format.table(3, { "x" }) end, "rows = 3")
  t.raises(function() dam.format.table({ 3 }, { "x" }) end, "rows[1] = 3")
  t.raises(function() dam.format.table({}, {}) end, "columns")
  t.raises(function() dam.format.table({}, { { nam = "x" } }) end, "did you mean 'name'")
end)

t.test("a result's table has one row per temperature", function()
  local make = require "dam.result".table
  local r = {
    T = dam.array { 0.1, 0.2 },
    phi = dam.array { { { 0.9, 0.7 }, { 0.6, 0.6 } }, { { 0.5, 0.5 }, { 0.5, 0.5 } } },
    q12 = dam.array { { 0.5, 0.7 }, { 0.2, 0.4 } },
    energy_density = dam.zeros(2, 2, 2) - 1,
    acceptance = dam.zeros(2, 2, 2) + 0.25,
  }
  local tab = make(r)
  t.equal(#tab, 2)
  t.equal(tab[1].T, 0.1)
  t.near(tab[1].phi, 0.7, 1e-15)
  t.near(tab[1].phi_err, 0.1, 1e-15, "replicas first: (0.8 - 0.6) / 2")
  t.equal(tab[2].phi_err, 0)
  t.near(tab[1].q12, 0.6, 1e-15)
  t.near(tab[2].q12_err, 0.1, 1e-15)
  t.equal(tab[1].energy_density, -1)
  t.equal(tab[1].acceptance, 0.25)
  t.ok(tostring(tab):find("0.70(10)", 1, true), tostring(tab))
  r.q12 = nil
  t.equal(make(r)[1].q12, nil)
  t.equal(make(r):csv():match("^[^\n]*"),
    "T,phi,phi_err,energy_density,energy_density_err,acceptance")
end)

t.finish()
