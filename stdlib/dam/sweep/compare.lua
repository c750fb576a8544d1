--- Two result files, row by row: does the second hold what the first does?
local file = require "dam.sweep.file"

local compare = {}

--- Equal to the last bit; energies are certified to 1e-6 per neuron and not compared.
local EXACT = { "phi_a", "phi_b", "q12", "phi_max_other", "acceptance", "acceptance_a",
  "acceptance_b", "digest" }

local function map_rows(f)
  local rows = {}
  for row in f:each_row() do
    rows[string.pack("<ddi8i8i8", row.alpha, row.T, row.N, row.M, row.disorder)] = row
  end
  return rows
end

local function cell_rows(f)
  local rows = {}
  for key in pairs(f:cells()) do
    rows[key] = { key = key }
  end
  for _, row in ipairs(f:cell_rows()) do
    table.insert(rows[row.key], row.data)
  end
  return rows
end

local function row_difference(a, b)
  local wrong = {}
  for _, name in ipairs(EXACT) do
    wrong[#wrong + 1] = a[name] ~= b[name] and name or nil
  end
  return #wrong > 0 and "these differ: " .. table.concat(wrong, ", ") or nil
end

local function cell_difference(a, b)
  return table.concat(a, "\n") ~= table.concat(b, "\n") and "its rows differ" or nil
end

local function cell_name(row)
  return "cell " .. row.key
end

--- { same, count, extra, what, differences = list of texts }
function compare.files(wanted, made)
  local a <close> = file.open(wanted, "read")
  local b <close> = file.open(made, "read")
  local map = a:meta().form == "map"
  local read, name = map and map_rows or cell_rows, map and file.row_name or cell_name
  local difference = map and row_difference or cell_difference
  local old, new = read(a), read(b)
  local found = { same = 0, count = 0, extra = 0, what = map and "rows" or "cells",
    differences = {} }
  for key, row in pairs(old) do
    local other = new[key]
    local why = not other and "not computed again" or difference(row, other)
    found.count = found.count + 1
    found.same = found.same + (why and 0 or 1)
    found.differences[#found.differences + 1] = why and name(row) .. ": " .. why or nil
  end
  for key in pairs(new) do
    found.extra = found.extra + (old[key] and 0 or 1)
  end
  table.sort(found.differences)
  return found
end

return compare
