-- The killed, stopped and resumed sweeps of test_resume.lua with 50 kills each.
local sandbox = require "sandbox"
local t = require "support"

t.test("50 kills", function()
  local status, text = sandbox.shell("DAM_KILLS=50 "
    .. sandbox.command "tests/lua/test_resume.lua")
  io.stdout:write(text)
  t.equal(status, 0)
end)

t.finish()
