--- Plan rules: which N, M and how many disorders belong to a load alpha.
local check = require "dam.sweep.check"
local core = require "dam.core"
local json = require "dam.json"

local plan = {}

--- Which N, M and how many disorders belong to a load; made by sweep.adaptive and sweep.fixed.
-- @type plan
-- @see B(5)
-- @usage plan = require "dam.sweep".fixed{ N = 50, disorder = 16 }
-- print(plan)
local Rule = { __name = "dam.plan" }
Rule.__index = Rule

local function round(x)
  return math.floor(x + 0.5)
end

local function short(x)
  return (json.number(x):gsub("%.0$", ""))
end

local function positive(v)
  return v > 0
end

--- What an alpha list must be.
plan.alpha_expected = "numbers > 0 (a load ln(M)/N), as a number, a table or a dam.array"

function plan.alphas(where, alpha)
  return check.list(where, "alpha", alpha, plan.alpha_expected, positive)
end

--- N, M and disorder of an adaptive rule, B(5).
local function adaptive_row(rule, alpha, range, replicas)
  local lo, hi = range[1], range[2]
  local t = hi > lo and (alpha - lo) / (hi - lo) or 0
  local a, b = rule.M[1] ^ (1 / rule.gamma), rule.M[2] ^ (1 / rule.gamma)
  local M = round((a + t * (b - a)) ^ rule.gamma)
  local N = round(math.log(M) / alpha)
  local trials = round(rule.trials[1] + t * (rule.trials[2] - rule.trials[1]))
  return N, M, trials // replicas
end

local function fixed_row(rule, alpha)
  local N, M = rule.N, rule.M
  if not N then
    N = round(math.log(M) / alpha)
  elseif not M then
    if alpha * N > 40 then
      check.fail("sweep.fixed: exp(alpha N) = exp(%g) patterns at alpha = %s cannot be stored: "
        .. "lower N or alpha", alpha * N, short(alpha))
    end
    M = round(math.exp(alpha * N))
  end
  return N, M, rule.disorder
end

--- N, M and disorder at one load; `range` as range_for gives it.
function Rule:row(alpha, range, replicas)
  local N, M, disorder
  if self.kind == "adaptive" then
    N, M, disorder = adaptive_row(self, alpha, range, replicas)
  else
    N, M, disorder = fixed_row(self, alpha)
  end
  if N < 2 or M < 1 or disorder < 1 then
    check.fail("sweep.%s: alpha = %s gives N = %d, M = %d, disorder = %d: expected N >= 2, "
      .. "M >= 1, disorder >= 1", self.kind, short(alpha), N, M, disorder)
  end
  return { alpha = alpha, N = N, M = M, disorder = disorder }
end

--- The rows {alpha, N, M, disorder} of the rule for a list of loads and a number of replicas.
function Rule:rows(alphas, replicas)
  local rows = {}
  local range = self:range_for(alphas)
  for i, alpha in ipairs(alphas) do
    rows[i] = self:row(alpha, range, replicas)
  end
  return rows
end

