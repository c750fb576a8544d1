--- --sandbox: what a script that is not trusted can do, and above all what it cannot. Every escape
--- attempt runs in a process of its own and must end with status 1 and a message that names what
--- was refused; nothing outside may have changed.
local t = require "support"
local child = require "sandbox"

child.program = dam.config.program -- scripts run in folders of their own

local SANITIZED = dam.build.type:find("+", 1, true)

local SECRET = "the secret outside"
local folder <close> = child.folder()
local IN, OUT, OUTSIDE = folder["in"], folder.out, folder.outside

local function write(path, text)
  local f <close> = assert(io.open(path, "wb"))
  f:write(text)
end

assert(os.execute(("mkdir -p '%s/sub' '%s' '%s'"):format(IN, OUT, OUTSIDE)))
write(OUTSIDE .. "/secret.txt", SECRET)
write(OUTSIDE .. "/evil.lua", "return 'ESCAPED'")
write(IN .. "/data.txt", "data\n")
write(IN .. "/helper.lua", "return { value = 42 }")
assert(os.execute(("ln -s '%s/secret.txt' '%s/link.txt'; ln -s '%s' '%s/linked'"):format(OUTSIDE,
  IN, OUTSIDE, IN)))
assert(os.execute(("ln -s '%s/secret.txt' '%s/link.txt'; ln -s '%s' '%s/linked'"):format(OUTSIDE,
  OUT, OUTSIDE, OUT)))
assert(os.execute(("ln '%s/secret.txt' '%s/hard.txt'; mkfifo '%s/pipe'"):format(OUTSIDE, OUT, IN)))
dam.zeros(3):save(OUTSIDE .. "/array.npy")

local PRELUDE = ("local IN, OUT, OUTSIDE = %q, %q, %q\n"):format(IN, OUT, OUTSIDE)

--- Runs Lua text as a script in the sandbox, in the folder `in`; its status and what it printed.
local function run(code, ...)
  write(IN .. "/script.lua", PRELUDE .. code)
  return child.shell(("cd %s && SECRET=hunter2 %s"):format(child.quote(IN),
    child.command("--sandbox", "--out", OUT, ...) .. " script.lua"))
end

-- ---- escape attempts ----

local attempts = 0

--- `code` must fail with a message that has `message`.
local function attempt(name, message, code, ...)
  local options = { ... }
  if SANITIZED and (options[1] == "--max-memory" or message:find "gave up") then
    return -- sanitizers make them minutes long
  end
  attempts = attempts + 1
  t.test("escape: " .. name, function()
    local status, text = run(code, table.unpack(options))
    t.ok(status == 1, ("status 1, not %s, of: %s"):format(status, text))
    t.ok(text:find(message, 1, true), ("the message says %q: %s"):format(message, text))
    for _, sign in ipairs { "ESCAPED", SECRET, "hunter2", "root:" } do
      t.ok(not text:find(sign, 1, true), "nothing got out: " .. text)
    end
  end)
end

local NOT = "is not available in the sandbox"
local FILES = "not allowed in the sandbox"

-- programs
attempt("os.execute", "os.execute " .. NOT, 'os.execute "echo ESCAPED"')
attempt("io.popen", "io.popen " .. NOT, 'print(io.popen("echo ESCAPED"):read "a")')
attempt("os.execute taken from a loaded library", "os.execute " .. NOT,
  'package.loaded.os.execute "echo ESCAPED"')
attempt("io.popen from require", "io.popen " .. NOT, 'require "io".popen "echo ESCAPED"')
attempt("io.popen from _G's library table", "io.popen " .. NOT,
  'package.loaded._G.io.popen "echo ESCAPED"')

-- C code
attempt("package.loadlib", "package.loadlib " .. NOT,
  'package.loadlib("/lib/x86_64-linux-gnu/libc.so.6", "system")("echo ESCAPED")')
attempt("package.loadlib of everything", "package.loadlib " .. NOT, 'package.loadlib("*", "*")')
attempt("package.cpath", "not found",
  'package.cpath = "/usr/lib/x86_64-linux-gnu/lua/5.4/?.so" require "lfs" print "ESCAPED"')
