--- How entries are grouped and called, for pages and annotations.
local names = {}

--- Parts of the type of a parameter: `number|array` -> {"number", "array"}.
local function parts(text)
  local list, depth, part = {}, 0, ""
  for c in text:gmatch "." do
    if c:find "[({]" then
      depth = depth + 1
    elseif c:find "[)}]" then
      depth = depth - 1
    end
    if c == "|" and depth == 0 then
      list[#list + 1], part = part, ""
    else
      part = part .. c
    end
  end
  list[#list + 1] = part
  return list
end

--- The type for the Lua language server: classes by their full name.
function names.annotated(text, classes)
  local list = parts(text)
  for i, part in ipairs(list) do
    local inner, suffix = part:match "^(.-)(%[%])$"
    if inner and inner:find "^%(" then
      part = "(" .. names.annotated(inner:sub(2, -2), classes) .. ")" .. suffix
    elseif inner then
      part = names.annotated(inner, classes) .. suffix
    elseif part:find "^{" then
      local items = {}
      for item in part:sub(2, -2):gmatch "[^,]+" do
        if item ~= "..." then
          items[#items + 1] = names.annotated(item, classes)
        end
      end
      part = part:find "%.%.%." and items[1] .. "[]" or "[" .. table.concat(items, ", ") .. "]"
    elseif classes[part] and part ~= "table" then
      part = "dam." .. part
    end
    list[i] = part
  end
  return table.concat(list, "|")
end

--- Class names, without "dam.".
function names.classes(entries)
  local classes = {}
  for _, e in ipairs(entries) do
    if e.kind == "class" then
      classes[e.name] = e
    end
  end
  return classes
end

--- The entries that scripts are written with: modules within modules (dam.sweep.plan) are not.
function names.public(entries)
  local list = {}
  for _, e in ipairs(entries) do
    local module = e.kind == "module" and e.name or e.kind == "function" and names.owner(e)
    if not module or not module:find "%..*%." then
      list[#list + 1] = e
    end
  end
  return list
end

--- "dam.stats" of "dam.stats.mean", "sampler" of "sampler:run".
function names.owner(e)
  return e.name:match "^(.*)[.:][^.:]+$"
end

return names
