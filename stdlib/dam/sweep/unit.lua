--- One unit of a map: a block of disorders and temperatures of one load, sampled together.
local dam = require "dam.core"

local unit = {}

--- Seconds of work after which a unit that still runs saves its state, and after which a chain that
-- is interrupted is worth saving.
unit.CHECKPOINT_EVERY = 45
unit.CHECKPOINT_LEAST = 2

local function known(value)
  if value == value then -- not a number: no such quantity (M = 1 has no other pattern)
    return value
  end
end

local function mean_over_replicas(a, t, d, replicas)
  local sum = 0.0
  for r = 1, replicas do
    sum = sum + a(t, d, r)
  end
  return sum / replicas
end

--- What the columns for two replicas leave out: phi, energy, acceptance and phi_max_other of the
-- third and later ones.
local function pack_more(r, t, d, replicas)
  local parts = {}
  for a = 3, replicas do
    parts[#parts + 1] = string.pack("<dddd", r.phi(t, d, a), r.energy_density(t, d, a),
      r.acceptance(t, d, a), r.phi_max_other(t, d, a))
  end
  return replicas > 2 and table.concat(parts) or nil
end

local function digests(r, t, d, replicas)
  local parts = {}
  for a = 1, replicas do
    parts[a] = r:chain_digest(t, d, a)
  end
  return table.concat(parts, " ")
end

--- The rows of a unit from the sampler's result.
local function rows_of(u, job, r)
  local rows = {}
  local two = job.replicas >= 2
  local phi, energy, acceptance = r.phi, r.energy_density, r.acceptance
  local other, q12 = r.phi_max_other, two and r.q12
  for t, T in ipairs(u.T) do
    for d = 1, u.disorder do
      rows[#rows + 1] = {
        alpha = u.row.alpha, T = T, N = u.row.N, M = u.row.M, disorder = u.first + d - 1,
        phi_a = phi(t, d, 1), phi_b = two and phi(t, d, 2) or nil,
        q12 = two and q12(t, d) or nil,
        phi_max_other = known(other(t, d, 1)),
        acceptance = mean_over_replicas(acceptance, t, d, job.replicas),
        energy_a = energy(t, d, 1), energy_b = two and energy(t, d, 2) or nil,
        acceptance_a = acceptance(t, d, 1), acceptance_b = two and acceptance(t, d, 2) or nil,
        more = pack_more(r, t, d, job.replicas),
        digest = digests(r, t, d, job.replicas),
      }
    end
  end
  return rows
end

--- The patterns of a unit: those given, or drawn from the streams, so that nothing is stored.
local function patterns_of(u, job, disorder)
  if job.patterns then
    return job.patterns:part(u.first, disorder)
  end
  return dam.patterns { N = u.row.N, M = u.row.M, disorder = disorder, first_disorder = u.first,
    seed = u.row.seed }
end

--- A sampler at its start.
function unit.sampler(u, job, T, disorder)
  local p <close> = patterns_of(u, job, disorder or u.disorder)
  return dam.mh {
    hamiltonian = job.H, patterns = p, T = T or u.T, replicas = job.replicas, init = job.init,
    step = job.step, seed = u.row.seed, device = job.device, evaluation = job.evaluation,
  }
end

--- Calls a method of the sampler in slices of time; `between` is called after each.
local function in_slices(s, between, method, n)
  local done, result = dam.tools.slice(unit.CHECKPOINT_EVERY, s[method], s, n)
  while not done do
    between()
    done, result = dam.tools.slice(unit.CHECKPOINT_EVERY, s.finish, s)
  end
  return result
end

--- Chain steps, of all chains of the unit together.
function unit.chain_steps(u, job)
  return #u.T * u.disorder * job.replicas * (job.equilibrate + job.sample)
end

--- Work, in multiply-adds of the reference evaluation.
function unit.work(u, job)
  return unit.chain_steps(u, job) * u.row.N * u.row.M
end

--- Whether the state of a sampler that has worked since `began` is worth saving: one that has been
-- measured cannot be measured again.
function unit.worth_saving(s, job, began)
  return s.steps <= job.equilibrate and dam.clock() - began > unit.CHECKPOINT_LEAST
end

--- Computes the unit's rows. `hooks.advance(steps done)` is told of progress, `hooks.chunk` says
-- how many steps to take between, `hooks.save(sampler)` keeps a state, `hooks.load()` gives the
-- sampler kept by an earlier run, of which `hooks.resumed` says that there is one. `hooks.take`
-- takes the sampler's steps, if that is not to be done here.
function unit.compute(u, job, hooks)
  local s <close> = hooks.load() or unit.sampler(u, job)
  local began = dam.clock()
  local guard <close> = setmetatable({}, { __close = function(_, failure) -- luacheck: ignore 211
    if failure ~= nil and unit.worth_saving(s, job, began) then
      pcall(hooks.save, s) -- before s closes; a full disk must not hide the failure
    end
  end })
  local function save()
    hooks.save(s)
  end
  local take = hooks.take or in_slices
  local result = hooks.resumed and take(s, save, "finish") or s
  while result == s and s.steps < job.equilibrate do
    take(s, save, "run", math.min(hooks.chunk(), job.equilibrate - s.steps))
    hooks.advance(s.steps)
  end
  if result == s then -- not the sample that an earlier run began
    result = take(s, save, "sample", job.sample)
  end
  local r <close> = result
  return rows_of(u, job, r)
end

local function nothing()
end

--- Hooks of a computation that nobody watches or stops.
unit.plain_hooks = {
  load = nothing,
  save = nothing,
  advance = nothing,
  chunk = function()
    return math.maxinteger
  end,
}

return unit
