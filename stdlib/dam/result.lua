--- result:table(): the physicist's summary of a sample, one row per temperature.
local format = require "dam.format"

--- Mean over disorder and its standard error at temperature t of an array [T, disorder] or
--- [T, disorder, replica]; replicas of a disorder are averaged first, as they share its patterns.
local function summary(a, t)
  local by_disorder = a:slice { t }
  if #by_disorder.shape == 2 then
    by_disorder = by_disorder:mean(2)
  end
  return by_disorder:mean(), by_disorder:sem()
end

--- The result as a table: one row per temperature, in the order of the sampler's T.
-- @function result:table
-- @treturn table rows with T, phi, phi_err, q12, q12_err (absent with one replica), energy_density,
--  energy_density_err and acceptance. Each is a mean over disorder; the errors are one standard
--  error of it, replicas of a disorder averaged first (NaN with one disorder). It prints aligned,
--  `:csv()` is its CSV text, `:column "phi"` one column
-- @usage H = dam.lse{ beta_net = 1 }; p = dam.patterns{ N = 24, M = 8, disorder = 4 }
-- s = dam.mh{ hamiltonian = H, patterns = p, T = { 0.1, 0.5 } }
-- print(s:sample(200):table())
return function(r)
  local columns = { "T", { name = "phi", err = "phi_err" } }
  local q12 = r.q12
  if q12 then
    columns[3] = { name = "q12", err = "q12_err" }
  end
  columns[#columns + 1] = { name = "energy_density", err = "energy_density_err" }
  columns[#columns + 1] = { name = "acceptance", format = "%.4f" }
  local rows, T, phi = {}, r.T, r.phi
  local energy_density, acceptance = r.energy_density, r.acceptance
  for t = 1, #T do
    local row = { T = T[t] }
    row.phi, row.phi_err = summary(phi, t)
    if q12 then
      row.q12, row.q12_err = summary(q12, t)
    end
    row.energy_density, row.energy_density_err = summary(energy_density, t)
    row.acceptance = summary(acceptance, t)
    rows[t] = row
  end
  return format.table(rows, columns)
end