attempt("the C searchers", "package.searchers is out of reach",
  'package.searchers[3]("lfs") print "ESCAPED"')
attempt("a searcher of one's own", "package.searchers is out of reach",
  'table.insert(package.searchers, 1, function() end) print "ESCAPED"')
attempt("the core, which has the database", "module 'dam.core' " .. NOT,
  'require "dam.core".store.open("/tmp/x", "write")')
attempt("inner rooms of the library", "module 'dam.sweep.file' " .. NOT,
  'require "dam.sweep.file".open("/tmp/x", "write")')
attempt("verbs", "module 'dam.verb.export' " .. NOT, 'require "dam.verb.export" ("a", "b")')

-- bytecode
attempt("string.dump", "string.dump " .. NOT, 'string.dump(function() end) print "ESCAPED"')
attempt("string.dump as a method", "string.dump " .. NOT,
  'local f = ("").dump f(function() end) print "ESCAPED"')
attempt("load of bytecode", "attempt to load a binary chunk",
  [[assert(load("\27Lua\x54\0\x19\x93\r\n\x1a\n")) print "ESCAPED"]])
attempt("load of bytecode, mode b", "texts only", [[load("\27Lua", "x", "b") print "ESCAPED"]])
attempt("load of bytecode, mode bt", "attempt to load a binary chunk",
  [[assert(load("\27Lua", "x", "bt")) print "ESCAPED"]])
attempt("load of bytecode, in pieces", "attempt to load a binary chunk",
  [[local p = { "\27", "Lua" } local i = 0
assert(load(function() i = i + 1 return p[i] end)) print "ESCAPED"]])
attempt("loadfile of bytecode", "attempt to load a binary chunk",
  [[local f = io.open(OUT .. "/b.lua", "wb") f:write "\27Lua" f:close()
assert(loadfile(OUT .. "/b.lua", "bt")) print "ESCAPED"]])

-- the debug library
for _, name in ipairs { "getregistry", "getupvalue", "setupvalue", "upvaluejoin", "upvalueid",
  "getlocal", "setlocal", "getmetatable", "setmetatable", "sethook", "gethook", "getuservalue",
  "setuservalue", "debug" } do
  attempt("debug." .. name, "debug." .. name .. " " .. NOT,
    ("debug.%s(print, 1, 1, 1) print 'ESCAPED'"):format(name))
end
attempt("functions from debug.getinfo", "attempt to call a nil value",
  'for i = 0, 5 do local f = debug.getinfo(i, "f") if f then f.func() end end print "ESCAPED"')

-- files: reading
for _, path in ipairs { "/etc/passwd", "/proc/self/environ", "/proc/self/mem", "/dev/zero",
  "/dev/tty", "/proc/self/cwd/../outside/secret.txt", "/proc/self/fd/0" } do
  attempt("io.open " .. path, FILES, ("print(io.open(%q):read(100)) print 'ESCAPED'"):format(path))
end
attempt("the parent folder", FILES, 'print(io.open("../outside/secret.txt"):read "a")')
attempt("the parent of a folder that is there", FILES,
  'print(io.open("sub/../../outside/secret.txt"):read "a")')
attempt("an absolute path out of the folder", FILES,
  'print(io.open(IN .. "/../outside/secret.txt"):read "a")')
attempt("a folder whose name begins alike", FILES, 'io.open(IN .. "side/x", "r")')
attempt("a link to a file", FILES, 'print(io.open("link.txt"):read "a")')
attempt("a link to a folder", FILES, 'print(io.open("linked/secret.txt"):read "a")')
attempt("a pipe", FILES, 'io.open("pipe", "r")')
attempt("a name with a zero byte", "zero byte", 'io.open("data.txt\\0/../../outside/secret.txt")')
attempt("io.lines", FILES, 'for l in io.lines(OUTSIDE .. "/secret.txt") do print(l) end')
attempt("io.input", FILES, 'io.input(OUTSIDE .. "/secret.txt") print(io.read "a")')
attempt("dofile", FILES, 'print(dofile(OUTSIDE .. "/evil.lua"))')
attempt("loadfile", FILES, 'print(loadfile(OUTSIDE .. "/evil.lua")())')
attempt("require by package.path", FILES,
  'package.path = OUTSIDE .. "/?.lua" print(require "evil")')
