-- Sweeps that are killed, stopped, starved of disk space and resumed; files tampered with.
-- The number of killed runs is small here; DAM_KILLS=50 makes the long campaign of it.
local core = require "dam.core"
local sandbox = require "sandbox"
local t = require "support"

local KILLS = tonumber(os.getenv "DAM_KILLS") or 5

local child = "tests/lua/sweep_child.lua"

--- The command of the child sweep.
local function command(path, ...)
  return sandbox.command("--quiet", child, "--file", path, ...)
end

local function run(path, ...)
  return sandbox.shell(command(path, ...))
end

local function csv(path)
  local status, text = sandbox.run("-m", "export", path)
  t.equal(status, 0, text)
  return text
end

--- Runs the child and sends it a signal after some milliseconds; the shell's status of the child.
local function run_and_signal(signal, milliseconds, path, ...)
  local status, text = sandbox.shell(string.format(
    "%s & child=$!; sleep %.3f; kill -%s $child 2>/dev/null; wait $child", command(path, ...),
    milliseconds / 1000, signal))
  return status, text
end

--- Milliseconds that the whole child takes, and its export.
local function undisturbed(folder, ...)
  local began = core.clock()
  local status, text = run(folder.whole, ...)
  t.equal(status, 0, text)
  return 1000 * (core.clock() - began), csv(folder.whole)
end

--- Kills the child at random moments, `count` times, and lets it complete.
local function kill_often(signal, count, span, path, ...)
  local killed = 0
  while killed < count do
    local status, text = run_and_signal(signal, math.random() * span, path, ...)
    if status == 0 then
      os.remove(path) -- complete: begin again, and be quicker next time
      span = 0.8 * span
    else
      killed = killed + 1
      t.ok(status == 137 or status == 130, "status " .. status .. ": " .. text)
    end
    local there = io.open(path)
    if there then
      there:close()
      local known, said = sandbox.run("-m", "status", path)
      t.ok(known == 0 or said:find "no result was ever stored", said)
    end
  end
  t.equal(run(path, ...), 0)
end

t.test("killed at random moments and resumed, the export is that of an undisturbed run", function()
  local folder <close> = sandbox.folder()
  local span, wanted = undisturbed(folder)
  kill_often("KILL", KILLS, span, folder.killed)
  t.equal(csv(folder.killed), wanted)
end)

t.test("the same where units are cut and their states saved", function()
  local folder <close> = sandbox.folder()
  local more = { "--slice", "0.02", "--equilibrate", "6000", "--alpha", "0.2" }
  local span, wanted = undisturbed(folder, table.unpack(more))
  kill_often("KILL", KILLS, span, folder.killed, table.unpack(more))
  t.equal(csv(folder.killed), wanted)
end)

t.test("SIGTERM and SIGINT save, exit 130 and say how to go on", function()
  local folder <close> = sandbox.folder()
  local more = { "--equilibrate", "15000" }
  local _, wanted = undisturbed(folder, table.unpack(more))
  for _, signal in ipairs { "TERM", "INT" } do
    local path = folder[signal]
    local status, text = run(path, "--signal", signal, table.unpack(more))
    t.equal(status, 130, text)
    t.ok(text:find("Run the same script again to go on", 1, true), text)
    local _, said = sandbox.run("-m", "status", path)
    t.ok(said:find "run 1 .*: interrupted", said)
    t.ok(said:find "writer +nobody", said)
    t.equal(run(path, table.unpack(more)), 0)
    t.equal(csv(path), wanted, "after " .. signal)
  end
end)

t.test("one and two threads give the same export", function()
  local folder <close> = sandbox.folder()
  local _, wanted = undisturbed(folder)
  for _, threads in ipairs { "1", "2" } do
    t.equal(sandbox.shell("DAMLUA_THREADS=" .. threads .. " " .. command(folder[threads])), 0)
    t.equal(csv(folder[threads]), wanted, threads .. " threads")
  end
end)

t.test("a second writer is told who holds the file", function()
  local folder <close> = sandbox.folder()
  local held <close> = setmetatable({ store = core.store.open(folder.a, "write") },
    { __close = function(h) h.store:close() end })
  local status, text = run(folder.a)
  t.equal(status, 1)
  t.ok(text:find "is being written by process %d+ on ", text)
  t.ok(held)
end)

t.test("a file that an interruption left open, to nobody, is none that is written", function()
  local folder <close> = sandbox.folder()
  local status, text = sandbox.run("-e", string.format(
    "collectgarbage 'stop' require 'dam.core'.store.open(%q, 'write') "
      .. "local f <close> = require 'dam.sweep.file'.open(%q, 'write') print 'opened'",
    folder.a, folder.a))
  t.equal(status, 0, text)
  t.equal(text, "opened\n")
end)

