--- Hamiltonians and starts as texts that create them again: what result files keep and compare.
local check = require "dam.sweep.check"
local dam = require "dam.core"
local json = require "dam.json"

local describe = {}

--- "lse{ beta_net = 1 }"
function describe.hamiltonian(where, H)
  local text = type(H) == "userdata" and tostring(H):match("^dam%.(%l+{.*})$")
  if not text then
    check.refuse(where, "hamiltonian", H, "dam.lse{...}, dam.lsr{...} or dam.polynomial{...}")
  end
  return text
end

--- The Hamiltonian of such a text; only numbers are accepted as options, nothing is executed.
function describe.make_hamiltonian(text)
  local kind, body = text:match("^(%l+){(.*)}$")
  if kind ~= "lse" and kind ~= "lsr" and kind ~= "polynomial" then
    error("the result file names an unknown Hamiltonian: " .. text, 0)
  end
  local options = {}
  for key, number in body:gmatch("([%w_]+) = ([^,%s]+)") do
    options[key] = tonumber(number)
  end
  return dam[kind](options)
end

--- A start, checked by the sampler later; states themselves have no place in a sweep over N.
function describe.init(where, init)
  if type(init) ~= "string" and type(init) ~= "table" then
    check.refuse(where, "init", init, 'a start that suits every N, such as { phi = {0.75, 1} }, '
      .. '{ phi = 0.9 } or "cold"')
  end
  local ok, text = pcall(json.encode, init)
  if not ok then
    check.refuse(where, "init", init, "numbers and texts")
  end
  return (text:gsub("(%d)%.0([],}])", "%1%2")) -- {0.75, 1.0} and {0.75, 1} are the same start
end

describe.make_init = json.decode

return describe
