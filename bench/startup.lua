-- Time and memory of a start: a script that does nothing, one with sweeps, and the prompt without
-- a terminal (tests/prompt/test_startup.py has it with one). Best and median of several starts in
-- turn; peak of resident memory as the kernel tells it.
local dam = require "dam"

local program = arg[0]
for i = -1, -20, -1 do
  program = arg[i] or program
end
local quoted = "'" .. program:gsub("'", "'\\''") .. "'"

local PEAK = [[for l in io.lines "/proc/self/status" do local k = l:match "VmHWM:%s*(%d+)" ]]
  .. [[if k then print(k) end end]]
local function shell_quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local cases = {
  { "nothing (/bin/true)", "/bin/true </dev/null" },
  { "damlua -e ''", quoted .. " -e '' </dev/null" },
  { "require 'dam.sweep'", quoted .. " -l dam.sweep </dev/null", "-l dam.sweep" },
  { "prompt, no terminal", quoted .. " --quiet -i </dev/null", "--quiet -i" },
}
local times = {}
for _ = 1, tonumber(arg[1]) or 20 do
  for i, case in ipairs(cases) do
    local begin = dam.clock()
    os.execute(case[2] .. " >/dev/null 2>&1")
    times[i] = times[i] or {}
    table.insert(times[i], dam.clock() - begin)
  end
end

--- Peak memory in MB of a start with these options, or nil.
local function peak(options)
  local pipe = io.popen(quoted .. " " .. options .. " -e " .. shell_quote(PEAK) .. " </dev/null")
  local kilobytes = tonumber(pipe:read "a")
  pipe:close()
  return kilobytes and kilobytes / 1024
end

for i, case in ipairs(cases) do
  table.sort(times[i])
  local memory = case[2]:find(quoted, 1, true) == 1 and peak(case[3] or "")
  print(("%-22s best %5.1f ms, median %5.1f ms%s"):format(case[1], 1e3 * times[i][1],
    1e3 * times[i][(#times[i] + 1) // 2], memory and (", peak %.1f MB"):format(memory) or ""))
end