local function alter(path, sql)
  local store = core.store.open(path, "write")
  store:run(sql)
  store:close()
end

t.test("verify passes on a true file and fails on one altered digit or digest", function()
  local folder <close> = sandbox.folder()
  undisturbed(folder)
  local path = folder.whole
  local status, text = sandbox.run("-m", "verify", path, "--units", "all")
  t.equal(status, 0, text)
  t.ok(text:find "54 rows.*all equal", text)
  t.equal(sandbox.run("-m", "verify", path, "--units", "3", "--seed", "1"), 0)
  for _, change in ipairs {
    "UPDATE rows SET phi_a = phi_a + 1e-16 * (phi_a <= 0.5) + 2e-16 * (phi_a > 0.5) "
      .. "WHERE alpha = 0.15 AND T = 0.4 AND disorder = 3",
    "UPDATE rows SET digest = '0' || substr(digest, 2) WHERE substr(digest, 1, 1) <> '0' "
      .. "AND disorder = 1",
    "UPDATE rows SET q12 = -q12 WHERE disorder = 6 AND alpha = 0.2",
  } do
    sandbox.shell("cp " .. sandbox.quote(path) .. " " .. sandbox.quote(folder.altered))
    alter(folder.altered, change)
    status, text = sandbox.run("-m", "verify", folder.altered, "--units", "0")
    t.equal(status, 1, text)
    t.ok(text:find "does not match its checksum", text)
  end
end)

t.test("verify computes again: a forged row with a true checksum is found", function()
  local file = require "dam.sweep.file"
  local folder <close> = sandbox.folder()
  undisturbed(folder)
  local f = file.open(folder.whole, "write")
  local row = f:rows()[20]
  row.phi_a = row.phi_a + 1e-9
  f.store:run("DELETE FROM rows WHERE alpha = ? AND T = ? AND disorder = ?", row.alpha, row.T,
    row.disorder)
  f:put_row(row)
  f:close()
  t.equal(sandbox.run("-m", "verify", folder.whole, "--units", "0"), 0, "checksums alone")
  local status, text = sandbox.run("-m", "verify", folder.whole, "--units", "all")
  t.equal(status, 1, text)
  t.ok(text:find "these differ: phi_a", text)
end)

t.test("a full disk is a clear error and loses nothing", function()
  local folder <close> = sandbox.folder()
  local disk = folder.path
  local mounted = sandbox.shell("mount -t tmpfs -o size=128k tmpfs " .. sandbox.quote(disk))
  if mounted ~= 0 then
    io.stderr:write "full disk: not tested, tmpfs cannot be mounted here\n"
    return
  end
  local unmount <close> = setmetatable({}, { __close = function()
    sandbox.shell("umount " .. sandbox.quote(disk))
  end })
  local more = { "--disorder", "60", "--equilibrate", "20", "--sample", "10", "--memory", "20K" }
  local status, text = run(folder.map, table.unpack(more))
  t.equal(status, 1, text)
  t.ok(text:find "disk is full" and text:find(folder.map, 1, true), text)
  local whole <close> = sandbox.folder()
  local _, wanted = undisturbed(whole, table.unpack(more))
  sandbox.shell("mount -o remount,size=8m " .. sandbox.quote(disk))
  local _, said = sandbox.run("-m", "status", folder.map)
  t.ok(tonumber(said:match "rows +(%d+) of") > 0, "rows of before are there: " .. said)
  t.equal(run(folder.map, table.unpack(more)), 0)
  t.equal(csv(folder.map), wanted)
  t.ok(unmount)
end)

t.test("a folder that cannot be written is a clear error; its files can be read", function()
  local folder <close> = sandbox.folder()
  undisturbed(folder)
  local before = csv(folder.whole)
  sandbox.shell("chmod 555 " .. sandbox.quote(folder.path))
  local as = ""
  if sandbox.shell "test $(id -u) = 0" == 0 then
    as = "setpriv --reuid=65534 --regid=65534 --clear-groups "
    if sandbox.shell(as .. "test -x " .. sandbox.quote(sandbox.program)) ~= 0 then
      io.stderr:write "read-only folder: not tested, root cannot become another user here\n"
      return
    end
  end
  local status, text = sandbox.shell(as .. command(folder.new))
  t.equal(status, 1, text)
  t.ok(text:find "cannot write" and text:find(folder.new, 1, true)
    and text:find "Permission denied", text)
  status, text = sandbox.shell(as .. command(folder.whole, "--disorder", "7"))
  t.equal(status, 1, text)
  t.ok(text:find "Permission denied", text)
  status, text = sandbox.shell(as .. sandbox.command("-m", "export", folder.whole))
  t.equal(status, 0, text)
  t.equal(text, before)
end)

t.finish()
