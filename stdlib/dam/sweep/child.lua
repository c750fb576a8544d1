--- damlua started again, with the options this one was given: scripts of others run there, so that
-- nothing they do touches the process that judges what comes out.
local dam = require "dam.core"

local child = {}

--- Options that replay and verify hand on; the budgets belong to the sandbox.
local HANDED = { ["--device"] = true, ["--threads"] = true, ["--read"] = true }
local BUDGETS = { ["--max-memory"] = true, ["--max-time"] = true }

--- The words before `-m`, of those that are handed on.
local function handed(trust)
  local arg = rawget(dam.sharing.environment(), "arg") or {}
  local words, first = {}, -1
  while arg[first - 1] do
    first = first - 1
  end
  local i = first + 1
  while i < 0 and arg[i] ~= "-m" do
    local name, value = arg[i]:match "^(%-%-[%w-]+)=?(.*)$"
    local takes = HANDED[name] or (BUDGETS[name] and not trust)
    local separate = takes and not arg[i]:find("=", 1, true)
    if takes then
      value = separate and arg[i + 1] or value
      words[#words + 1] = name -- the child may start in another folder
      words[#words + 1] = name == "--read" and dam.sharing.absolute(value) or value
    elseif name == "--quiet" then
      words[#words + 1] = name
    end
    i = i + (separate and 2 or 1)
  end
  return words
end

--- Runs damlua with `words` in `folder`; its exit status.
function child.run(words, folder, trust)
  local program = dam.config.program
  if not program then
    error("this needs the program damlua: its module for another Lua has no sandbox", 0)
  end
  local all = { program, table.unpack(handed(trust)) }
  table.move(words, 1, #words, #all + 1, all)
  return dam.sharing.spawn(all, folder)
end

--- A folder for as long as a block runs.
function child.folder()
  local path = dam.sharing.temporary()
  return setmetatable({ path = path }, { __close = function()
    dam.sharing.spawn { "rm", "-rf", "--", path }
  end })
end

return child
