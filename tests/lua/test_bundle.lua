--- bundle, replay and verify: what a script computed, in one file, computed again elsewhere; and
-- what a damaged or forged bundle meets.
local t = require "support"
local child = require "sandbox"
local bundle = require "dam.bundle"
local core = require "dam.core"
local json = require "dam.json"

child.program = dam.config.program
local folder <close> = child.folder()
local quote = child.quote

local function write(path, text)
  local f <close> = assert(io.open(path, "wb"))
  f:write(text)
end

--- Runs damlua in a folder, perhaps with variables before it.
local function damlua(where, words, variables)
  return child.shell(("cd %s && %s %s"):format(quote(where), variables or "",
    child.command(table.unpack(words))))
end

assert(os.execute(("mkdir -p '%s/home/lib' '%s/away' '%s/outside'"):format(folder.path, folder.path,
  folder.path)))
write(folder["home/lib/values.lua"], "return { T = { 0.2, 0.7 } }")
write(folder["home/map.lua"], [[
local sweep = require "dam.sweep"
local opt = dam.options { disorder = { 2, "disorders" } }
local r = sweep.run { name = "map", file = "out/map.sqlite", seed = 3, hamiltonian = dam.lse(),
  alpha = { 0.1, 0.2 }, T = require "lib.values".T, replicas = 2, equilibrate = 50, sample = 50,
  plan = sweep.fixed { N = 20, disorder = opt.disorder }, quiet = true }
r:export "out/map.csv"]])
write(folder["home/cells.lua"], [[
local late
local function run(cell, ctx)
  late = late or require "lib.values" -- required while it runs
  local p = dam.patterns { N = 12, M = 10, seed = ctx.seed }
  local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = p, T = late.T }
  return { { digest = s:sample(50 * cell).digest } }
end
require "dam.sweep".run { name = "cells", cells = { 1, 2, 3 }, quiet = true, run = run }]])
write(folder["home/given.lua"], [[
local p = dam.patterns { from = dam.patterns { N = 16, M = 9, seed = 2 }:array(1), rescale = true }
require "dam.sweep".run { name = "given", hamiltonian = dam.lse(), patterns = p, T = { 0.2 },
  equilibrate = 20, sample = 20, quiet = true }]])
local HOME, AWAY = folder.home, folder.away

local function bundled(name, words)
  local status, text = damlua(HOME, { name .. ".lua", table.unpack(words or {}) })
  t.equal(text, "")
  t.equal(status, 0)
  status, text = damlua(AWAY, { "-m", "bundle", HOME .. "/" .. (name == "map" and "out/" or "")
    .. name .. ".sqlite", name .. ".bundle" })
  t.equal(status, 0, text)
  return AWAY .. "/" .. name .. ".bundle"
end

local MAP = bundled("map", { "--disorder", "3" })
local CELLS = bundled "cells"
local GIVEN = bundled "given"

t.test("SHA-256 is SHA-256", function()
  for text, hash in pairs {
    [""] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    [("a"):rep(1000000)] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"] =
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  } do
    t.equal(core.sharing.sha256(text), hash)
  end
end)

t.test("a bundle holds script, modules, options, arguments, results and where they come from",
  function()
    local manifest, parts = bundle.read(MAP)
    t.equal(parts["script/map.lua"], child.read(HOME .. "/map.lua"))
    t.equal(parts["script/lib/values.lua"], child.read(HOME .. "/lib/values.lua"))
    t.equal(parts["result.sqlite"], child.read(HOME .. "/out/map.sqlite"))
    t.equal(json.encode(manifest.arguments), '["--disorder","3"]')
    t.equal(manifest.options.disorder, 3)
    t.equal(manifest.provenance.runs[1].version, dam.version)
    t.equal(manifest.provenance.sweep.seed, "3")
    local _, cells = bundle.read(CELLS)
    t.ok(cells["script/lib/values.lua"], "a module required while the sweep ran")
  end)

t.test("a bundle can be read by any zip program", function()
  local status, text = child.shell(("python3 -c 'import sys, zipfile; z = zipfile.ZipFile("
    .. "sys.argv[1]); print(z.testzip(), len(z.namelist()))' %s"):format(quote(MAP)))
  t.equal(text, "None 4\n")
  t.equal(status, 0)
end)

