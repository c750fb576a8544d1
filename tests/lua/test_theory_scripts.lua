-- The three theory scripts run and leave their figures.
local t = require "support"

local function run(script, ...)
  rawset(_G, "arg", { [0] = script, ... })
  dofile(script)
end

-- What is said on standard output is not looked at here.
local function quietly(body)
  local keep = print
  rawset(_G, "print", function() end)
  local ok, message = pcall(body)
  rawset(_G, "print", keep)
  if not ok then
    error(message, 0)
  end
end

local function size(name)
  local f = io.open(name, "rb")
  local bytes = f and f:seek("end") or 0
  if f then
    f:close()
  end
  os.remove(name)
  return bytes
end

local folder = os.tmpname()
os.remove(folder)

t.test("phase diagrams, papers' and exact, for b on either side of 1", function()
  for _, options in ipairs {
    {}, { "--law", "exact" }, { "--law", "exact", "--b", "0.8", "--beta-net", "0.4" },
  } do
    quietly(function()
      run("scripts/phase_diagram_theory.lua", "--out", folder, "--suffix", "svg",
        table.unpack(options))
    end)
    t.ok(size(folder .. "/phase_lse.svg") > 5000, "phase_lse.svg")
    t.ok(size(folder .. "/phase_lsr.svg") > 5000, "phase_lsr.svg")
  end
end)

t.test("free energies", function()
  quietly(function() run("scripts/free_energy.lua", "--file", folder .. "/free.png") end)
  t.ok(size(folder .. "/free.png") > 5000, "free.png")
end)

t.test("Boltzmann averages", function()
  quietly(function() run("scripts/boltzmann.lua", "--out", folder, "--N", "24,50") end)
  t.ok(size(folder .. "/boltzmann_lse.png") > 5000, "boltzmann_lse.png")
  t.ok(size(folder .. "/boltzmann_lsr.png") > 5000, "boltzmann_lsr.png")
end)

os.remove(folder)
t.finish()
