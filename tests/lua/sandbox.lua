--- A folder of its own for a test, and the program under test as a child process.
local sandbox = {}

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- A new empty folder; removed when the variable is closed.
function sandbox.folder()
  local pipe <close> = assert(io.popen "mktemp -d")
  local path = pipe:read "l"
  return setmetatable({ path = path }, {
    __index = function(_, name)
      return path .. "/" .. name
    end,
    __close = function()
      os.execute("rm -rf " .. quote(path))
    end,
  })
end

--- The program that runs this test.
sandbox.program = arg[-1] or "damlua"

--- The shell words that run the program with the arguments.
function sandbox.command(...)
  local words = { quote(sandbox.program) }
  for _, word in ipairs { ... } do
    words[#words + 1] = quote(word)
  end
  return table.concat(words, " ")
end

--- Runs a shell command; returns its exit status (128 + the signal) and all that it printed.
function sandbox.shell(command)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
  local text = pipe:read "a"
  local _, kind, status = pipe:close()
  return kind == "signal" and 128 + status or status, text
end

--- Runs the program; as shell.
function sandbox.run(...)
  return sandbox.shell(sandbox.command(...))
end

function sandbox.read(path)
  local f <close> = assert(io.open(path, "rb"))
  return f:read "a"
end

sandbox.quote = quote

return sandbox
