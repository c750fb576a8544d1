--- Completion at the prompt: globals, kept locals, fields, methods after ":", options inside
--- `dam.mh{`, words of an option, modules in `require "`, files in other strings. Nothing of the
--- user's runs: tables are read raw, objects by their class. What cannot be known without calling
--- something has no completions.
local chunk = require "dam.prompt.chunk"
local tokens = require "dam.prompt.tokens"

local complete = {}

local debug_getmetatable, getupvalue = debug.getmetatable, debug.getupvalue
local clock, sort = os.clock, table.sort
local find, gmatch, gsub = string.find, string.gmatch, string.gsub
local match, sub = string.match, string.sub
local ipairs, next, pcall, rawequal, rawget = ipairs, next, pcall, rawequal, rawget
local package, require, type = package, require, type

-- No more candidates than anyone reads, and no longer than nobody notices.
local MOST, SECONDS = 1000, 0.1

-- Fields of objects that are computed when they are read, by class; methods need no list.
local FIELDS = {
  ["dam.array"] = { "shape" },
  ["dam.hamiltonian"] = { "kind", "beta_net", "b", "epsilon", "k" },
  ["dam.patterns"] = { "N", "M", "alpha", "disorder", "first_disorder", "seed", "repeated" },
  ["dam.sampler"] = {
    "device", "isa", "steps", "T", "N", "M", "disorder", "first_disorder", "replicas",
    "first_replica", "seed", "step",
  },
  ["dam.result"] = {
    "T", "phi", "phi2", "q12", "energy_density", "acceptance", "phi_max_other", "digest", "steps",
    "stats", "series", "histogram", "track",
  },
  ["dam.theory"] = { "law", "floor", "which", "hamiltonian" },
  ["dam.view"] = { "x", "phi", "energy_density", "step" },
}

-- ---- what there is ----

