-- Makes the fixture of the present schema, once, before it is released:
--   damlua tests/data/make_fixture.lua tests/data/schema-1.sqlite
--   damlua -m export tests/data/schema-1.sqlite tests/data/schema-1.csv
local sweep = require "dam.sweep"

sweep.run {
  name = "fixture", file = arg[1], seed = 7, hamiltonian = dam.lsr { b = 3.41 },
  alpha = { 0.1, 0.2 }, T = { 0.2, 0.5 }, plan = sweep.fixed { N = 16, disorder = 2 },
  replicas = 2, equilibrate = 50, sample = 20,
}
