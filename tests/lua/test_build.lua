--- What the binary says about itself, the portable build's promise, and the system functions.
local t = require "support"

local static = dam.build.type:find("+static", 1, true)

t.test("the needed glibc is known", function()
  local major, minor = dam.build.glibc:match "^(%d+)%.(%d+)$"
  t.ok(major, "a version, not " .. dam.build.glibc)
  if static then
    t.ok(tonumber(major) == 2 and tonumber(minor) <= 35, dam.build.glibc .. " <= 2.35")
  end
end)

if static then
  t.test("the portable build loads nothing but glibc", function()
    local p = assert(io.popen("ldd " .. arg[-1]))
    for line in p:lines() do
      local name = line:match "([%w%-]+)%.so"
      t.ok(name == "linux-vdso" or name == "libc" or name == "libm" or name:find "^ld%-linux",
        line)
    end
    p:close()
  end)
end

t.test("dam.clock goes forward", function()
  local a = dam.clock()
  local b = dam.clock()
  t.ok(math.type(a) == "float" and b >= a, "monotonic")
  os.execute "sleep 0.05"
  local passed = dam.clock() - a
  t.ok(passed >= 0.05 and passed < 5, "seconds")
end)

t.test("dam.devices lists the CPU first and says why a device is not usable", function()
  local list = dam.devices()
  t.equal(list[1].name, "cpu")
  t.equal(list[1].kind, "cpu")
  t.equal(list[1].usable, true)
  t.equal(list[1].why, "")
  t.ok(list[1].memory > 2 ^ 20, "memory in bytes")
  for i = 2, #list do
    t.ok(list[i].usable == (list[i].why == ""), "a reason exactly where one is needed")
  end
end)

t.test("dam.version, dam.threads", function()
  t.equal(dam.version, "0.1.0")
  t.ok(math.type(dam.threads()) == "integer" and dam.threads() >= 1, "threads")
end)

t.finish()
