-- help() and the documentation behind it: nothing is without help, what it says of options and
-- fields is what the program allows, and every example runs.
local t = require "support"
local sandbox = require "sandbox"

package.path = "docs/generate/?.lua;" .. package.path -- the program itself has only what help needs
local help = require "dam.help"
local entries = require "dam.help.data"

local by_name = {}
for _, e in ipairs(entries) do
  by_name[e.kind == "class" and "class " .. e.name or e.name] = e
end

local function output(topic, width)
  return help.text(topic, width)
end

-- ---- nothing is without help ----

local MODULES = { "dam.check", "dam.format", "dam.help", "dam.json", "dam.npz", "dam.oracle",
  "dam.stats", "dam.sweep" }

--- `instead` is a hook of the sweep's verbs; `last` keeps what dam.options read.
local HOOKS = { ["dam.sweep.instead"] = true }

local function assert_documented(name, value)
  local e = by_name[name]
  if type(value) == "function" then
    t.ok(e and e.kind == "function", "help for " .. name)
  else
    t.ok(e, "help for " .. name)
  end
end

t.test("every function and module of dam has help", function()
  local fields = {}
  for _, p in ipairs(by_name["dam"].fields) do
    fields[p.name] = true
  end
  local count = 0
  for name, value in pairs(dam) do
    if type(value) == "function" or package.loaded["dam." .. name] == value then
      assert_documented("dam." .. name, value)
      count = count + 1
    else
      t.ok(fields[name], "a documented field dam." .. name)
    end
  end
  t.ok(count >= 20, "functions found")
end)

t.test("every function of the library's modules has help", function()
  local count = 0
  for _, module in ipairs(MODULES) do
    for name, value in pairs(require(module)) do
      if type(value) == "function" and not HOOKS[module .. "." .. name] then
        assert_documented(module .. "." .. name, value)
        count = count + 1
      end
    end
  end
  t.ok(count >= 30, "functions found")
end)

local p = dam.patterns { N = 8, M = 4, disorder = 2 }
local s = dam.mh { hamiltonian = dam.lse(), patterns = p, T = { 0.3, 0.5 }, replicas = 2 }
local view
s:sample(1, { observe = function(v) view = v end })

--- One object of every class of the engine.
local objects = {
  array = dam.zeros(2), patterns = p, hamiltonian = dam.lse(), sampler = s, result = s:sample(1),
  view = view, theory = dam.theory(dam.lse()),
  descent = dam.descend { hamiltonian = dam.lse(), patterns = p },
}

--- The methods of a userdata, wherever its class keeps them.
local function methods_of(object)
  local meta = debug.getmetatable(object)
  local methods = rawget(meta, "methods")
  if not methods then
    methods = type(meta.__index) == "table" and meta.__index or select(2,
      debug.getupvalue(meta.__index, 1))
  end
  return methods
end

t.test("every class of the engine is looked at", function()
  local internal = { ["dam.store"] = true, ["dam.store.statement"] = true,
    ["dam.observation"] = true }
  for name, meta in pairs(debug.getregistry()) do
    if type(name) == "string" and name:find "^dam%." and type(meta) == "table" and meta.__name then
      t.ok(internal[name] or objects[name:match "^dam%.(.*)$"], "an object of the class " .. name)
    end
  end
end)

for class, object in pairs(objects) do
  local e = by_name["class " .. class]
  t.test("every method and field of " .. class .. " has help", function()
    t.ok(e, "help for the class")
    t.ok(output(object):find("^dam%." .. class .. "\n"), "help(object)")
    local documented, count = {}, 0
    for name in pairs(methods_of(object)) do
      t.ok(by_name[class .. ":" .. name], "help for " .. class .. ":" .. name)
      documented[name] = true
      count = count + 1
    end
    t.ok(count > 0, "methods found")
    for _, field in ipairs(e.fields or {}) do
      t.ok(not documented[field.name], field.name .. " once")
      documented[field.name] = true
    end
    local _, message = pcall(function() return object.no_such_field_1 end)
    local names = tostring(message):match "%(fields: (.*)%)"
    if class ~= "view" then -- which is over
      for name in names:gmatch "[^, ]+" do
        t.ok(documented[name], ("%s.%s has help"):format(class, name))
        documented[name] = nil
      end
      t.equal(next(documented), nil, "documented, but not there")
    end
  end)
