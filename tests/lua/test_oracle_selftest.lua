-- `damlua -m selftest` as a user runs it.
local t = require "support"

t.test("every line is ok, and the status says so", function()
  local p = assert(io.popen(arg[-1] .. " -m selftest"))
  local text = p:read "a"
  local ok = p:close()
  t.ok(ok, "status 0")
  t.equal(select(2, text:gsub("ok      ", "")), 12, "lines that are ok")
  t.ok(not text:find "FAILED", text)
end)

t.finish()
