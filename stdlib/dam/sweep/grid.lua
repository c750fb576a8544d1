--- Maps over (alpha, T): what is asked, what is missing, and the loop over units.
local check = require "dam.sweep.check"
local dam = require "dam.core"
local describe = require "dam.sweep.describe"
local file = require "dam.sweep.file"
local flight = require "dam.sweep.flight"
local json = require "dam.json"
local plan = require "dam.sweep.plan"
local progress = require "dam.sweep.progress"
local unit = require "dam.sweep.unit"

local grid = {}

--- Seconds that a unit should take: a hundredth of the work, between these.
local UNIT_SHARE, UNIT_LEAST, UNIT_MOST = 0.01, 0.3, 20

--- A disorder that takes longer is divided along T as well, as long as each thread keeps this many
-- chains: longer units save their state, idle threads save nothing.
local UNIT_LIMIT, CHAINS_PER_THREAD = 60, 2

--- Multiply-adds per second taken for granted where calibration is not worth its time, and the work
-- below which it is not.
local RATE_GUESS, CALIBRATE_FROM = 2e9, 2e10

--- Seconds of work between looks at the clock; patterns made anew per call must not dominate.
local CHUNK_SECONDS, PATTERN_RATE = 1, 1e8

local WHERE = "sweep.run"

grid.keys = { "name", "hamiltonian", "seed", "alpha", "T", "plan", "replicas", "init", "step",
  "equilibrate", "sample", "file", "memory", "device", "evaluation", "dry_run", "fresh", "shard",
  "quiet", "patterns", "in_flight" }

local function positive(v)
  return v > 0
end

--- The facts that make a result what it is; a file with others is refused.
local function identity_of(job)
  return {
    form = "map", H = job.H_text, seed = tostring(job.seed), replicas = tostring(job.replicas),
    init = job.init_text, step = json.number(job.step), equilibrate = tostring(job.equilibrate),
    sample = tostring(job.sample), patterns = job.patterns and job.patterns:fingerprint(),
  }
end

--- Header keys of the CSV and order of comparison.
grid.facts = { "H", "seed", "replicas", "init", "step", "equilibrate", "sample", "patterns" }

--- The plan for given patterns: one load, all of their disorders.
local function plan_of_patterns(options)
  local p = options.patterns
  local meta = type(p) == "userdata" and getmetatable(p)
  if type(meta) ~= "table" or meta.__name ~= "dam.patterns" then
    check.refuse(WHERE, "patterns", p, "dam.patterns{...}")
  end
  for _, key in ipairs { "alpha", "plan" } do
    if options[key] ~= nil then
      check.fail("%s: '%s' cannot be given with 'patterns': they decide", WHERE, key)
    end
  end
  return p, plan.fixed { N = p.N, M = p.M, disorder = p.disorder }
end

--- Checks the options and computes the plan: everything that costs no time.
function grid.prepare(options, common)
  check.keys(WHERE, options, grid.keys)
  local job = common
  job.H = options.hamiltonian
  job.H_text = describe.hamiltonian(WHERE, options.hamiltonian)
  job.T = check.list(WHERE, "T", options.T, "numbers > 0, as a number, a table or a dam.array",
    positive)
  job.replicas = check.integer(WHERE, options, "replicas", 1, 1, "an integer >= 1")
  job.equilibrate = check.integer(WHERE, options, "equilibrate", 16384, 0, "an integer >= 0")
  job.sample = check.integer(WHERE, options, "sample", 4096, 1, "an integer >= 1")
  job.step = check.number(WHERE, options, "step", 2.4, "a number > 0", positive) + 0.0
  job.init_text = describe.init(WHERE, options.init == nil and { phi = { 0.75, 1.0 } }
    or options.init)
  job.init = describe.make_init(job.init_text)
  job.device, job.evaluation = options.device, options.evaluation
  job.memory_given = options.memory ~= nil
  job.memory = job.memory_given and check.bytes(WHERE, "memory", options.memory)
    or 0.75 * dam.tools.memory()
  job.in_flight = options.in_flight ~= nil and check.integer(WHERE, options, "in_flight", nil, 1,
    "an integer >= 1") or nil
  if options.patterns ~= nil then
    job.patterns, job.rule = plan_of_patterns(options)
  elseif plan.is_rule(options.plan) then
    job.rule = options.plan
  else
    check.refuse(WHERE, "plan", options.plan, "sweep.adaptive{...} or sweep.fixed{...}")
  end
  if options.alpha == nil and job.rule.N and job.rule.M then
    job.alphas = { math.log(job.rule.M) / job.rule.N }
  else
    job.alphas = plan.alphas(WHERE, options.alpha)
  end
  job.rule.bound = { alpha = job.alphas, replicas = job.replicas }
  job.rows = job.rule:rows(job.alphas, job.replicas)
  for _, row in ipairs(job.rows) do
    row.seed = plan.seed(job.seed, row.N, row.M)
  end
  if #job.alphas > 1 and job.rule.N and job.rule.M and not job.quiet then
    io.stderr:write(string.format("%s: the plan fixes N and M, so all values of alpha are the same "
      .. "system of load %.6g\n", job.name, math.log(job.rule.M) / job.rule.N))
  end
  return job
