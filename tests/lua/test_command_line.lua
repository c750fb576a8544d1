--- The command line: options, exit statuses, messages, and where `require` looks.
local t = require "support"

local damlua = arg[-1]
local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir -p " .. folder .. "/sub"))

local function write(name, text)
  local f = assert(io.open(folder .. "/" .. name, "wb"))
  f:write(text)
  f:close()
end

--- Runs a shell command in which DAMLUA stands for the program; its output (both streams) and its
-- exit status.
local function run(command)
  command = command:gsub("%f[%w_]DAMLUA%f[^%w_]", function() return damlua end)
  local p = assert(io.popen("cd " .. folder .. " && { " .. command .. "; } 2>&1; echo \" $?\""))
  local text = p:read("a")
  p:close()
  local output, status = text:match("^(.*) (%d+)\n$")
  return output, tonumber(status)
end

if not damlua:find("^/") then
  local p = io.popen("pwd")
  damlua = p:read("l") .. "/" .. damlua
  p:close()
end

local function says(command, status, ...)
  local output, found = run(command)
  for _, text in ipairs { ... } do
    if not output:find(text, 1, true) then
      error(string.format("%s\nprinted %q,\nwanted %q", command, output, text), 2)
    end
  end
  t.equal(found, status, command .. ": status")
  return output
end

t.test("-e and -l run in order, and arguments reach the script", function()
  t.equal(run "DAMLUA -e 'x = 1' -l s=string -e 'print(x, s == string)'", "1\ttrue\n")
  write("a.lua", "print(arg[0], arg[1], arg[2], #arg, ...)")
  t.equal(run "DAMLUA a.lua u -e", "a.lua\tu\t-e\t2\tu\t-e\n")
  t.equal(run "DAMLUA -e 'y = 2' -- a.lua v", "a.lua\tv\tnil\t1\tv\n")
  t.equal(run "DAMLUA -e 'print(arg[0] ~= nil)'", "true\n")
  t.equal(run [[DAMLUA -e"print(7)"]], "7\n")
end)

t.test("standard input is a script", function()
  t.equal(run "echo 'print(1, ...)' | DAMLUA", "1\n")
  t.equal(run "echo 'print(1, ...)' | DAMLUA - a b", "1\ta\tb\n")
end)

t.test("version and help", function()
  for _, option in ipairs { "-v", "--version" } do
    says("DAMLUA " .. option, 0, "damlua " .. dam.version)
  end
  says("DAMLUA -v -e 'print(5)'", 0, "damlua " .. dam.version, "5\n")
  says("DAMLUA -v --quiet -e ''", 0, "damlua " .. dam.version)
  t.equal(run "DAMLUA -i --quiet </dev/null", "")
  local help = says("DAMLUA --help", 0, "usage: damlua")
  for _, option in ipairs { "-e", "-l", "-i", "-m", "--device", "--threads", "--strict",
    "--traceback", "--quiet", "--dry-run", "--fresh", "--shard" } do
    t.ok(help:find("\n  " .. option, 1, true), "help lists " .. option)
  end
end)

t.test("mistakes on the command line are errors that name what was meant", function()
  says("DAMLUA --strcit", 1, "'--strcit'", "did you mean '--strict'")
  says("DAMLUA -x", 1, "unknown option '-x'")
  says("DAMLUA --nothing-like-it", 1, "unknown option '--nothing-like-it'")
  says("DAMLUA -e", 1, "'-e' needs an argument")
  says("DAMLUA -l", 1, "'-l' needs an argument")
  says("DAMLUA --device", 1, "'--device' needs an argument")
  says("DAMLUA --quiet=yes", 1, "'--quiet' takes no value")
  says("DAMLUA --threads 0", 1, "--threads: '0' is not allowed", "1 to 1024")
  says("DAMLUA --threads 1025 -e ''", 1, "1025")
  says("DAMLUA --threads=2x -e ''", 1, "2x")
  says("DAMLUA --shard 3/2 -e ''", 1, "--shard: '3/2'")
  says("DAMLUA --shard 0/2 -e ''", 1, "'0/2'")
  says("DAMLUA --shard 1 -e ''", 1, "i/n")
end)

t.test("options of later versions are refused, not ignored", function()
  for _, option in ipairs { "--sandbox", "--out x", "--max-memory 1G", "--max-time=3" } do
    says("DAMLUA " .. option .. " -e 'print \"ran\"'", 1, "not available in this version")
  end
end)

