--- All entries of the documentation, from the files given: module introductions are kept only where
--- something public stands under them.
local parse = require "parse"

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end

local ORDER = { module = 1, ["function"] = 2, class = 3, method = 4, verb = 5, switch = 6 }

return function(paths)
  local all, owners = {}, {}
  for _, path in ipairs(paths) do
    local text = read(path)
    local list = parse.file(path, text)
    if path:find "host/options%.c$" then
      for _, e in ipairs(parse.usage(path, text)) do
        list[#list + 1] = e
      end
    end
    for _, e in ipairs(list) do
      all[#all + 1] = e
      if e.kind == "function" then
        owners[e.name:match "^(.*)%."] = true
      end
    end
  end
  local kept, seen = {}, {}
  for i, e in ipairs(all) do
    e.place = i
    if e.kind ~= "module" or owners[e.name] then
      if seen[e.kind .. e.name] then
        error(("%s and %s both document %s"):format(seen[e.kind .. e.name], e.source, e.name), 0)
      end
      seen[e.kind .. e.name] = e.source
      kept[#kept + 1] = e
    end
  end
  table.sort(kept, function(a, b)
    if ORDER[a.kind] ~= ORDER[b.kind] then
      return ORDER[a.kind] < ORDER[b.kind]
    end
    return a.place < b.place
  end)
  for _, e in ipairs(kept) do
    e.place = nil
  end
  return kept
end
