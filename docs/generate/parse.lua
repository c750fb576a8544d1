--- Docstrings to entries: `/*** ... */` in lua/*.c, `---` in stdlib/. The tags are LDoc's, with
--- the fields of a table as parameters with a dot (`options.seed`) and the allowed texts of an
--- option as its type (`"auto"|"cpu"`). Beside them `@operator` and `@overload`, as LuaLS has them.
local parse = {}

local function trim(text)
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

--- Lines joined to paragraphs; empty lines part them.
local function paragraphs(lines)
  local out, current = {}, {}
  for i = 1, #lines + 1 do
    local line = lines[i] and trim(lines[i]) or ""
    if line ~= "" then
      current[#current + 1] = line
    elseif #current > 0 then
      out[#out + 1] = table.concat(current, " ")
      current = {}
    end
  end
  return table.concat(out, "\n\n")
end

--- Code as it stands, without the indentation that all lines after the first share.
local function code(lines)
  local first = trim(lines[1] or "")
  local indent
  for i = 2, #lines do
    local spaces = lines[i]:match "^( *)%S"
    if spaces and (not indent or #spaces < #indent) then
      indent = spaces
    end
  end
  local out = { first ~= "" and first or nil }
  for i = 2, #lines do
    out[#out + 1] = lines[i]:sub(#(indent or "") + 1)
  end
  return (table.concat(out, "\n"):gsub("%s+$", ""))
end

--- The blocks of a C source: lists of lines, and the line where each begins.
local function c_blocks(text)
  local blocks = {}
  for at, body in text:gmatch "()/%*%*%*(.-)%*/" do
    local block = { line = select(2, text:sub(1, at):gsub("\n", "")) + 1 }
    for line in (body .. "\n"):gmatch "(.-)\n" do
      block[#block + 1] = line
    end
    blocks[#blocks + 1] = block
  end
  return blocks
end

local function lua_blocks(text)
  local blocks, block, number = {}, nil, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local comment = block and line:match "^%s*%-%-%-?(.*)$" or line:match "^%s*%-%-%-(.*)$"
    if comment and not block then
      block = { line = number }
      blocks[#blocks + 1] = block
    end
    if comment then
      block[#block + 1] = (comment:gsub("^ ", ""))
    else
      block = nil
    end
  end
  return blocks
end

--- The description and the tags of a block: { tag, line, line, ... }.
local function split(block)
  local parts = { { "text" } }
  for _, line in ipairs(block) do
    local tag, rest = line:match "^@(%w+)(.*)$"
    if tag then
      parts[#parts + 1] = { tag, rest }
    else
      table.insert(parts[#parts], line)
    end
  end
  return parts
end

local function body(part)
  return table.move(part, 2, #part, 1, {})
end

--- "[opt=1] number name text" as a parameter.
local function parameter(part, typed)
  local text = paragraphs(body(part)):gsub("\n\n", " ")
  local modifier, rest = text:match "^(%b[])%s*(.*)$"
  local p = {}
  if modifier then
    local default = modifier:match "^%[opt=(.*)%]$"
    p.opt = true
    p.default = default
    text = rest
  end
  if typed then
    p.type, text = text:match "^(%S+)%s*(.*)$"
  else
    p.type = "any"
  end
  p.name, p.text = text:match "^(%S+)%s*(.*)$"
  if not p.name or not p.type then
    return nil, "a parameter without type or name"
  end
  return p
end

--- Puts `options.seed` into the fields of the parameter `options`.
local function place(params, p)
  local parent, name = p.name:match "^(.*)%.([^.]+)$"
  if not parent then
    params[#params + 1] = p
    return true
  end
  local list = params
  local owner
  for step in parent:gmatch "[^.]+" do
    owner = nil
    for _, candidate in ipairs(list) do
      if candidate.name == step then
        owner = candidate
      end
    end
    if not owner then
      return false, ("%s has no parent %s"):format(p.name, parent)
    end
    owner.fields = owner.fields or {}
    list = owner.fields
  end
  p.name = name
  list[#list + 1] = p
  return true
end

--- The first sentence; the point of an abbreviation, before a digit or a small letter, ends none.
local function first_sentence(text)
  local paragraph = text:match "^(.-)\n" or text
  return paragraph:match "^(.-[^.]%.)%s+%u" or paragraph
end

local readers = {}

readers["function"] = function(e, part)
  e.name = trim(part[2])
  e.kind = e.name:find(":", 1, true) and "method" or "function"
end
function readers.type(e, part)
  e.name, e.kind = trim(part[2]), "class"
end
function readers.module(e, part)
  e.name, e.kind = trim(part[2]), "module"
end
function readers.tparam(e, part)
  local p, message = parameter(part, true)
  if not p then
    return message
  end
  local ok, why = place(e.params, p)
  return not ok and why or nil
end
function readers.param(e, part)
  local p, message = parameter(part, false)
  if not p then
    return message
  end
  local ok, why = place(e.params, p)
  return not ok and why or nil
end
function readers.tfield(e, part)
  local p, message = parameter(part, true)
  if not p then
    return message
  end
  local ok, why = place(e.fields, p)
  return not ok and why or nil
end
function readers.treturn(e, part)
  local text = paragraphs(body(part))
  local kind, rest = text:match "^(%S+)%s*(.*)$"
  e.returns[#e.returns + 1] = { type = kind, text = rest }
end
readers["return"] = function(e, part)
  e.returns[#e.returns + 1] = { type = "any", text = paragraphs(body(part)) }
end
function readers.raise(e, part)
  e.raise = paragraphs(body(part))
end
function readers.see(e, part)
  e.see = paragraphs(body(part))
end
function readers.usage(e, part)
  e.usage = code(body(part))
end
function readers.operator(e, part)
  e.operators[#e.operators + 1] = trim(part[2])
end
function readers.overload(e, part)
  e.overloads[#e.overloads + 1] = trim(part[2])
end
readers["local"] = function(e)
  e.private = true
end

local function read(block, source)
  local e = { params = {}, fields = {}, returns = {}, operators = {}, overloads = {},
    source = source }
  for _, part in ipairs(split(block)) do
    if part[1] == "text" then
      e.text = paragraphs(body(part))
    else
      local reader = readers[part[1]]
      local problem = reader and reader(e, part) or not reader and "unknown tag @" .. part[1]
      if problem then
        error(("%s:%d: %s"):format(source, block.line, problem), 0)
      end
    end
  end
  e.summary = first_sentence(e.text)
  for _, key in ipairs { "params", "fields", "returns", "operators", "overloads" } do
    if #e[key] == 0 then
      e[key] = nil
    end
  end
  return e
end

--- What a file of stdlib/ is to scripts: dam/sweep/plan.lua -> "dam.sweep.plan".
local function module_name(path)
  return (path:gsub("^.*stdlib/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

--- The entries of one source file.
function parse.file(path, text)
  local is_c = path:find "%.c$"
  local entries, blocks = {}, (is_c and c_blocks or lua_blocks)(text)
  local name = not is_c and module_name(path)
  local short = name and name:match "[^.]+$"
  for i, block in ipairs(blocks) do
    local e = read(block, path)
    if name and i == 1 and not e.name then
      local verb = name:match "^dam%.verb%.(.+)$"
      e.name, e.kind = verb and "-m " .. verb or name, verb and "verb" or "module"
      if verb then
        e.signature, e.text = e.text:match "^`(.-)`: (.*)$"
        if not e.text then
          error(path .. ": a verb's text begins with `damlua -m " .. verb .. " ...`:", 0)
        end
        e.text = e.text:gsub("^%l", string.upper)
        e.summary = first_sentence(e.text)
      end
    end
    if name and e.kind == "function" and e.name:match "^[^.]+" == short then
      e.name = name:match "^(.-)[^.]+$" .. e.name
    end
    if e.name and not e.private then
      entries[#entries + 1] = e
    end
  end
  return entries
end

--- The switches of the program, from the text that --help prints: lines "  --name VALUE    text".
function parse.usage(path, text)
  local entries = {}
  local body_text = text:match 'dam_host_usage%[%]%s*=(.-);\n'
    or error(path .. ": no usage text", 0)
  for line in body_text:gmatch '"(.-)\\n"' do
    line = line:gsub('\\"', '"')
    local head, rest = line:match "^  (%-.-)%s%s+(%S.*)$"
    if head then
      entries[#entries + 1] = { name = head, kind = "switch", text = rest, summary = rest,
        source = path }
    elseif #entries > 0 and line:find "^%s%s%s%s%s%s+%S" then
      local e = entries[#entries]
      e.text = e.text .. " " .. trim(line)
      e.summary = e.text
    end
  end
  return entries
end

return parse
