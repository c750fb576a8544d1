--- `damlua -m help [NAME|WORDS]`: what help() shows: a function, a class, an option, or where words
-- are found; without arguments the beginning.
return function(...)
  local words = table.concat({ ... }, " ")
  print(require "dam.help".text(words ~= "" and words or nil))
end
