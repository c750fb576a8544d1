--- Annotations for the Lua language server: every function, method, field and option with its type.
local names = require "names"

local classes

local function typed(text)
  return names.annotated(text, classes)
end

--- One line of a text.
local function line(text)
  return (text:gsub("%s+", " "))
end

local function comment(out, text)
  for paragraph in (text .. "\n"):gmatch "(.-)\n" do
    out[#out + 1] = "---" .. (paragraph ~= "" and " " .. paragraph or "")
  end
end

--- The options of a function as a class of their own; options within options as well.
local function options_class(out, name, p)
  for _, o in ipairs(p.fields) do
    if o.fields then
      options_class(out, name .. "." .. o.name, o)
    end
  end
  out[#out + 1] = ("---@class %s"):format(name)
  for _, o in ipairs(p.fields) do
    local kind = typed(o.type)
    if o.fields then
      kind = kind:gsub("table%[%]", name .. "." .. o.name .. "[]")
      kind = ("|" .. kind .. "|"):gsub("|table|", "|" .. name .. "." .. o.name .. "|"):sub(2, -2)
    end
    local default = o.default and o.default ~= "" and (" (default %s)"):format(o.default) or ""
    out[#out + 1] = ("---@field %s%s %s %s%s"):format(o.name, o.opt and "?" or "", kind,
      line(o.text), default)
  end
  out[#out + 1] = ""
end

local function parameter_lines(out, e, owner)
  local arguments = {}
  for i, p in ipairs(e.params or {}) do
    local kind = typed(p.type)
    if p.fields then
      local class = owner .. "." .. p.name
      kind = ("|" .. kind .. "|"):gsub("|table|", "|" .. class .. "|"):sub(2, -2)
    end
    arguments[i] = p.name
    out[#out + 1] = ("---@param %s%s %s %s"):format(p.name,
      p.opt and p.name ~= "..." and "?" or "", kind, line(p.text))
  end
  for _, r in ipairs(e.returns or {}) do
    out[#out + 1] = ("---@return %s %s"):format(typed(r.type), r.text ~= "" and "# " .. line(r.text)
      or "")
  end
  return table.concat(arguments, ", ")
end

local function documented(out, e)
  comment(out, e.text)
  if e.raise then
    comment(out, "\nErrors: " .. line(e.raise))
  end
  if e.see then
    comment(out, "\nSource: " .. line(e.see))
  end
  if e.usage then
    comment(out, "\n```lua\n" .. e.usage .. "\n```")
  end
end

--- "dam.sampler" -> "sampler_": the name of the local that carries a class's methods.
local function variable(class)
  return (class:gsub("[.]", "_")) .. "_"
end

local function callable(out, e)
  local owner = e.name:gsub(":", ".")
  if e.kind == "method" then
    owner = "dam." .. owner
  end
  for _, p in ipairs(e.params or {}) do
    if p.fields then
      options_class(out, owner .. "." .. p.name, p)
    end
  end
  documented(out, e)
  local arguments = parameter_lines(out, e, owner)
  local name = e.name
  if e.kind == "method" then
    local class, method = name:match "^(.*):(.*)$"
    name = variable(class) .. ":" .. method
  end
  out[#out + 1] = ("function %s(%s) end"):format(name, arguments)
  out[#out + 1] = ""
end

local function class(out, e, entries)
  for _, f in ipairs(e.fields or {}) do
    if f.fields then
      options_class(out, "dam." .. e.name .. "." .. f.name, f)
    end
  end
  documented(out, e)
  out[#out + 1] = "---@class dam." .. e.name
  for _, f in ipairs(e.fields or {}) do
    local kind = f.fields and "dam." .. e.name .. "." .. f.name or typed(f.type)
    out[#out + 1] = ("---@field %s%s %s %s"):format(f.name, f.opt and "?" or "", kind, line(f.text))
  end
  if e.name == "array" then
    out[#out + 1] = "---@field [integer] number"
  end
  for _, o in ipairs(e.operators or {}) do
    local head, argument, result = o:match "^(%w+)%((.-)%): (.+)$"
    if not head then
      head, result = o:match "^(%w+): (.+)$"
    end
    out[#out + 1] = ("---@operator %s%s: %s"):format(head,
      argument and "(" .. typed(argument) .. ")" or "", typed(result))
  end
  for _, o in ipairs(e.overloads or {}) do
    out[#out + 1] = "---@overload " .. o
  end
  out[#out + 1] = ("local %s = {}"):format(variable(e.name))
  out[#out + 1] = ""
  for _, m in ipairs(entries) do
    if m.kind == "method" and names.owner(m) == e.name then
      callable(out, m)
    end
  end
end

local function module(out, e, entries)
  for _, f in ipairs(e.fields or {}) do
    if f.fields then
      options_class(out, e.name .. "." .. f.name, f)
    end
  end
  documented(out, e)
  out[#out + 1] = "---@class " .. e.name
  for _, f in ipairs(e.fields or {}) do
    out[#out + 1] = ("---@field %s %s %s"):format(f.name, f.fields and e.name .. "." .. f.name
      or typed(f.type), line(f.text))
  end
  out[#out + 1] = e.name .. " = {}"
  out[#out + 1] = ""
  for _, f in ipairs(entries) do
    if f.kind == "function" and names.owner(f) == e.name then
      callable(out, f)
    end
  end
end

return function(all)
  local entries = names.public(all)
  classes = names.classes(entries)
  local out = { "---@meta dam", "-- Annotations for the Lua language server (LuaLS). Made by "
    .. "`make docs` from the docstrings.", "-- Modules of the library are named so: "
    .. 'local sweep = require "dam.sweep" ---@type dam.sweep', "" }
  local modules = {}
  for _, e in ipairs(entries) do
    if e.kind == "module" then
      modules[e.name] = e
    end
  end
  module(out, modules["dam"], entries)
  for _, e in ipairs(entries) do
    if e.kind == "class" then
      class(out, e, entries)
    elseif e.kind == "module" and e.name ~= "dam" then
      module(out, e, entries)
    end
  end
  out[#out + 1] = "--- The documentation at hand; a global of damlua."
  out[#out + 1] = "---@param topic? any a name, words to look for, or a value"
  out[#out + 1] = "function help(topic) end"
  out[#out + 1] = "\nreturn dam"
  return (table.concat(out, "\n"):gsub(" +\n", "\n")) .. "\n"
end
