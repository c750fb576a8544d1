--- What became of every start of dam.descend, one row each.
local format = require "dam.format"

--- The descent as a table: one row per start.
-- @function descent:table
-- @treturn table rows with set (where several sets of states were given), disorder and replica
--  (places in the pattern set and among the replicas), phi, energy (H), steps, converged, pattern
--  (the most aligned one) and phi_pattern. It prints aligned, `:csv()` is its CSV text, `:column
--  "phi"` one column
-- @usage p = dam.patterns{ N = 24, M = 8, disorder = 4 }
-- print(dam.descend{ hamiltonian = dam.lse(), patterns = p, init = { phi = 0.8 } }:table())
return function(r)
  local shape = r.phi.shape
  local sets = #shape == 3
  local columns = { "disorder", "replica", "phi", { name = "energy" }, "steps", "converged",
    "pattern", "phi_pattern" }
  if sets then
    table.insert(columns, 1, "set")
  end
  local phi, energy, steps, converged = r.phi, r.energy, r.steps, r.converged
  local pattern, phi_pattern = r.pattern, r.phi_pattern
  local rows = {}
  for set = 1, sets and shape[1] or 1 do
    for d = 1, shape[#shape - 1] do
      for a = 1, shape[#shape] do
        local function at(array)
          if sets then
            return array(set, d, a)
          end
          return array(d, a)
        end
        rows[#rows + 1] = { set = sets and set or nil, disorder = d, replica = a, phi = at(phi),
          energy = at(energy), steps = math.tointeger(at(steps)), converged = at(converged) == 1,
          pattern = math.tointeger(at(pattern)), phi_pattern = at(phi_pattern) }
      end
    end
  end
  return format.table(rows, columns)
end
