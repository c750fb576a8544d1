--- The entries as the text of a Lua module, which help() reads.
local KEYS = { "name", "kind", "signature", "type", "opt", "default", "summary", "text", "params",
  "fields", "returns", "raise", "see", "usage", "operators", "overloads" }

local function value(v, indent)
  if type(v) == "string" then
    return (("%q"):format(v):gsub("\\\n", "\\n"))
  elseif type(v) ~= "table" then
    return tostring(v)
  end
  local parts, inner = {}, indent .. " "
  for _, item in ipairs(v) do
    parts[#parts + 1] = inner .. value(item, inner)
  end
  for _, key in ipairs(KEYS) do
    if v[key] ~= nil then
      parts[#parts + 1] = ("%s%s = %s"):format(inner, key, value(v[key], inner))
    end
  end
  return "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

return function(entries)
  return "-- Made by docs/generate from the docstrings.\nreturn " .. value(entries, "") .. "\n"
end
