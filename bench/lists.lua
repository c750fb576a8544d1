-- Time with lists of near patterns over time without, on the same chains from their first step on,
-- over the (alpha, T) grid of the published maps: below 1 lists pay, above 1 they are in the way.
-- The best of some rounds counts, taken by turns, as other programs only make things slower: of
-- two, and where lists seem to be in the way of eight.
--   bench/lists.lua [steps [measure]]
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local support = require "support"

local steps = tonumber(arg[1]) or 2000
local advance = arg[2] == "measure" and "sample" or "run"
local alphas = { 0.02, 0.05, 0.1, 0.15, 0.2, 0.3 }
local T = { 0.1, 0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0 }
local rounds, more_rounds, in_the_way = 2, 6, 1.04

local function seconds(H, p, t, evaluation)
  local s <close> = dam.mh { hamiltonian = H, patterns = p, T = t, replicas = 20,
    init = { phi = { 0.75, 1.0 } }, evaluation = evaluation }
  local begin = dam.clock()
  s[advance](s, steps)
  return dam.clock() - begin
end

for _, H in ipairs { dam.lse(), dam.lsr { b = 3.41 } } do
  local title = ("%s: time of s:%s(%d) with lists / without"):format(H, advance, steps)
  support.map(title, alphas, T, 2, "%10.2f", function(p, t)
    local with, without = math.huge, math.huge
    local function compare(n)
      for _ = 1, n do
        without = math.min(without, seconds(H, p, t, "coarse+single"))
        with = math.min(with, seconds(H, p, t, "auto"))
      end
    end
    compare(rounds)
    if with / without > in_the_way then
      compare(more_rounds)
    end
    return with / without
  end)
end
