local t = require "support"
local dam = require "dam"

local specification = {
  seed = { 42, "random seed" }, quick = { false, "small run" }, plot = { true, "draw" },
  beta_net = { 1.0, "sharpness" }, out = { "out", "folder" }, T = { { 0.1, 0.2 }, "temperatures" },
  alpha = { dam.range(0.1, 0.3, 0.1), "loads" }, models = { { "lse", "lsr" }, "kernels" },
}

local function read(...)
  return dam.options(specification, { ... })
end

t.test("without arguments the defaults hold", function()
  local opt = read()
  t.equal(opt.seed, 42)
  t.equal(opt.quick, false)
  t.equal(opt.plot, true)
  t.equal(opt.beta_net, 1.0)
  t.equal(opt.T[2], 0.2)
  t.equal(opt.alpha[3], 0.3)
end)

t.test("values have the type of the default", function()
  local opt = read("--seed", "7", "--beta-net=2", "--quick", "--no-plot", "--out", "--x y",
    "--T", "0.5,0.25", "--alpha=0.1:0.5:0.1", "--models=lsr")
  t.equal(opt.seed, 7)
  t.equal(math.type(opt.seed), "integer")
  t.equal(math.type(opt.beta_net), "float")
  t.equal(opt.beta_net, 2.0)
  t.equal(opt.quick, true)
  t.equal(opt.plot, false)
  t.equal(opt.out, "--x y")
  t.equal(type(opt.T), "table")
  t.equal(opt.T[2], 0.25)
  t.equal(type(opt.alpha), "userdata")
  t.equal(#opt.alpha, 5)
  t.equal(opt.models[1], "lsr")
  t.equal(read("--seed=1e3").seed, 1000)
  t.equal(read("--seed", "-5").seed, -5)
  t.equal(read("--beta_net", "0.5").beta_net, 0.5)
  t.equal(read("--seed=1", "--seed=2").seed, 2)
  t.equal(read("--quick=true").quick, true)
  t.equal(read("--plot=false").plot, false)
  t.equal(read("--out=").out, "")
  t.equal(dam.options({ n = 3 }, { "--n", "4" }).n, 4)
end)

t.test("a third value is the default with --quick", function()
  local hasty = { steps = { 1000, "steps", 10 }, T = { dam.range(0.1, 1, 0.1), "", { 0.5 } },
    seed = { 1, "seed" }, plot = { true, "draw", false } }
  local opt = dam.options(hasty, {})
  t.equal(opt.quick, false)
  t.equal(opt.steps, 1000)
  t.equal(opt.plot, true)
  opt = dam.options(hasty, { "--quick" })
  t.equal(opt.quick, true)
  t.equal(opt.steps, 10)
  t.equal(#opt.T, 1)
  t.equal(opt.seed, 1)
  t.equal(opt.plot, false)
  t.equal(dam.options(hasty, { "--quick", "--steps=500" }).steps, 500, "what is given counts")
  t.equal(dam.options(hasty, { "--steps=500", "--quick" }).steps, 500)
  opt = dam.options({ n = { 5, "n", 1 }, quick = { true, "mine" } }, {})
  t.equal(opt.n, 1, "a quick of one's own")
  t.equal(dam.options({ n = { 5, "n" } }, {}).quick, nil, "none without need")
  t.raises(function() dam.options({ n = { 5, "n", "x" } }, {}) end, "n[3]", "default's type")
end)

t.test("the values are remembered", function()
  read("--seed", "9")
  t.equal(dam.options.last.seed, 9)
  t.equal(dam.options.last.out, "out")
end)

t.test("mistakes name the option and the nearest spelling", function()
  t.raises(function() read("--sede", "3") end, "unknown option '--sede'", "did you mean '--seed'")
  t.raises(function() read("-seed", "3") end, "'-seed'", "did you mean '--seed'")
  t.raises(function() read("--betanet", "3") end, "did you mean '--beta-net'")
  t.raises(function() read("--zzzzz=3") end, "unknown option '--zzzzz'", "--alpha")
  t.raises(function() read("quick") end, "unexpected argument 'quick'")
  t.raises(function() read("--seed") end, "--seed needs an integer", "nothing")
  t.raises(function() read("--seed", "1.5") end, "--seed needs an integer", "'1.5'")
  t.raises(function() read("--seed", "x") end, "'x'")
  t.raises(function() read("--seed", "nan") end, "'nan'")
  t.raises(function() read("--beta-net", "inf") end, "needs a number", "'inf'")
  t.raises(function() read("--beta-net", "1e999") end, "'1e999'")
  t.raises(function() read("--quick=maybe") end, "--quick", "'maybe'")
  t.raises(function() read("--no-quick=true") end, "--no-quick")
  t.raises(function() read("--no-seed") end, "unknown option '--no-seed'")
  t.raises(function() read("--T", "0.1,,0.2") end, "--T needs numbers", "'0.1,,0.2'")
  t.raises(function() read("--T", "1:0:0.1") end, "--T needs numbers")
  t.raises(function() read("--T", "1:2") end, "--T needs numbers")
end)

t.test("a specification of another form is an error", function()
  t.raises(function() dam.options(3, {}) end, "expected a table")
  t.raises(function() dam.options({ { 1 } }, {}) end, "name")
  t.raises(function() dam.options({ seed = {} }, {}) end, "seed", "default")
  t.raises(function() dam.options({ seed = { 1, 2 } }, {}) end, "seed[2] = 2")
  t.raises(function() dam.options({ help = { 1 } }, {}) end, "--help")
end)

--- Runs `body` with os.exit and the standard streams replaced; returns status, stdout, stderr.
local function run(body)
  local exit, stdout, stderr = os.exit, io.stdout, io.stderr
  local out, err, status = {}, {}, nil
  local function catch(list)
    return { write = function(_, text) list[#list + 1] = text end }
  end
  io.stdout, io.stderr = catch(out), catch(err) -- luacheck: ignore 122
  os.exit = function(s) status = s error("exit") end -- luacheck: ignore 122
  pcall(body)
  os.exit, io.stdout, io.stderr = exit, stdout, stderr -- luacheck: ignore 122
  return status, table.concat(out), table.concat(err)
end

local function with_arg(list, body)
  local old = rawget(_G, "arg")
  rawset(_G, "arg", list)
  local ok, message = pcall(body)
  rawset(_G, "arg", old)
  if not ok then
    error(message, 0)
  end
end

t.test("--help prints the options and leaves with 0", function()
  with_arg({ [0] = "demo.lua", "--seed", "x", "-h" }, function()
    local status, out, err = run(function() dam.options(specification) end)
    t.equal(status, 0)
    t.equal(err, "")
    for _, text in ipairs {
      "usage: demo.lua [options]", "--seed INTEGER", "--quick ", "random seed (default: 42)",
      "(default: off)", "--no-plot", "--beta-net NUMBER", "(default: 0.1,0.2,0.3)", "-h, --help",
    } do
      t.ok(out:find(text, 1, true), text)
    end
  end)
end)

t.test("a mistake is one line on standard error and status 1", function()
  with_arg({ [0] = "demo.lua", "--sede", "3" }, function()
    local status, out, err = run(function() dam.options(specification) end)
    t.equal(status, 1)
    t.equal(out, "")
    t.ok(err:find("^demo.lua: unknown option '%-%-sede'; did you mean '%-%-seed'?[^\n]*\n$"), err)
  end)
  with_arg({ [0] = "demo.lua", "--seed", "3" }, function()
    t.equal(dam.options(specification).seed, 3)
  end)
end)

local program = rawget(_G, "arg") and arg[-1]

if program then
  t.test("a script of its own behaves so, exit status included", function()
    local script = os.tmpname()
    local f = assert(io.open(script, "w"))
    f:write('local dam = require "dam"\n',
      'print(dam.options{ seed = { 42, "random seed" } }.seed)\n')
    f:close()
    local function try(words)
      local p = io.popen(("'%s' '%s' %s 2>&1"):format(program, script, words))
      local text = p:read("a")
      local _, _, status = p:close()
      return status, text
    end
    local status, text = try("--seed 7")
    t.equal(text, "7\n")
    t.equal(status, 0)
    status, text = try("--help")
    t.equal(status, 0)
    t.ok(text:find("usage: " .. script, 1, true), text)
    status, text = try("--sede 7")
    t.equal(status, 1)
    t.ok(text:find("^[^\n]*unknown option '%-%-sede'[^\n]*\n$"), text)
    os.remove(script)
  end)
else
  print("skipped: a script of its own (the program does not set arg)")
end

t.test("an option of damlua that stands after the script is told where it belongs", function()
  t.raises(function() dam.options({ seed = { 42, "" } }, { "--dry-run" }) end,
    "--dry-run is an option of damlua", "before the script")
end)

t.finish()
