-- Two million objects made and dropped neither leak nor pile up: the collector knows what the
-- engine holds for them.
local t = require "support"
local dam = require "dam"

local function resident()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s+(%d+)"
    if kib then
      return tonumber(kib) / 1024
    end
  end
end

local H = dam.lse()
local made = {
  { "arrays", 1200000, function() return dam.zeros(100) end },
  { "pattern sets", 700000, function(i) return dam.patterns { N = 10, M = 4, seed = i } end },
  { "samplers and results", 100000, function(i)
    local s = dam.mh { hamiltonian = H, patterns = dam.patterns { N = 4, M = 2 }, T = 1, seed = i }
    return s:sample(1)
  end },
}

for _, case in ipairs(made) do
  local name, count, make = table.unpack(case)
  t.test(("%d %s"):format(count, name), function()
    for i = 1, count // 10 do
      make(i)
    end
    local early = resident()
    for i = 1, count * 9 // 10 do
      make(i)
    end
    local late = resident()
    t.ok(late < early + 100, ("no growth (%.0f MiB, then %.0f MiB)"):format(early, late))
    t.ok(late < 600, ("bounded memory (%.0f MiB)"):format(late))
  end)
end

t.test("large arrays dropped in a loop", function()
  for _ = 1, 400 do
    dam.zeros(1000000) -- 8 MB each, a few bytes to Lua
  end
  t.ok(resident() < 600, ("bounded memory (%.0f MiB)"):format(resident()))
end)

t.test("errors in constructors leak nothing", function()
  local before = resident()
  for _ = 1, 20000 do
    pcall(dam.patterns, { from = dam.zeros(50, 50) })
    pcall(dam.mh, { hamiltonian = dam.lsr { b = 50 }, patterns = dam.patterns { N = 100, M = 4 },
      T = 1, init = { phi = 0.5 } })
  end
  collectgarbage()
  t.ok(resident() < before + 50, ("no growth (%.0f MiB, then %.0f MiB)"):format(before, resident()))
end)

t.finish()
