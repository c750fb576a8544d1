--- Lua text as the prompt reads it: its tokens, the locals its main block declares, and the chain
--- of names that ends at the cursor. It never fails: text that is being typed is rarely complete.
local tokens = {}

-- What users do to the libraries must not reach the prompt.
local ipairs, tonumber, tointeger = ipairs, tonumber, math.tointeger
local find, lower, match = string.find, string.lower, string.match
local rep, sub = string.rep, string.sub

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch "%a+" do
  KEYWORDS[word] = true
end
tokens.keywords = KEYWORDS

local OPENS = { ["do"] = true, ["function"] = true, ["if"] = true, ["repeat"] = true }
local CLOSES = { ["end"] = true, ["until"] = true }

local SYMBOLS = {
  ["..."] = true, [".."] = true, ["=="] = true, ["~="] = true, ["<="] = true, [">="] = true,
  ["//"] = true, ["::"] = true, ["<<"] = true, [">>"] = true,
}

local function number_end(text, from)
  local hex = lower(sub(text, from, from + 1)) == "0x"
  local exponent = hex and "[pP]" or "[eE]"
  local to = from
  while true do
    local c = sub(text, to + 1, to + 1)
    local signed = find(c, "[+-]") and find(sub(text, to, to), exponent)
    if c == "" or not (find(c, "[%w.]") or signed) then
      return to
    end
    to = to + 1
  end
end

--- The end of a string in quotes, and whether it is closed.
local function quoted_end(text, from)
  local quote, i = sub(text, from, from), from + 1
  while true do
    local at = find(text, "[\\\n" .. quote .. "]", i)
    if not at then
      return #text, false
    end
    local c = sub(text, at, at)
    if c == quote then
      return at, true
    elseif c == "\n" then
      return at - 1, false
    elseif sub(text, at + 1, at + 1) == "z" then
      i = (match(text, "^%s*()", at + 2) - 1) + 1
    else
      i = at + 2
    end
  end
end

--- The end of a long bracket that opens at `from`, and whether it is closed; nil when none does.
local function long_end(text, from)
  local level = find(text, "^%[=*%[", from) and #match(text, "^%[(=*)%[", from)
  if not level then
    return nil
  end
  local _, to = find(text, "]" .. rep("=", level) .. "]", from, true)
  return to or #text, to ~= nil
end

