--- Test support: named tests, checks that say what they found, one closing line.
local support = { passed = 0, failed = 0 }

--- Runs `body`; an error in it fails the test named `name` and the run goes on.
function support.test(name, body)
  local ok, message = xpcall(body, function(m)
    return debug.traceback(tostring(m), 2)
  end)
  if ok then
    support.passed = support.passed + 1
  else
    support.failed = support.failed + 1
    io.stderr:write("FAILED: ", name, "\n", tostring(message), "\n")
  end
end

local function fail(format, ...)
  error(string.format(format, ...), 3)
end

--- Raises unless `found` is `wanted` (raw equality).
function support.equal(found, wanted, what)
  if found ~= wanted then
    fail("%s: found %s, wanted %s", what or "value", tostring(found), tostring(wanted))
  end
end

--- Raises unless |found - wanted| <= tolerance (absolute); NaN never passes.
function support.near(found, wanted, tolerance, what)
  if not (math.abs(found - wanted) <= tolerance) then
    fail("%s: found %.17g, wanted %.17g +- %g", what or "value", found, wanted, tolerance)
  end
end

--- Raises unless `condition` holds.
function support.ok(condition, what)
  if not condition then
    fail("%s does not hold", what or "condition")
  end
end

--- Raises unless `body` raises an error whose message contains every one of the plain texts `...`.
function support.raises(body, ...)
  local ok, message = pcall(body)
  if ok then
    fail("no error raised; wanted one with %s", table.concat({ ... }, " and "))
  end
  message = tostring(message)
  for _, text in ipairs { ... } do
    if not message:find(text, 1, true) then
      fail("the error %q does not say %q", message, text)
    end
  end
  return message
end

--- Prints the closing line and leaves the program: status 0 only when something passed and
-- nothing failed.
function support.finish()
  print(string.format("%d passed, %d failed", support.passed, support.failed))
  os.exit(support.failed == 0 and support.passed > 0, true)
end

return support
