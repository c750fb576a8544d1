-- Every Lua snippet of README and docs/scripting.md runs as it stands.
local t = require "support"

for _, name in ipairs { "README.md", "docs/scripting.md" } do
  local f = assert(io.open(name))
  local text, count = f:read "a", 0
  f:close()
  for snippet in text:gmatch "```lua\n(.-)\n```" do
    count = count + 1
    t.test(("%s, snippet %d"):format(name, count), function()
      local shown = {}
      local environment = setmetatable({
        print = function(...)
          for i = 1, select("#", ...) do
            shown[#shown + 1] = tostring((select(i, ...)))
          end
        end,
        arg = { [0] = name },
      }, { __index = _G })
      assert(load(snippet, "=" .. name, "t", environment))()
      t.ok(#shown > 0 or snippet:find "assert", "something shown or checked")
    end)
  end
  t.test(name .. " has snippets", function()
    t.ok(count > 0, "at least one")
  end)
end

t.finish()
