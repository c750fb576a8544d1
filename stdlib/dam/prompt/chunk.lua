--- Compiling what is typed: whether a text is complete, where exactly it is wrong, and locals that
--- outlive their line.
---
--- Every text is a chunk of its own to Lua, so its locals would end with it. Here a text that
--- mentions a local of an earlier one is compiled inside a function that declares it, and the
--- variable itself (not a copy) is joined to that upvalue: closures of earlier lines and later
--- lines share it, as they would in one script. At the end of a text a closure over its new locals
--- is handed out, which keeps them.
local tokens = require "dam.prompt.tokens"

local chunk = { typed = "" } -- typed: the text of the prompt that runs

-- What users do to the libraries must not reach the prompt.
local ipairs, load, next, select, type = ipairs, load, next, select, type
local find, format, gsub = string.find, string.format, string.gsub
local match, sub = string.match, string.sub
local concat, max, min, offset = table.concat, math.max, math.min, utf8.offset
local getinfo = debug.getinfo
local getupvalue, setupvalue, upvaluejoin = debug.getupvalue, debug.setupvalue, debug.upvaluejoin

-- The name by which a text reaches the function that keeps its locals.
local KEEP = "_keep_locals_of_the_prompt_"

--- The globals of what is typed; in a sandbox they are others than the library's own.
chunk.globals = load "return _ENV" ()

-- name -> { f = closure, i = index of its upvalue, const = boolean }
local boxes = {}

--- Makes a variable of its own for a value.
local function new_box(value, const)
  local f = function()
    return value
  end
  return { f = f, i = 1, const = const }
end

local function upvalue_index(f, name)
  for i = 1, 255 do
    local found = getupvalue(f, i)
    if found == name then
      return i
    elseif not found then
      return nil
    end
  end
end

--- Whether a closure may be looked into: one of what users write, not of the library, whose
--- variables are nobody's business in a sandbox.
local function is_users(closure)
  local info = type(closure) == "function" and getinfo(closure, "S")
  return info and info.what ~= "C" and sub(info.source, 1, 8) ~= "@stdlib/"
end

--- Keeps the variables that `closure` returns, which are the ones of that name and order.
local function keep(names, closure)
  if not is_users(closure) then
    return
  end
  local constants
  for n, name in ipairs(names) do
    local const = name.attribute ~= nil
    local i = upvalue_index(closure, name.name)
    if i then
      boxes[name.name] = { f = closure, i = i, const = const }
    else -- a constant that the compiler put in its place
      constants = constants or { closure() }
      boxes[name.name] = new_box(constants[n], const)
    end
  end
end

