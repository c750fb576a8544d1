local t = require "support"
local dam = require "dam"

t.test("the module has the core and the standard library", function()
  for _, name in ipairs { "array", "zeros", "linspace", "range", "load", "lse", "lsr" } do
    t.equal(type(dam[name]), "function", name)
  end
  t.equal(type(dam.plot), "function")
  t.equal(type(dam.format.pm), "function")
  t.equal(type(dam.stats.mean), "function")
  t.equal(type(getmetatable(dam.options).__call), "function")
  t.equal(rawget(dam, "result_methods"), nil)
  t.equal(require "dam", dam)
  t.equal(require "dam.plot", dam.plot)
end)

t.test("a name that is not there is an error with the nearest spelling", function()
  t.raises(function() return dam.lsee end, "dam has no field 'lsee'; did you mean 'lse'?")
  t.raises(function() return dam.lispace end, "did you mean 'linspace'")
  t.raises(function() return dam.pattern_set_of_mine end, "no field 'pattern_set_of_mine'")
  t.raises(function() return dam[1] end, "no field '1'")
  t.equal(rawget(dam, "lsee"), nil)
end)

t.test("errors of the standard library point at the user's line", function()
  local message = t.raises(function() dam.plot { fil = "x.png" } end, "did you mean 'file'")
  t.ok(message:find("^tests/lua/test_dam.lua:%d+: ") or message:find("test_dam.lua:%d+: "), message)
end)

t.finish()
