--- dam.options: the command-line options of a script, typed by their defaults, with --help for
--- free.
local core = require "dam.core"
local check = require "dam.check"

local options = {}

local function is_array(v)
  local meta = type(v) == "userdata" and getmetatable(v)
  return type(meta) == "table" and meta.__name == "dam.array"
end

--- What a value must look like, from its default.
local function kind_of(default)
  if type(default) == "boolean" or type(default) == "string" then
    return type(default)
  elseif type(default) == "number" then
    return math.type(default) == "integer" and "integer" or "number"
  elseif is_array(default) then
    return "list"
  elseif type(default) == "table" then
    return type(default[1]) == "string" and "words" or "list"
  end
end

local EXPECTED = {
  integer = "an integer", number = "a number", string = "text", words = "words a,b,c",
  list = "numbers a,b,c or a:b:step", boolean = "nothing, or =true or =false",
}

local PLACEHOLDER = {
  integer = "INTEGER", number = "NUMBER", string = "TEXT", words = "A,B,...",
  list = "A,B,...|A:B:STEP",
}

local function dashes(name)
  return (name:gsub("_", "-"))
end

local function finite(text)
  local v = text:find("^[%s%w.+-]+$") and tonumber(text)
  return v and v == v and math.abs(v) < math.huge and v or nil
end

