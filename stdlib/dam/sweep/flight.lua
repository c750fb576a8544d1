--- Units in flight: on a GPU several units of a map are under way at a time, of one alpha or of
-- several, each with a sampler on its own streams and its part of the device's memory. A unit is a
-- coroutine that yields whenever its sampler has steps to take; the steps of all are then taken by
-- turns (core.flight), so that the device has work while results of one unit are fetched and
-- stored, and while the next one's patterns are made. What a unit computes does not depend on which
-- others fly beside it.
--
-- A unit that finds too little memory beside others is set aside. When those have landed it is
-- computed alone, and from then on one unit fewer flies. Any other error ends the run, as does an
-- interruption: finished units are in the file then, and of those in flight the states.
local core = require "dam.core"
local plan = require "dam.sweep.plan"
local unit = require "dam.sweep.unit"

local flight = {}

--- Units in flight where nothing else is asked for: enough that the device has work of others while
-- one is served by the host, and few enough that each has memory for many disorders.
local MOST = 4

--- Seconds after which progress is shown and states may be saved.
local LOOK_EVERY = 0.2

--- Of the device's memory this part is left to others (cuda/devices.cu).
local RESERVE = 1 / 16

--- Bytes that one disorder of a row with its chains takes on a device, about: with its patterns in
-- bytes, proposals, block sums.
local function bytes_of(row, job)
  local chains = #job.T * job.replicas
  return 1.25 * plan.memory(row) + chains * (16.0 * row.N + row.M / 32 + 2048)
end

--- How many units may be in flight, the device's name, and the bytes that a unit's patterns may
-- take: as many units as asked for, but one disorder of each row has to fit into a unit's part of
-- what is free, and of job.memory if that was given.
function flight.most(job)
  local name, kind, free = core.flight.device(job.device)
  if kind == "cpu" then
    return 1, name, job.memory
  end
  free = free * (1 - RESERVE)
  local memory = job.memory_given and job.memory or free
  local most = job.in_flight or MOST
  for _, row in ipairs(job.rows) do
    most = math.min(most, math.min(free, memory) // bytes_of(row, job))
  end
  most = math.tointeger(math.max(1, most))
  return most, name, memory / most
end

local Flight = {}
Flight.__index = Flight

--- Goes on with the coroutine of a unit, which raises `failure` if there is one.
function Flight:resume(place, failure)
  local f = self.open[place]
  core.flight.refused() -- what was refused before is past
  local ok, rows = coroutine.resume(f.routine, failure)
  if ok and coroutine.status(f.routine) ~= "dead" then
    return
  end
  table.remove(self.open, place)
  if ok then
    self.run:store(f.unit, rows, f.began, f.resumed)
  elseif f.refused or core.flight.refused() or rows == "not enough memory" then
    self.aside[#self.aside + 1] = f.unit
  else
    error(rows, 0)
  end
end

--- Begins a unit.
function Flight:begin(u, state)
  local f = { unit = u, began = core.clock(), saved = core.clock(), resumed = state ~= nil }
  local hooks = self.run:hooks(u, state)
  function hooks.take(s, _, method, n)
    f.sampler = s
    if method ~= "finish" then
      core.flight.begin(s, method, n)
    end
    local failure = coroutine.yield()
    if failure then
      error(failure, 0)
    end
    return s:finish()
  end
  f.routine = coroutine.create(function()
    return unit.compute(u, self.run.job, hooks)
  end)
  self.open[#self.open + 1] = f
  self:resume(#self.open)
end

--- Takes those in flight on until one has arrived, or for a while.
function Flight:turn()
  local samplers = {}
  for i, f in ipairs(self.open) do
    samplers[i] = f.sampler
  end
  local place, failed, message, refused = core.flight.advance(samplers,
    math.min(LOOK_EVERY, unit.CHECKPOINT_EVERY))
  if place then
    self:resume(place)
  elseif failed then
    self.open[failed].refused = refused
    self:resume(failed, message)
  end
end

--- Shows how far the run is, and saves what has been under way for long.
function Flight:look()
  local run, more, now = self.run, 0.0, core.clock()
  local steps = run.job.equilibrate + run.job.sample
  for _, f in ipairs(self.open) do
    more = more + unit.work(f.unit, run.job) * core.flight.steps(f.sampler) / steps
    if now - f.saved > unit.CHECKPOINT_EVERY then
      run:save_state(f.unit, f.sampler)
      f.saved = core.clock()
    end
  end
  if #self.open > 0 then
    run:show(self.open[#self.open].unit, more)
  end
end

--- Computes the units that were set aside, each with the whole device; afterwards one fewer flies.
function Flight:alone()
  core.flight.share(self.run.device, 1)
  while #self.aside > 0 do
    local u = table.remove(self.aside, 1)
    self.run:compute(u, self.run:state_of(u))
  end
  self.run.in_flight = math.max(1, self.run.in_flight - 1)
  core.flight.share(self.run.device, self.run.in_flight)
end

--- Ends the units in flight from `place` on, with their states saved if something has failed. After
-- an interruption code that unwinds has little time: each unit is given its own.
function Flight:leave(place, failure)
  local f = self.open[place]
  if not f then
    return
  end
  local rest <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    self:leave(place + 1, failure)
  end })
  local s <close> = f.sampler
  if failure ~= nil and s then
    pcall(function() -- neither a full disk nor a closed sampler is to hide the failure
      if unit.worth_saving(s, self.run.job, f.began) then
        self.run:save_state(f.unit, s)
      end
    end)
  end
end

--- Computes all units that `supply()` gives; the run has job, device, in_flight, and what grid.lua
-- makes of it.
function flight.run(run, supply)
  local self = setmetatable({ run = run, open = {}, aside = {} }, Flight)
  local sharing <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    pcall(core.flight.share, run.device, 1) -- a device that is lost refuses
  end })
  local guard <close> = setmetatable({}, { __close = function(_, failure) -- luacheck: ignore 211
    self:leave(1, failure)
  end })
  core.flight.share(run.device, run.in_flight)
  local more = true
  while more or #self.open > 0 or #self.aside > 0 do
    while more and #self.aside == 0 and #self.open < run.in_flight do
      local u, state = supply()
      more = u ~= nil
      if more then
        self:begin(u, state)
      end
    end
    if #self.open > 0 then
      self:turn()
      self:look()
    elseif #self.aside > 0 then
      self:alone()
    end
  end
end

return flight