local function new_list()
  local found, seen, stop = {}, {}, clock() + SECONDS
  local list = { found = found }
  --- Adds a name once; false when there are enough or it takes too long.
  function list.add(name)
    if not seen[name] then
      seen[name] = true
      found[#found + 1] = name
    end
    return #found < MOST
  end
  function list.late()
    return clock() > stop
  end
  return list
end

--- Adds the words among the keys of a table that begin with `prefix`.
local function add_keys(list, t, prefix, only)
  local n, looked = #prefix, 0
  for key, value in next, t do
    if type(key) == "string" and sub(key, 1, n) == prefix and find(key, "^[%a_][%w_]*$")
      and not tokens.keywords[key] and (not only or only(value)) and not list.add(key) then
      return
    end
    looked = looked + 1
    if looked % 4096 == 0 and list.late() then
      return
    end
  end
end

local function add_words(list, words, prefix)
  for _, word in ipairs(words) do
    if sub(word, 1, #prefix) == prefix then
      list.add(word)
    end
  end
end

--- The tables that a value's fields come from, itself aside, without asking it.
local function class_tables(v)
  local found, seen = {}, {}
  local meta = debug_getmetatable(v)
  while type(meta) == "table" and not seen[meta] and #found < 10 do
    seen[meta] = true
    local index = rawget(meta, "__index")
    local methods = rawget(meta, "methods")
    if type(v) == "userdata" and type(methods) == "table" then
      found[#found + 1] = methods
    end
    if type(v) == "userdata" and type(index) == "function" then -- of C: methods are its upvalue
      local name, held = getupvalue(index, 1)
      index = name == "" and held or nil
    end
    if type(index) ~= "table" then
      break
    end
    found[#found + 1] = index
    meta = debug_getmetatable(index)
  end
  return found
end

local function class_name(v)
  local meta = type(v) == "userdata" and debug_getmetatable(v)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name or nil
end

--- A field's value, read raw; nil when that does not tell.
local function field(v, key)
  local found
  if type(v) == "table" then
    found = rawget(v, key)
  end
  local classes = found == nil and class_tables(v) or {}
  for _, t in ipairs(classes) do
    found = rawget(t, key)
    if found ~= nil then
      break
    end
  end
  return found
end

--- The value of a chain of names.
-- @function complete.value
-- @tparam table names as tokens.chain gives them
-- @tparam integer last how many of them to follow
-- @return the value; nil when it cannot be known
-- @usage print(require "dam.prompt.complete".value({ { "string" }, { "rep", "." } }, 2))
function complete.value(names, last)
  local known, v = chunk.get(names[1][1])
  if not known then
    v = rawget(chunk.globals, names[1][1])
  end
  for i = 2, last do
    if v == nil then
      return nil
    end
    v = field(v, names[i][1])
  end
  return v
end

-- ---- what the help knows ----

local function from_help(what, ...)
  local ok, help = pcall(require, "dam.help")
  local f = ok and type(help) == "table" and rawget(help, what)
  local found
  if type(f) == "function" then
    ok, found = pcall(f, ...)
  end
  return ok and type(found) == "table" and found or {}
end

--- The name under which the help knows what a chain of names calls: "dam.mh", "sampler:sample".
-- @function complete.documented
-- @tparam table names as tokens.chain gives them
-- @treturn string|nil
-- @usage print(require "dam.prompt.complete".documented { { "dam" }, { "mh", "." } })
function complete.documented(names)
  local n = #names
  local owner = n > 1 and complete.value(names, n - 1)
  local class = owner and class_name(owner)
  if class then
    return gsub(class, "^dam%.", "") .. ":" .. names[n][1]
  end
  local v = complete.value(names, n)
  for _, module in ipairs { "dam", "dam.sweep", "dam.stats", "dam.format" } do
    local library = v ~= nil and package.loaded[module]
    for name, value in next, type(library) == "table" and library or {} do
      if rawequal(v, value) and type(name) == "string" then
        return module .. "." .. name
      end
    end
  end
end

-- ---- where the cursor is ----

--- The bracket that is open at the end of the first `last` tokens, and the names that are given a
--- value after it.
local function open_bracket(list, last)
  local depth, given = 0, {}
  for i = last, 1, -1 do
    local t = list[i]
    if t.kind == "symbol" and find(t.text, "^[)}%]]$") then
      depth = depth + 1
    elseif t.kind == "symbol" and find(t.text, "^[({%[]$") then
      if depth == 0 then
        return i, given
      end
      depth = depth - 1
    elseif depth == 0 and t.kind == "name" and list[i + 1] and list[i + 1].text == "=" then
      given[t.text] = true
    end
  end
  return nil, given
end

--- The call whose table of options is open at the end of a list of tokens: its chain of names, the
--- options that are given already in the innermost table, and the way to that table: "" for the
--- options themselves, "init" within `init = {`.
local function open_call(list)
  local at, given = open_bracket(list, #list)
  local path = ""
  while at and list[at].text == "{" do
    local before = list[at - 1]
    if before and before.text == "=" and list[at - 2] then -- a table within the options
      path = list[at - 2].text .. (path == "" and "" or "." .. path)
      at = open_bracket(list, at - 1)
    else
      local last = at - 1
      if before and before.text == "," then -- s:sample(10, { every
        last = open_bracket(list, last)
      end
      if last and list[last] and list[last].text == "(" then
        last = last - 1
      end
      return last and tokens.chain(list, last), given, path
    end
  end
end

--- Whether a new field may begin after the last token.
local function field_begins(list)
  local t = list[#list]
  return t and (t.text == "{" or t.text == "," or t.text == ";")
end

local function option_candidates(list, before, prefix)
  local names, given, path = open_call(before)
  local name = names and path == "" and field_begins(before) and complete.documented(names)
  for _, option in ipairs(name and from_help("options", name) or {}) do
    if sub(option, 1, #prefix) == prefix and not given[option] then
      list.add(option .. " = ")
    end
  end
end

local function name_candidates(list, before, prefix)
  option_candidates(list, before, prefix)
  if #list.found > 0 and field_begins(before) then
    return
  end
  add_words(list, chunk.names(), prefix)
  for _, t in ipairs(before) do -- locals of a block that is being typed
    if t.kind == "name" and sub(t.text, 1, #prefix) == prefix and prefix ~= "" then
      list.add(t.text)
    end
  end
  add_keys(list, chunk.globals, prefix)
  if prefix ~= "" then
    for word in next, tokens.keywords do
      if sub(word, 1, #prefix) == prefix then
        list.add(word)
      end
    end
  end
end

local function is_callable(v)
  local meta = type(v) ~= "function" and debug_getmetatable(v)
  return type(v) == "function" or type(meta) == "table" and rawget(meta, "__call") ~= nil
end

--- The value before the mark at the end of `before`, when it is a chain of names or a string.
local function owner(before)
  local names = tokens.chain(before, #before - 1)
  if names then
    return complete.value(names, #names)
  end
  local last = before[#before - 1]
  local inner = last and last.text == ")" and before[#before - 2] or last
  return inner and inner.kind == "string" and inner.text or nil
end

local function field_candidates(list, before, prefix)
  local v, mark = owner(before), before[#before].text
  if v == nil then
    return
  end
  local only = mark == ":" and is_callable or nil
  if type(v) == "table" then
    add_keys(list, v, prefix, only)
  end
  for _, t in ipairs(class_tables(v)) do
    add_keys(list, t, prefix, only)
  end
  if not only then
    add_words(list, FIELDS[class_name(v)] or {}, prefix)
  end
end

--- Modules: loaded, preloaded, in the standard library, and files where require looks.
local function module_candidates(list, prefix, host)
  local function add_all(names)
    for name in next, names do
      if type(name) == "string" and sub(name, 1, #prefix) == prefix then
        list.add(name)
      end
    end
  end
  add_all(package.loaded)
  add_all(package.preload)
  add_words(list, host and host.modules() or {}, prefix)
  local parent = match(prefix, "^(.*%.)") or ""
  local folder = gsub(parent, "%.", "/")
  for template in gmatch(host and host.path() .. ";" .. package.path or "", "[^;]+") do
    local head, tail = match(template, "^(.-)%?(.*)$")
    for _, name in ipairs(head and host.list(head .. folder) or {}) do
      local stem = sub(tail, 1, 1) == "/" and name
        or sub(name, -#tail) == tail and sub(name, 1, -#tail - 1)
      if stem and sub(tail, 1, 1) ~= "/" and find(stem, "^[%w_-]+$")
        and sub(parent .. stem, 1, #prefix) == prefix then
        list.add(parent .. stem)
      end
    end
  end
end

--- Inside a string: modules, words of an option, else files.
local function string_candidates(list, before, prefix, host)
  local last = before[#before]
  local called = last and last.text == "(" and before[#before - 1] or last
  if called and called.kind == "name" and called.text == "require" then
    module_candidates(list, prefix, host)
    return "string"
  end
  local names, _, path = open_call(before)
  local name = names and complete.documented(names)
  if name then
    local option = last.text == "=" and before[#before - 1].text or "" -- else one of a list
    path = path .. (path ~= "" and option ~= "" and "." or "") .. option
    add_words(list, from_help("enum", name, path), prefix)
    if #list.found > 0 then
      return "string"
    end
  end
  return "file"
end

--- The candidates for what stands before the cursor.
-- @function complete.at
-- @tparam string text everything typed up to the cursor
-- @tparam[opt] table host `modules()`, `path()`, `list(folder)`: lists that the program gives
-- @treturn string "word", "string" (candidates end at the closing quote), "file" (the caller lists
--  files), or "none"
-- @treturn integer where in the text the part begins that is to be completed
-- @treturn table sorted candidates, each a replacement of that part
-- @usage print(table.concat(select(3, require "dam.prompt.complete".at "dam.lin"), " "))
function complete.at(text, host)
  local all = tokens.scan(text)
  local list, last = new_list(), all[#all]
  local kind, start, prefix = "word", #text + 1, ""
  if last and last.kind == "comment" and (not last.closed or last.to == #text) then
    return "none", start, {}
  elseif last and last.kind == "string" and not last.closed then
    local quote = match(last.text, "^%[=*%[") or sub(last.text, 1, 1)
    start, prefix = last.from + #quote, sub(last.text, #quote + 1)
    all[#all] = nil
    kind = string_candidates(list, all, prefix, host)
  else
    if last and last.to == #text and (last.kind == "name" or last.kind == "keyword") then
      start, prefix = last.from, last.text
      all[#all] = nil
    end
    local mark = all[#all]
    if mark and (mark.text == "." or mark.text == ":") then
      field_candidates(list, all, prefix)
    elseif not (mark and mark.kind == "number" and mark.to == #text) then
      name_candidates(list, all, prefix)
    end
  end
  sort(list.found)
  return kind, start, list.found
end

return complete
