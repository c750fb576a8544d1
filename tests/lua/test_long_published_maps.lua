-- Statistics against the published maps behind B Fig. 1 (tests/reference/published_maps.csv), with
-- the published N, M, steps and starts, at reduced disorder. A long campaign: its sweeps can be
-- stopped and go on. Prints the table that docs/validation.md keeps; fails where a cell or chi^2
-- does.
--
-- With few disorders an unseen rare escape is not in the sample's spread, so the error of a cell is
-- e^2 = max(s^2, v) (1/D + 1/D_pub), v = max(0, B - pub) B, with B the exact single-basin value at
-- that N (its square for q12).
local dam = require "dam"
local sweep = require "dam.sweep"
local t = require "support"

local opt = dam.options {
  cells = { "first", "first (a dozen values) or all" },
  disorder = { 6, "disorders per cell" },
  out = { "out/published", "folder of the result files" },
}

local LIMIT_Z, LIMIT_CHI2 = 4, 1.5

local kernels = { LSE = dam.lse { beta_net = 1 }, LSR = dam.lsr { b = 2 + math.sqrt(2) } }

--- Disorders behind the published values, by load.
local published_disorder = { [0.1] = 218, [0.3] = 135, [0.5] = 52 }

--- Temperatures by kernel and load: retrieval, transition and disordered ones. `first` are those of
-- the short campaign.
local campaign = {
  { kernel = "LSE", alpha = 0.1, first = { 0.925 },
    all = { 0.125, 0.525, 0.825, 0.925, 0.975, 1.025, 1.325 } },
  { kernel = "LSE", alpha = 0.3, first = { 0.225 },
    all = { 0.025, 0.125, 0.225, 0.325, 0.425, 0.825 } },
  { kernel = "LSE", alpha = 0.5, first = { 0.225 }, all = { 0.025, 0.125, 0.225, 0.525 } },
  { kernel = "LSR", alpha = 0.1, first = { 0.525 }, all = { 0.125, 0.525, 1.025, 1.725 } },
  { kernel = "LSR", alpha = 0.3, first = { 0.325 },
    all = { 0.025, 0.225, 0.325, 0.525, 0.825, 1.625 } },
  { kernel = "LSR", alpha = 0.5, first = { 0.225 }, all = { 0.025, 0.125, 0.225, 0.525, 1.025 } },
}

--- published[kernel][quantity][alpha][T] as texts of the file spell the numbers.
local function read_published(path)
  local published = {}
  for line in io.lines(path) do
    local kernel, quantity, alpha, T, value = line:match "^(LS[ER]),(%w+),([%d.]+),([%d.]+),(%S+)$"
    if kernel then
      published[string.format("%s %s %.3f %.3f", kernel, quantity, alpha, T)] = tonumber(value)
    end
  end
  return published
end

local function run(entry)
  local name = string.format("%s-%.1f", entry.kernel:lower(), entry.alpha)
  return sweep.run {
    name = name, file = opt.out .. "/" .. name .. ".sqlite", seed = 2026,
    hamiltonian = kernels[entry.kernel], alpha = entry.alpha,
    T = opt.cells == "all" and entry.all or entry.first,
    plan = sweep.adaptive { M = { 20000, 500000 }, gamma = 10, range = { 0.01, 0.55 },
      trials = { 2 * opt.disorder, 2 * opt.disorder } },
    replicas = 2,
  }
end

--- z of a difference, by the rule above; `spread` is the standard error over `D` disorders.
local function z_of(found, wanted, spread, D, D_pub, B)
  local variance = math.max(spread ^ 2 * D, math.max(0, B - wanted) * B)
  return (found - wanted) / math.sqrt(variance * (1 / D + 1 / D_pub))
end

local published = read_published "tests/reference/published_maps.csv"
local rows, chi2, bad_cells = {}, 0, {}

for _, entry in ipairs(campaign) do
  local theory = dam.theory(kernels[entry.kernel], { law = "exact" })
  local D_pub = published_disorder[entry.alpha]
  local map = run(entry)
  for _, p in ipairs(map.file and map:points() or {}) do
    local B = theory:phi_boltzmann(p.T, p.N)
    for _, quantity in ipairs { "phi", "q12" } do
      local single = quantity == "phi" and B or B ^ 2
      local pub = published[string.format("%s %s %.3f %.3f", entry.kernel, quantity, p.alpha, p.T)]
      local err = p[quantity .. "_err"]
      local z = z_of(p[quantity], pub, err, p.disorder, D_pub, single)
      local zB = pub > 0.99 * single and z_of(p[quantity], single, err, p.disorder, math.huge,
        single) or nil
      local bad = z ~= z or math.abs(z) >= LIMIT_Z or (zB and math.abs(zB) >= LIMIT_Z)
      chi2 = chi2 + z ^ 2
      rows[#rows + 1] = string.format("| %s | %s | %.1f | %.3f | %d | %d | %d | %s | %.4f | %.4f "
        .. "| %+.2f | %s |", entry.kernel, quantity, p.alpha, p.T, p.N, p.M, p.disorder,
        dam.format.pm(p[quantity], err), pub, single, z, zB and ("%+.2f"):format(zB) or "")
      bad_cells[#bad_cells + 1] = bad and rows[#rows] or nil
    end
  end
end

print "| kernel | quantity | alpha | T | N | M | D | found | published | basin | z | z (basin) |"
print "|---|---|---|---|---|---|---|---|---|---|---|---|"
print(table.concat(rows, "\n"))

if #rows > 0 then -- not a dry run
  print(string.format("\n%d values, chi^2/n = %.2f", #rows, chi2 / #rows))
  t.test("every cell agrees", function()
    t.equal(#bad_cells, 0, table.concat(bad_cells, "\n"))
  end)
  t.test("chi^2/n", function()
    t.ok(chi2 / #rows < LIMIT_CHI2, "chi^2/n < 1.5")
  end)
  t.finish()
end
