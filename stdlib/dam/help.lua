--- help(): the documentation at hand. In damlua `help` is a global; elsewhere
--- `local help = require "dam.help"`. `help()` begins, `help(dam)` lists all functions,
--- `help(dam.mh)` and `help "mh"` explain one, `help "mh init"` one of its options, `help(s)` a
--- value and what it can do, `help "temperature"` searches all texts.
local check = require "dam.check"
local core = require "dam.core"
local entries = require "dam.help.data"
local render = require "dam.help.render"

local help = {}

-- ---- the index ----

--- "sampler:run" -> "run", "dam.stats.mean" -> "mean"
local function last(name)
  return name:match "([^.:]+)$" or name
end

--- How a name is looked up: dots and colons are alike, as are capitals and small letters.
local function fold(name)
  return (name:lower():gsub("^%s+", ""):gsub("%s+$", ""):gsub(":", "."):gsub("[({].*$", ""))
end

local by_name = {}

local function add(name, e)
  name = fold(name)
  local list = by_name[name] or {}
  by_name[name] = list
  if list[#list] ~= e then
    list[#list + 1] = e
  end
end

local names = {} -- for suggestions
for _, e in ipairs(entries) do
  add(e.name, e)
  names[#names + 1] = e.name
  if e.kind == "method" or e.kind == "class" then
    add("dam." .. e.name, e)
  elseif e.kind == "function" and e.name:find "^dam%..+%." then
    add(e.name:sub(5), e) -- sweep.run, stats.mean
  elseif e.kind == "switch" then
    for word in e.name:gmatch "%-[%w-]+" do
      add(word, e)
    end
  end
  if e.kind ~= "switch" and e.kind ~= "module" then
    local short = e.kind == "verb" and e.name:match "%S+$" or last(e.name)
    names[#names + 1] = short
  end
end

--- Entries whose last part is the name, functions of dam first.
local function by_short(name)
  local found, rest = {}, {}
  for _, e in ipairs(entries) do
    local short = e.kind == "verb" and e.name:match "%S+$" or last(e.name)
    if e.kind ~= "switch" and fold(short) == name then
      local first = e.name == "dam." .. short or e.kind == "class" or e.kind == "module"
      table.insert(first and found or rest, e)
    end
  end
  return table.move(rest, 1, #rest, #found + 1, found)
end

--- The entries that a name means: exactly, or by its last part.
local function lookup(name)
  name = fold(name)
  if name == "" then
    return {}
  end
  return by_name[name] or by_short(name)
end

local function entry(name, kind)
  for _, e in ipairs(by_name[fold(name)] or {}) do
    if not kind or e.kind == kind then
      return e
    end
  end
end

--- The options of a function: the fields of its last table parameter that has any.
local function option_list(e)
  local list
  for _, p in ipairs(e.params or {}) do
    list = p.fields or list
  end
  return list or {}
end

local function find_option(e, path)
  local list, found = option_list(e), nil
  for step in path:gmatch "[^.]+" do
    found = nil
    for _, p in ipairs(list) do
      if p.name == step then
        found = p
      end
    end
    list = found and found.fields or {}
  end
  return found
end

--- The names of the options of a function, in the order of the reference.
-- @function help.options
-- @tparam string name of the function or method, such as "dam.mh" or "sampler:sample"
-- @tparam[opt] string option one of its options, for the options within it ("init", "curves")
-- @treturn table list of names; empty for a function without options
-- @usage print(table.concat(require "dam.help".options("dam.mh"), " "))
function help.options(name, option)
  local e, list = lookup(name)[1], {}
  local fields = e and option_list(e)
  if e and option and option ~= "" then
    local p = find_option(e, option)
    fields = p and p.fields
  end
  for i, p in ipairs(fields or {}) do
    list[i] = p.name
  end
  return list
end

--- The texts that an option allows.
-- @function help.enum
-- @tparam string name of the function or method
-- @tparam string option its name; with dots for an option within an option
-- @treturn table list of texts; empty when it takes none, or any
-- @usage print(table.concat(require "dam.help".enum("dam.mh", "init"), " "))
function help.enum(name, option)
  local e, list = lookup(name)[1], {}
  local p = e and find_option(e, option)
  for text in (p and p.type or ""):gmatch '"([^"]*)"' do
    list[#list + 1] = text
  end
  return list
end

-- ---- values ----

--- The value of "dam.stats.mean"; nil where there is none. Modules that nobody has loaded are no
--- one's value.
local function value_of(name)
  local loaded = package and package.loaded or {}
  local module, field = name:match "^(.+)%.([^.]+)$"
  if loaded[name] then
    return loaded[name]
  end
  local owner = loaded[module]
  return type(owner) == "table" and rawget(owner, field) or nil
end

--- The methods of a class of the engine; nil where a sandbox keeps them.
local function methods_of(class)
  local registry = debug and debug.getregistry and debug.getregistry()
  local meta = registry and rawget(registry, "dam." .. class)
  if type(meta) ~= "table" then
    return nil
  end
  local index = rawget(meta, "__index")
  if not rawget(meta, "methods") and type(index) == "function" then
    return select(2, debug.getupvalue(index, 1))
  end
  return rawget(meta, "methods") or index
end

local function entry_of_value(v)
  for _, e in ipairs(entries) do
    if e.kind == "function" or e.kind == "module" then
      if rawequal(value_of(e.name), v) then
        return e
      end
    elseif e.kind == "method" and type(v) == "function" then
      local class, name = e.name:match "^(.*):(.*)$"
      local methods = methods_of(class)
      if type(methods) == "table" and rawequal(rawget(methods, name), v) then
        return e
      end
    end
  end
end

--- The name of a value's class, without "dam.".
local function class_of(v)
  local meta = debug and debug.getmetatable and debug.getmetatable(v) or getmetatable(v)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name:match "^dam%.(.+)$" or nil
end

local STANDARD = { "string", "table", "math", "io", "os", "utf8", "coroutine", "debug" }

--- "string.format" for a function or library of Lua's own.
local function standard_name(v)
  for _, library in ipairs(STANDARD) do
    local t = rawget(_G, library)
    if rawequal(t, v) then
      return library
    end
    for name, f in pairs(type(t) == "table" and t or {}) do
      if rawequal(f, v) then
        return library .. "." .. tostring(name)
      end
    end
  end
  for name, f in pairs(_G) do
    if type(name) == "string" and type(f) == "function" and rawequal(f, v) then
      return name
    end
  end
end

-- ---- search ----

local WEIGHTS = { name = 40, option = 15, summary = 8, text = 3 }

local function words_of(text)
  local words = {}
  for word in text:lower():gmatch "[%w_\x80-\xff]+" do
    words[#words + 1] = word
  end
  return words
end

--- Calls visit(text, weight) for all texts of an entry.
local function walk(e, visit)
  visit(e.name, WEIGHTS.name)
  visit(e.summary or "", WEIGHTS.summary)
  visit(e.text or "", WEIGHTS.text)
  visit(e.raise or "", 1)
  visit(e.see or "", WEIGHTS.text)
  local function params(list)
    for _, p in ipairs(list or {}) do
      visit(p.name, WEIGHTS.option)
      visit(p.text .. " " .. p.type, WEIGHTS.text)
      params(p.fields)
    end
  end
  params(e.params)
  params(e.fields)
  for _, r in ipairs(e.returns or {}) do
    visit(r.text, WEIGHTS.text)
  end
end

--- How well a word of a text fits a word of the question: 1 the same, a half when one begins with
--- the other (temperature, temperatures).
local function fit(word, asked)
  if word == asked then
    return 1
  elseif #asked >= 3 and word:sub(1, #asked) == asked then
    return 0.5
  elseif #word >= 4 and #asked <= #word + 2 and asked:sub(1, #word) == word then
    return 0.5
  end
  return 0
end

--- Entries that name an equation, such as "B(7)", as their source, and those that speak of it.
local function cites(e, equation)
  local source = (e.see or ""):find(equation, 1, true)
  return source and WEIGHTS.name or e.text:find(equation, 1, true) and WEIGHTS.text or 0
end

local function score(e, asked)
  local total = {}
  walk(e, function(text, weight)
    local best = {}
    for _, word in ipairs(words_of(text)) do
      for i, a in ipairs(asked) do
        best[i] = math.max(best[i] or 0, fit(word, a))
      end
    end
    for i in ipairs(asked) do
      total[i] = (total[i] or 0) + weight * (best[i] or 0)
    end
  end)
  local sum = 0
  for i in ipairs(asked) do
    if total[i] == 0 then
      return 0 -- every word must be somewhere
    end
    sum = sum + total[i]
  end
  return sum
end

--- Internal modules are found last.
local function factor(e)
  local module = e.name:match "^dam%.(%w+)"
  local _, depth = e.name:gsub("%.", "")
  local internal = module == "check" or module == "json" or module == "npz" or module == "oracle"
  return (internal or depth > 2) and 0.1 or 1
end

--- Entries whose texts hold all words, the best first.
-- @function help.search
-- @tparam string words what to look for
-- @treturn table list of names, such as "dam.mh"
-- @usage for _, name in ipairs(require "dam.help".search "temperature") do print(name) end
function help.search(words)
  local asked, found = words_of(words), {}
  local equation = words:match "^%s*([AB]%(%d+%))%s*$"
  for place, e in ipairs(entries) do
    local s = #asked == 0 and 0 or equation and cites(e, equation) or score(e, asked) * factor(e)
    if s > 0 then
      found[#found + 1] = { name = e.name, score = s, place = place }
    end
  end
  table.sort(found, function(a, b)
    if a.score ~= b.score then
      return a.score > b.score
    end
    return a.place < b.place
  end)
  for i, f in ipairs(found) do
    found[i] = f.name
  end
  return found
end

--- Names near a word, and words of the texts near it.
local function suggestions(word)
  local list, seen = {}, {}
  local function offer(name)
    if name and not seen[name] then
      seen[name] = true
      list[#list + 1] = ('help "%s"'):format(name)
    end
  end
  offer(check.nearest(word, names))
  local tail = last(word)
  if tail ~= word then
    offer(check.nearest(tail, names))
  end
  if #list == 0 then
    local vocabulary = {}
    for _, e in ipairs(entries) do
      walk(e, function(text)
        for _, w in ipairs(words_of(text)) do
          vocabulary[#vocabulary + 1] = #w > 3 and w or nil
        end
      end)
    end
    offer(#word > 3 and check.nearest(word, vocabulary) or nil)
  end
  return list
end

-- ---- texts ----

local function page(e, width)
  local methods = {}
  if e.kind == "class" then
    for _, m in ipairs(entries) do
      methods[#methods + 1] = m.kind == "method" and m.name:match "^(.*):" == e.name and m or nil
    end
  elseif e.kind == "module" then
    for _, m in ipairs(entries) do
      methods[#methods + 1] = m.kind == "function" and m.name:match "^(.*)%." == e.name and m or nil
    end
  end
  return render.page(e, methods, width)
end

--- A function and the class it makes share their name: both are shown.
local function pages(list, width)
  local texts, others = {}, {}
  for i, e in ipairs(list) do
    if i == 1 or (e.kind == "class" and i == 2) or (e.kind ~= "method" and #list == 2) then
      texts[#texts + 1] = page(e, width)
    else
      others[#others + 1] = ('help "%s"'):format(e.name)
    end
  end
  if #others > 0 then
    texts[#texts + 1] = render.wrap("Also: " .. table.concat(others, ", "), width, "")
  end
  return table.concat(texts, "\n\n")
end

--- "mh init" and "dam.mh.init": an option of a function.
local function option_page(query, width)
  local name, path = query:match "^%s*(%S+)[%s{]+([%a_][%w_.]*)%s*$"
  if not name then
    name, path = query:match "^(.+)%.([%a_][%w_]*)$"
  end
  local e = name and lookup(name)[1]
  local p = e and find_option(e, path)
  return p and render.option(e, p, width) or nil
end

local SHOWN = 12

--- Where an entry speaks of a word, when its summary does not: "T: temperatures of the bath".
local function passage(e, word)
  local function within(text)
    for _, w in ipairs(words_of(text)) do
      if fit(w, word) > 0 then
        return true
      end
    end
  end
  local function among(list)
    for _, p in ipairs(list or {}) do
      if within(p.name) or within(p.text) then
        return p.name .. (p.text ~= "" and ": " .. p.text or "")
      end
      local found = among(p.fields)
      if found then
        return found
      end
    end
  end
  return not within(e.name .. " " .. e.summary) and (among(e.params) or among(e.fields))
    or e.summary
end

local function search_page(query, width)
  local found = help.search(query)
  if #found == 0 then
    local near = suggestions(query)
    local hint = #near > 0 and "Did you mean " .. table.concat(near, " or ") .. "?"
      or "help() begins, help(dam) lists all functions."
    return ("Nothing about %q. %s"):format(query, hint)
  end
  local list = {}
  for i = 1, math.min(#found, SHOWN) do
    local e = entry(found[i])
    list[i] = { name = e.name, summary = passage(e, words_of(query)[1]) }
  end
  local near = #found < 3 and suggestions(query)[1]
  local head = ("%q is found in:"):format(query)
  if near and not near:lower():find(query:lower(), 1, true) then
    head = ("%q is found in (a name near it: %s):"):format(query, near)
  end
  local more = #found > SHOWN and ("\n  and %d more"):format(#found - SHOWN) or ""
  return head .. "\n" .. render.list(list, width) .. more
end

local function text_of_name(query, width)
  local list = lookup(query)
  if fold(query) == "dam" then
    return render.overview(entries, width)
  elseif #list > 0 then
    return pages(list, width)
  end
  return option_page(query, width) or search_page(query, width)
end

local function text_of_value(v, width)
  if rawequal(v, value_of "dam") then
    return render.overview(entries, width)
  elseif type(v) == "function" and rawequal(v, rawget(_G, "help")) then
    return page(entry "dam.help", width)
  end
  local e = entry_of_value(v)
  if e then
    return pages(lookup(e.name), width)
  end
  local class = class_of(v)
  e = class and entry(class, "class")
  if e then
    return page(e, width)
  end
  local standard = standard_name(v)
  if standard then
    local kind = type(v) == "table" and "a library" or "a function"
    return ("%s is %s of Lua itself: https://www.lua.org/manual/5.4/manual.html#%s%s"):format(
      standard, kind, kind == "a library" and "6" or "pdf-", kind == "a library" and "" or standard)
  end
  return ("No help for this %s. help(dam) lists what there is; help \"NAME\" searches."):format(
    type(v))
end

--- The text that help shows.
-- @function help.text
-- @param[opt] topic a name, words to look for, or a value; nothing for the beginning
-- @tparam[opt] integer width columns (default: those of the terminal, at most 100; 80 elsewhere)
-- @treturn string
-- @usage print(require "dam.help".text("lse", 60))
function help.text(topic, width)
  width = math.max(40, width or math.min(core.tools.columns() or 80, 100))
  if topic == nil or (type(topic) == "string" and not topic:find "%S") then
    return render.start(core.version, width)
  elseif type(topic) == "string" then
    return text_of_name(topic, width)
  end
  return text_of_value(topic, width)
end

return setmetatable(help, {
  __call = function(_, ...)
    local topic = ...
    if topic == nil and select("#", ...) > 0 then
      print "This value is nil: is its name spelt right? help() begins."
      return
    end
    print(help.text(topic))
  end,
})