attempt("require with dots", "not found", 'print(require "...outside.evil")')
attempt("package.searchpath", "package.searchpath " .. NOT,
  'print(package.searchpath("passwd", "/etc/?"), "ESCAPED")')
attempt("dam.load", FILES, 'print(dam.load(OUTSIDE .. "/array.npy"), "ESCAPED")')
attempt("dam.load by a link", FILES, 'print(dam.load "linked/array.npy", "ESCAPED")')

-- files: writing
attempt("writing beside the script", FILES, 'io.open("new.txt", "w")')
attempt("writing elsewhere", FILES, 'io.open(OUTSIDE .. "/new.txt", "w")')
attempt("appending", FILES, 'io.open(OUTSIDE .. "/secret.txt", "a"):write "ESCAPED"')
attempt("updating", FILES, 'io.open("data.txt", "r+"):write "ESCAPED"')
attempt("writing through a link", FILES, 'io.open(OUT .. "/link.txt", "w"):write "ESCAPED"')
attempt("writing below a linked folder", FILES, 'io.open(OUT .. "/linked/new.txt", "w")')
attempt("writing a file with another name outside", FILES,
  'io.open(OUT .. "/hard.txt", "w"):write "ESCAPED"')
attempt("out of --out by ..", FILES, 'io.open(OUT .. "/../outside/new.txt", "w")')
attempt("io.output", FILES, 'io.output(OUTSIDE .. "/new.txt")')
attempt("io.tmpfile", "io.tmpfile " .. NOT, 'io.tmpfile():write "ESCAPED"')
attempt("os.tmpname", "os.tmpname " .. NOT, 'print(os.tmpname(), "ESCAPED")')
attempt("os.remove", FILES, 'os.remove(OUTSIDE .. "/secret.txt")')
attempt("os.remove beside the script", FILES, 'os.remove "data.txt"')
attempt("os.rename out of --out", FILES,
  'io.open(OUT .. "/r", "w"):close() os.rename(OUT .. "/r", OUTSIDE .. "/r")')
attempt("os.rename into --out", FILES, 'os.rename(OUTSIDE .. "/secret.txt", OUT .. "/s")')
attempt("array:save", FILES, 'dam.zeros(3):save(OUTSIDE .. "/array.npy")')
attempt("sampler:save", FILES, [[
local s = dam.mh { hamiltonian = dam.lse(), patterns = dam.patterns { N = 10, M = 5 }, T = 0.1 }
s:save(OUTSIDE .. "/s.mh")]])
attempt("dam.plot", FILES,
  'dam.plot { file = OUTSIDE .. "/x.svg", points = { { x = {1}, y = {1} } } }')
local SWEEP = [[
local sweep = require "dam.sweep"
local r = sweep.run { name = "s", file = %s, quiet = true, hamiltonian = dam.lse(), alpha = 0.2,
  T = 0.1, plan = sweep.fixed { N = 12 }, equilibrate = 1, sample = 1 }
r:export(%s)]]
attempt("a sweep's result file", FILES, SWEEP:format('OUTSIDE .. "/s.sqlite"', '""'))
attempt("a sweep's result file, by name", FILES, SWEEP:format('"s.sqlite"', '""'))
attempt("a sweep's export", FILES, SWEEP:format('OUT .. "/e.sqlite"', 'OUTSIDE .. "/e.csv"'))
attempt("a sweep's export through a link", FILES,
  SWEEP:format('OUT .. "/e.sqlite"', 'OUT .. "/linked/e.csv"'))
attempt("a database by its URI", FILES, SWEEP:format('"file:" .. OUTSIDE .. "/u.sqlite"', '""'))