end

--- Seconds per multiply-add and per disorder's patterns at one row, by a short run.
local function calibrate(job, row)
  local T = job.T
  local some = { T[1], T[(#T + 1) // 2], T[#T] }
  local u = { row = row, first = 1, disorder = 1, T = some }
  local began = dam.clock()
  local s <close> = unit.sampler(u, job, #T >= 3 and some or T, 1)
  local setup = dam.clock() - began
  local steps, spent = 2
  repeat
    steps = 2 * steps
    began = dam.clock()
    s:run(steps)
    spent = dam.clock() - began
  until spent > 0.1 or steps > 1024
  local chains = (#T >= 3 and 3 or #T) * job.replicas
  return spent / (steps * chains * row.N * row.M), setup
end

--- Adds the estimated time to the plan's rows: calibrated at a few of them, and in between by the
-- nearest one.
local function estimate(job, rows)
  local marks = {}
  local n = math.min(#rows, 5)
  for i = 1, n do
    local at = n == 1 and 1 or 1 + ((i - 1) * (#rows - 1)) // (n - 1)
    local per_work, setup = calibrate(job, rows[at])
    marks[i] = { at = at, per_work = per_work, setup = setup / (rows[at].N * rows[at].M) }
  end
  for i, row in ipairs(rows) do
    local best = marks[1]
    for _, mark in ipairs(marks) do
      best = math.abs(mark.at - i) < math.abs(best.at - i) and mark or best
    end
    local u = { row = row, T = job.T, disorder = row.disorder }
    row.time = unit.work(u, job) * best.per_work + row.disorder * row.N * row.M * best.setup
  end
  return rows
end

--- Prints what would be done and returns it as a list of tables.
function grid.dry_run(job)
  local rows = plan.finish_table(estimate(job, job.rows))
  print(rows)
  return rows
end

--- "alpha = 0.02: N 782 -> 771": rows of the file that the rule would make differently now.
local function changed_rows(job, points)
  local lines, seen = {}, {}
  local range = job.rule:range_for(job.alphas)
  for _, p in ipairs(points) do
    if not seen[p.alpha] then
      seen[p.alpha] = true
      local text = json.number(p.alpha)
      if range and (p.alpha < range[1] or p.alpha > range[2]) then
        lines[#lines + 1] = string.format("  alpha = %s is outside the range {%s, %s} now", text,
          json.number(range[1]), json.number(range[2]))
      else
        local now = job.rule:row(p.alpha, range, job.replicas)
        if now.N ~= p.N or now.M ~= p.M then
          lines[#lines + 1] = string.format("  alpha = %s: N = %d, M = %d in the file; N = %d, "
            .. "M = %d now", text, p.N, p.M, now.N, now.M)
        end
      end
    end
  end
  return lines
end

local function refuse(job, lines)
  check.fail("%s: %s holds results of another sweep:\n%s\nChoose another name or file, or start "
    .. "anew with --fresh (the old file is moved aside, not overwritten)", WHERE, job.file,
    table.concat(lines, "\n"))
end

--- Compares the sweep with the file it would go on with.
local function check_same_sweep(job, meta, points)
  local lines = {}
  local asked = identity_of(job)
  for _, key in ipairs { "form", table.unpack(grid.facts) } do
    if meta[key] ~= asked[key] then
      lines[#lines + 1] = string.format("  %s: %s in the file, %s now", key, meta[key] or "nothing",
        asked[key] or "nothing")
    end
  end
  if #lines > 0 then
    refuse(job, lines)
  end
  local text = job.rule:text(job.alphas)
  local changed = changed_rows(job, points)
  if meta.plan ~= text and (#changed > 0 or meta.rule ~= job.rule:core()) then
    refuse(job, { string.format("  plan: %s in the file, %s now", meta.plan, text),
      table.unpack(changed) })
  end
end

--- The temperatures of a row, grouped by which of the wanted disorders they lack.
local function lacking(job, by_T, lo, hi)
  local groups, order = {}, {}
  for _, T in ipairs(job.T) do
    local there = by_T and by_T[T] or {}
    local lacks = {}
    for d = lo, hi do
      if not there[d] then
        lacks[#lacks + 1] = d
      end
    end
    local key = table.concat(lacks, ",")
    if #lacks > 0 and not groups[key] then
      groups[key] = { lacks = lacks, T = {} }
      order[#order + 1] = groups[key]
    end
    if #lacks > 0 then
      table.insert(groups[key].T, T)
    end
  end
  return order
end

--- This shard's part lo..hi of the disorders of the row at `index`. The part moves on from row to
-- row, so that few disorders are spread over all shards.
local function shard_range(job, index, disorder)
  if not job.shard then
    return 1, disorder
  end
  local i, n = job.shard[1], job.shard[2]
  local part = (i - 1 + index) % n
  return disorder * part // n + 1, disorder * (part + 1) // n
end

--- Blocks {row, T, first, disorder} that cover exactly the missing rows, and their number.
function grid.missing(job, present)
  local regions, count = {}, 0
  for index, row in ipairs(job.rows) do
    local lo, hi = shard_range(job, index, row.disorder)
    for _, group in ipairs(lacking(job, present[row.alpha], lo, hi)) do
      local lacks = group.lacks
      count = count + #lacks * #group.T
      local from = 1
      for i = 1, #lacks do
        if lacks[i + 1] ~= lacks[i] + 1 then
          regions[#regions + 1] = { row = row, T = group.T, first = lacks[from],
            disorder = i - from + 1 }
          from = i + 1
        end
      end
    end
  end
  return regions, count
end

--- Bytes that the chains of one disorder take beside its patterns.
local function chain_bytes(u, job)
  return #u.T * job.replicas * (4.0 * u.row.N + 256)
end

local function slice_list(list, from, to)
  return table.move(list, from, to, 1, {})
end

--- A block of a region: some of its temperatures, `disorder` disorders from `first` on.
local function block(region, T, first, disorder)
  return { row = region.row, T = T, first = first, disorder = disorder }
end

--- Raises when not even one chain of the row fits.
local function check_memory(job, row)
  local least = plan.memory(row) + chain_bytes({ row = row, T = { 1 } }, job)
  if least > job.memory then
    check.fail("%s: one disorder of N = %d, M = %d takes %.3g GiB, memory = %.3g GiB: raise "
      .. "memory, or lower N or M in the plan", WHERE, row.N, row.M, least / 2 ^ 30,
      job.memory / 2 ^ 30)
  end
end

--- Cuts a unit of about `seconds` off a region; returns it and what remains (a list).
local function cut(job, region, rate, seconds)
  local T, rest = region.T, {}
  local one = block(region, T, region.first, 1)
  local busy = CHAINS_PER_THREAD * dam.threads() / job.replicas -- temperatures x disorders
  while #T > 1 do
    one.T = T
    local long = unit.work(one, job) / rate > UNIT_LIMIT and #T // 2 >= busy
    local large = plan.memory(region.row) + chain_bytes(one, job) > job.memory
    if not (long or large) then
      break
    end
    local half = #T // 2
    rest[#rest + 1] = block(region, slice_list(T, half + 1, #T), region.first, region.disorder)
    T = slice_list(T, 1, half)
  end
  one.T = T
  local n = math.max(math.ceil(busy / #T), math.floor(seconds * rate / unit.work(one, job)))
  local fits = math.floor(job.memory / (plan.memory(region.row) + chain_bytes(one, job)))
  n = math.max(1, math.min(region.disorder, n, fits))
  if n < region.disorder then
    rest[#rest + 1] = block(region, T, region.first + n, region.disorder - n)
  end
  return block(region, T, region.first, n), rest
end

--- All units of the regions, without knowing the machine's rate.
function grid.divide(job, regions)
  local units = {}
  local queue, head = regions, 1
  while head <= #queue do
    local u, rest = cut(job, queue[head], RATE_GUESS, UNIT_MOST)
    units[#units + 1] = u
    table.move(rest, 1, #rest, #queue + 1, queue)
    head = head + 1
  end
  return units
end

--- The name under which a unit's saved state is kept.
local function unit_name(u)
  return json.encode { alpha = u.row.alpha, N = u.row.N, M = u.row.M, T = u.T, first = u.first,
    disorder = u.disorder }
end

local function read_bytes(path)
  local f <close> = assert(io.open(path, "rb"))
  return f:read "a"
end

local Run = {}
Run.__index = Run

--- Keeps the state of a unit in the result file.
function Run:save_state(u, s)
  local path = self.job.file .. "-state"
  s:save(path)
  local state = read_bytes(path)
  os.remove(path)
  self.file:put_checkpoint(unit_name(u), state, s.steps)
end

--- The sampler of a unit that an earlier run has left half done; nil when it cannot be used (an
-- older program's, say), and the unit is computed from its beginning.
function Run:load_state(state)
  local path = self.job.file .. "-state"
  local f = assert(io.open(path, "wb"))
  f:write(state)
  f:close()
  local guard <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    os.remove(path)
  end })
  local ok, s = pcall(dam.load, path)
  if not ok then
    self.progress:say("a saved state is not used: %s", s)
  end
  return ok and s or nil
end

--- Steps that take about a second, and are worth making the patterns again for.
function Run:chunk(u)
  local chains = #u.T * u.disorder * self.job.replicas
  local seconds = math.max(CHUNK_SECONDS, 20 * u.row.N * u.row.M * u.disorder / PATTERN_RATE)
  return math.max(1, math.ceil(seconds * self.rate / (chains * u.row.N * u.row.M)))
end

--- What unit.compute is to know of this run; `state` is what an earlier run has saved of the unit.
function Run:hooks(u, state)
  return {
    resumed = state ~= nil,
    load = function()
      return state and self:load_state(state)
    end,
    save = function(s)
      self:save_state(u, s)
    end,
    advance = function() end,
    chunk = function()
      return math.maxinteger
    end,
  }
end

--- Commits the rows of a unit that took its time since `began`.
function Run:store(u, rows, began, resumed)
  local work = unit.work(u, self.job)
  self.file:transaction(function()
    for _, row in ipairs(rows) do
      self.file:put_row(row)
    end
    self.file:drop_checkpoint(unit_name(u))
  end)
  self.rows = self.rows + #rows
  self.done = self.done + work
  if not resumed then
    self.rate = work / math.max(dam.clock() - began, 1e-6)
  end
  self:show(u, 0)
end

--- Shows how far the run is: what is stored, and `more` work of units that are not done yet.
function Run:show(u, more)
  self.progress:update(self.done + more, string.format("alpha = %s", json.number(u.row.alpha)))
end

--- Computes a unit that has the device to itself.
function Run:compute(u, state)
  local job, began = self.job, dam.clock()
  local hooks = self:hooks(u, state)
  local save = hooks.save
  function hooks.save(s)
    save(s)
    self.progress:update(self.done)
  end
  function hooks.advance(done)
    self:show(u, unit.work(u, job) * done / (job.equilibrate + job.sample))
  end
  function hooks.chunk()
    return self:chunk(u)
  end
  self:store(u, unit.compute(u, job, hooks), began, state ~= nil)
end

--- The state of the unit that is in the file, if there is one.
function Run:state_of(u)
  return self.file:checkpoint(unit_name(u))
end

--- Takes `u` out of the regions it lies in; false if not all of it is missing.
local function take_out(regions, u)
  for i, region in ipairs(regions) do
    local wanted = {}
    for _, T in ipairs(region.T) do
      wanted[T] = true
    end
    local inside = region.row.alpha == u.row.alpha and u.first >= region.first
      and u.first + u.disorder <= region.first + region.disorder
    for _, T in ipairs(u.T) do
      inside = inside and wanted[T]
      wanted[T] = nil
    end
    if inside then
      table.remove(regions, i)
      local others = {}
      for _, T in ipairs(region.T) do
        others[#others + 1] = wanted[T] and T or nil
      end
      local function put(T, first, disorder)
        if #T > 0 and disorder > 0 then
          regions[#regions + 1] = { row = region.row, T = T, first = first, disorder = disorder }
        end
      end
      put(others, region.first, region.disorder)
      put(u.T, region.first, u.first - region.first)
      put(u.T, u.first + u.disorder, region.first + region.disorder - u.first - u.disorder)
      return true
    end
  end
  return false
end

--- Units that earlier runs left half done, with their states, taken out of the regions; states that
-- nobody waits for are dropped.
function Run:half_done(regions)
  local list = {}
  for _, c in ipairs(self.file:checkpoints()) do
    local u = json.decode(c.unit)
    for _, row in ipairs(self.job.rows) do
      if row.alpha == u.alpha and row.N == u.N and row.M == u.M then
        u.row = row
      end
    end
    if u.row and take_out(regions, u) then
      list[#list + 1] = { unit = u, state = c.state }
    elseif u.row then
      self.file:drop_checkpoint(c.unit)
    end
  end
  return list
end

--- A function that gives the units one by one: those half done first, with their states, then a
-- unit of each region in turn, so that the whole map grows at once.
function Run:supply(regions)
  local begun, next_begun = self:half_done(regions), 1
  local queue, head = regions, 1
  return function()
    local b = begun[next_begun]
    if b then
      begun[next_begun] = false
      next_begun = next_begun + 1
      return b.unit, b.state
    elseif head > #queue then
      return nil
    end
    local left = (self.progress.total - self.done) / (self.rate * self.in_flight)
    local seconds = math.min(math.max(UNIT_SHARE * left, UNIT_LEAST), UNIT_MOST)
    local u, rest = cut(self.job, queue[head], self.rate, seconds)
    queue[head] = false
    head = head + 1
    table.move(rest, 1, #rest, #queue + 1, queue)
    return u
  end
end

--- All units: one after the other, or several in flight.
function Run:units(supply)
  if self.in_flight > 1 then
    return flight.run(self, supply)
  end
  for u, state in supply do
    self:compute(u, state)
  end
end

local function total_work(job, regions)
  local work = 0
  for _, region in ipairs(regions) do
    work = work + unit.work(region, job)
  end
  return work
end

--- The sweep's points for the file's plan.
local function points_of(job)
  local points = {}
  for _, row in ipairs(job.rows) do
    for _, T in ipairs(job.T) do
      points[#points + 1] = { alpha = row.alpha, T = T, N = row.N, M = row.M,
        disorder = row.disorder }
    end
  end
  return points
end

--- Writes what is asked into the file, or refuses.
local function register(job, f)
  local meta = f:meta()
  local begun = meta.form and (f:count_rows() > 0 or #f:checkpoints() > 0)
  if begun then
    check_same_sweep(job, meta, f:plan())
  end
  f:transaction(function()
    if not begun then
      f:forget() -- what a run asked that never got anywhere binds nobody
    end
    local facts = identity_of(job)
    facts.name = job.name
    facts.plan = job.rule:text(job.alphas)
    facts.rule = job.rule:core()
    facts.shard = job.shard and string.format("%d/%d", job.shard[1], job.shard[2])
    f:set_meta(facts)
    f:extend_plan(points_of(job))
    f:begin_run(job.facts)
  end)
end

--- Computes what is missing. Returns {file, computed}.
function grid.run(job)
  local in_flight, device, memory = flight.most(job)
  job.memory = memory
  for _, row in ipairs(job.rows) do
    check_memory(job, row) -- now, not after hours
  end
  local f <close> = file.open(job.file, "write")
  register(job, f)
  local regions, count = grid.missing(job, f:present())
  local work = total_work(job, regions)
  local run = setmetatable({
    job = job, file = f, rows = 0, done = 0, rate = RATE_GUESS,
    in_flight = in_flight, device = device,
    progress = progress.new { label = job.name, total = work, clock = dam.clock,
      quiet = job.quiet },
  }, Run)
  local finished = false
  local guard <close> = setmetatable({}, { __close = function(_, failure) -- luacheck: ignore 211
    if not finished then
      job.stopped(run.progress, run.rows, count, failure)
      local outcome = tostring(failure):find "interrupted" and "interrupted" or "failed"
      pcall(f.end_run, f, outcome) -- on a full disk the first error is the one to see
    end
  end })
  if work > CALIBRATE_FROM then
    run.rate = 1 / calibrate(job, regions[1].row)
  end
  run:units(run:supply(regions))
  finished = true
  f:end_run "done"
  run.progress:clear()
  run.progress:say("%d rows computed, %d in %s", run.rows, f:count_rows(), job.file)
  return { file = job.file, computed = run.rows }
end

return grid