t.test("devices: named ones that are unknown or missing are errors", function()
  says("DAMLUA --device gpu -e ''", 1, "device 'gpu' is unknown")
  says("DAMLUA --device cuda:x -e ''", 1, "unknown")
  says("DAMLUA_DEVICE=gpu DAMLUA -e ''", 1, "DAMLUA_DEVICE", "'gpu'")
  says("DAMLUA --device cpu -e 'print(dam.config.device)'", 0, "cpu")
  says("DAMLUA_DEVICE=cpu DAMLUA -e 'print(dam.config.device)'", 0, "cpu")
  says("DAMLUA_DEVICE=gpu DAMLUA --device=auto -e 'print(dam.config.device)'", 0, "auto")
  says("DAMLUA_DEVICE= DAMLUA -e 'print(dam.config.device)'", 0, "auto")
  local why = {}
  for _, d in ipairs(dam.devices()) do
    why[d.name] = d.why
    t.equal(d.usable, d.why == "", d.name .. " is usable or says why not")
    t.ok(d.live >= 0 and d.memory >= 0, d.name .. ": bytes")
    if d.usable then
      says("DAMLUA --device " .. d.name .. " -e 'print(dam.config.device)'", 0, d.name)
    else
      says("DAMLUA --device " .. d.name .. " -e ''", 1, "'" .. d.name .. "' is not available",
        d.why)
    end
  end
  t.ok(why["cuda:0"] and why["cuda-on-cpu"], "CUDA is listed, usable or not")
  if why["cuda:0"] ~= "" then
    says("DAMLUA --device cuda -e ''", 1, "'cuda' is not available", why["cuda:0"])
  end
  says("DAMLUA --device cuda:63 -e ''", 1, "'cuda:63' is not available")
end)

t.test("threads come from option, then environment", function()
  says("DAMLUA --threads 3 -e 'print(dam.threads())'", 0, "3")
  says("DAMLUA_THREADS=2 DAMLUA -e 'print(dam.threads(), dam.config.threads)'", 0, "2\t2")
  says("DAMLUA_THREADS=2 DAMLUA --threads=1 -e 'print(dam.threads())'", 0, "1")
  says("DAMLUA_THREADS=many DAMLUA -e ''", 1, "DAMLUA_THREADS", "'many'")
end)

t.test("the configuration is readable", function()
  local show = "'local c = dam.config print(c.quiet, c.dry_run, c.fresh, " ..
    "c.shard and c.shard[1], c.shard and c.shard[2])'"
  says("DAMLUA -e " .. show, 0, "false\tfalse\tfalse\tnil\tnil")
  says("DAMLUA --quiet --dry-run --fresh --shard 2/5 -e " .. show, 0, "true\ttrue\ttrue\t2\t5")
end)

t.test("files: missing, folder, bytecode, byte order mark, #! line, CRLF", function()
  says("DAMLUA nosuch.lua", 1, "damlua: cannot open nosuch.lua")
  says("DAMLUA sub", 1, "sub", "directory")
  write("code.lua", string.dump(load "print 'ran'"))
  t.ok(not says("DAMLUA code.lua", 1, "code.lua is compiled bytecode"):find "ran", "refusal")
  write("dos.lua", "\xEF\xBB\xBF#!/usr/bin/env damlua\r\nprint('fine')\r\n")
  t.equal(run "DAMLUA dos.lua", "fine\n")
  write("syntax.lua", "x = = 1")
  says("DAMLUA syntax.lua", 1, "damlua: syntax.lua:1:")
end)

t.test("errors: message first, then the user's own frames", function()
  write("deep.lua", "local function inner()\n  dam.lse{ betanet = 1 }\nend\n" ..
    "function outer()\n  inner()\nend\nouter()\n")
  local output = says("DAMLUA deep.lua", 1, "deep.lua:2: in ", "deep.lua:5: in function 'outer'",
    "deep.lua:7: in main chunk")
  t.equal(output:find("damlua: deep.lua:2: dam.lse: unknown option 'betanet'", 1, true), 1)
  t.ok(not output:find("[C]", 1, true), "no C frames")
  says("DAMLUA --traceback deep.lua", 1, "[C]: in function 'dam.", "lse'")
end)

t.test("any error value is reported", function()
  says("DAMLUA -e 'error()'", 1, "(error object is a nil value)")
  says("DAMLUA -e 'error {}'", 1, "(error object is a table value)")
  says("DAMLUA -e 'error(42)'", 1, "damlua: 42")
  local object = "setmetatable({}, { __tostring = function() %s end })"
  says("DAMLUA -e 'error(" .. object:format 'return "told"' .. ")'", 1, "damlua: told")
  says("DAMLUA -e 'error(" .. object:format 'error "inner"' .. ")'", 1, "inner")
  says("DAMLUA -e 'error(" .. object:format 'return nil' .. ")'", 1, "__tostring")
  says("DAMLUA -e 'local function f() return 1 + f() end f()'", 1, "stack overflow", "skipping")
end)

