-- The prompt's reading of Lua text, on texts no one types at a terminal in a test: every beginning
-- of real scripts, and noise. (tests/prompt drives the prompt itself.)
local t = require "support"
local chunk = require "dam.prompt.chunk"
local complete = require "dam.prompt.complete"
local show = require "dam.prompt.show"
local tokens = require "dam.prompt.tokens"

local function read(name)
  local f <close> = assert(io.open(name))
  return f:read "a"
end

local SCRIPTS = {
  "scripts/quickstart.lua", "scripts/two_replicas.lua", "tests/lua/support.lua",
  "stdlib/dam/prompt/tokens.lua", "stdlib/dam/json.lua",
}

t.test("tokens cover a text: nothing but blanks is left out", function()
  for _, name in ipairs(SCRIPTS) do
    local text, at = read(name), 1
    for _, token in ipairs(tokens.scan(text)) do
      t.ok(not text:sub(at, token.from - 1):find "%S", name .. ": a gap before " .. token.from)
      t.equal(text:sub(token.from, token.to), token.text)
      t.ok(token.closed, name .. ": closed at " .. token.from)
      at = token.to + 1
    end
    t.ok(not text:sub(at):find "%S", name .. ": the end")
  end
end)

t.test("the beginning of any script is complete or incomplete, never wrong", function()
  local text = read "scripts/two_replicas.lua"
  local seen = {}
  for line_end in text:gmatch "()\n" do
    local kind = chunk.compile(text:sub(1, line_end - 1), "=test")
    seen[kind] = (seen[kind] or 0) + 1
  end
  t.equal(seen.wrong, nil)
  t.ok(seen.complete > 3 and seen.incomplete > 3, "both kinds")
end)

t.test("completion never raises, wherever the cursor stands", function()
  for _, name in ipairs { "scripts/quickstart.lua", "stdlib/dam/json.lua" } do
    local text = read(name)
    for n = 1, #text, 7 do
      local kind, start, list = complete.at(text:sub(1, n))
      t.ok(kind and start <= n + 1 and type(list) == "table", name .. " " .. n)
    end
  end
  local random = 1
  local letters = [[ab.:({[]})"'=-,\ ]] .. "\n%~0x\xc3\xa9"
  for _ = 1, 3000 do
    local parts = {}
    for i = 1, 12 do
      random = (random * 1103515245 + 12345) % 2147483648
      local at = random // 65536 % #letters + 1
      parts[i] = letters:sub(at, at)
    end
    local text = table.concat(parts)
    complete.at(text)
    chunk.compile(text, "=test")
  end
end)

t.test("a caret stands where the parser stopped", function()
  local function caret(text)
    local kind, message = chunk.compile(text, "=test")
    t.equal(kind, "wrong", text)
    local line, mark = message:match "\n  ([^\n]*)\n  ( *)%^$"
    return line and line:sub(#mark + 1)
  end
  t.equal(caret "x = = 1", "= 1")
  t.equal(caret "local t = { 1, 2,, 3 }", ", 3 }")
  t.equal(caret "for i = 1 2 do end", "2 do end")
  t.equal(caret "f(1))", ")")
  t.equal(caret "a = 'open", "'open")
  t.equal(caret "a = 0x", "0x")
  t.equal(caret "if x then\n  y = = 1\nend", "= 1")
  t.equal(caret "while true do break end end", "end")
end)

t.test("locals: shared with closures, through goto, varargs and shadowing", function()
  local function run(text)
    local kind, f = chunk.compile(text, "=test")
    t.equal(kind, "complete", text)
    return f()
  end
  run "local n, m = 1, 2"
  run "function _G.bump() n = n + 1 return n end"
  t.equal(run "_G.bump() + n", 4)
  run "local n = n * 10"
  t.equal(run "n", 20)
  t.equal(run "_G.bump()", 3)
  run "goto done local lost = 1 ::done::"
  run "local a, b, c = (function(...) return select('#', ...), ... end)(7, 8)"
  t.equal(run "a * 100 + b * 10 + c", 278)
  run "local function even(k) if k == 0 then return true end return not even(k - 1) end"
  t.equal(run "even(10)", true)
  run "local s = [[two\nlines]] -- with a comment"
  t.equal(run "#s", 9)
  t.equal(run "local early = 5 return early + n", 25)
  t.equal(run "early", 5)
  run "local MAX <const> = 9"
  t.equal(chunk.compile("MAX = 1", "=test"), "wrong")
  t.equal(run "MAX", 9)
  local many = {}
  for i = 1, 150 do
    many[i] = "v" .. i
  end
  run("local " .. table.concat(many, ", ") .. " = 1, 2")
  t.equal(run "v1 + v2", 3)
  _G.bump = nil
end)

t.test("values: limits of depth, width, number and cycles", function()
  local deep = {}
  local at = deep
  for _ = 1, 100 do
    at.next = {}
    at = at.next
  end
  at.next = deep
  t.ok(#show.text(deep) < 200, "depth")
  local wide = {}
  for i = 1, 1e5 do
    wide[i] = { i, { i }, name = ("x"):rep(100) }
  end
  local text = show.text(wide)
  t.ok(#text < 20000, "number: " .. #text)
  for line in text:gmatch "[^\n]+" do
    t.ok(#line <= 130, "width: " .. line)
  end
  t.equal(show.text { 1, nil, 3 }, "{ 1, [3] = 3 }")
  t.equal(show.text { [1.5] = "a\n", ["end"] = "\xff" }, '{ [1.5] = "a\\n", ["end"] = "\\xff" }')
  local hostile = setmetatable({ 1 }, { __index = error, __len = error, __pairs = error })
  t.equal(show.text(hostile), "{ 1 }")
  t.equal(show.line({ 1, "two" }, 2), "1\ttwo")
end)

t.finish()
