--- dam.so in a stock lua5.4.
local t = require "support"

local folder = arg[-1]:match "^(.*)/" or "."
local module = io.open(folder .. "/dam.so")
if dam.build.type:find("+", 1, true) or not module or not os.execute "command -v lua5.4 >/dev/null"
then
  print "skipped: needs lua5.4 and dam.so without sanitizers"
  os.exit(77)
end
module:close()

local function run(environment, code)
  local command = "LUA_CPATH='%s/?.so' %s lua5.4 -e '%s' 2>&1; echo \" $?\""
  local p = assert(io.popen(command:format(folder, environment, code)))
  local output, status = p:read("a"):match "^(.*) (%d+)\n$"
  p:close()
  return output, tonumber(status)
end

t.test("loads, answers, and leaves with status 0", function()
  local code = [[local dam = require "dam" print(dam.version, dam.config.device)]]
  local output, status = run("", code)
  t.equal(output, ("0.1.0\t%s\n"):format(os.getenv "DAMLUA_DEVICE" or "auto"))
  t.equal(status, 0)
end)

t.test("obeys the environment", function()
  t.equal((run("DAMLUA_THREADS=3", [[print(require "dam".threads())]])), "3\n")
  local output, status = run("DAMLUA_DEVICE=gpu", [[require "dam"]])
  t.ok(output:find("device 'gpu' is unknown", 1, true), output)
  t.equal(status, 1)
end)

t.test("its modules may be asked for first", function()
  local output, status = run("", [[print(type(require "dam.sweep".run), type(require "dam".mh))]])
  t.equal(output, "function\tfunction\n")
  t.equal(status, 0)
end)

t.test("the standard library comes with it", function()
  local output = run("", [[require "dam" require "dam.verb.info" ()]])
  t.ok(output:find("damlua      0.1.0", 1, true), output)
end)

t.test("help is a module there", function()
  local output, status = run("", [[require "dam.help" "lse"]])
  t.ok(output:find("dam.lse{ [beta_net = 1] } -> hamiltonian", 1, true), output)
  t.equal(status, 0)
end)

t.test("is never unloaded", function()
  local p = assert(io.popen("readelf -d " .. folder .. "/dam.so"))
  t.ok(p:read("a"):find "NODELETE", "linked -z nodelete")
  p:close()
end)

t.finish()