local function scan_one(text, i)
  local c = sub(text, i, i)
  if find(c, "[%a_]") then
    local _, to = find(text, "^[%w_]+", i)
    return KEYWORDS[sub(text, i, to)] and "keyword" or "name", to, true
  elseif find(text, "^%.?%d", i) then
    return "number", number_end(text, i), true
  elseif c == '"' or c == "'" then
    local to, closed = quoted_end(text, i)
    return "string", to, closed
  elseif sub(text, i, i + 1) == "--" then
    local to, closed = long_end(text, i + 2)
    if not to then
      to, closed = (find(text, "\n", i, true) or #text + 1) - 1, true
    end
    return "comment", to, closed
  elseif c == "[" then
    local to, closed = long_end(text, i)
    if to then
      return "string", to, closed
    end
  end
  for length = 3, 2, -1 do
    if SYMBOLS[sub(text, i, i + length - 1)] then
      return "symbol", i + length - 1, true
    end
  end
  return "symbol", i, true
end

--- The tokens of a text.
-- @function tokens.scan
-- @tparam string text
-- @treturn table list of { kind = "name"|"keyword"|"number"|"string"|"comment"|"symbol", text =,
--  from =, to =, closed = false for strings and comments that lack their end, first = whether it
--  begins a line after the first }
-- @usage print(#require "dam.prompt.tokens".scan "x = 1")
function tokens.scan(text)
  local list, i, last = {}, find(text, "%S"), 0
  while i do
    local kind, to, closed = scan_one(text, i)
    list[#list + 1] = {
      kind = kind, text = sub(text, i, to), from = i, to = to, closed = closed,
      first = find(sub(text, last + 1, i - 1), "\n", 1, true) ~= nil,
    }
    i, last = find(text, "%S", to + 1), to
  end
  return list
end

--- Names of `local a <const>, b` that begin at index i.
local function add_names(found, list, i)
  while list[i] and list[i].kind == "name" do
    local name = { name = list[i].text }
    found[#found + 1] = name
    i = i + 1
    if list[i] and list[i].text == "<" and list[i + 1] then
      name.attribute = list[i + 1].text
      i = i + 3
    end
    if not (list[i] and list[i].text == ",") then
      return
    end
    i = i + 1
  end
end

--- What the main block of a text declares and where it ends.
-- @function tokens.main_block
-- @tparam table list the text's tokens
-- @treturn table list of { name =, attribute = }: its locals in order
-- @treturn integer|nil where its `return` stands
-- @treturn table places where a last statement might begin: after a line's end or a semicolon
-- @usage for _, l in ipairs((require "dam.prompt.tokens".main_block(
--   require "dam.prompt.tokens".scan "local x = 1"))) do print(l.name) end
function tokens.main_block(list)
  local found, depth, brackets, returns, starts = {}, 0, 0, nil, {}
  for i, t in ipairs(list) do
    local before = list[i - 1]
    if depth == 0 and brackets == 0 and before and t.kind ~= "comment"
      and (before.text == ";" or t.first) then
      starts[#starts + 1] = t.from
    end
    if t.kind == "keyword" then
      if OPENS[t.text] then
        depth = depth + 1
      elseif CLOSES[t.text] then
        depth = depth - 1
      elseif t.text == "return" and depth == 0 then
        returns = t.from
      elseif t.text == "local" and depth == 0 and list[i + 1] then
        local is_function = list[i + 1].text == "function"
        if is_function and list[i + 2] then
          found[#found + 1] = { name = list[i + 2].text }
        else
          add_names(found, list, i + 1)
        end
      end
    elseif t.kind == "symbol" then
      if find(t.text, "^[({%[]$") then
        brackets = brackets + 1
      elseif find(t.text, "^[)}%]]$") then
        brackets = brackets - 1
      end
    end
  end
  return found, returns, starts
end

--- The value of a token that is a plain string or a number.
local function literal(t)
  if t.kind == "string" then
    return match(t.text, "^[\"']([^\\]*)[\"']$")
  elseif t.kind == "number" then
    local v = tonumber(t.text)
    return tointeger(v) or v
  end
end

--- The chain of names before index `last` of a list of tokens: `a.b["c"]:d` as
--- { { "a" }, { "b", "." }, { "c", "." }, { "d", ":" } }; nil when what stands there is no chain of
--- names, such as the result of a call.
-- @function tokens.chain
-- @tparam table list tokens
-- @tparam integer last index of the chain's last token
-- @treturn table|nil names from left to right, each with the mark before it
-- @treturn integer index of the chain's first token
-- @usage print(#require "dam.prompt.tokens".chain(require "dam.prompt.tokens".scan "a.b", 3))
function tokens.chain(list, last)
  local reversed, i = {}, last
  while true do
    local t, before = list[i], list[i - 1]
    if not t then
      return nil
    elseif t.kind == "name" then
      local mark = before and (before.text == "." or before.text == ":") and before.text
      reversed[#reversed + 1] = { t.text, mark or nil }
      i = i - (mark and 2 or 1)
      if not mark then
        break
      end
    elseif t.text == "]" and before and list[i - 2] and list[i - 2].text == "[" then
      local key = literal(before)
      if key == nil then
        return nil
      end
      reversed[#reversed + 1] = { key, "." }
      i = i - 3
    else
      return nil
    end
  end
  local names = {}
  for k = #reversed, 1, -1 do
    names[#names + 1] = reversed[k]
  end
  return names, i + 1
end

return tokens
