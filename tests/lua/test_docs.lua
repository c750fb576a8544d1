-- What the documentation says runs: every Lua snippet as it stands, each in a process and a folder
-- of its own; the steps of the map of your own; the scripts of the cookbook. What is made from the
-- docstrings is up to date.
local t = require "support"
local sandbox = require "sandbox"

local root = select(2, sandbox.shell "pwd"):gsub("\n", "")
local program = sandbox.program:find "^/" and sandbox.program or root .. "/" .. sandbox.program

local function write(path, text)
  local f <close> = assert(io.open(path, "w"))
  f:write(text)
end

--- Runs shell text in a folder, with `damlua` on the path.
local function shell(folder, text)
  return sandbox.shell(("cd %s && PATH=%s:$PATH && %s"):format(sandbox.quote(folder.path),
    sandbox.quote(program:match "^(.*)/"), text))
end

local function run_snippet(snippet)
  local folder <close> = sandbox.folder()
  write(folder["snippet.lua"], snippet)
  local status, shown = shell(folder, "damlua --quiet --strict snippet.lua"
    .. (snippet:find("quick", 1, true) and " --quick" or ""))
  t.equal(status, 0, shown)
  t.ok(#shown > 0 or snippet:find "assert", "something shown or checked")
end

for _, name in ipairs { "README.md", "docs/scripting.md" } do
  local text, count = sandbox.read(name), 0
  for snippet in text:gmatch "```lua\n(.-)\n```" do
    count = count + 1
    if not snippet:find "^%-%- my_map.lua" then -- which has a test of its own
      t.test(("%s, snippet %d"):format(name, count), function()
        run_snippet(snippet)
      end)
    end
  end
  t.test(name .. " has snippets", function()
    t.ok(count > 0, "at least one")
  end)
end

--- What takes a second without sanitizers takes half a minute with them.
local function test_of_scripts(name, body)
  if not dam.build.type:find("+", 1, true) then
    t.test(name, body)
  end
end

test_of_scripts("the map of one's own, followed literally", function()
  local text = sandbox.read "docs/scripting.md"
  local section = assert(text:match "\n## A map of your own.-\n(.-)\n## ", "the section")
  local folder <close> = sandbox.folder()
  local scripts, commands = 0, 0
  for kind, body in section:gmatch "```(%a+)\n(.-)\n```" do
    local name = kind == "lua" and body:match "^%-%- ([%w_.]+%.lua)"
    if name then
      write(folder[name], body)
      scripts = scripts + 1
    end
    for line in (kind == "sh" and body .. "\n" or ""):gmatch "(damlua .-)\n" do
      -- The whole map takes minutes: the quick one stands for it.
      line = line:gsub("%s+#.*", ""):gsub("my_map%.lua$", "my_map.lua --quick")
      line = line:gsub("(lsr%-b5)%.", "%1-quick.")
      local status, shown = shell(folder, line)
      t.equal(status, 0, line .. ": " .. shown)
      commands = commands + 1
    end
  end
  t.ok(scripts == 1 and commands >= 6, ("%d scripts, %d commands"):format(scripts, commands))
  for _, file in ipairs { "lsr-b5-quick.png", "lsr-b5-quick.csv" } do
    t.ok(#sandbox.read(folder[file]) > 1000, file)
  end
end)

-- ---- the cookbook ----

local cookbook = {}
for name in sandbox.read("docs/cookbook.md"):gmatch "%]%(%.%./scripts/([%w_]+%.lua)%)" do
  cookbook[#cookbook + 1] = name
end

t.test("the cookbook has ten scripts and more, each under 40 lines", function()
  t.ok(#cookbook >= 10, #cookbook .. " scripts")
  for _, name in ipairs(cookbook) do
    local _, lines = sandbox.read("scripts/" .. name):gsub("\n", "")
    t.ok(lines < 40, ("%s: %d lines"):format(name, lines))
  end
end)

for _, name in ipairs(cookbook) do
  test_of_scripts(name .. " --quick leaves figures or tables", function()
    local folder <close> = sandbox.folder()
    local status, shown = shell(folder, ("damlua --quiet --strict %s/scripts/%s %s"):format(root,
      name, name:find "^map_" and "--help" or "--quick"))
    t.equal(status, 0, shown)
    t.ok(#shown > 0, "something shown")
    if not name:find "^map_" then -- these take a minute: the map of one's own stands for them
      local _, made = shell(folder, "find . -name '*.png' -o -name '*.csv'")
      t.ok(made:find "%a", "files")
    end
  end)
end

-- ---- what is made from the docstrings ----

local function sources()
  local _, list = sandbox.shell(
    "ls lua/*.c lua/host/*.c; find stdlib -name '*.lua'")
  return (list:gsub("\n", " "))
end

local HOW = "out of date: make docs"

t.test("docs/reference is what the docstrings make", function()
  local folder <close> = sandbox.folder()
  local status, shown = sandbox.shell(("%s docs/generate/main.lua reference %s %s"):format(
    sandbox.command(), folder.path, sources()))
  t.equal(status, 0, shown)
  status, shown = sandbox.shell("diff -r " .. folder.path .. " docs/reference")
  t.equal(status, 0, HOW .. "\n" .. shown:sub(1, 2000))
end)

t.test("docs/dam.d.lua is what the docstrings make, and is Lua", function()
  local folder <close> = sandbox.folder()
  local status, shown = sandbox.shell(("%s docs/generate/main.lua annotations %s %s"):format(
    sandbox.command(), folder["dam.d.lua"], sources()))
  t.equal(status, 0, shown)
  local text = sandbox.read "docs/dam.d.lua"
  t.ok(sandbox.read(folder["dam.d.lua"]) == text, HOW)
  local environment = {}
  assert(load(text, "=dam.d.lua", "t", environment))()
  for _, e in ipairs(require "dam.help.data") do
    if e.kind == "function" and not e.name:find "%..*%..*%." then -- those of dam and dam.NAME
      local value = environment
      for part in e.name:gmatch "[^.]+" do
        value = value[part]
      end
      t.equal(type(value), "function", e.name .. " in dam.d.lua")
    end
  end
  t.ok(text:find("---@field step? number ", 1, true), "options as fields")
  t.ok(text:find('---@field evaluation? "auto"|', 1, true), "words that are allowed")
  t.ok(text:find("---@param options dam.mh.options", 1, true), "typed tables of options")
end)

t.finish()
