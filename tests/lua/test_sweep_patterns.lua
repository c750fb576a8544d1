-- Sweeps over given patterns: the rows are those of a sampler on the whole set, a run goes on where
-- it stopped, other patterns are refused, and verify computes the same again from the script.
local t = require "support"
local dam = require "dam"
local sweep = require "dam.sweep"

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)
local count = 0

local function path()
  count = count + 1
  return ("%s/%d.sqlite"):format(folder, count)
end

local function run(change)
  local o = { name = "own", hamiltonian = dam.lse(), T = { 0.2, 0.6 }, replicas = 2, seed = 5,
    equilibrate = 40, sample = 60, quiet = true }
  for k, v in pairs(change) do
    o[k] = v
  end
  return sweep.run(o)
end

local xi = dam.patterns { N = 14, M = 9, seed = 3 }:array(1)
local two = dam.array { xi:totable(), dam.patterns { N = 14, M = 9, seed = 4 }:array(1):totable() }
local sets = {
  ["one data set, three targets"] = dam.patterns { from = xi, targets = { 2, 9, 1 } },
  ["two data sets"] = dam.patterns { from = two, target = 3 },
  ["drawn patterns"] = dam.patterns { N = 14, M = 9, seed = 8, disorder = 4 },
}

for name, p in pairs(sets) do
  t.test(name .. ": rows are those of a sampler on the whole set", function()
    local file = path()
    local r = run { patterns = p, file = file }
    t.equal(r.computed, 2 * p.disorder, "rows")
    t.equal(run { patterns = p, file = file }.computed, 0, "nothing is missing")
    local seed
    local dry = run { patterns = p, file = path(), dry_run = true }
    t.equal(#dry, 1, "one load")
    t.equal(dry[1].disorder, p.disorder, "disorder")
    seed = dry[1].seed
    local s <close> = dam.mh { hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.6 },
      replicas = 2, seed = seed }
    s:run(40)
    local whole = s:sample(60)
    r:export(file .. ".csv")
    local rows = 0
    for line in io.lines(file .. ".csv") do
      local T, d, phi = line:match "^[%d.e+-]+,([%d.]+),14,9,(%d+),([%d.e+-]+),"
      if T then
        rows = rows + 1
        t.equal(tonumber(phi), whole.phi(T == "0.2" and 1 or T:find "^0.2" and 1 or 2,
          math.tointeger(tonumber(d)), 1), "phi_a")
      end
    end
    t.equal(rows, 2 * p.disorder, "rows of the export")
  end)
end

t.test("another set of patterns is refused, more temperatures are computed", function()
  local file, p = path(), sets["one data set, three targets"]
  run { patterns = p, file = file }
  t.equal(run { patterns = p, file = file, T = { 0.2, 0.6, 0.9 } }.computed, 3, "new rows")
  t.raises(function() run { patterns = sets["drawn patterns"], file = file } end, "another sweep",
    "patterns:")
  t.raises(function()
    run { patterns = dam.patterns { from = xi, targets = { 2, 9, 4 } }, file = file }
  end, "another sweep", p:fingerprint())
  t.raises(function() run { patterns = p, alpha = 0.1 } end, "'alpha' cannot be given", "patterns")
  t.raises(function() run { patterns = xi } end, "patterns =", "dam.patterns")
end)

t.test("verify computes the rows again from the script and its data", function()
  local data, script = folder .. "/data.npy", folder .. "/own.lua"
  xi:save(data)
  local f = assert(io.open(script, "w"))
  f:write(([[local sweep = require "dam.sweep"
    local p = dam.patterns { from = dam.load %q, targets = { 2, 9, 1 } }
    sweep.run { name = "own", file = %q, hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.6 },
      equilibrate = 40, sample = 60 }]]):format(data, folder .. "/own.sqlite"))
  f:close()
  local function damlua(arguments)
    local p = assert(io.popen(("'%s' --quiet %s 2>&1"):format(arg[-1], arguments)))
    local text = p:read "a"
    return text, (select(3, p:close()))
  end
  t.equal(select(2, damlua(script)), 0, "the sweep")
  local text, status = damlua("-m verify " .. folder .. "/own.sqlite --units all")
  t.equal(status, 0, text)
  t.ok(text:find "all equal", text)
  t.ok(damlua("-m status " .. folder .. "/own.sqlite"):find "patterns", "status names them")
  xi:map(function(v) return -v end):save(data)
  text, status = damlua("-m verify " .. folder .. "/own.sqlite")
  t.equal(status, 1, "status with other data")
  t.ok(text:find "other patterns", text)
end)

t.test("parts of a set are its disorders, saved ones too", function()
  for name, p in pairs(sets) do
    local last = p.disorder
    local function sampler(q)
      return dam.mh { hamiltonian = dam.lsr { b = 2 }, patterns = q, T = 0.3, init = { phi = 0.9 } }
    end
    local whole <close> = sampler(p)
    local part <close> = sampler(p:part(last))
    local file = os.tmpname()
    part:run(10)
    part:save(file)
    local again <close> = dam.load(file)
    os.remove(file)
    whole:run(10)
    local r, q = whole:sample(20), again:sample(20)
    t.equal(q:chain_digest(1, 1, 1), r:chain_digest(1, last, 1), name .. ": chain digest")
    t.equal(q.digest, part:sample(20).digest, name .. ": digest")
    t.equal(p:part(last):array(1), p:array(last), name .. ": patterns")
    t.equal(p:part(1, last):fingerprint(), p:fingerprint(), "the whole is a part")
  end
  local p = sets["two data sets"]
  t.raises(function() p:part(3) end, "first = 3", "from 1 to 2")
  t.raises(function() p:part(2, 2) end, "count = 2", "from 1 to 1")
  local piece = dam.patterns { from = two }:part(2)
  collectgarbage()
  collectgarbage()
  t.equal(piece:array(1), dam.patterns { N = 14, M = 9, seed = 4 }:array(1), "it keeps the data")
end)

os.execute("rm -r " .. folder)
t.finish()