t.test("replay computes it all again, on other threads and instruction sets", function()
  for i, variables in ipairs { "DAMLUA_THREADS=1", "DAMLUA_THREADS=3", "DAMLUA_ISA=scalar" } do
    local out = "replay" .. i
    local status, text = damlua(AWAY, { "-m", "replay", MAP, "--out", out }, variables)
    t.ok(text:find("12 of 12 rows computed again, all equal", 1, true), text)
    t.equal(status, 0)
    t.ok(io.open(AWAY .. "/" .. out .. "/out/map.csv"), "what the script exports is there, too")
  end
  for _, case in ipairs { { CELLS, "3 of 3 cells" }, { GIVEN, "1 of 1 rows" } } do
    local status, text = damlua(AWAY, { "-m", "replay", case[1] })
    t.ok(text:find(case[2] .. " computed again, all equal", 1, true), text)
    t.equal(status, 0)
  end
end)

t.test("replay goes into a fresh folder only", function()
  local status, text = damlua(AWAY, { "-m", "replay", MAP, "--out", "replay1" })
  t.equal(status, 1)
  t.ok(text:find("replay1 is not empty", 1, true), text)
end)

t.test("verify takes bundles and result files, with and without the sandbox", function()
  for _, path in ipairs { MAP, CELLS, GIVEN, HOME .. "/out/map.sqlite", HOME .. "/cells.sqlite",
    HOME .. "/given.sqlite" } do
    for _, more in ipairs { "--units=all", "--trust" } do
      local status, text = damlua(AWAY, { "-m", "verify", path, more }, "DAMLUA_ISA=scalar")
      t.ok(text:find("all equal", 1, true), path .. ": " .. text)
      t.equal(status, 0)
    end
  end
end)

--- A copy of a bundle with other parts; its manifest says what `facts` adds.
local function forged(name, change)
  local manifest, bytes = bundle.read(MAP)
  local parts = {}
  for i, part in ipairs(manifest.parts) do
    parts[i] = { name = part.name, bytes = bytes[part.name] }
  end
  manifest.parts = nil
  change(manifest, parts)
  write(AWAY .. "/" .. name, (bundle.encode(manifest, parts)))
  return AWAY .. "/" .. name
end

t.test("a script that is hostile harms nothing", function()
  local path = forged("hostile.bundle", function(_, parts)
    parts[1].bytes = ("io.open(%q, 'w')"):format(folder["outside/evil"])
  end)
  local status, text = damlua(AWAY, { "-m", "replay", path, "--out", "hostile" })
  t.equal(status, 1)
  t.ok(text:find("not allowed in the sandbox", 1, true), text)
  t.ok(not io.open(folder["outside/evil"]), "nothing was written")
end)

t.test("a script that computes something else is found out", function()
  local path = forged("other.bundle", function(_, parts)
    parts[1].bytes = parts[1].bytes:gsub("seed = 3", "seed = 4")
  end)
  local status, text = damlua(AWAY, { "-m", "replay", path, "--out", "other" })
  t.equal(status, 1)
  t.ok(text:find("0 of 12 rows computed again, 12 differences", 1, true), text)
end)

t.test("time and memory of a replay can be limited", function()
  local path = forged("slow.bundle", function(_, parts)
    parts[1].bytes = "while true do end"
  end)
  local status, text = damlua(AWAY, { "--max-time", "0.3", "-m", "replay", path, "--out", "slow" })
  t.equal(status, 1)
  t.ok(text:find("--max-time", 1, true), text)
end)