t.test("the state is closed at every end", function()
  local object = "x = setmetatable({}, { __gc = function() print 'closed' end }) "
  for code, status in pairs { ["x = 1"] = 0, ["error 'no'"] = 1, ["os.exit(3)"] = 3,
    ["os.exit(true)"] = 0, ["os.exit(false)"] = 1,
    ["coroutine.wrap(function() os.exit(4) end)()"] = 4 } do
    says("DAMLUA -e \"" .. object .. "y = 1 " .. code .. "\"", status, "closed")
  end
  says("DAMLUA -e \"x = setmetatable({}, { __gc = function() error 'late' end })\"", 0, "late")
end)

t.test("output that cannot be written", function()
  local closed = "x = setmetatable({}, { __gc = function() io.stderr:write 'closed' end }) "
  local output = run("DAMLUA -e \"" .. closed .. "while true do print 'line' end\" | head -n 1")
  t.ok(output == "line\nclosed" or output == "closedline\n", "a broken pipe ends a script quietly")
  says("DAMLUA -e 'print(1)' > /dev/full", 1, "cannot write standard output")
  says("DAMLUA -e 'local p = io.popen(\"true\", \"w\") os.execute \"sleep 0.2\" " ..
    "repeat local ok = p:write((\"x\"):rep(9999)) until not ok print \"goes on\"'", 0, "goes on")
end)

t.test("--strict", function()
  says("DAMLUA --strict -e 'prnt(1)'", 1, "undefined global 'prnt'; did you mean 'print'?")
  says("DAMLUA --strict -e 'x = 1 print(x)'", 0, "1")
  says("DAMLUA --strict -e 'print(rawget(_G, \"y\"))'", 0, "nil")
  says("DAMLUA -e 'print(y)'", 0, "nil")
end)

t.test("require: beside the script, then the standard library, then LUA_PATH", function()
  os.execute("mkdir -p " .. folder .. "/sub/inner " .. folder .. "/path " .. folder .. "/dam")
  write("mod.lua", "return 'working directory'")
  write("sub/mod.lua", "return 'beside'")
  write("sub/inner/init.lua", "return 'package'")
  write("path/mod.lua", "return 'path'")
  write("path/far.lua", "return 'far'")
  write("dam/init.lua", "error 'wrong dam'")
  os.execute("mkdir -p " .. folder .. "/dam/verb")
  write("dam/verb/info.lua", "return function() print 'shadow' end")
  write("sub/s.lua", "print((require 'mod'), (require 'inner'), (require 'far'))")
  local path = "LUA_PATH='" .. folder .. "/path/?.lua;;' "
  t.equal(run(path .. "DAMLUA sub/s.lua"), "beside\tpackage\tfar\n")
  t.equal(run(path .. "DAMLUA -e 'print((require \"mod\"))'"), "working directory\n")
  says(path .. "DAMLUA -e 'print(require \"dam\" == dam)'", 0, "true")
  write("sub/v.lua", "require 'dam.verb.info' ()")
  says("DAMLUA sub/v.lua", 0, "damlua      " .. dam.version)
  write("sub/bad.lua", "return = 1")
  says("DAMLUA -e 'package.path = \"\"' -l none", 1, "module 'none' not found")
  write("sub/t.lua", "require 'bad'")
  says("DAMLUA sub/t.lua", 1, "error loading module 'bad'", "sub/bad.lua:1:")
end)

t.test("verbs", function()
  os.remove(folder .. "/dam/verb/info.lua")
  says("DAMLUA -m info", 0, "compiler", "glibc", "GSL", "SQLite", "readline", "cpu", "cuda:0")
  says("DAMLUA -m inof", 1, "unknown verb 'inof'; did you mean 'info'?", "verbs: ")
  says("DAMLUA -m info more", 1, "damlua: info takes no arguments")
  says("DAMLUA -m", 1, "'-m' needs an argument")
end)

t.test("-i takes lines from anywhere, and keeps the globals of a failed script", function()
  write("fails.lua", "kept = 42 error 'broken'")
  says("echo kept | DAMLUA -i fails.lua", 0, "broken", "42\n")
  says("printf 'x = 20\\nx +\\n22\\n_ * 2\\n' | DAMLUA -i --quiet", 0, "42\n84\n")
end)

t.test("instruction sets: unknown ones are errors", function()
  if dam.isa() ~= "scalar" then
    says("DAMLUA_ISA=mmx DAMLUA -e ''", 1, "DAMLUA_ISA", "'mmx'")
  end
  says("DAMLUA_ISA=scalar DAMLUA -e 'print(dam.isa())'", 0, "scalar")
end)

os.execute("rm -rf " .. folder)
t.finish()