-- the host's own tables
attempt("the methods of strings", "the metatable of strings is out of reach",
  'getmetatable("").__index.format = function() return "ESCAPED" end')
attempt("the metatable of strings", "the metatable of strings is out of reach",
  'getmetatable("").__index = function() return "ESCAPED" end')
attempt("the metatable of strings, behind its lock", "attempt to index a boolean value",
  'getmetatable(getmetatable("")).__index = 1 print "ESCAPED"')
attempt("the metatable of arrays", "the metatable of an object is out of reach",
  'getmetatable(dam.zeros(2)).__gc = function() end')
attempt("the metatable of files", "the metatable of an object is out of reach",
  'getmetatable(io.stdout).__index = {}')
attempt("the metatable of a locked table", "protected metatable",
  'setmetatable(getmetatable(""), {}) print "ESCAPED"')
attempt("an object's metatable taken by setmetatable", "table expected",
  'setmetatable("", { __index = function() end }) print "ESCAPED"')
attempt("what the library calls, replaced", FILES, [[
local real = string.gsub
string.gsub, string.format, string.find = nil, nil, nil
table.concat, type, pairs, ipairs, error, assert, rawget, io.open = nil
dam.plot { file = OUTSIDE .. "/x.svg", points = { { x = {1}, y = {1}, label = "`touch x`" } } }]])

-- environment and process
attempt("os.getenv", "os.getenv: 'SECRET' is not shown", 'print(os.getenv "SECRET")')
attempt("os.setlocale", "os.setlocale " .. NOT, 'os.setlocale "de_DE" print "ESCAPED"')
attempt("the collector, stopped", "collectgarbage: 'stop' " .. NOT, 'collectgarbage "stop"')
attempt("the collector, tuned", "collectgarbage: 'setpause' " .. NOT,
  'collectgarbage("setpause", 1000000)')

-- code that runs late or elsewhere
attempt("a finaliser", FILES, [[
setmetatable({}, { __gc = function() io.open(OUTSIDE .. "/gc", "w") end })
collectgarbage()
io.open(OUTSIDE .. "/gc", "w")]])
attempt("__close", FILES,
  [[do
local x <close> = setmetatable({}, { __close = function() io.open "/etc/passwd" end })
end]])
attempt("a coroutine", "os.execute " .. NOT,
  'coroutine.wrap(function() os.execute "echo ESCAPED" end)()')
attempt("coroutine.close", "os.execute " .. NOT, [[
local co = coroutine.create(function()
  local x <close> = setmetatable({}, { __close = function() os.execute "echo ESCAPED" end })
  coroutine.yield()
end)
coroutine.resume(co)
error(select(2, coroutine.close(co)))]])
attempt("an xpcall handler", "debug.getregistry " .. NOT, [[
local _, m = xpcall(error, function() return select(2, pcall(debug.getregistry)) end)
error(m)]])
attempt("load's environment", "attempt to call a nil value",
  'load("os.execute()", "x", "t", { os = {} })() print "ESCAPED"')
attempt("globals of a loaded chunk", "os.execute " .. NOT, 'load "os.execute()" ()')
attempt("__index of an environment", "os.execute " .. NOT,
  'load("os.execute()", "x", "t", setmetatable({}, { __index = _G }))()')
attempt("a callback of the library", "io.popen " .. NOT, [[
local s = dam.mh { hamiltonian = dam.lse(), patterns = dam.patterns { N = 10, M = 5 }, T = 0.1 }
s:sample(10, { observe = function() io.popen "echo ESCAPED" end })]])
attempt("a cell of a sweep", "os.execute " .. NOT, [[
require "dam.sweep".run { name = "c", file = OUT .. "/c.sqlite", cells = { 1 }, quiet = true,
  run = function() os.execute "echo ESCAPED" end }]])

-- bombs
attempt("string.rep", "resulting string too large", '("x"):rep(1 << 62)')
attempt("string.rep within a string's limits", "not enough memory", '("x"):rep(1 << 30)',
  "--max-memory", "100M")