t.test("names that lead out of the folder are refused", function()
  local names = { "../evil", "/tmp/evil", "a/../../evil", "a//b", "a\\b", "./a", "a\nb", "" }
  for i, name in ipairs(names) do
    local path = forged("names" .. i, function(_, parts)
      parts[#parts + 1] = { name = name, bytes = "evil" }
    end)
    t.raises(function() bundle.read(path) end, "no name for a file")
  end
end)

t.test("every altered byte is noticed, and nothing runs", function()
  local bytes = child.read(MAP)
  for i = 1, #bytes, #bytes // 60 do
    local altered = bytes:sub(1, i - 1) .. string.char(bytes:byte(i) ~ 1) .. bytes:sub(i + 1)
    t.raises(function() bundle.decode("it", altered) end, "it")
  end
  for _, length in ipairs { 0, 3, 4, 20, #bytes // 2, #bytes - 1 } do
    t.raises(function() bundle.decode("it", bytes:sub(1, length)) end, "it")
  end
  t.raises(function() bundle.decode("it", bytes .. "x") end, "it")
  write(AWAY .. "/bad.bundle", (bytes:gsub("lib.values", "lib.valuez", 1)))
  local status, text = damlua(AWAY, { "-m", "replay", "bad.bundle", "--out", "bad" })
  t.equal(status, 1)
  t.ok(text:find("bad.bundle", 1, true), text)
  t.ok(not io.open(AWAY .. "/bad/script/map.lua"), "nothing was extracted")
end)

t.test("manifests that lie are refused", function()
  local cases = {
    { "names no script", function(m) m.script = "script/none.lua" end },
    { "names no result", function(m) m.result = nil end },
    { "newer damlua", function(m) m.version = 99 end },
    { "has no manifest", function(m) m.format = "other" end },
    { "arguments that are no texts", function(m) m.arguments = { 1 } end },
    { "twice", function(_, parts) parts[#parts + 1] = parts[1] end },
  }
  for i, case in ipairs(cases) do
    local path = forged("lie" .. i, case[2])
    t.raises(function() bundle.read(path) end, case[1])
  end
end)

t.test("what a script required from outside its folder is named", function()
  write(folder["outside/far.lua"], "return {}")
  write(HOME .. "/reaches.lua", [[require "far"
require "dam.sweep".run { name = "r", cells = { 1 }, quiet = true,
  run = function() return {} end }]])
  local path = ("LUA_PATH='%s/?.lua;;'"):format(folder.outside)
  t.equal((damlua(HOME, { "reaches.lua" }, path)), 0)
  local status, text = damlua(HOME, { "-m", "bundle", "r.sqlite" })
  t.equal(status, 1)
  t.ok(text:find("outside its folder", 1, true) and text:find(folder["outside/far.lua"], 1, true),
    text)
end)

t.test("what was typed cannot be bundled, and says so", function()
  damlua(HOME, { "-e", [[require "dam.sweep".run { name = "e", cells = { 1 }, quiet = true,
    run = function() return {} end }]] })
  local status, text = damlua(HOME, { "-m", "bundle", "e.sqlite" })
  t.equal(status, 1)
  t.ok(text:find("keeps no script", 1, true), text)
end)

-- ---- result files that were altered ----

local function altered(name, ...)
  local path = AWAY .. "/" .. name .. ".sqlite"
  write(path, child.read(HOME .. "/out/map.sqlite"))
  local f <close> = core.store.open(path, "write")
  for _, sql in ipairs { ... } do
    f:run(sql)
  end
  return path
end

t.test("verify reports missing rows, an altered plan and rows that are not in it", function()
  for name, case in pairs {
    missing = { "1 rows of the plan are missing", "DELETE FROM rows WHERE disorder = 2 AND T = 0.2 "
      .. "AND alpha = 0.1" },
    plan = { "the plan was altered", "UPDATE plan SET disorder = 2" },
    unplanned = { "is not in the plan", "DELETE FROM plan WHERE T = 0.7" },
    value = { "does not match its checksum", "UPDATE rows SET q12 = 0.5 WHERE disorder = 1" },
  } do
    local path = altered(name, table.unpack(case, 2))
    local status, text = damlua(AWAY, { "-m", "verify", path, "--units", "1" })
    t.equal(status, 1, name)
    t.ok(text:find(case[1], 1, true), name .. ": " .. text)
  end
end)

t.test("an interrupted sweep's missing rows are no error", function()
  local path = altered("running", "DELETE FROM rows WHERE disorder = 3",
    "UPDATE runs SET outcome = 'interrupted'")
  local status, text = damlua(AWAY, { "-m", "verify", path, "--units", "1" })
  t.ok(text:find("4 rows of the plan are not computed yet", 1, true), text)
  t.equal(status, 0)
end)

t.test("export refuses what does not match its checksum; status still says where it stands",
  function()
    local path = altered("exported", "UPDATE rows SET phi_a = 0.5 WHERE disorder = 1")
    for _, out in ipairs { "x.csv", "x.json", "x.npz" } do
      local status, text = damlua(AWAY, { "-m", "export", path, out })
      t.equal(status, 1, out)
      t.ok(text:find("does not match its checksum", 1, true), text)
      t.ok(not io.open(AWAY .. "/" .. out), "nothing is written")
    end
    t.equal((damlua(AWAY, { "-m", "status", path })), 0)
  end)

t.finish()
