--- Arguments of the verbs: positional ones and --options.
local arguments = {}

--- Splits `list` into positional arguments and the options named in `known` (name -> "text" or
-- "flag"); `usage` completes the error messages.
function arguments.parse(list, known, usage, least, most)
  local positional, options = {}, {}
  local i = 1
  while i <= #list do
    local word = list[i]
    local name, value = word:match("^%-%-([%w-]+)=?(.*)$")
    if not name or word == "-" then
      positional[#positional + 1] = word
    elseif not known[name] then
      error(string.format("unknown option --%s\nusage: %s", name, usage), 0)
    elseif known[name] == "flag" then
      options[name] = true
    elseif word:find("=", 1, true) then
      options[name] = value
    else
      i = i + 1
      options[name] = list[i] or error(string.format("--%s needs a value\nusage: %s", name, usage),
        0)
    end
    i = i + 1
  end
  if #positional < least or #positional > most then
    error("usage: " .. usage, 0)
  end
  return positional, options
end

return arguments