attempt("string.format", "not enough memory",
  'local s = ("x"):rep(1 << 24) print(#string.format(("%s"):rep(90), table.unpack(setmetatable({},'
  .. ' { __index = function() return s end }), 1, 90)))', "--max-memory", "100M")
attempt("table.concat", "not enough memory", [[
local s, t = ("x"):rep(1 << 20), {}
for i = 1, 1000 do t[i] = s end
print(#table.concat(t))]], "--max-memory", "100M")
attempt("doubling", "not enough memory", 'local s = "x" while true do s = s .. s end',
  "--max-memory", "100M")
attempt("tables", "not enough memory", 'local t = {} while true do t = { t, {}, {} } end',
  "--max-memory", "100M")
attempt("memory errors caught", "not enough memory",
  [[local keep = {}
local function eat() while true do keep[#keep + 1] = ("x"):rep(1000) .. #keep end end
for _ = 1, 5 do pcall(eat) end
eat()]], "--max-memory", "50M")
attempt("the engine's arrays", "are left of the", 'local t = {} while true do t[#t + 1] ='
  .. ' dam.zeros(1 << 20) end', "--max-memory", "100M")
attempt("recursion", "stack overflow", 'local function f() return 1 + f() end f()')
local PATTERN = '("a?"):rep(40) .. ("a"):rep(40)'
for name, call in pairs { find = ":find(%s)", match = ":match(%s)", gmatch = ":gmatch(%s)()",
  gsub = ":gsub(%s, '')" } do
  attempt("a pattern for " .. name, "pattern too complex: the sandbox gave up",
    'print(("a"):rep(39)' .. call:format(PATTERN) .. ")")
end
attempt("a plain text to be found", "pattern too complex: the sandbox gave up",
  'print((("a"):rep(1 << 20)):find(("a"):rep(1 << 19) .. "b", 1, true))')
attempt("a pattern that nests", "pattern too complex",
  'print(("a"):rep(300):find(("(a"):rep(30) .. (".-"):rep(300) .. (")"):rep(30)))')

t.test("at least 60 attempts, and nothing outside has changed", function()
  t.ok(attempts >= 60, attempts .. " attempts")
  t.equal(child.read(OUTSIDE .. "/secret.txt"), SECRET)
  local _, names = child.shell("ls " .. child.quote(OUTSIDE))
  t.equal(names, "array.npy\nevil.lua\nsecret.txt\n")
  t.equal(child.read(IN .. "/data.txt"), "data\n")
  local _, mine = child.shell("ls " .. child.quote(IN))
  t.equal(mine, "data.txt\nhelper.lua\nlink.txt\nlinked\npipe\nscript.lua\nsub\n")
end)

t.test("a race of links: what was checked is what is opened", function()
  local code = [[
for i = 1, 20000 do
  local ok, f = pcall(io.open, "swap/secret.txt")
  if ok and f then
    print(f:read "a")
    f:close()
  end
end
print "done"]]
  assert(os.execute(("mkdir -p '%s/real' && echo fine >'%s/real/secret.txt'"):format(IN, IN)))
  write(IN .. "/script.lua", code)
  local swapping = ("cd %s; (while [ ! -e stop ]; do ln -sfn real swap; ln -sfn ../outside swap; "
    .. "rm -f swap; mv real swap; mv swap real; done) & %s; touch stop; wait"):format(
    child.quote(IN), child.command "--sandbox" .. " script.lua")
  local _, text = child.shell(swapping)
  t.ok(text:find "done", text)
  t.ok(not text:find(SECRET, 1, true), "the secret stays outside")
end)

-- ---- what works ----

t.test("reading below the script, writing below --out, modules, results, figures", function()
  local status, text = run([[
assert(io.open("data.txt"):read "l" == "data")
for line in io.lines "data.txt" do assert(line == "data") end
assert(require "helper".value == 42 and require "helper" == require "helper")
assert(loadfile "helper.lua"().value == 42 and dofile "helper.lua".value == 42)
local f <close> = assert(io.open(OUT .. "/mine.txt", "w"))
f:write "x"
f:close()
assert(os.rename(OUT .. "/mine.txt", OUT .. "/yours.txt") and os.remove(OUT .. "/yours.txt"))
assert(not io.open "not there")
dam.zeros(3):save(OUT .. "/a.npy")
assert(#dam.load(OUT .. "/a.npy") == 3)
local sweep = require "dam.sweep"
local options = { name = "ok", file = OUT .. "/deep/ok.sqlite", hamiltonian = dam.lse(),
  alpha = { 0.2 }, T = { 0.1, 0.5 }, plan = sweep.fixed { N = 12, disorder = 2 }, equilibrate = 20,
  sample = 20, quiet = true }
local r = sweep.run(options)
assert(r.computed == 4 and sweep.run(options).computed == 0)
r:export(OUT .. "/ok.csv")
assert(getmetatable(dam.zeros(1)).__name == "dam.array")
assert(getmetatable("").__index.upper "x" == "X" and ("x"):upper() == "X")
assert(load("return dam.version")() == dam.version)
local co = coroutine.wrap(function(...) return select("#", ...) end)
assert(co(1, 2) == 2)
assert(debug.getinfo(1, "S").source == "@script.lua" and debug.traceback "x")
print "fine"]])
  t.equal(text, "fine\n")
  t.equal(status, 0)
end)

t.test("a figure is drawn, and its texts do not run programs", function()
  if not os.execute "command -v gnuplot >/dev/null" then
    return
  end
  local status, text = run([[
dam.plot { file = OUT .. "/new/f.svg", title = "`touch ESCAPED` system('touch ESCAPED')",
  points = { { x = { 1, 2 }, y = { 3, 4 }, label = "' . system('touch ESCAPED') . '" } } }]])
  t.equal(text, "")
  t.equal(status, 0)
  t.ok(child.read(OUT .. "/new/f.svg"):find "<svg", "a picture")
end)

t.test("results are those of a run without sandbox", function()
  local code = [[
local p = dam.patterns { N = 20, M = 30, disorder = 3 }
local s = dam.mh { hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.7 }, replicas = 2 }
print(s:sample(200).digest)]]
  local _, boxed = run(code)
  local _, free = child.run(IN .. "/script.lua")
  t.equal(boxed, free)
end)

t.test("os.exit ends the script from anywhere, with its status", function()
  local cases = { ["os.exit(3)"] = 3, ["os.exit(true)"] = 0, ["os.exit(false)"] = 1,
    ["pcall(os.exit, 4)"] = 4, ["coroutine.wrap(function() os.exit(5) end)()"] = 5,
    ["xpcall(os.exit, os.exit, 6)"] = 6, ["while true do pcall(os.exit, 7) end"] = 7,
    ["setmetatable({}, { __gc = function() os.exit(8) end }) collectgarbage()"] = 8 }
  for code, wanted in pairs(cases) do
    local status, text = run(code .. " print 'after'")
    t.equal(status, wanted, code)
    t.equal(text, "", code)
  end
end)

t.test("patterns mean what they mean in Lua", function()
  local code = [==[
local state = 12345
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % n + 1
end
local PIECES = { "a", "b", ".", "%a", "%d", "%s", "%W", "[ab]", "[^a]", "[a-c]", "[%d_]", "[]x]",
  "[^]]", "[a%-z]", "(", ")", "()", "%1", "%2", "%0", "%b()", "%bab", "%f[%w]", "%f[^%w]", "$",
  "^", "%.", "%%", "%", "[", "]", "[a", "%b", "%f", "\0", "%z", "-x", "é", "[%", "[^", "%S", "%x" }
local REPEATS = { "", "", "", "*", "+", "-", "?" }
local LETTERS = { "a", "b", "c", "1", "2", "_", " ", "(", ")", "x", "-", "]", "%", ".", "\0", "é" }
local REPLACEMENTS = { "x", "%0", "%1", "%2%1", "%%", "%", "%a", "<%0>", "" }
local function text(list, more, most)
  local parts = {}
  for i = 1, random(most) - 1 do
    parts[i] = list[random(#list)] .. (more and more[random(#more)] or "")
  end
  return table.concat(parts)
end
local function show(...)
  local parts = {}
  for i = 1, select("#", ...) do
    parts[i] = tostring((select(i, ...)))
  end
  parts[2] = parts[1] == "false" and parts[2]:gsub("^.-:%d+: ", "") or parts[2]
  return table.concat(parts, "|")
end
local hash, made = 0, {}
for _ = 1, 6000 do
  local s, p = text(LETTERS, nil, 14), text(PIECES, REPEATS, 6)
  local at = random(20) - 6
  made[#made + 1] = show(pcall(string.find, s, p, at))
  made[#made + 1] = show(pcall(string.find, s, p, at, true))
  made[#made + 1] = show(pcall(string.match, s, p, at))
  made[#made + 1] = show(pcall(string.gsub, s, p, REPLACEMENTS[random(#REPLACEMENTS)]))
  made[#made + 1] = show(pcall(string.gsub, s, p, { a = "1", b = 2, c = false }, random(4)))
  made[#made + 1] = show(pcall(string.gsub, s, p, function(a, b) return b or a end))
  made[#made + 1] = show(pcall(function()
    local list = {}
    for a, b in s:gmatch(p, at) do list[#list + 1] = tostring(a) .. "," .. tostring(b) end
    return table.concat(list, ";")
  end))
  made[#made + 1] = ("%q %q %d"):format(s, p, at)
end
print(table.concat(made, "\n"))]==]
  write(IN .. "/patterns.lua", code)
  local _, ours = child.run("--sandbox", IN .. "/patterns.lua")
  local _, lua = child.run(IN .. "/patterns.lua")
  os.remove(IN .. "/patterns.lua")
  t.ok(#lua > 100000, "many cases")
  if ours ~= lua then
    local a, b = ours:gmatch "[^\n]*", lua:gmatch "[^\n]*"
    local x, y
    repeat x, y = a(), b() until x ~= y
    local case
    repeat case = b() until case:find "^\""
    error(("%q in the sandbox, %q in Lua: %s"):format(x, y, case))
  end
end)

-- ---- budgets ----

--- Runs scripts beside each other; { status, seconds, text } by name.
local function run_together(scripts, limit)
  local commands, results = {}, {}
  for name, code in pairs(scripts) do
    write(folder[name .. ".lua"], code)
    commands[#commands + 1] = ("(s=$(date +%%s%%N); %s %s.lua >%s.txt 2>&1; "
      .. "echo $? $(($(date +%%s%%N) - s)) >%s.status) &"):format(
      child.command("--sandbox", "--max-time", tostring(limit)), name, name, name)
  end
  child.shell(("cd %s; %s wait"):format(child.quote(folder.path), table.concat(commands, " ")))
  for name in pairs(scripts) do
    local status, ns = child.read(folder[name .. ".status"]):match "(%d+) (%d+)"
    results[name] = { status = tonumber(status), seconds = tonumber(ns) * 1e-9,
      text = child.read(folder[name .. ".txt"]) }
  end
  return results
end

local LOOPS = {
  {
    plain = "while true do end",
    caught = "while true do pcall(function() while true do end end) end",
    move = "table.move({}, 1, math.maxinteger - 1, 2)",
    sample = [[dam.mh { hamiltonian = dam.lse(), T = 1, patterns = dam.patterns { N = 100,
      M = 20000 } }:sample(1 << 40)]],
  }, {
    finaliser = "setmetatable({}, { __gc = function() while true do end end }) collectgarbage()",
    ending = "setmetatable({}, { __gc = function() while true do end end })",
    handler = "xpcall(error, function() while true do end end)",
    pattern = [[local p = ("a?"):rep(60) .. ("a"):rep(60)
      while true do pcall(string.find, ("a"):rep(60), p) end]],
  },
}

for i, loops in ipairs(LOOPS) do
  t.test("time: every loop ends at most a tenth late, with status 1, group " .. i, function()
    local limit = 3
    loops.nothing = "return" -- what starting and ending take beside the others
    local results = run_together(loops, limit)
    local idle = results.nothing.seconds
    results.nothing = nil
    for name, r in pairs(results) do
      t.equal(r.status, 1, name)
      t.ok(r.text:find("--max-time", 1, true), name .. ": " .. r.text)
      t.ok(r.seconds - idle < 1.1 * limit, ("%s: %.2f s of %g"):format(name, r.seconds, limit))
      t.ok(r.seconds > 0.99 * limit, ("%s: %.2f s is too early"):format(name, r.seconds))
    end
  end)
end

t.test("time: what a sweep has finished is saved", function()
  local status, text = run([[
require "dam.sweep".run { name = "t", file = OUT .. "/t.sqlite", cells = { 1, 2, 3 }, quiet = true,
  run = function(cell) while cell == 3 do end return { { x = cell } } end }]], "--max-time", "1")
  t.equal(status, 1)
  t.ok(text:find("stopped after 2 of 3 rows", 1, true), text)
  local _, csv = child.run("-m", "export", OUT .. "/t.sqlite")
  t.ok(csv:find("cell,x\n1,1\n2,2\n", 1, true), csv)
end)

t.test("memory: what a script gets is what was allowed, to a tenth", function()
  if SANITIZED then
    return -- sanitizers keep more memory than they are asked for
  end
  for name, piece in pairs { strings = '("x"):rep(5000) .. #t', tables = "{ #t, 1, 2 }",
    arrays = "dam.zeros(10000)", mixed = "{ dam.zeros(500), ('y'):rep(3000) .. #t }" } do
    -- the largest resident size of the process; that of a script which does nothing is taken off
    local function peak(text)
      write(IN .. "/script.lua", text)
      local _, said = child.shell(("cd %s && python3 -c 'import resource, subprocess, sys; "
        .. "subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL); "
        .. "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' %s script.lua"):format(
        child.quote(IN), child.command("--sandbox", "--max-memory", "120M")))
      return tonumber(said:match "(%d+)%s*$")
    end
    local idle = peak "local x = 1"
    local used = peak("local t = {} while true do t[#t + 1] = " .. piece .. " end") - idle
    t.near(used / 1024, 120, 12, name .. ", MiB")
  end
end)

-- ---- the command line ----

t.test("options that make no sense are errors", function()
  for _, case in ipairs {
    { "--out", "x", "-e", "", says = "--out means something with --sandbox only" },
    { "--max-time", "3", "-e", "", says = "--max-time means something with --sandbox only" },
    { "--sandbox", "--max-time", "soon", "-e", "", says = "--max-time: 'soon' is not allowed" },
    { "--sandbox", "--max-memory", "12X", "-e", "", says = "--max-memory: '12X' is not allowed" },
    { "--sandbox", "--max-memory", "1K", "-e", "", says = "--max-memory: '1K' is not allowed" },
    { "--sandbox", "--out", "/", "-e", "", says = "--out: / is every file there is" },
    { "--sandbox", "--read", "/no/such", "-e", "", says = "/no/such is not a folder" },
  } do
    local status, text = child.run(table.unpack(case))
    t.equal(status, 1)
    t.ok(text:find(case.says, 1, true), text)
  end
end)

t.test("-e, --read and --results", function()
  local status, text = child.shell(("cd %s && %s"):format(child.quote(OUT),
    child.command("--sandbox", "--read", IN, "-e", ("print(io.open(%q):read())"):format(
      IN .. "/data.txt"))))
  t.equal(text, "data\n")
  t.equal(status, 0)
  status, text = run([[
require "dam.sweep".run { name = "n", file = "/nowhere/n.sqlite", cells = { 1 }, quiet = true,
  run = function() return { { x = 1 } } end }]], "--results", OUT .. "/kept")
  t.equal(text, "")
  t.equal(status, 0)
  t.ok(io.open(OUT .. "/kept/n.sqlite"), "kept where it was asked")
end)

t.finish()