--- {lo, hi} of an adaptive rule: as given, or the smallest and largest load.
function Rule:range_for(alphas)
  if self.kind ~= "adaptive" then
    return nil
  end
  local range = self.range or { alphas[1], alphas[#alphas] }
  for _, alpha in ipairs(alphas) do
    if alpha < range[1] or alpha > range[2] then
      check.fail("sweep.adaptive: alpha = %s is outside range = {%s, %s}", short(alpha),
        short(range[1]), short(range[2]))
    end
  end
  return range
end

--- The rule without its range: what may never change in a result file. The number of disorders is
-- not part of it: the rows say it, and more of them may be asked for later.
function Rule:core()
  if self.kind == "adaptive" then
    return string.format("adaptive{ M = {%s, %s}, gamma = %s", short(self.M[1]), short(self.M[2]),
      short(self.gamma))
  end
  local parts = {}
  if self.N then
    parts[#parts + 1] = "N = " .. self.N
  end
  if self.M then
    parts[#parts + 1] = "M = " .. self.M
  end
  return "fixed{ " .. table.concat(parts, ", ")
end

--- The rule as it stands in result files.
function Rule:text(alphas)
  local range = self:range_for(alphas)
  local tail = range and string.format(", range = {%s, %s} }", short(range[1]), short(range[2]))
    or " }"
  return self:core() .. tail
end

function Rule:__tostring()
  if self.kind == "adaptive" then
    return string.format("sweep.adaptive{ M = {%d, %d}, gamma = %s, trials = {%d, %d} }",
      self.M[1], self.M[2], short(self.gamma), self.trials[1], self.trials[2])
  end
  return string.format("sweep.fixed{ disorder = %d%s%s }", self.disorder,
    self.N and ", N = " .. self.N or "", self.M and ", M = " .. self.M or "")
end

local function show_memory(bytes)
  local units = { "B", "KiB", "MiB", "GiB", "TiB" }
  local i = 1
  while bytes >= 1000 and i < #units do
    bytes, i = bytes / 1024, i + 1
  end
  return string.format(bytes < 10 and i > 1 and "%.1f %s" or "%.0f %s", bytes, units[i])
end

--- A duration as people say it.
function plan.duration(seconds)
  if seconds < 100 then
    return string.format(seconds < 10 and "%.1f s" or "%.0f s", seconds)
  elseif seconds < 100 * 60 then
    return string.format("%.0f min", seconds / 60)
  elseif seconds < 72 * 3600 then
    return string.format("%.1f h", seconds / 3600)
  end
  return string.format("%.1f days", seconds / 86400)
end

local Table = { __name = "dam.plan.table" }

--- The list itself, so that plan:table() reads the same for a rule and for a planned sweep.
local function itself(t)
  return t
end

Table.__index = { table = itself, rows = itself }

function Table.__tostring(t)
  local lines = { string.format("%-10s %8s %12s %16s %9s %10s %10s", "alpha", "N", "M",
    "realised alpha", "disorder", "memory", "time") }
  local total = 0
  for _, row in ipairs(t) do
    total = row.time and total + row.time
    lines[#lines + 1] = string.format("%-10s %8d %12d %16.10f %9d %10s %10s", short(row.alpha),
      row.N, row.M, row.realised_alpha, row.disorder, show_memory(row.memory),
      row.time and plan.duration(row.time) or "-")
  end
  if total and #t > 0 then
    lines[#lines + 1] = "estimated time in all: " .. plan.duration(total)
  end
  return table.concat(lines, "\n")
end

--- Bytes that one disorder of a row takes: the patterns in single precision.
function plan.memory(row)
  return 4.0 * row.N * row.M
end

--- Bytes of patterns that the sampler holds at once where memory allows (src/panels.c).
local WAVE_BYTES = 2.0 ^ 28

--- Bytes of patterns that a row takes at a time: a disorder for each thread, or a wave of them.
local function held(row)
  local one = plan.memory(row)
  return one * math.min(row.disorder, math.max(core.threads(), WAVE_BYTES // one))
end

--- Adds the realised load and the memory to the rows, and makes them print as a table.
function plan.finish_table(rows)
  for _, row in ipairs(rows) do
    row.realised_alpha = math.log(row.M) / row.N
    row.memory = held(row)
  end
  return setmetatable(rows, Table)
end

--- The rows of the rule as a table that prints: alpha, N, M, realised_alpha, disorder, memory
-- (bytes of patterns held at once where memory= allows).
-- @function plan:table
-- @param[opt] alpha loads, as in sweep.run; default: those of the last sweep.run with this plan
-- @tparam[opt] integer replicas default 1, or that of the last sweep.run with this plan
-- @treturn table list of rows
-- @raise where no alpha is known
-- @see B(5)
-- @usage
-- sweep = require "dam.sweep"
-- plan = sweep.adaptive{ M = {20000, 500000}, gamma = 10, trials = {512, 64} }
-- print(plan:table({0.01, 0.25, 0.55}, 2))
function Rule:table(alpha, replicas)
  if alpha == nil and not self.bound then
    check.fail("plan:table: which alpha? Give the loads: plan:table(alpha, replicas)")
  end
  local alphas = alpha and plan.alphas("plan:table", alpha) or self.bound.alpha
  replicas = check.integer("plan:table", { replicas = replicas }, "replicas",
    self.bound and self.bound.replicas or 1, 1, "an integer >= 1")
  return plan.finish_table(self:rows(alphas, replicas))
end

function plan.is_rule(value)
  return getmetatable(value) == Rule
end

local function pair(where, options, key, expected, allowed)
  local value = options[key]
  if type(value) ~= "table" or #value ~= 2 or type(value[1]) ~= "number"
      or type(value[2]) ~= "number" or not (allowed(value[1]) and allowed(value[2])) then
    check.refuse(where, key, value, expected)
  end
  return { value[1], value[2] }
end

local function whole(v)
  return math.tointeger(v) and v >= 1
end

--- See dam.sweep.
function plan.adaptive(options)
  local where = "sweep.adaptive"
  check.keys(where, options, { "M", "gamma", "trials", "range" })
  local rule = { kind = "adaptive" }
  rule.M = pair(where, options, "M", "two integers {M at the lowest, M at the highest alpha}, >= 2",
    function(v)
      return math.tointeger(v) and v >= 2
    end)
  rule.gamma = check.number(where, options, "gamma", 10, "a number > 0", positive)
  rule.trials = pair(where, options, "trials",
    "two integers {trials at the lowest, at the highest alpha}, >= 1", whole)
  if options.range ~= nil then
    rule.range = pair(where, options, "range", "two loads {lo, hi} > 0, lo <= hi", positive)
    if rule.range[1] > rule.range[2] then
      check.refuse(where, "range", options.range, "two loads {lo, hi} > 0, lo <= hi")
    end
  end
  return setmetatable(rule, Rule)
end

--- See dam.sweep.
function plan.fixed(options)
  local where = "sweep.fixed"
  check.keys(where, options, { "N", "M", "disorder" })
  if options.N == nil and options.M == nil then
    check.fail("%s: give N or M (the other follows from alpha), or both", where)
  end
  return setmetatable({
    kind = "fixed",
    N = options.N ~= nil and check.integer(where, options, "N", nil, 2, "an integer >= 2") or nil,
    M = options.M ~= nil and check.integer(where, options, "M", nil, 1, "an integer >= 1") or nil,
    disorder = check.integer(where, options, "disorder", 1, 1, "an integer >= 1"),
  }, Rule)
end

--- The seed of a cell's patterns and chains: from the sweep's seed, N and M, so that cells are
-- independent and sweeps of different Hamiltonians share their disorder.
function plan.seed(seed, N, M)
  return core.tools.word(seed, "cell", 0, N, M)
end

return plan