local function split(text)
  local parts = {}
  for part in (text .. ","):gmatch("([^,]*),") do
    parts[#parts + 1] = part
  end
  return parts
end

--- "0.1,0.2" or "0.1:1:0.1" as an array; nil when it is neither.
local function numbers(text)
  local a, b, step = text:match("^([^:,]+):([^:,]+):([^:,]+)$")
  if a then
    a, b, step = finite(a), finite(b), finite(step)
    local ok, list = pcall(core.range, a, b, step)
    return ok and list or nil
  end
  local list = split(text)
  for i, part in ipairs(list) do
    list[i] = finite(part)
    if not list[i] then
      return nil
    end
  end
  return core.array(list)
end

local CONVERT = {
  string = function(text) return text end,
  words = split,
  number = function(text)
    local v = finite(text)
    return v and v + 0.0
  end,
  integer = function(text)
    local v = finite(text)
    return v and math.tointeger(v)
  end,
  boolean = function(text)
    if text == "true" then return true end
    if text == "false" then return false end
  end,
  list = numbers,
}

local function show(v)
  if is_array(v) then
    v = v:totable()
  end
  if type(v) == "table" then
    local parts = {}
    for i = 1, #v do
      if #v > 6 and i == 4 then
        parts[i] = "..."
      elseif #v <= 6 or i < 4 or i == #v then
        parts[#parts + 1] = show(v[i])
      end
    end
    return table.concat(parts, ",")
  elseif math.type(v) == "float" then
    return ("%.12g"):format(v)
  end
  return tostring(v)
end

--- The specification as a sorted list of { name =, default =, help =, kind = }.
local function read_specification(specification)
  if type(specification) ~= "table" then
    check.raise("dam.options: expected a table { name = {default, help} }, got %s",
      type(specification))
  end
  local list, hurried = {}, false
  for name, entry in pairs(specification) do
    if type(name) ~= "string" or not name:find("^%a[%w_]*$") then
      check.raise("dam.options: an option's name is a word, not %s", check.show(name))
    elseif name == "help" or name == "h" then
      check.raise("dam.options: --help and -h are there already")
    end
    local default, help, quick = entry, nil, nil
    if type(entry) == "table" then
      default, help, quick = entry[1], entry[2], entry[3]
    end
    local kind = kind_of(default)
    if not kind then
      check.argument("dam.options", name, entry,
        "{default, help} with a number, true or false, text or a list as default")
    elseif help ~= nil and type(help) ~= "string" then
      check.argument("dam.options", name .. "[2]", help, "the help text")
    elseif quick ~= nil and kind_of(quick) ~= kind then
      check.argument("dam.options", name .. "[3]", quick, "a value of the default's type")
    end
    list[#list + 1] = { name = name, default = default, help = help or "", kind = kind,
      quick = quick }
    hurried = hurried or quick ~= nil
  end
  if hurried and specification.quick == nil then
    list[#list + 1] = { name = "quick", default = false, help = "small values, for a first look",
      kind = "boolean" }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function usage(list, script)
  local lines = { ("usage: %s [options]"):format(script), "options:" }
  local heads, widest = {}, #"-h, --help"
  for i, o in ipairs(list) do
    local head = "--" .. dashes(o.name)
    if o.kind == "boolean" then
      head = o.default and "--no-" .. dashes(o.name) or head
    else
      head = head .. " " .. PLACEHOLDER[o.kind]
    end
    heads[i] = head
    widest = math.max(widest, #head)
  end
  local function line(head, text)
    lines[#lines + 1] = ("  %-" .. math.min(widest, 36) .. "s  %s"):format(head, text)
  end
  for i, o in ipairs(list) do
    local default = o.kind == "boolean" and (o.default and "on" or "off") or show(o.default)
    local quick = o.quick ~= nil and ("; --quick: %s"):format(show(o.quick)) or ""
    line(heads[i], ("%s%s(default: %s%s)"):format(o.help, o.help == "" and "" or " ", default,
      quick))
  end
  line("-h, --help", "show this help and leave")
  return table.concat(lines, "\n") .. "\n"
end

--- The option that `word` (without dashes) names, and the value a bare flag gives it.
local function find(list, word)
  word = word:gsub("-", "_")
  for _, o in ipairs(list) do
    if o.name == word then
      return o, true
    elseif o.kind == "boolean" and "no_" .. o.name == word then
      return o, false
    end
  end
end

local HOST_SWITCHES = {}
for _, name in ipairs { "device", "threads", "strict", "traceback", "quiet", "dry-run", "fresh",
  "shard", "sandbox", "out", "read", "results", "max-memory", "max-time" } do
  HOST_SWITCHES["--" .. name] = true
end

--- Reads `args` into `values`; returns a message on the first mistake.
local function parse(list, args, values, script)
  local names = {}
  for i, o in ipairs(list) do
    names[i] = "--" .. dashes(o.name)
  end
  names[#names + 1] = "--help"
  local i = 1
  while args[i] do
    local word, equals, text = tostring(args[i]):match("^%-%-([^=]+)(=?)(.*)$")
    local o, flag
    if word then
      o, flag = find(list, word)
    end
    if not o then
      local what = tostring(args[i]):match("^[^=]*")
      if not what:find("^%-") then
        return ("unexpected argument '%s'"):format(args[i])
      end
      if HOST_SWITCHES[what] then
        return ("%s is an option of damlua: it goes before the script, damlua %s %s"):format(what,
          what, script)
      end
      return "unknown option " .. check.unknown(what, names, "options")
    end
    if o.kind == "boolean" and equals == "" then
      values[o.name] = flag
    else
      if equals == "" then
        i = i + 1
        text = args[i] and tostring(args[i])
      end
      local v = text and (o.kind ~= "boolean" or flag) and CONVERT[o.kind](text)
      if v == nil or (o.kind == "boolean" and not flag) then
        local found = text and ("got '%s'"):format(text) or "got nothing"
        return ("--%s needs %s, %s"):format(word, EXPECTED[o.kind], found)
      end
      if o.kind == "list" and not is_array(o.default) then
        v = v:totable()
      end
      values[o.name] = v
    end
    i = i + 1
  end
end

--- The defaults of what was not given, with --quick those for it.
local function fill_in(list, values)
  local hurry = values.quick
  for _, o in ipairs(list) do
    if o.name == "quick" and hurry == nil then
      hurry = o.default
    end
  end
  for _, o in ipairs(list) do
    if values[o.name] == nil then
      values[o.name] = o.default
      if hurry == true and o.quick ~= nil then
        values[o.name] = o.quick
      end
    end
  end
end

local function wants_help(args)
  for _, word in ipairs(args) do
    if word == "-h" or word == "--help" then
      return true
    end
  end
  return false
end

local function complain(script, message, raise)
  if raise then
    check.raise("%s", message)
  end
  io.stderr:write(("%s: %s\n"):format(script, message))
  os.exit(1, true)
end

--- The command-line options of a script. An option's default says its type: an integer, a number, a
--- flag (`--quick`, `--no-quick`), text, or a list of numbers (`--T 0.1,0.2` or `--T 0.1:1:0.1`; an
--- array when the default is one, else a table). `--name value` and `--name=value` are the same,
--- as are `_` and `-` in names. `--help` and `-h` print the options and leave with status 0; a
--- mistake is one line on standard error and status 1.
-- @function dam.options
-- @tparam table specification `name = { default, "help text" }` for every option; a third value is
--  the default with `--quick`, which is then an option of the script
-- @tparam[opt] table args list of words instead of the script's `arg`; mistakes are raised then
-- @treturn table the value of every option. `dam.options.last` keeps a copy, which is recorded with
--  results
-- @raise on a specification of another form
-- @usage opt = dam.options{ seed = { 42, "random seed" }, steps = { 10000, "steps", 100 } }
-- print(opt.seed, opt.steps, opt.quick)
local function read(_, specification, args)
  local list = read_specification(specification)
  local own = rawget(core.sharing.environment(), "arg") or {}
  local given = args or own
  local script = given[0] or own[0] or "script"
  if wants_help(given) then
    io.stdout:write(usage(list, script))
    os.exit(0, true)
  end
  local values = {}
  local message = parse(list, given, values, script)
  if message then
    complain(script, message, args ~= nil)
  end
  fill_in(list, values)
  options.last = {}
  for name, v in pairs(values) do
    options.last[name] = v
  end
  return values
end

return setmetatable(options, { __call = read })
