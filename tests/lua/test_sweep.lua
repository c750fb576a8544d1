-- Plans, maps, resuming, refusals, verbs: what DESIGN 4, 5 and 7 promise of sweeps.
local export = require "dam.sweep.export"
local file = require "dam.sweep.file"
local json = require "dam.json"
local plan = require "dam.sweep.plan"
local sandbox = require "sandbox"
local sweep = require "dam.sweep"
local t = require "support"
local unit = require "dam.sweep.unit"

local published = { M = { 20000, 500000 }, gamma = 10, trials = { 512, 64 } }

local function base(changes)
  local options = {
    name = "test", seed = 5, hamiltonian = dam.lse { beta_net = 1 }, alpha = { 0.1, 0.2 },
    T = { 0.1, 0.4, 0.8 }, plan = sweep.fixed { N = 16, disorder = 4 }, replicas = 2,
    equilibrate = 40, sample = 30, quiet = true,
  }
  for key, value in pairs(changes) do
    options[key] = value
  end
  return options
end

--- The CSV of a sweep run in a file of its own.
local function csv_of(folder, name, changes)
  local options = base(changes)
  options.file = folder[name]
  sweep.run(options)
  return export.text(options.file, "csv")
end

t.test("the published plan, B(5)", function()
  local rule = sweep.adaptive(published)
  local rows = rule:table(dam.range(0.01, 0.55, 0.01), 2)
  t.equal(#rows, 55)
  t.equal(rows[1].N, 990, "N(0.01)")
  t.equal(rows[55].N, 24, "N(0.55)")
  t.near(rows[25].M, 95130, 1, "M(0.25)")
  t.equal(rows[1].M, 20000)
  t.equal(rows[55].M, 500000)
  t.equal(rows[1].disorder, 256)
  t.equal(rows[55].disorder, 32)
  t.equal(rows[5].N, 204)
  t.equal(rows[5].M, 26394)
  t.equal(rows[10].N, 105)
  t.equal(rows[10].M, 36944)
  t.near(rows[10].realised_alpha, math.log(36944) / 105, 1e-15)
  t.ok(tostring(rows):find "0.01 +990 +20000", "prints as a table")
end)

t.test("a range of one load has t = 0, and an explicit range is kept", function()
  t.equal(sweep.adaptive(published):table(0.3, 2)[1].M, 20000)
  local rule = sweep.adaptive { M = { 20000, 500000 }, trials = { 512, 64 },
    range = { 0.01, 0.55 } }
  t.near(rule:table(0.25, 2)[1].M, 95130, 1)
  t.raises(function() rule:table(0.6, 2) end, "alpha = 0.6", "outside range")
end)

t.test("arguments that are not allowed are named", function()
  t.raises(function() sweep.run(base { betanet = 1 }) end, "sweep.run", "betanet")
  t.raises(function() sweep.run(base { alfa = 1 }) end, "did you mean 'alpha'")
  t.raises(function() sweep.run(base { T = { 0.1, -0.2 } }) end, "T[2] = -0.2", "> 0")
  t.raises(function() sweep.run(base { plan = "fixed" }) end, "plan", "sweep.adaptive")
  t.raises(function() sweep.run(base { hamiltonian = 1 }) end, "hamiltonian", "dam.lse")
  t.raises(function() sweep.run(base { name = "a/b" }) end, "name")
  t.raises(function() sweep.run(base { memory = "much" }) end, "memory", "bytes")
  t.raises(function() sweep.run(base { shard = "0/2" }) end, "shard", "i/n")
  t.raises(function() sweep.run(base { replicas = 1.5 }) end, "replicas = 1.5")
  t.raises(function() sweep.adaptive { M = 3, trials = { 1, 1 } } end, "sweep.adaptive: M = 3")
  t.raises(function() sweep.fixed { disorder = 2 } end, "give N or M")
end)

t.test("a row is the sample of a sampler with the derived seed", function()
  local folder <close> = sandbox.folder()
  sweep.run(base { file = folder.a })
  local f <close> = file.open(folder.a, "read")
  local rows = f:rows()
  t.equal(#rows, 2 * 3 * 4)
  local row = rows[6] -- alpha = 0.1, T = 0.4, disorder 2
  t.equal(row.T, 0.4)
  t.equal(row.disorder, 2)
  local seed = plan.seed(5, row.N, row.M)
  local s = dam.mh {
    hamiltonian = dam.lse { beta_net = 1 }, T = 0.4, replicas = 2, seed = seed,
    patterns = dam.patterns { N = row.N, M = row.M, first_disorder = 2, disorder = 1, seed = seed },
  }
  s:run(40)
  local r = s:sample(30)
  t.equal(row.phi_a, r.phi(1, 1, 1))
  t.equal(row.phi_b, r.phi(1, 1, 2))
  t.equal(row.q12, r.q12(1, 1))
  t.equal(row.phi_max_other, r.phi_max_other(1, 1, 1))
  t.equal(row.digest, r:chain_digest(1, 1, 1) .. " " .. r:chain_digest(1, 1, 2))
end)

t.test("exports are equal for any order of alpha and any memory", function()
  local folder <close> = sandbox.folder()
  local wanted = csv_of(folder, "a", {})
  t.equal(csv_of(folder, "b", { alpha = { 0.2, 0.1 }, T = { 0.8, 0.1, 0.4 } }), wanted, "order")
  t.equal(csv_of(folder, "c", { memory = 4500 }), wanted, "little memory")
  local head = "# name=test\n# H=lse{ beta_net = 1 }\n# seed=5\n# replicas=2\n"
    .. "# init={\"phi\":[0.75,1]}\n# step=2.4\n# equilibrate=40\n# sample=30\n"
    .. "# plan=fixed{ N = 16 }\n"
    .. "alpha,T,N,M,disorder,phi_a,phi_b,q12,phi_max_other,acceptance\n"
  t.equal(wanted:sub(1, #head), head)
  t.equal(select(2, wanted:gsub("\n", "")), 10 + 24)
end)

t.test("a unit cut into slices of time saves its state and ends the same", function()
  local folder <close> = sandbox.folder()
  local long = { equilibrate = 15000, sample = 10000 }
  local wanted = csv_of(folder, "a", long)
  local every, put, saved = unit.CHECKPOINT_EVERY, getmetatable(file.open(folder.a, "read")), 0
  local put_checkpoint = put.put_checkpoint
  function put.put_checkpoint(...)
    saved = saved + 1
    return put_checkpoint(...)
  end
  unit.CHECKPOINT_EVERY = 5e-3
  local found = csv_of(folder, "b", long)
  unit.CHECKPOINT_EVERY, put.put_checkpoint = every, put_checkpoint
  t.ok(saved > 5, "states saved: " .. saved)
  t.equal(found, wanted)
end)

t.test("a unit that was stopped half way goes on from its saved state", function()
  local folder <close> = sandbox.folder()
  local long = { equilibrate = 30000, sample = 20000, alpha = 0.2, T = { 0.1, 0.4 },
    plan = sweep.fixed { N = 16, disorder = 1 } }
  local wanted = csv_of(folder, "a", long)
  local core = require "dam.core"
  local every, load, saved, loaded = unit.CHECKPOINT_EVERY, core.load, 0, 0
  local methods = getmetatable(file.open(folder.a, "read"))
  local put_checkpoint = methods.put_checkpoint
  function methods.put_checkpoint(...)
    put_checkpoint(...)
    saved = saved + 1
    error("lights out", 0)
  end
  function core.load(path)
    loaded = loaded + 1
    return load(path)
  end
  unit.CHECKPOINT_EVERY = 5e-3
  local ok, found
  for _ = 1, 2000 do
    ok, found = pcall(csv_of, folder, "b", long)
    if ok then
      break
    end
    t.ok(tostring(found):find "lights out", found)
  end
  unit.CHECKPOINT_EVERY, methods.put_checkpoint = every, put_checkpoint
  core.load = load
  t.ok(saved > 1 and loaded == saved, saved .. " saved, " .. loaded .. " loaded")
  t.equal(found, wanted)
end)

t.test("a saved state that cannot be read is computed anew", function()
  local folder <close> = sandbox.folder()
  local small = { alpha = 0.2, T = 0.4, plan = sweep.fixed { N = 16, disorder = 2 } }
  local wanted = csv_of(folder, "a", small)
  small.plan = sweep.fixed { N = 16, disorder = 1 }
  csv_of(folder, "b", small)
  local f = file.open(folder.b, "write")
  f:put_checkpoint('{"M":25,"N":16,"T":[0.4],"alpha":0.2,"disorder":1,"first":2}', "torn", 3)
  f:close()
  small.plan = sweep.fixed { N = 16, disorder = 2 }
  t.equal(csv_of(folder, "b", small), wanted)
  f = file.open(folder.b, "read")
  t.equal(#f:checkpoints(), 0)
  f:close()
end)

t.test("too little memory for one disorder says how much it needs", function()
  local folder <close> = sandbox.folder()
  t.raises(function() sweep.run(base { file = folder.a, memory = 100 }) end, "memory", "GiB",
    "N = 16")
end)

t.test("more disorders, temperatures and loads compute only what is missing", function()
  local folder <close> = sandbox.folder()
  local wanted = csv_of(folder, "at once", {})
  local path = folder.grown
  local small = { file = path, alpha = 0.2, T = { 0.1, 0.8 },
    plan = sweep.fixed { N = 16, disorder = 2 } }
  t.equal(sweep.run(base(small)).computed, 4)
  t.equal(sweep.run(base(small)).computed, 0)
  t.equal(sweep.run(base { file = path, alpha = 0.2, T = { 0.1, 0.4, 0.8 },
    plan = sweep.fixed { N = 16, disorder = 2 } }).computed, 2)
  t.equal(sweep.run(base { file = path, alpha = 0.2 }).computed, 6)
  t.equal(sweep.run(base { file = path }).computed, 12)
  t.equal(export.text(path, "csv"), wanted)
  t.equal(sweep.run(base(small)).computed, 0, "asking for less again")
  t.equal(export.text(path, "csv"), wanted)
end)

t.test("one replica leaves phi_b and q12 empty", function()
  local folder <close> = sandbox.folder()
  local text = csv_of(folder, "a", { replicas = 1, alpha = 0.1, T = 0.4,
    plan = sweep.fixed { N = 16, disorder = 1 } })
  t.ok(text:match "\n[^\n,]+,[^,]+,16,5,1,[^,]+,,,[^,]+,[^,]+\n$", "empty columns")
end)

t.test("three replicas keep what the columns do not show", function()
  local folder <close> = sandbox.folder()
  sweep.run(base { file = folder.a, replicas = 3, alpha = 0.1, T = 0.4 })
  local f <close> = file.open(folder.a, "read")
  local row = f:rows()[1]
  t.equal(#row.more, 32)
  t.equal(#row.digest, 3 * 16 + 2)
end)

t.test("another sweep is refused, and the difference shown", function()
  local folder <close> = sandbox.folder()
  local path = folder.a
  sweep.run(base { file = path })
  local before = export.text(path, "csv")
  local changes = {
    hamiltonian = dam.lse { beta_net = 2 }, seed = 6, replicas = 1, init = "cold", step = 2,
    equilibrate = 41, sample = 31,
  }
  for key, value in pairs(changes) do
    local name = key == "hamiltonian" and "H: lse{ beta_net = 1 }" or key .. ": "
    t.raises(function() sweep.run(base { file = path, [key] = value }) end, path, name, "now",
      "--fresh")
  end
  t.raises(function()
    sweep.run(base { file = path, plan = sweep.fixed { N = 17, disorder = 4 } })
  end, "plan: fixed{ N = 16 } in the file, fixed{ N = 17 } now", "alpha = 0.1: N = 16")
  t.equal(export.text(path, "csv"), before)
end)

t.test("a range that moves is refused with the rows that would change", function()
  local folder <close> = sandbox.folder()
  local function run(alpha)
    return sweep.run(base { file = folder.a, alpha = alpha, T = 0.4,
      plan = sweep.adaptive { M = { 8, 40 }, gamma = 2, trials = { 4, 2 } } })
  end
  run { 0.1, 0.3 }
  t.equal(run { 0.1, 0.2, 0.3 }.computed, 1, "inside")
  t.raises(function() run { 0.1, 0.2, 0.4 } end, "alpha = 0.2: N = ", "alpha = 0.3: N = ",
    "range = {0.1, 0.4}")
  t.raises(function() run { 0.1, 0.2 } end, "alpha = 0.3 is outside the range")
end)

t.test("--fresh moves the old file aside and never overwrites", function()
  local folder <close> = sandbox.folder()
  local path = folder["a.sqlite"]
  sweep.run(base { file = path, alpha = 0.1 })
  sweep.run(base { file = path, alpha = 0.1, seed = 6, fresh = true })
  sweep.run(base { file = path, alpha = 0.1, seed = 7, fresh = true })
  t.ok(export.text(folder["a.old-1.sqlite"], "csv"):find("seed=5", 1, true), "first kept")
  t.ok(export.text(folder["a.old-2.sqlite"], "csv"):find("seed=6", 1, true), "second kept")
  t.ok(export.text(path, "csv"):find("seed=7", 1, true), "new")
end)

t.test("a wrong first try binds nobody", function()
  local folder <close> = sandbox.folder()
  t.raises(function() sweep.run(base { file = folder.a, init = { fi = 1 } }) end)
  t.equal(sweep.run(base { file = folder.a }).computed, 24)
end)

t.test("LSE and LSR of one seed share their seeds; cells of other N or M do not", function()
  t.equal(plan.seed(5, 16, 5), plan.seed(5, 16, 5))
  local seen = {}
  for seed = 1, 3 do
    for N = 16, 18 do
      for M = 5, 7 do
        local s = plan.seed(seed, N, M)
        t.ok(s >= 0 and not seen[s], "own seed")
        seen[s] = true
      end
    end
  end
end)

t.test("shards are disjoint and merge to the whole", function()
  local folder <close> = sandbox.folder()
  local wanted = csv_of(folder, "whole", {})
  local merge = require "dam.verb.merge"
  local total, parts = 0, {}
  for i = 1, 3 do
    local r = sweep.run(base { file = folder["part.sqlite"], shard = i .. "/3" })
    total = total + r.computed
    parts[i] = r.file
  end
  t.equal(total, 24)
  local print_then = print
  print = function() end -- luacheck: ignore 122 121
  merge(folder.merged, table.unpack(parts))
  merge(folder.merged, parts[1])
  print = print_then -- luacheck: ignore 122 121
  t.equal(export.text(folder.merged, "csv"), wanted)
  sweep.run(base { file = folder.other, seed = 6 })
  t.raises(function() merge(folder.merged, folder.other) end, "seed: 5 in the first, 6")
  t.raises(function() merge(folder.half, parts[1], folder.other) end, "seed: 5 in the first, 6")
  t.ok(not io.open(folder.half), "no file is left by a merge that cannot be")
  t.equal(export.text(folder.merged, "csv"), wanted)
  t.equal(sweep.run(base { file = folder.merged }).computed, 0)
end)

t.test("a dry run plans, runs nothing and makes no file", function()
  local folder <close> = sandbox.folder()
  local lines, print_then = {}, print
  print = function(x) lines[#lines + 1] = tostring(x) end -- luacheck: ignore 122 121
  local rows = sweep.run(base { file = folder.a, dry_run = true })
  print = print_then -- luacheck: ignore 122 121
  t.equal(#rows, 2)
  t.equal(rows[2].alpha, 0.2)
  t.equal(rows[2].N, 16)
  t.equal(rows[2].M, 25)
  t.equal(rows[2].disorder, 4)
  t.equal(rows[2].memory, 4 * 4 * 16 * 25.0)
  t.ok(rows[2].time > 0, "time")
  t.ok(lines[1]:find "realised alpha", "printed")
  t.equal(io.open(folder.a), nil)
end)

t.test("NPZ and JSON hold the same numbers", function()
  local folder <close> = sandbox.folder()
  sweep.run(base { file = folder.a })
  local summary = json.decode(export.text(folder.a, "json"))
  t.equal(#summary.points, 6)
  local f <close> = file.open(folder.a, "read")
  local phi = 0
  for i = 1, 4 do
    local row = f:rows()[i]
    phi = phi + (row.phi_a + row.phi_b) / 8
  end
  t.near(summary.points[1].phi, phi, 1e-15)
  t.equal(summary.points[1].disorder, 4)
  local bytes = export.text(folder.a, "npz")
  t.equal(bytes, export.text(folder.a, "npz"))
  t.equal(bytes:sub(1, 4), "PK\3\4")
  t.ok(bytes:find("phi_max_other.npy", 1, true), "a member per column")
end)

t.test("cells: keys, seeds, resuming by identity, refused duplicates", function()
  local folder <close> = sandbox.folder()
  local calls = 0
  local function run(cells)
    return sweep.run {
      name = "cells", file = folder.a, cells = cells, quiet = true,
      run = function(cell, ctx)
        calls = calls + 1
        return { { y = cell.x ^ 2, seed = ctx.seed }, { y = -cell.x } }
      end,
    }
  end
  t.equal(run { { x = 2 }, { x = 1.5 } }.computed, 2)
  local first = export.text(folder.a, "csv")
  t.equal(run { { x = 1.5 }, { x = 2 } }.computed, 0)
  t.equal(calls, 2)
  t.equal(export.text(folder.a, "csv"), first)
  t.equal(run { { x = 1.5 }, { x = 10 }, { x = 2 } }.computed, 1)
  local text = export.text(folder.a, "csv")
  t.ok(text:find "\nx,seed,y\n1.5,%d+,2.25\n1.5,,%-1.5\n2,%d+,4\n", "sorted rows")
  t.ok(text:find "\n10,%d+,100\n10,,%-10\n$", "sorted by value, not by text")
  t.raises(function() run { { x = 1 }, { x = 1 } } end, "cells[1] and cells[2] are the same")
  t.raises(function() run { { x = print } } end, "cells[1]")
  t.raises(function()
    sweep.run { name = "c", file = folder.b, cells = { 1 }, quiet = true, run = function() end }
  end, "run returned a nil")
end)

t.test("shards of cells merge to the whole", function()
  local folder <close> = sandbox.folder()
  local list = {}
  for i = 1, 7 do
    list[i] = { i = i }
  end
  local function run(name, shard)
    return sweep.run {
      name = "cells", file = folder[name], cells = list, quiet = true, shard = shard,
      run = function(cell) return { square = cell.i ^ 2 } end,
    }
  end
  run "whole"
  local a, b = run("part", "1/2"), run("part", "2/2")
  t.equal(a.computed + b.computed, 7)
  local status, text = sandbox.run("-m", "merge", folder.merged, a.file, b.file)
  t.equal(status, 0, text)
  t.equal(export.text(folder.merged, "csv"), export.text(folder.whole, "csv"))
end)

t.test("cells are verified by running the script that the file keeps", function()
  local folder <close> = sandbox.folder()
  local script = assert(io.open(folder["cells.lua"], "w"))
  script:write(string.format([[
local sweep = require "dam.sweep"
local opt = dam.options { power = { 2, "of x" } }
sweep.run {
  name = "cells", file = %q, cells = { { x = 1.5 }, { x = 2.5 } },
  run = function(cell) return { y = cell.x ^ opt.power } end,
}
print "after"
]], folder.a))
  script:close()
  t.equal(sandbox.run("--quiet", folder["cells.lua"], "--power", "3"), 0)
  os.remove(folder["cells.lua"])
  local status, text = sandbox.run("-m", "verify", folder.a, "--units", "all")
  t.equal(status, 0, text)
  t.ok(text:find "2 units computed again" and not text:find "after", text)
  local f = file.open(folder.a, "write")
  local row = f:cell_rows()[1]
  local forged = '{"y":9.0}'
  f.store:run("UPDATE cell_rows SET data = ?, checksum = ? WHERE key = ?", forged,
    file.cell_checksum(row.key, 1, forged), row.key)
  f:close()
  status, text = sandbox.run("-m", "verify", folder.a, "--units", "all")
  t.equal(status, 1, text)
  t.ok(text:find "its rows differ", text)
end)

t.test("a changed script is another sweep of cells", function()
  local folder <close> = sandbox.folder()
  for i, power in ipairs { 2, 3 } do
    local script = assert(io.open(folder["cells.lua"], "w"))
    script:write(string.format("require('dam.sweep').run { name = 'c', file = %q, cells = { 2 }, "
      .. "run = function(x) return { y = x ^ %d } end }", folder.a, power))
    script:close()
    local status, text = sandbox.run("--quiet", folder["cells.lua"])
    t.equal(status, i - 1, text)
    t.ok(i == 1 or text:find "script_hash: %x+ in the file, %x+ now", text)
  end
end)

t.test("an empty, foreign or missing file is named", function()
  local folder <close> = sandbox.folder()
  t.raises(function() export.text(folder.none, "csv") end, folder.none, "No such file")
  local f = assert(io.open(folder.text, "w"))
  f:write(("no database "):rep(1000))
  f:close()
  t.raises(function() export.text(folder.text, "csv") end, folder.text, "not a result file")
  t.raises(function() sweep.run(base { file = folder.text }) end, "not a result file")
  t.raises(function() sweep.run(base { file = folder["text/x"] }) end, "text/x", "Not a dir")
  t.equal(sweep.run(base { file = folder["new/folder/x"], alpha = 0.1, T = 0.4 }).computed, 4)
end)

t.test("files of every released schema stay readable", function()
  for schema = 1, 1 do
    local path = string.format("tests/data/schema-%d", schema)
    t.equal(export.text(path .. ".sqlite", "csv"), sandbox.read(path .. ".csv"))
    local status, text = sandbox.run("-m", "verify", path .. ".sqlite", "--units", "all")
    t.equal(status, 0, text)
  end
end)

t.test("verbs on the command line", function()
  local folder <close> = sandbox.folder()
  local path = folder["map.sqlite"]
  sweep.run(base { file = path, alpha = { 0.1, 0.2, 0.3 } })
  local status, text = sandbox.run("-m", "status", path)
  t.equal(status, 0, text)
  t.ok(text:find "rows +36 of 36 %(100.0 %%%), complete", text)
  t.ok(text:find "writer +nobody", text)
  status, text = sandbox.run("-m", "export", path)
  t.equal(status, 0)
  t.equal(text, export.text(path, "csv"))
  for _, ending in ipairs { "csv", "npz", "json" } do
    local out = folder["out." .. ending]
    t.equal(sandbox.run("-m", "export", path, out), 0)
    t.equal(sandbox.read(out), export.text(path, ending))
  end
  status, text = sandbox.run("-m", "export", path, folder["out.xls"])
  t.equal(status, 1)
  t.ok(text:find("out.xls", 1, true) or text:find(".xls", 1, true), text)
  status, text = sandbox.run("-m", "export")
  t.equal(status, 1)
  t.ok(text:find "usage: damlua %-m export", text)
end)

t.test("a map is drawn, also half done", function()
  local folder <close> = sandbox.folder()
  if sandbox.shell "command -v gnuplot" ~= 0 then
    io.stderr:write "figures: not tested, gnuplot is missing\n"
    return
  end
  local path = folder["map.sqlite"]
  sweep.run(base { file = path, alpha = { 0.1, 0.2, 0.3 } })
  local store = require("dam.core").store.open(path, "write")
  store:run "DELETE FROM rows WHERE alpha = 0.2 AND T > 0.3"
  store:close()
  local status, text = sandbox.run("-m", "plot", path, folder["a.svg"])
  t.equal(status, 0, text)
  t.ok(sandbox.read(folder["a.svg"]):find "not computed yet", "missing cells are marked")
  for _, name in ipairs { "a-cuts.svg", "a-residual.svg", "a-q12.svg" } do
    t.ok(#sandbox.read(folder[name]) > 1000, name)
  end
  t.equal(sandbox.run("-m", "plot", path, folder["b.png"], "--only", "cuts"), 0)
  t.equal(sandbox.read(folder["b.png"]):sub(2, 4), "PNG")
end)

t.finish()