--- The last declaration of each name.
local function unique(names)
  local last, list = {}, {}
  for i, name in ipairs(names) do
    last[name.name] = i
  end
  for i, name in ipairs(names) do
    if last[name.name] == i then
      list[#list + 1] = name
    end
  end
  return list
end

local function mentioned(list)
  local names, seen = {}, {}
  for _, t in ipairs(list) do
    if t.kind == "name" and boxes[t.text] and not seen[t.text] then
      seen[t.text] = true
      names[#names + 1] = t.text
    end
  end
  if boxes._ENV and not seen._ENV then
    names[#names + 1] = "_ENV"
  end
  return names
end

--- What goes before the final return, or at the end, to hand out the locals.
local function epilogue(names)
  local list = {}
  for i, name in ipairs(names) do
    list[i] = name.name
  end
  return format(";%s(function() return %s end) ", KEEP, concat(list, ", "))
end

--- Compiles a text inside a function that declares `used` and keeps `new`; nil when that fails.
local function compile_inside(text, name, used, new, returns)
  local head = { "local " .. KEEP }
  for _, n in ipairs(used) do
    -- Not nil: a constant known to the compiler would be no variable.
    head[#head + 1] = format("local %s%s = %s", n, boxes[n].const and " <const>" or "", KEEP)
  end
  local body = text
  if #new > 0 and returns then
    body = sub(text, 1, returns - 1) .. epilogue(new) .. sub(text, returns)
  elseif #new > 0 then
    body = text .. "\n" .. epilogue(new)
  end
  local outer, message = load(concat(head, " ") .. " return function(...) " .. body
    .. "\nend", name, "t")
  if not outer then
    return nil, message
  end
  local f = outer()
  for i = 1, 255 do
    local n = getupvalue(f, i)
    if n == KEEP then
      setupvalue(f, i, function(closure)
        keep(new, closure)
      end)
    elseif n and boxes[n] and (n ~= "_ENV" or used[#used] == "_ENV") then
      upvaluejoin(f, i, boxes[n].f, boxes[n].i)
    elseif not n then
      break
    end
  end
  return f
end

--- Compiles a text that is known to be right, with the kept locals.
local function compile_kept(text, name, plain)
  local list = tokens.scan(text)
  local names, returns = tokens.main_block(list)
  local used, new = mentioned(list), unique(names)
  if #used == 0 and #new == 0 then
    return plain, names
  end
  local f, message = compile_inside(text, name, used, new, returns)
  if not f and #new > 0 then -- a goto over a declaration to the end, say
    f, message = compile_inside(text, name, used, {}, nil)
  end
  return f, f and names or message
end

-- ---- right, wrong or not all there ----

--- How far into a text Lua's parser reads before it gives up: it asks for one character at a time.
local function read_length(text, name)
  local i = 0
  load(function()
    i = i + 1
    return i <= #text and sub(text, i, i) or nil
  end, name, "t")
  return i
end

--- Lua says "near <eof>" exactly when the text ended too early. The newline at the end is what the
--- user typed; without it a string that lacks its closing quote would pass for incomplete.
local function try(before, text, name)
  local source = before .. text .. "\n"
  local f, message = load(source, name, "t")
  if f then
    return "complete", f
  elseif sub(message, -5) == "<eof>" then
    return "incomplete", message
  end
  return "wrong", message, read_length(source, name) - #before
end

--- Where the word stands that an error complains of, given how far the parser had read.
local function error_place(text, message, read)
  local near = match(message, "near '(.*)'$")
  if not near then
    return nil
  end
  for from = min(read, #text) - #near + 1, max(1, read - #near - 3), -1 do
    if sub(text, from, from + #near - 1) == near then
      return from
    end
  end
  return max(1, min(read - 1, #text))
end

-- So much of a line is shown around an error.
local BEFORE, AFTER = 50, 20

--- The line of the text in which `place` is, and a caret under it.
local function point_at(text, place)
  local from = place
  while from > 1 and sub(text, from - 1, from - 1) ~= "\n" do
    from = from - 1
  end
  local to = (find(text, "\n", place, true) or #text + 1) - 1
  local left, right = "", ""
  if place - from > BEFORE then
    from, left = offset(text, 0, place - BEFORE) or place - BEFORE, "..."
  end
  if to - place > AFTER then
    to, right = place + AFTER, "..."
  end
  local indent = left .. sub(text, from, place - 1)
  indent = gsub(gsub(indent, "[\x80-\xbf]", ""), "[^\t]", " ")
  return "  " .. left .. sub(text, from, to) .. right .. "\n  " .. indent .. "^"
end

local function wrong(text, message, read)
  local place = error_place(text, message, read)
  if place then
    message = message .. "\n" .. point_at(text, place)
  end
  return "wrong", message
end

--- Statements whose last is an expression: "x = 1" newline "x".
local function with_last_value(text, name)
  local _, returns, starts = tokens.main_block(tokens.scan(text))
  for i = returns and 0 or #starts, 1, -1 do
    local whole = sub(text, 1, starts[i] - 1) .. "return " .. sub(text, starts[i])
    local kind, f = try("", whole, name)
    if kind == "complete" then
      return whole, f
    end
  end
end

--- Without a semicolon at the end; nil when there is none.
local function muted(text)
  local list = tokens.scan(text)
  for i = #list, 1, -1 do
    if list[i].text == ";" then
      return sub(text, 1, list[i].from - 1)
    elseif list[i].kind ~= "comment" then
      return nil
    end
  end
end

--- Compiles a text typed at the prompt: as an expression if it is one ("=" in front of it is
--- allowed), else as statements, the last of which may be an expression.
-- @function chunk.compile
-- @tparam string text
-- @tparam string name the chunk's name
-- @treturn string "complete", "incomplete" or "wrong"
-- @treturn function|string what to run; the error with the line and a caret under what is wrong
-- @treturn table|nil the locals of the main block, { name =, attribute = }
-- @treturn boolean|nil whether a semicolon mutes the results
-- @usage print(require "dam.prompt.chunk".compile("1 +", "=stdin"))
function chunk.compile(text, name)
  local forced = sub(text, 1, 1) == "="
  local body = forced and sub(text, 2) or text
  local silent = muted(body)
  local expression = silent or body
  local kind, f, read = try("return ", expression, name)
  local source = "return " .. expression
  if kind ~= "complete" and not forced then
    local kind2, f2, read2 = try("", text, name)
    local whole, f3
    if kind2 ~= "complete" and kind == "wrong" then
      whole, f3 = with_last_value(silent or text, name)
    end
    if kind2 == "complete" then
      kind, f, source = kind2, f2, text
    elseif whole then
      kind, f, source = "complete", f3, whole
    elseif kind2 == "incomplete" then
      kind, f = kind2, f2
    elseif kind == "wrong" and read2 >= read then
      f, read = f2, read2 -- the reading that got further is the one that was meant
    end
  end
  if kind == "incomplete" then
    return kind, f
  elseif kind == "wrong" then
    return wrong(forced and body or text, f, read)
  end
  local kept, names = compile_kept(source, name, f)
  if not kept then
    return "wrong", names
  end
  return "complete", kept, names, silent ~= nil
end

--- A script's text as a function that keeps the locals of its main block.
-- @function chunk.script
-- @tparam string text without a first line "#!..."
-- @tparam string name the chunk's name
-- @treturn function|nil nil when that cannot be: compile it as it is
-- @usage print(require "dam.prompt.chunk".script("local x = 1", "@x.lua"))
function chunk.script(text, name)
  local list = tokens.scan(text)
  local names, returns = tokens.main_block(list)
  local new = unique(names)
  if #new == 0 then
    return nil
  end
  return (compile_inside(text, name, {}, new, returns))
end

--- Keeps the locals of a text that failed: their values, as found on the stack.
-- @function chunk.salvage
-- @tparam table found list of name, value, name, value, ... in the order of the stack
-- @tparam integer count how many entries `found` has, nil values included
-- @tparam[opt] table names the locals of the main block: others, of blocks in it, are left alone
-- @usage require "dam.prompt.chunk".salvage({ "x", 1 }, 2)
function chunk.salvage(found, count, names)
  local at = 0
  for i = 1, count, 2 do
    local name = found[i]
    at = at + 1
    local declared = names and names[at]
    if names and (not declared or declared.name ~= name) then
      return
    elseif sub(name, 1, 1) ~= "(" and name ~= KEEP then
      boxes[name] = new_box(found[i + 1], declared and declared.attribute ~= nil or false)
    end
  end
end

--- The value of a kept local.
-- @function chunk.get
-- @tparam string name
-- @treturn boolean whether there is one
-- @return its value
-- @usage print(require "dam.prompt.chunk".get "x")
function chunk.get(name)
  local box = boxes[name]
  if not box then
    return false
  end
  return true, select(2, getupvalue(box.f, box.i))
end

--- The names of all kept locals.
-- @function chunk.names
-- @treturn table list of strings
-- @usage print(#require "dam.prompt.chunk".names())
function chunk.names()
  local list = {}
  for name in next, boxes do
    list[#list + 1] = name
  end
  return list
end

return chunk