end

t.test("what a class's help lists as fields can be read", function()
  for class, object in pairs(objects) do
    for _, field in ipairs(by_name["class " .. class].fields or {}) do
      if class ~= "view" then
        t.ok(field.opt or object[field.name] ~= nil, class .. "." .. field.name)
      end
    end
  end
end)

t.test("every verb and every switch has help", function()
  local pipe = assert(io.popen "ls stdlib/dam/verb")
  local count = 0
  for name in pipe:read("a"):gmatch "(%w+)%.lua" do
    local e = by_name["-m " .. name]
    t.ok(e and e.signature:find("damlua -m " .. name, 1, true) == 1, "help for -m " .. name)
    count = count + 1
  end
  pipe:close()
  t.ok(count >= 7, "verbs found")
  local _, usage = sandbox.run("--help")
  for switch in usage:gmatch "\n  (%-%-?%a[%w-]*)" do
    t.ok(output(switch):find(switch, 1, true), "help for " .. switch)
  end
  t.equal(output "--threads", "damlua --threads N\n\nthreads of parallel work")
  t.equal(output "--strict", "damlua --strict\n\nusing an undefined global is an error")
end)

t.test("every entry says what it takes and shows an example", function()
  for _, e in ipairs(entries) do
    if e.kind ~= "switch" and e.kind ~= "module" and e.kind ~= "verb" then
      t.ok(e.usage and e.usage ~= "", e.name .. ": an example")
    end
    t.ok(#e.summary > 0 and #e.text > 0, e.name .. ": a text")
    for _, parameter in ipairs(e.params or {}) do
      t.ok(#parameter.text > 0 or parameter.type ~= "any", e.name .. ": " .. parameter.name)
    end
  end
end)

-- ---- what it says is what the program allows ----

--- Functions that take options, and how to call them with a table.
local takers = {}
for _, name in ipairs { "lse", "lsr", "polynomial", "patterns", "mh", "descend", "plot" } do
  takers["dam." .. name] = dam[name]
end
local sweep = require "dam.sweep"
takers["dam.sweep.adaptive"], takers["dam.sweep.fixed"] = sweep.adaptive, sweep.fixed
takers["dam.theory"] = function(o) return dam.theory(dam.lse(), o) end
takers["dam.gram_entropy"] = function(o)
  return dam.gram_entropy({ 0.1 }, dam.array { { 1 } }, o)
end
takers["dam.stats.bootstrap"] = function(o)
  return dam.stats.bootstrap(function(x) return x[1] end, { 1, 2 }, o)
end
takers["sampler:sample"] = function(o) return s:sample(1, o) end
takers["sampler:finish"] = function(o) return s:finish(o) end
local th = objects.theory
for _, name in ipairs { "u", "phi", "f_ret", "alpha_c", "T_c" } do
  takers["theory:" .. name] = function(o) return th[name](th, 0.5, o) end
end
for _, name in ipairs { "alpha_th", "T_max" } do
  takers["theory:" .. name] = function(o) return th[name](th, o) end
end
takers["theory:f"] = function(o) return th:f(0.5, 0.2, 0.5, o) end
takers["theory:phase"] = function(o) return th:phase(0.1, 0.5, o) end

t.test("the options of every function are those it allows", function()
  for _, e in ipairs(entries) do
    local documented = help.options(e.name)
    if #documented > 0 and e.name ~= "dam.sweep.run" and e.name ~= "dam.format.table" then
      t.ok(takers[e.name], "a call of " .. e.name)
      local ok, message = pcall(takers[e.name], { no_such_option_1 = 1 })
      local names = not ok and message:match "%(options: (.*)%)"
      t.ok(names, e.name .. " lists its options: " .. tostring(message))
      local allowed = {}
      for name in names:gmatch "[^, ]+" do
        allowed[name] = true
      end
      for _, name in ipairs(documented) do
        t.ok(allowed[name], ("%s takes %s"):format(e.name, name))
        allowed[name] = nil
      end
      t.equal(next(allowed), nil, e.name .. ": an option without help")
    end
  end
end)

t.test("the options of sweep.run are those of both forms", function()
  local documented = {}
  for _, name in ipairs(help.options "dam.sweep.run") do
    documented[name] = true
  end
  local allowed = {}
  for _, form in ipairs { "grid", "cells" } do
    for _, name in ipairs(require("dam.sweep." .. form).keys) do
      t.ok(documented[name], "help for " .. name)
      allowed[name] = true
    end
  end
  for name in pairs(documented) do
    t.ok(allowed[name], name .. " is an option")
  end
end)

t.test("words that an option allows are those that it takes", function()
  local function call(name, option, word)
    return pcall(takers[name], { hamiltonian = dam.lse(), patterns = p,
      T = name == "dam.mh" and 0.3 or nil, [option] = word })
  end
  local function told(name, option)
    local _, message = call(name, option, "no such word")
    local words = {}
    for word in (message:match "one of (.*)$" or ""):gmatch "[^, ]+" do
      words[#words + 1] = word
    end
    return table.concat(words, " ")
  end
  for name, options in pairs { ["dam.mh"] = { "evaluation" }, ["dam.descend"] = { "rule" } } do
    for _, option in ipairs(options) do
      local words = help.enum(name, option)
      t.ok(#words > 0, name .. " " .. option)
      for _, word in ipairs(words) do
        t.ok(call(name, option, word), ("%s{ %s = %q }"):format(name, option, word))
      end
      t.ok(not call(name, option, "no such word"), "others are refused")
    end
  end
  t.equal(table.concat(help.enum("dam.descend", "rule"), " "), told("dam.descend", "rule"))
  local init = {}
  for _, word in ipairs(help.enum("dam.mh", "init")) do
    init[word] = true
  end
  for word in told("dam.mh", "init"):gmatch "%S+" do
    t.ok(init[word], "init = " .. word)
    init[word] = nil
  end
  t.equal(next(init), nil, "documented, but not allowed")
  t.equal(table.concat(help.options("dam.mh", "init"), " "), "phi pattern mix")
  t.equal(table.concat(help.enum("dam.mh", "init.phi"), " "), "support")
  t.equal(#help.options("dam.mh", "seed"), 0)
  t.equal(#help.options "no such function", 0)
  for _, word in ipairs(help.enum("theory:alpha_c", "which")) do
    dam.theory(dam.lse(), { law = "exact", which = word })
  end
  for _, word in ipairs(help.enum("dam.theory", "law")) do
    dam.theory(dam.lse(), { law = word })
  end
end)

-- ---- what it shows ----

t.test("a function by its value, its name and its short name", function()
  local text = output(dam.mh)
  t.equal(output "mh", text)
  t.equal(output "dam.mh", text)
  t.equal(output "DAM.MH", text)
  for _, part in ipairs { "hamiltonian", "default 2.4", '"reference"', "-> sampler", "Errors",
    "B(7)", "Example\n  s = dam.mh{" } do
    t.ok(text:find(part, 1, true), "it shows " .. part)
  end
end)

t.test("methods by their class, in any spelling, and by the value", function()
  local text = output "sampler:sample"
  for _, name in ipairs { "Sampler:sample", "dam.sampler:sample", "sampler.sample", "sample" } do
    t.equal(output(name), text)
  end
  t.equal(output(s.sample), text)
  t.equal(output "stats.mean", output "dam.stats.mean")
  t.equal(help.options "sweep.run"[1], "name")
  t.equal(output(dam.zeros(2).slice), output "array:slice")
end)

t.test("a value shows its class and its methods", function()
  local text = output(s)
  t.ok(text:find("sampler:set_T", 1, true) and text:find("steps: integer", 1, true), text)
  t.ok(output(sweep.fixed { N = 5 }):find("plan:table", 1, true), "a plan")
  t.ok(output(dam.stats):find("dam.stats.jackknife", 1, true), "a module")
  t.ok(output(objects.result:table()):find("table:csv", 1, true), "a table of results")
end)

t.test("an option by the name of its function", function()
  for _, topic in ipairs { "mh replicas", "dam.mh replicas", "dam.mh.replicas", "dam.mh{ replicas" }
  do
    t.ok(output(topic):find("replicas: integer, default 1", 1, true), topic)
  end
  t.ok(output "dam.mh init":find("mix", 1, true), "options within")
end)

t.test("search ranks what is about the word first", function()
  local found = help.search "temperature"
  local place = {}
  for i, name in ipairs(found) do
    place[name] = i
  end
  t.ok(place["theory:T_c"] and place["theory:T_c"] <= 3, "theory:T_c at the top")
  t.ok(place["dam.mh"] and place["sampler:set_T"], "the sampler's temperatures")
  t.ok(not place["dam.clock"], "nothing else")
  t.ok(output "temperature":find("theory:T_c", 1, true), "and help shows it")
  t.equal(help.search "binning error"[1], "dam.stats.binning", "all words count")
  t.equal(#help.search "xyzzy", 0)
  t.equal(help.search "A(35)"[1], "theory:alpha_c", "equations")
  t.equal(help.search "B(7)"[1], "dam.mh")
  t.ok(output "temperature":find("T: temperatures", 1, true), "the option that speaks of it")
end)

t.test("names nearly right are answered with the right one", function()
  t.ok(output "mhh":find('help "mh"', 1, true), output "mhh")
  t.ok(output "dam.patern":find('help "dam.patterns"', 1, true), output "dam.patern")
  t.ok(output "sampler:sampel":find('sampler:sample', 1, true), output "sampler:sampel")
  t.ok(output "temperatur":find("theory:T_c", 1, true), "the beginning of a word")
  t.ok(output "tempreature":find('help "temperature"', 1, true), output "tempreature")
  t.equal(output "", output(nil))
end)

t.test("Lua's own functions are told apart", function()
  t.ok(output(string.format):find("pdf-string.format", 1, true), output(string.format))
  t.ok(output(print):find("manual", 1, true), output(print))
  t.ok(output(function() end):find("No help for this function", 1, true), "a stranger")
  t.ok(output(5):find("No help for this number", 1, true), "a number")
  t.ok(output {}:find("No help for this table", 1, true), "a table")
end)

t.test("nothing is wider than the terminal, but examples", function()
  for _, width in ipairs { 40, 64, 100 } do
    for _, e in ipairs(entries) do
      local text = output(e.name, width):gsub("\nExample.*", "")
      for line in (text .. "\n"):gmatch "(.-)\n" do
        local long = utf8.len(line) > width and line:find "%S%s+%S" and not line:find "^  %S+  "
        t.ok(not long, ("%s at %d: %q"):format(e.name, width, line))
      end
    end
  end
end)

t.test("help is a global of damlua, prints, and needs nothing loaded", function()
  local status, text = sandbox.run("-e", "help()")
  t.equal(status, 0)
  t.ok(text:find("help(dam.mh)", 1, true), text)
  status, text = sandbox.run("--strict", "-e", 'help(dam.lse) help "sampler:run" help(dam)')
  t.equal(status, 0)
  t.ok(text:find("dam.lse{ [beta_net = 1] } -> hamiltonian", 1, true), text)
  t.ok(text:find("damlua -m NAME", 1, true), text)
  status, text = sandbox.run("-m", "help", "mh", "replicas")
  t.equal(status, 0)
  t.ok(text:find("replicas: integer, default 1", 1, true), text)
  status, text = sandbox.run("-e", "help(no_such_name)")
  t.equal(status, 0)
  t.ok(text:find("nil", 1, true), text)
end)

-- ---- every example runs ----

--- In a process of its own where that is quick; sanitizers make starting slow.
local alone = not dam.build.type:find("+", 1, true)

local function run_example(e)
  if alone then
    local folder <close> = sandbox.folder()
    local f = assert(io.open(folder.example, "w"))
    f:write(e.usage, "\n")
    f:close()
    local status, text = sandbox.shell(("cd %s && %s --quiet --strict example"):format(folder.path,
      sandbox.command():gsub("^'([^/])", "'" .. os.getenv "PWD" .. "/%1")))
    t.equal(status, 0, text)
    local _, left = sandbox.shell("ls " .. folder.path)
    t.equal(left, "example\n", "files in the folder")
  else
    local environment = setmetatable({ print = function() end, arg = { [0] = "example" } },
      { __index = _G })
    assert(load(e.usage, "=" .. e.name, "t", environment))()
  end
end

for _, e in ipairs(entries) do
  if e.usage then
    t.test("the example of " .. e.name .. " runs", function()
      run_example(e)
    end)
  end
end

t.finish()
