--- The texts of help(): entries of the documentation laid out for a width.
local render = {}

local function length(text)
  return utf8.len(text) or #text
end

--- Text wrapped to a width; every line begins with `indent`. Empty lines part paragraphs.
function render.wrap(text, width, indent)
  local lines = {}
  for paragraph in (text .. "\n\n"):gmatch "(.-)\n\n" do
    local line
    for word in paragraph:gmatch "%S+" do
      if not line then
        line = indent .. word
      elseif length(line) + 1 + length(word) > width then
        lines[#lines + 1] = line
        line = indent .. word
      else
        line = line .. " " .. word
      end
    end
    lines[#lines + 1] = line or ""
    lines[#lines + 1] = ""
  end
  lines[#lines] = nil
  return table.concat(lines, "\n")
end

--- One line of a text that may be longer.
local function cut(text, width)
  if length(text) <= width then
    return text
  end
  local line = ""
  for word in text:gmatch "%S+" do
    if length(line) + 1 + length(word) > width - 4 then
      break
    end
    line = line .. (line == "" and "" or " ") .. word
  end
  return line .. " ..."
end

--- Names with their summaries, one line each.
function render.list(list, width)
  local widest = 0
  for _, e in ipairs(list) do
    widest = math.max(widest, length(e.name))
  end
  local lines = {}
  for i, e in ipairs(list) do
    lines[i] = ("  %s%s  %s"):format(e.name, (" "):rep(widest - length(e.name)),
      cut(e.summary:gsub("%s+", " "), width - widest - 4))
  end
  return table.concat(lines, "\n")
end

--- The only table among the parameters that has named options, when it is written f{ ... }.
local function options_of(e)
  local p = e.params and #e.params == 1 and e.params[1]
  return p and p.fields and p.type == "table" and p or nil
end

--- dam.mh{ hamiltonian =, patterns =, [replicas = 1], ... }
local function table_signature(e, p)
  local parts = {}
  for i, o in ipairs(p.fields) do
    local default = o.default and o.default ~= "" and #o.default < 20 and " " .. o.default or ""
    parts[i] = o.opt and ("[%s =%s]"):format(o.name, default) or o.name .. " ="
  end
  return ("%s%s{ %s }"):format(e.name, p.opt and "" or "", table.concat(parts, ", "))
end

local function call_signature(e)
  local text = {}
  for i, p in ipairs(e.params or {}) do
    local name = (i > 1 and ", " or "") .. p.name
    text[i] = p.opt and ("[%s]"):format(name) or name
  end
  return ("%s(%s)"):format(e.name, table.concat(text))
end

local function signature(e)
  if e.kind == "class" or e.kind == "module" then
    return nil
  elseif e.kind == "verb" or e.kind == "switch" then
    return e.signature or "damlua " .. e.name
  end
  local p = options_of(e)
  local text = p and table_signature(e, p) or call_signature(e)
  local results = {}
  for i, r in ipairs(e.returns or {}) do
    results[i] = r.type
  end
  return #results > 0 and text .. " -> " .. table.concat(results, ", ") or text
end

--- `required` says whether what is not optional is marked: the options of a table.
local function parameters(lines, list, width, indent, required)
  for _, p in ipairs(list) do
    local state = required and ", required" or ""
    if p.opt then
      state = p.default and p.default ~= "" and ", default " .. p.default or ", optional"
    end
    lines[#lines + 1] = render.wrap(("%s: %s%s"):format(p.name, p.type:gsub("|", " | "), state),
      width, indent)
    if p.text ~= "" then
      lines[#lines + 1] = render.wrap(p.text, width, indent .. "    ")
    end
    if p.fields then
      parameters(lines, p.fields, width, indent .. "    ", required)
    end
  end
end

local function section(lines, title, text)
  lines[#lines + 1] = ""
  lines[#lines + 1] = title
  lines[#lines + 1] = text
end

local function example(lines, usage)
  local code = {}
  for line in (usage .. "\n"):gmatch "(.-)\n" do
    code[#code + 1] = line == "" and "" or "  " .. line
  end
  section(lines, "Example", table.concat(code, "\n"))
end

local LISTED = { class = "Methods", module = "Functions" }

local function arguments(lines, e, width)
  local o = options_of(e)
  if o then
    lines[#lines + 1] = ""
    lines[#lines + 1] = "Options"
    if o.text ~= "" then
      lines[#lines + 1] = render.wrap(o.text, width, "  ")
    end
    parameters(lines, o.fields, width, "  ", true)
  elseif e.params then
    lines[#lines + 1] = ""
    lines[#lines + 1] = "Arguments"
    parameters(lines, e.params, width, "  ")
  end
end

--- One entry in full; `members` are what a class or a module holds.
function render.page(e, members, width)
  local lines = {}
  local head = signature(e)
  if head then
    lines[1] = render.wrap(head, width - 4, ""):gsub("\n", "\n    ")
  else
    lines[1] = e.kind == "class" and "dam." .. e.name or e.name
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = render.wrap(e.text, width, "")
  arguments(lines, e, width)
  if e.fields then
    lines[#lines + 1] = ""
    lines[#lines + 1] = "Fields"
    parameters(lines, e.fields, width, "  ")
  end
  if e.returns then
    lines[#lines + 1] = ""
    lines[#lines + 1] = "Result"
    for _, r in ipairs(e.returns) do
      lines[#lines + 1] = render.wrap(r.type:gsub("|", " | ") .. " " .. r.text, width, "  ")
    end
  end
  if #members > 0 then
    section(lines, LISTED[e.kind], render.list(members, width))
  end
  if e.raise then
    section(lines, "Errors", render.wrap(e.raise, width, "  "))
  end
  if e.see then
    section(lines, "Source", render.wrap(e.see, width, "  "))
  end
  if e.usage then
    example(lines, e.usage)
  end
  return table.concat(lines, "\n")
end

--- One option of a function.
function render.option(e, p, width)
  local lines = { ("An option of %s:"):format(e.name) }
  parameters(lines, { p }, width, "  ", true)
  return table.concat(lines, "\n")
end

local GROUPS = {
  { "function", "Functions", "dam" }, { "class", "Classes" }, { "module", "Modules", "dam" },
  { "verb", "Commands (damlua -m NAME)" },
}

--- Everything there is, by name.
function render.overview(entries, width)
  local lines = { render.wrap("All there is, by name. help \"NAME\" explains one.", width, "") }
  for _, group in ipairs(GROUPS) do
    local list = {}
    for _, e in ipairs(entries) do
      local shown = not group[3] or e.name:match "^(.*)%." == group[3]
      list[#list + 1] = e.kind == group[1] and shown and e.name ~= "dam" and e or nil
    end
    section(lines, group[2], render.list(list, width))
  end
  return table.concat(lines, "\n")
end

--- The beginning.
function render.start(version, width)
  local intro = render.wrap(("damlua %s: thermodynamics of dense associative memories, from Lua. "
    .. "`dam` holds the functions; options go in one table."):format(version), width, "")
  return intro .. [[


  help(dam)             lists all functions, classes and commands
  help(dam.mh)          explains one; also help "mh", help "sampler:run"
  help "mh init"        explains an option
  help(s)               says what a value is and what it can do
  help "temperature"    searches all texts

A first sample, to type or to put into a file:

  p = dam.patterns{ N = 50, alpha = 0.1, disorder = 8, seed = 7 }
  s = dam.mh{ hamiltonian = dam.lse(), patterns = p, T = { 0.1, 0.5, 1 }, replicas = 2 }
  s:run(500)
  print(s:sample(500):table())

Then: docs/scripting.md, a tutorial; docs/reference/, these texts as pages.]]
end

return render
