--- Figures of a map: phi over (alpha, T), cuts phi(T), the residual phi - phi_boltzmann, q12.
local dam = require "dam"
local describe = require "dam.sweep.describe"
local export = require "dam.sweep.export"
local plot = require "dam.plot"

--- Chains that accept less than this are marked as frozen: their phi is that of the start.
local FROZEN = 0.01

local CUTS = 5 -- loads shown as phi(T)

local NAN = 0 / 0

--- The points of a file on a grid: sorted loads and temperatures, points[i][j] (nil: not planned),
-- and row[i], any planned point of load i.
local function arrange(points)
  local map = { alpha = {}, T = {}, points = {}, row = {} }
  local at_alpha, T_seen = {}, {}
  for _, p in ipairs(points) do
    if not at_alpha[p.alpha] then
      map.alpha[#map.alpha + 1] = p.alpha
      at_alpha[p.alpha] = #map.alpha
      map.points[#map.alpha] = {}
      map.row[#map.alpha] = p
    end
    T_seen[p.T] = true
  end
  for T in pairs(T_seen) do
    map.T[#map.T + 1] = T
  end
  table.sort(map.T)
  local at_T = {}
  for j, T in ipairs(map.T) do
    at_T[T] = j
  end
  for _, p in ipairs(points) do
    map.points[at_alpha[p.alpha]][at_T[p.T]] = p
  end
  return map
end

--- z[i][j] = value(point, i, j), NaN where there is none.
local function grid_of(map, value)
  local z, found = {}, 0
  for i in ipairs(map.alpha) do
    z[i] = {}
    for j in ipairs(map.T) do
      local p = map.points[i][j]
      local v = p and p.disorder > 0 and value(p, i, j)
      z[i][j] = v or NAN
      found = found + (v and 1 or 0)
    end
  end
  return z, found
end

--- The places (alpha, T) where `holds`, as a series of points.
local function marks(map, label, holds)
  local x, y = {}, {}
  for i, alpha in ipairs(map.alpha) do
    for j, T in ipairs(map.T) do
      if holds(map.points[i][j]) then
        x[#x + 1], y[#y + 1] = alpha, T
      end
    end
  end
  return #x > 0 and { x = x, y = y, label = label } or nil
end

local function is_frozen(p)
  return p and p.disorder > 0 and p.acceptance < FROZEN
end

local function is_missing(p)
  return not p or p.disorder == 0
end

--- The theory's line T_c over the loads, each at its realised value; breaks where there is none.
local function boundary(map, H, law)
  local th = dam.theory(H, { law = law })
  local x, y, found = {}, {}, false
  for i, alpha in ipairs(map.alpha) do
    local T = th:T_c(map.row[i].realised_alpha)
    x[i], y[i] = alpha, type(T) == "number" and T < math.huge and T or NAN
    found = found or y[i] == y[i]
  end
  return found and { x = x, y = y, label = "T_{c}, " .. law .. " law",
    dash = law == "exact" and "dashed" or nil } or nil
end

--- The loads below which LSR's support holds no other pattern, where they lie on the map.
local function thresholds(map, H)
  local lines = {}
  for _, law in ipairs { "paper", "exact" } do
    local alpha = dam.theory(H, { law = law }):alpha_th()
    if type(alpha) == "number" and alpha > map.alpha[1] and alpha < map.alpha[#map.alpha] then
      lines[#lines + 1] = { x = alpha, label = "α_{th}, " .. law, color = "white",
        dash = law == "exact" and "dashed" or "dotted" }
    end
  end
  return #lines > 0 and lines or nil
end

local function heat(job, map, what)
  local missing = marks(map, "not computed yet", is_missing)
  local points = {}
  points[#points + 1] = marks(map, "frozen: acceptance < 1 %", is_frozen)
  if missing then
    missing.color = "#999999"
    points[#points + 1] = missing
  end
  local curves = {}
  if what.lines then
    curves[1] = boundary(map, job.H, "paper")
    curves[#curves + 1] = boundary(map, job.H, "exact")
  end
  return plot {
    file = what.file, title = job.title .. what.title, xlabel = "load α", ylabel = "temperature T",
    heatmap = { x = map.alpha, y = map.T, z = what.z, label = what.label, range = what.range },
    points = #points > 0 and points or nil, curves = #curves > 0 and curves or nil,
    vlines = what.lines and thresholds(map, job.H) or nil,
    yrange = what.yrange, overwrite = true,
  }
end

--- phi_boltzmann(T, N) of the exact law, once per N and T.
local function boltzmann(H)
  local th = dam.theory(H, { law = "exact" })
  local known = {}
  return function(T, N)
    known[N] = known[N] or {}
    if known[N][T] == nil then
      local phi = th:phi_boltzmann(T, N)
      known[N][T] = type(phi) == "number" and phi or false
    end
    return known[N][T] or nil
  end
end

local figures = {}

function figures.map(job, map, out)
  local z = grid_of(map, function(p)
    return p.phi
  end)
  return heat(job, map, { file = out, z = z, title = ": alignment with the target",
    label = "alignment φ", range = { 0, 1 }, lines = true })
end

function figures.q12(job, map, out)
  local z, found = grid_of(map, function(p)
    return p.q12
  end)
  if found > 0 then -- one replica has no overlap with another
    return heat(job, map, { file = out, z = z, title = ": overlap of two replicas",
      label = "overlap q_{12}", range = { 0, 1 }, lines = true })
  end
end

function figures.residual(job, map, out)
  local phi = boltzmann(job.H)
  local low, high = -0.01, 0.01
  local z, found = grid_of(map, function(p)
    local expected = phi(p.T, p.N)
    local residual = expected and p.phi - expected
    low, high = math.min(low, residual or 0), math.max(high, residual or 0)
    return residual
  end)
  if found > 0 then
    return heat(job, map, { file = out, z = z, title = ": alignment minus that of a single basin",
      label = "φ − φ_{Boltzmann}", range = { low, high } })
  end
end

--- About CUTS loads, evenly over the map.
local function chosen_loads(map)
  local list, n = {}, math.min(CUTS, #map.alpha)
  for k = 1, n do
    list[k] = n == 1 and 1 or 1 + ((k - 1) * (#map.alpha - 1)) // (n - 1)
  end
  return list
end

function figures.cuts(job, map, out)
  local phi = boltzmann(job.H)
  local points, curves = {}, {}
  for _, i in ipairs(chosen_loads(map)) do
    local x, y, err, line, known = {}, {}, {}, {}, false
    for j, T in ipairs(map.T) do
      local p = map.points[i][j]
      if p and p.disorder > 0 then
        x[#x + 1], y[#y + 1], err[#err + 1] = T, p.phi, p.phi_err or NAN
      end
      line[j] = phi(T, map.row[i].N) or NAN
      known = known or line[j] == line[j]
    end
    local color = #points + 1
    if #x > 0 then
      points[color] = { x = x, y = y, err = err, color = color,
        label = string.format("α = %.3g, N = %d", map.alpha[i], map.row[i].N) }
      curves[#curves + 1] = known and { x = map.T, y = line, color = color } or nil
    end
  end
  return plot { file = out, title = job.title .. ": cuts, lines: Boltzmann in a single basin",
    xlabel = "temperature T", ylabel = "alignment φ", points = points, curves = curves,
    yrange = { -0.2, 1.05 }, overwrite = true }
end

--- "LSR{ b = 3.414 }" of the Hamiltonian's full text.
local function short_name(H)
  local text = H:gsub("^%l+", string.upper):gsub(", epsilon = 0 ", " ")
  return (text:gsub("%d+%.%d+", function(number)
    return string.format("%.4g", number)
  end))
end

local order = { "map", "cuts", "residual", "q12" }

local function read(f)
  local meta = f:meta()
  if meta.form ~= "map" then
    error("plot: the file holds no map over (alpha, T); export its rows and plot them with "
      .. "dam.plot", 0)
  elseif f:count_rows() == 0 then
    error("plot: the file holds no rows yet", 0)
  end
  return { meta = meta, points = export.summary(f) }
end

--- Draws the figures of a result file: the map as `out`, the others beside it; or one of them alone
-- as `out`. Returns the names of the files made.
local function draw(from, out, only)
  local stem, ending = out:match("^(.*)%.(%w+)$")
  if not stem then
    error(string.format("plot: %s: expected a name that ends in .png, .svg or .pdf", out), 0)
  elseif only and not figures[only] then
    error(string.format("plot: unknown figure %s (figures: %s)", only,
      table.concat(order, ", ")), 0)
  end
  local found = export.reading(from, read)
  local job = { H = describe.make_hamiltonian(found.meta.H), title = short_name(found.meta.H) }
  local map = arrange(found.points)
  local made = {}
  for _, name in ipairs(only and { only } or order) do
    local file = (name == "map" or only) and out or string.format("%s-%s.%s", stem, name, ending)
    made[#made + 1] = figures[name](job, map, file)
  end
  return made
end

return { draw = draw }
