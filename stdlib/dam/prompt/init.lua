--- What the prompt does with a line, for the program to call: compiling, showing results, keeping
--- locals, completing, warning of globals that nobody has set. Loaded only where there is a prompt.
local chunk = require "dam.prompt.chunk"
local show = require "dam.prompt.show"
local tokens = require "dam.prompt.tokens"

local prompt = { show = show.line, script = chunk.script }

local getinfo, globals = debug.getinfo, chunk.globals
local concat, find, format, match = table.concat, string.find, string.format, string.match
local error, ipairs, pcall, rawget, type = error, ipairs, pcall, rawget, type
local require = require -- of what not every session needs

-- The name of chunks typed at the prompt; reports know it, too.
local CHUNK = "=stdin"

local locals_of_line -- of the main block of the text that runs; nil for scripts
local undefined = {} -- globals read in vain by the text that runs, in order

-- ---- help by a question mark ----

--- What `help` is asked for by a chain of names: methods by their documented name, then the value
--- itself, then the words.
local function subject(text)
  local complete = require "dam.prompt.complete"
  local list = tokens.scan(text)
  local names = tokens.chain(list, #list)
  if not names then
    return text
  end
  local name = #names > 1 and complete.documented(names)
  if name and find(name, ":", 1, true) then
    return name
  end
  local value = complete.value(names, #names)
  if value == nil then
    return text
  end
  return value
end

--- A function that asks for help if the text is a question: "dam.mh?", "?dam.mh", "?".
local function question(text)
  local about = match(text, "^%s*%?+%s*(.-)%s*%??%s*$") or match(text, "^%s*(.-)%s*%?+%s*$")
  if not about or find(about, "[^%w_%.:%[%]\"' -]") then
    return nil
  end
  return function()
    local help = rawget(globals, "help")
    if type(help) ~= "function" and type(help) ~= "table" then
      error("the global 'help' is not there", 0)
    elseif about == "" then
      return help()
    end
    return help(subject(about))
  end
end

-- ---- compiling ----

--- Compiles what was typed so far.
-- @function prompt.compile
-- @tparam string text
-- @treturn string "complete", "incomplete" or "wrong"
-- @treturn function|string what to run, or the error
-- @treturn boolean whether results are not to be shown
-- @usage print(require "dam.prompt".compile "1 +")
function prompt.compile(text)
  local asked = find(text, "?", 1, true) and question(text)
  if asked then
    locals_of_line = {}
    return "complete", asked, false
  end
  local kind, f, names, muted = chunk.compile(text, CHUNK)
  if kind == "complete" then
    locals_of_line = names
    chunk.typed = text
  end
  return kind, f, muted
end

--- Says that what runs next is no line of the prompt but a script.
-- @function prompt.expect_script
-- @usage require "dam.prompt".expect_script()
function prompt.expect_script()
  locals_of_line = nil
end

--- Keeps the locals of what failed.
-- @function prompt.salvage
-- @tparam table found name, value, name, value, ... from the stack
-- @tparam integer count entries of `found`, nil values included
-- @usage require "dam.prompt".salvage({ "x", 1 }, 2)
function prompt.salvage(found, count)
  chunk.salvage(found, count, locals_of_line)
end

-- ---- misspelt names ----

--- Notes every read of an undefined global by text typed at the prompt. Nothing when _G has a
--- metatable already: --strict makes them errors.
-- @function prompt.watch_globals
-- @usage require "dam.prompt".watch_globals()
function prompt.watch_globals()
  if debug.getmetatable(globals) then
    return
  end
  setmetatable(globals, { __index = function(_, name)
    local reader = type(name) == "string" and name ~= "_" and getinfo(2, "S")
    if reader and reader.source == CHUNK and #undefined < 10 then
      undefined[#undefined + 1] = name
    end
    return nil
  end })
end

local function nearest_global(name)
  return require "dam.prompt.suggest".global(name, chunk.names())
end

--- Warnings about the globals that the last text read in vain, each once, without those that its
--- error names.
-- @function prompt.warnings
-- @tparam[opt] string message the error, if it failed
-- @treturn string|nil lines
-- @usage print(require "dam.prompt".warnings())
function prompt.warnings(message)
  local lines, seen = {}, {}
  for _, name in ipairs(undefined) do
    local told = seen[name] or rawget(globals, name) ~= nil
      or message and find(message, "global '" .. name .. "'", 1, true)
    if not told then
      local ok, near = pcall(nearest_global, name)
      lines[#lines + 1] = format("warning: global '%s' is not defined%s", name,
        ok and near and format("; did you mean '%s'?", near) or "")
    end
    seen[name] = true
  end
  undefined = {}
  return #lines > 0 and concat(lines, "\n") or nil
end

--- Candidates for what stands before the cursor: see dam.prompt.complete.
-- @function prompt.complete
-- @tparam string text everything up to the cursor
-- @tparam table host lists that the program gives
-- @treturn string kind
-- @treturn integer start
-- @treturn table candidates
-- @usage print(require "dam.prompt".complete("dam.m", nil))
function prompt.complete(text, host)
  return require "dam.prompt.complete".at(text, host)
end

return prompt
