--- Progress of long work on standard error: a bar with rate and time left on a terminal, a plain
-- line now and then elsewhere, nothing with --quiet.
local core = require "dam.core"
local plan = require "dam.sweep.plan"

local progress = {}

local Progress = {}
Progress.__index = Progress

local BAR_WIDTH = 30
local BAR_EVERY = 0.2 -- seconds
local FIRST_LINE, LINE_EVERY = 5, 30

--- A progress of `total` (any unit of work), of which `done` was there before.
-- `clock` gives seconds; `quiet` writes nothing.
function progress.new(options)
  return setmetatable({
    label = options.label,
    total = options.total,
    done = 0,
    clock = options.clock,
    began = options.clock(),
    shown = -math.huge,
    quiet = options.quiet,
    terminal = core.tools.terminal(),
    lines = 0,
  }, Progress)
end

function Progress:text(now)
  local share = self.total > 0 and math.min(self.done / self.total, 1) or 1
  local spent = now - self.began
  local left = share > 0 and spent * (1 - share) / share
  return share, string.format("%5.1f %%, %s, %s left", 100 * share, plan.duration(spent),
    left and plan.duration(left) or "?")
end

--- Says how far the work is; `note` is added, such as "alpha = 0.1".
function Progress:update(done, note)
  self.done = done
  if self.quiet then
    return
  end
  local now = self.clock()
  local every = self.terminal and BAR_EVERY or LINE_EVERY
  if now - self.shown < every or (not self.terminal and now - self.began < FIRST_LINE) then
    return
  end
  self.shown = now
  local share, text = self:text(now)
  if self.terminal then
    local full = math.floor(share * BAR_WIDTH)
    io.stderr:write("\r\27[K", self.label, " [", ("#"):rep(full), ("."):rep(BAR_WIDTH - full), "] ",
      text, note and "  " .. note or "")
  else
    io.stderr:write(self.label, ": ", text, note and ", " .. note or "", "\n")
  end
  io.stderr:flush()
  self.lines = self.lines + 1
end

--- Removes the bar, so that other lines can be written.
function Progress:clear()
  if self.terminal and not self.quiet and self.lines > 0 then
    io.stderr:write("\r\27[K")
    io.stderr:flush()
  end
end

--- Writes a plain line (not with --quiet).
function Progress:say(format, ...)
  if not self.quiet then
    self:clear()
    io.stderr:write(self.label, ": ", string.format(format, ...), "\n")
  end
end

return progress
