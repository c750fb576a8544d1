-- What the benchmarks share: rates of samplers, and the adaptive plan of the published maps.
local support = {}

--- Steps a second of every chain: from the first run that lasts `seconds`, after `warm` steps, by
--- `clock` (wall-clock time).
function support.rate(s, seconds, warm, advance, clock)
  local steps, elapsed = 1, 0
  advance, clock = advance or s.run, clock or dam.clock
  if warm > 0 then
    s:run(warm)
  end
  repeat
    if elapsed > 0 then
      steps = math.ceil(steps * math.min(20, 1.2 * seconds / elapsed))
    end
    local begin = clock()
    advance(s, steps)
    elapsed = math.max(clock() - begin, 1e-6)
  until elapsed >= seconds
  return steps / elapsed
end

--- N, M and the number of disorders of B's plan, B(5), at load alpha.
function support.plan(alpha)
  local t = (alpha - 0.01) / 0.54
  local M = (20000 ^ 0.1 + t * (500000 ^ 0.1 - 20000 ^ 0.1)) ^ 10 // 1 | 0
  local trials = 512 + t * (64 - 512)
  return math.floor(math.log(M) / alpha + 0.5), M, math.floor(trials + 0.5) // 2
end

--- Prints a table over loads and temperatures of the maps, M at most 50000: a few minutes, of
--- what `cell(patterns, t, M)` gives, as `format`.
function support.map(title, alphas, T, disorder, format, cell)
  print(title)
  io.write(("%6s %5s %7s"):format("alpha", "N", "M"))
  for _, t in ipairs(T) do
    io.write((" %10s"):format("T = " .. t))
  end
  print()
  for _, alpha in ipairs(alphas) do
    local N, M = support.plan(alpha)
    M = math.min(M, 50000)
    local p <close> = dam.patterns { N = N, M = M, disorder = disorder }
    io.write(("%6g %5d %7d"):format(alpha, N, M))
    for _, t in ipairs(T) do
      io.write((" " .. format):format(cell(p, t, M)))
      io.flush()
    end
    print()
  end
end

return support
