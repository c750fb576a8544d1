--- `damlua -m replay BUNDLE [--out DIR] [--trust]`: Checks a bundle, runs its script again in the
-- sandbox into a fresh result file below DIR, and compares that with the bundle's results.
local arguments = require "dam.sweep.arguments"
local bundle = require "dam.bundle"
local child = require "dam.sweep.child"
local compare = require "dam.sweep.compare"
local dam = require "dam.core"
local file = require "dam.sweep.file"

local USAGE = "damlua [--max-memory M] [--max-time S] -m replay BUNDLE [--out DIR] [--trust]"

--- Makes DIR, which must be empty or not there.
local function fresh_folder(out)
  dam.sharing.folder(out)
  local names = dam.sharing.list(out)
  if not names then
    error(string.format("replay: %s cannot be made", out), 0)
  elseif #names > 0 then
    error(string.format("replay: %s is not empty: choose another folder with --out", out), 0)
  end
end

--- The result file that the script made for the sweep of this name.
local function find_result(folder, meta)
  for _, name in ipairs(dam.sharing.list(folder) or {}) do
    if name:find "%.sqlite$" then
      local path = folder .. "/" .. name
      local f <close> = file.open(path, "read")
      local theirs = f:meta()
      if theirs.name == meta.name and theirs.form == meta.form then
        return path
      end
    end
  end
  error(string.format("replay: the script made no result file of a sweep named %q", meta.name), 0)
end

--- Runs the script of the extracted bundle; the result file that it made.
local function run(manifest, out, trust)
  local words = {}
  local meta
  do
    local f <close> = file.open(out .. "/" .. manifest.result, "read")
    meta = f:meta()
  end
  if not trust then
    words = { "--sandbox", "--out", out }
  end
  table.move({ "--results", out .. "/results" }, 1, 2, #words + 1, words)
  if meta.shard then
    table.move({ "--shard", meta.shard }, 1, 2, #words + 1, words)
  end
  words[#words + 1] = out .. "/" .. manifest.script
  table.move(manifest.arguments or {}, 1, #(manifest.arguments or {}), #words + 1, words)
  dam.sharing.folder(out .. "/results")
  local status = child.run(words, out, trust)
  if status ~= 0 then
    return status
  end
  return 0, find_result(out .. "/results", meta)
end

local function report(found)
  for i, line in ipairs(found.differences) do
    if i > 20 then
      print "replay: ..."
      break
    end
    print("replay: " .. line)
  end
  if found.extra > 0 then
    print(string.format("replay: the script computed %d %s more than the bundle holds", found.extra,
      found.what))
  end
  print(string.format("replay: %d of %d %s computed again, %s", found.same, found.count, found.what,
    #found.differences == 0 and "all equal" or #found.differences .. " differences"))
end

return function(...)
  local positional, options = arguments.parse({ ... }, { out = "text", trust = "flag" }, USAGE, 1,
    1)
  local manifest, bytes, text = bundle.read(positional[1])
  print(string.format("replay: %s is what its manifest says (sha256 %s)", positional[1],
    dam.sharing.sha256(text)))
  local out = options.out or positional[1]:match "[^/]*$":gsub("%.bundle$", "") .. ".replay"
  fresh_folder(out)
  out = dam.sharing.absolute(out)
  bundle.extract(bytes, out)
  local status, made = run(manifest, out, options.trust)
  if status ~= 0 then
    print(string.format("replay: the script ended with status %d", status))
    return status
  end
  local found = compare.files(out .. "/" .. manifest.result, made)
  report(found)
  return #found.differences == 0
end
