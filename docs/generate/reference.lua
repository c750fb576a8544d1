--- The reference pages, as file name -> Markdown.
local names = require "names"

local GENERATED = "<!-- Made by `make docs` from the docstrings: edit those. -->\n"

--- A word that Markdown shows as it is.
local function code(text)
  return "`" .. text .. "`"
end

--- Lines of at most 100 letters, each beginning with `indent`.
local function wrap(text, indent, first)
  local out = {}
  for paragraph in (text .. "\n\n"):gmatch "(.-)\n\n" do
    local line = (#out == 0 and first or indent)
    local empty = true
    for word in paragraph:gmatch "%S+" do
      if not empty and utf8.len(line) + 1 + utf8.len(word) > 100 then
        out[#out + 1] = line
        line, empty = indent, true
      end
      line, empty = line .. (empty and "" or " ") .. word, false
    end
    out[#out + 1] = line
    out[#out + 1] = ""
  end
  out[#out] = nil
  return table.concat(out, "\n")
end

--- Text outside of code: what Markdown would take for markup is escaped.
local function prose(text)
  local out, inside = {}, false
  for part, tick in (text .. "`"):gmatch "([^`]*)(`)" do
    out[#out + 1] = inside and part or part:gsub("[*_<>]", "\\%0"):gsub("%[", "\\[")
    out[#out + 1] = tick
    inside = not inside
  end
  out[#out] = nil
  return table.concat(out)
end

local function parameters(lines, list, indent)
  for _, p in ipairs(list) do
    local state = p.opt and (p.default and p.default ~= "" and ", default " .. code(p.default)
      or ", optional") or ""
    local head = ("%s- **%s** (%s%s)"):format(indent, code(p.name), code(p.type), state)
    local text = p.text ~= "" and head .. ": " .. prose(p.text) or head
    lines[#lines + 1] = wrap(text:gsub("^%s+", ""), indent .. "  ", indent)
    if p.fields then
      parameters(lines, p.fields, indent .. "  ")
    end
  end
end

local function call(e)
  local o = e.params and #e.params == 1 and e.params[1]
  if o and o.fields and o.type == "table" then
    return e.name .. "{ ... }"
  end
  local text = {}
  for i, p in ipairs(e.params or {}) do
    local name = (i > 1 and ", " or "") .. p.name
    text[i] = p.opt and ("[%s]"):format(name) or name
  end
  return ("%s(%s)"):format(e.name, table.concat(text))
end

local function title(e)
  if e.kind == "function" or e.kind == "method" then
    return code(call(e))
  end
  return e.kind == "verb" and code(e.signature) or code("damlua " .. e.name)
end

local function body(lines, e)
  lines[#lines + 1] = wrap(prose(e.text), "", "")
  local function labelled(label, list)
    lines[#lines + 1] = ""
    lines[#lines + 1] = label
    lines[#lines + 1] = ""
    parameters(lines, list, "")
  end
  local o = e.params and #e.params == 1 and e.params[1]
  if o and o.fields and o.type == "table" then
    labelled("Options" .. (o.text ~= "" and " (" .. prose(o.text) .. "):" or ":"), o.fields)
  elseif e.params then
    labelled("Arguments:", e.params)
  end
  if e.fields then
    labelled("Fields:", e.fields)
  end
  local function paragraph(label, text)
    lines[#lines + 1] = ""
    lines[#lines + 1] = wrap(("*%s:* %s"):format(label, text), "", "")
  end
  for _, r in ipairs(e.returns or {}) do
    paragraph("Result", code(r.type) .. (r.text ~= "" and " " .. prose(r.text) or ""))
  end
  if e.raise then
    paragraph("Errors", prose(e.raise))
  end
  if e.see then
    paragraph("Source", prose(e.see))
  end
  if e.usage then
    lines[#lines + 1] = "\n```lua\n" .. e.usage .. "\n```"
  end
end

local function section(lines, e)
  lines[#lines + 1] = ""
  lines[#lines + 1] = "## " .. title(e)
  lines[#lines + 1] = ""
  body(lines, e)
end

--- The page of an entry's owner: "sampler:run" -> "sampler.md".
local function page_of(e)
  if e.kind == "verb" or e.kind == "switch" then
    return "command-line.md"
  elseif e.kind == "class" or e.kind == "module" then
    return e.name:gsub("^dam%.", "") .. ".md"
  end
  return (names.owner(e):gsub("^dam%.", "") .. ".md")
end

local function members(entries, file, heading)
  local lines = { GENERATED }
  for _, e in ipairs(entries) do
    if page_of(e) == file and (e.kind == "class" or e.kind == "module") then
      lines[#lines + 1] = "# " .. (e.kind == "class" and "dam." .. e.name or e.name) .. "\n"
      body(lines, e)
    end
  end
  if heading then
    lines[#lines + 1] = heading
  end
  for _, e in ipairs(entries) do
    if page_of(e) == file and e.kind ~= "class" and e.kind ~= "module" then
      section(lines, e)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local GROUPS = { { "Functions", "function", "dam" }, { "Classes", "class" },
  { "Modules", "module" }, { "Commands", "verb" } }

local function index(entries)
  local lines = { GENERATED, "# Reference\n", wrap("What `help()` shows, as pages. A(n) and B(n) "
    .. "are equations of the papers, which [physics.md](../physics.md) names and explains.", "", "")
  }
  for _, group in ipairs(GROUPS) do
    lines[#lines + 1] = ("\n## %s\n\n| | |\n|---|---|"):format(group[1])
    for _, e in ipairs(entries) do
      if e.kind == group[2] and (not group[3] or names.owner(e) == group[3]) then
        lines[#lines + 1] = ("| [%s](%s) | %s |"):format(
          code(e.kind == "class" and "dam." .. e.name or e.name), page_of(e),
          prose(e.summary:gsub("%s+", " ")):gsub("|", "\\|"))
      end
    end
  end
  lines[#lines + 1] = "\nSwitches of the program: [command-line.md](command-line.md)."
  return table.concat(lines, "\n") .. "\n"
end

return function(all)
  local entries = names.public(all)
  local pages = { ["index.md"] = index(entries) }
  for _, e in ipairs(entries) do
    local file = page_of(e)
    pages[file] = pages[file] or members(entries, file,
      file == "command-line.md" and "# The command line\n" or nil)
  end
  return pages
end
