-- dam.theory through Lua: the reference numbers to their printed digits, the numbers the papers
-- quote, domains, arrays.
local t = require "support"
local dam = require "dam"

-- Rows of a reference file as tables of texts by column name; comments skipped.
local function read(name)
  local rows, columns = {}, nil
  for line in io.lines("tests/reference/" .. name) do
    if not line:find("^#") then
      local fields = {}
      for field in line:gmatch("[^,]+") do
        fields[#fields + 1] = field
      end
      if columns then
        local row = {}
        for i, column in ipairs(columns) do
          row[column] = fields[i]
        end
        rows[#rows + 1] = row
      else
        columns = fields
      end
    end
  end
  return rows
end

-- Equal to the printed digits: within half a unit of the last one.
local function printed(found, text, what)
  local decimals = #(text:match("%.(%d*)") or "")
  t.near(found, tonumber(text), 0.5000001 * 10 ^ -decimals, what)
end

local lse = dam.theory(dam.lse())
local lsr = dam.theory(dam.lsr { b = 3.41 })
local a30 = dam.theory(dam.lsr { b = 3.41 }, { floor = "A30" })
local exact = dam.theory(dam.lse(), { law = "exact" })
local exact_lsr = dam.theory(dam.lsr { b = 3.41 }, { law = "exact" })

-- nil and a reason that contains `text`.
local function refused(text, value, reason)
  t.equal(value, nil, "value outside the domain")
  t.ok(type(reason) == "string" and reason:find(text, 1, true),
    ("reason %q says %q"):format(tostring(reason), text))
end

t.test("the papers' formulas give the reference numbers", function()
  local rows = read "theory_paper.csv"
  t.equal(#rows, 5, "rows")
  for _, row in ipairs(rows) do
    local T = tonumber(row.T)
    printed(lse:phi(T), row.lse_phi, "lse_phi")
    printed(lse:f_ret(T), row.lse_f_ret, "lse_f_ret")
    printed(lse:alpha_c(T), row.lse_alpha_c, "lse_alpha_c")
    printed(lsr:phi(T), row.lsr_phi, "lsr_phi")
    printed(lsr:f_ret(T), row.lsr_f_ret, "lsr_f_ret")
    printed(lsr:alpha_c(T), row.lsr_alpha_c_A39, "lsr_alpha_c_A39")
    printed(lsr:alpha_c(T, { floor = "A30" }), row.lsr_alpha_c_A30, "lsr_alpha_c_A30")
    printed(a30:alpha_c(T), row.lsr_alpha_c_A30, "lsr_alpha_c_A30 by the theory's option")
  end
end)

t.test("the three exact boundaries give the reference numbers", function()
  local rows = read "theory_exact.csv"
  t.equal(#rows, 3, "rows")
  for _, row in ipairs(rows) do
    for _, which in ipairs { "depth", "spinodal", "global" } do
      printed(exact:alpha_c(tonumber(row.T), { which = which }), row[which], which)
    end
  end
end)

t.test("Boltzmann averages give the reference numbers", function()
  local rows = read "boltzmann.csv"
  t.equal(#rows, 9, "rows")
  for _, row in ipairs(rows) do
    local N, T = tonumber(row.N), tonumber(row.T)
    printed(exact:phi_boltzmann(T, N), row.lse_exact, "lse_exact")
    printed(lse:phi_boltzmann(T, N), row.lse_B9, "lse_B9")
    printed(exact_lsr:phi_boltzmann(T, N), row.lsr_exact, "lsr_exact")
    printed(lsr:phi_boltzmann(T, N), row.lsr_B9, "lsr_B9")
  end
end)

t.test("the numbers that the papers and the design quote", function()
  printed(lsr:T_max(), "0.2135", "T_max(3.41)")
  printed(lse:T_c(0.1), "0.7512", "T_c(0.1)")
  t.near(lse:alpha_c(0), 0.5, 1e-15, "alpha_c(0)")
  t.near(dam.theory(dam.lse { beta_net = 5 }):alpha_c(0), 0.5, 1e-15, "alpha_c(0), beta_net = 5")
  t.near(dam.theory(dam.lse { beta_net = 0.4 }):alpha_c(0), 0.32, 1e-15, "alpha_c(0) at 0.4")
  printed(exact:alpha_c(0), "0.6226", "exact alpha_c(0)")
  printed(exact_lsr:alpha_th(), "0.3461", "exact alpha_th")
  printed(lsr:alpha_th(), "0.2497", "alpha_th")
  t.near(dam.theory(dam.lsr { b = 2 + math.sqrt(2) }):alpha_th(), 0.25, 1e-15, "alpha_th, b of B")
  for _, T in ipairs { 0.1, 1, 7 } do
    t.near(dam.theory(dam.lsr { b = 1 }):phi(T), 1 / math.sqrt(1 + T), 1e-15, "phi at b = 1")
    t.near(exact_lsr:alpha_c(T), exact_lsr:alpha_th(), 0, "exact LSR boundary")
  end
end)

t.test("outside a formula's domain: nil and the reason", function()
  refused("lies above the noise floor", lsr:alpha_c(2))
  t.ok(lsr:f_ret(2) > 1, "f_ret > 1 there")
  refused("expected a finite number >= 0", lse:phi(-1))
  refused("expected a finite number >= 0", lse:phi(0 / 0))
  refused("expected a finite number >= 0", lse:phi(math.huge))
  refused("no noise floor", lsr:u_noise(0.2))
  refused("superextensive", exact_lsr:u_noise(0.4))
  refused("no retrieval at any temperature", lse:T_c(0.51))
  refused("no support threshold", lse:T_max())
  refused("tends to alpha_th", a30:T_max())
  refused("infinite support", lse:alpha_th())
  refused("outside the support", lsr:u(0.5))
  refused("law = \"exact\"", lse:u_noise(0.3, 50))
  refused("b = N beta_net is unknown", dam.theory(dam.lsr { beta_net = 0.1 }):phi(1))
  refused("no boundary for the polynomial", dam.theory(dam.polynomial()):alpha_c(0.1))
  refused("ends at T = 1.154700538", dam.theory(dam.polynomial { k = 3 }):phi(1.2))
  refused("dimension from 2", lse:phi_boltzmann(0.5, 1))
  refused("spike", lse:phi_density(0.5, 0, 50))
  refused("tends to -infinity", dam.entropy(1))
  refused("-1 to 1, 1 excluded", dam.entropy(0.5, 1))
end)

t.test("b = N beta_net where N is given", function()
  local th = dam.theory(dam.lsr { beta_net = 0.0682 }, { law = "exact" })
  local same = dam.theory(dam.lsr { b = 3.41 }, { law = "exact" })
  t.near(th:phi_boltzmann(0.5, 50), same:phi_boltzmann(0.5, 50), 1e-14, "phi_boltzmann")
  t.near(th:u_noise(0.4, 50), same:u_noise(0.4, 50), 1e-12, "u_noise")
  t.near(th:alpha_c(0.5, { N = 50 }), same:alpha_c(0.5, { N = 50 }), 1e-13, "alpha_c")
  t.near(th:phi(0.5, { N = 50 }), same:phi(0.5), 1e-14, "phi")
  local paper = dam.theory(dam.lsr { beta_net = 0.0682 })
  t.near(paper:alpha_c(0.1, { N = 50 }), lsr:alpha_c(0.1), 1e-14, "alpha_c of the paper")
end)

t.test("noise floors name their regime and meet where the regimes do", function()
  local value, regime = lse:u_noise(0.1)
  t.near(value, 1 - math.sqrt(0.2), 1e-15, "A(26)")
  t.equal(regime, "spin-glass", "regime")
  local soft = dam.theory(dam.lse { beta_net = 0.3 })
  value, regime = soft:u_noise(0.1)
  t.near(value, 1 - 0.1 / 0.3 - 0.15, 1e-15, "A(27)")
  t.equal(regime, "paramagnetic", "regime")
  t.near(soft:u_noise(0.045), 0.7, 1e-15, "where A(26) meets A(27)")
  value, regime = lsr:u_noise(0.4)
  t.near(value, -math.log(1 - 3.41 * (1 - math.sqrt(0.8))) / 3.41, 1e-14, "A(30)")
  t.equal(regime, "spin-glass", "regime")
  local b = 0.5
  local saddle = (b - 1 + math.sqrt((1 - b) ^ 2 + 4 * b * b)) / (2 * b)
  value, regime = dam.theory(dam.lsr { b = b }):u_noise(0.45)
  t.near(value, -math.log(1 - b * (1 - saddle)) / b, 1e-14, "A(31)")
  t.near(b * (1 + saddle - saddle ^ 2), saddle, 1e-15, "A(29)")
  t.equal(regime, "paramagnetic", "regime")
  value, regime = exact:u_noise(0.4, 50)
  t.equal(regime, "annealed", "regime")
  t.ok(value < exact:u_noise(0.3, 50), "the floor sinks with alpha")
end)

t.test("b <= 1: no threshold, no T_max, finite phi", function()
  for _, b in ipairs { 0.2, 0.5, 0.8, 1 } do
    local th = dam.theory(dam.lsr { b = b })
    t.equal(th:alpha_th(), 0, "alpha_th")
    refused("no T_max", th:T_max())
    t.near(th:alpha_c(0), 0.5, 1e-15, "alpha_c(0)")
    local T = th:T_c(0.1)
    t.near(th:alpha_c(T), 0.1, 1e-14, "T_c inverts alpha_c")
    T = th:T_c(0.1, { floor = "A30" })
    t.near(th:alpha_c(T, { floor = "A30" }), 0.1, 1e-14, "T_c inverts alpha_c, A30")
    for _, N in ipairs { 2, 24, 1000 } do
      t.ok(th:phi_boltzmann(1, N) > 0 and th:phi_boltzmann(1, N) < 1, "phi_boltzmann")
    end
    local e = dam.theory(dam.lsr { b = b }, { law = "exact" })
    t.equal(e:alpha_c(1), 0, "exact alpha_c")
    if b <= 0.5 then
      t.near(e:patterns_in_support(0.2, 30), math.exp(6), 1e-9, "all patterns")
    end
  end
end)

t.test("T_c is infinite below the support threshold of LSR", function()
  t.equal(lsr:T_c(0.2), math.huge, "T_c(0.2)")
  t.equal(exact_lsr:T_c(0.3), math.huge, "exact T_c(0.3)")
  refused("no retrieval at any temperature", exact_lsr:T_c(0.36))
  t.near(lsr:T_c(lsr:alpha_th()), lsr:T_max(), 1e-13, "T_c(alpha_th) = T_max")
  t.equal(lse:T_c(0), math.huge, "LSE at no load")
  t.near(lse:alpha_c(lse:T_c(1e-12)), 1e-12, 1e-24, "LSE at a small load")
end)

t.test("phases as in A, Fig. 1, the line at alpha = 1/2 included", function()
  t.equal(lse:phase(0.1, 0.5), "retrieval", "LSE, low load")
  t.equal(lse:phase(0.3, 0.5), "spin-glass", "LSE, above the line")
  t.equal(lse:phase(0.5, 0.5), "spin-glass", "LSE, on alpha = 1/2")
  t.equal(lse:phase(0.51, 0.5), "paramagnetic", "LSE, beyond")
  t.equal(lse:phase(0.5, 0), "retrieval", "LSE, end of the line")
  t.equal(lsr:phase(0.2, 50), "retrieval", "LSR below alpha_th at any T")
  t.equal(lsr:phase(0.3, 0.1), "retrieval", "LSR below the line")
  t.equal(lsr:phase(0.3, 0.2), "spin-glass", "LSR above the line of A(39)")
  t.equal(a30:phase(0.3, 0.2), "retrieval", "LSR below the line of A(30)")
  t.equal(lsr:phase(0.6, 0.1), "paramagnetic", "LSR beyond")
  t.equal(exact:phase(0.6, 0.001), "retrieval", "exact: retrieval beyond alpha = 1/2")
  t.equal(exact_lsr:phase(0.34, 9), "retrieval", "exact LSR below alpha_th")
  t.equal(exact_lsr:phase(0.35, 0.01), "spin-glass", "exact LSR above")
  for alpha = 0.01, 0.49, 0.02 do
    for T = 0.01, 1, 0.05 do
      local inside = alpha <= lse:alpha_c(T)
      t.equal(lse:phase(alpha, T), inside and "retrieval" or "spin-glass", "phase and alpha_c")
      local u = a30:u_noise(alpha)
      inside = not u or a30:f_ret(T) <= u
      t.equal(a30:phase(alpha, T), inside and "retrieval" or "spin-glass", "A30: f <= u_noise")
    end
  end
end)

t.test("numbers, arrays and lists go in; numbers and arrays come out", function()
  local T = dam.array { 0.1, 0.5, 2 }
  local phi = lse:phi(T)
  for i = 1, 3 do
    t.equal(phi[i], lse:phi(T[i]), "element")
    t.equal(lse:phi({ 0.1, 0.5, 2 })[i], phi[i], "element of a list")
  end
  local u, regimes = lse:u_noise { 0.1, 0.6 }
  t.equal(u[2], 1 - 0.6 - 0.5, "A(27)")
  t.equal(table.concat(regimes, " "), "spin-glass paramagnetic", "regimes")
  local grid = lse:phase(dam.array { { 0.1 }, { 0.6 } }, { 0.1, 5 })
  t.equal(grid[1][1], "retrieval", "grid")
  t.equal(grid[1][2], "spin-glass", "grid")
  t.equal(grid[2][1], "paramagnetic", "grid")
  local both = exact:phi_boltzmann(dam.array { { 0.1 }, { 0.5 } }, { 24, 50, 198 })
  t.equal(table.concat(both.shape, " "), "2 3", "shape")
  t.equal(both(2, 3), exact:phi_boltzmann(0.5, 198), "element")
  refused("element (3): T = -1", lse:phi { 1, 2, -1 })
  refused("element (2, 1)", exact:phi_boltzmann(dam.array { { 0.1 }, { -0.5 } }, { 24, 50 }))
  t.equal(lsr:T_c({ 0.1, 0.3 })[1], math.huge, "infinite elements")
  local counts, logs = exact_lsr:patterns_in_support({ 0.3, 0.9 }, 2000)
  t.equal(counts[2], math.huge, "overflowing count")
  t.near(logs[2] - logs[1], 0.6 * 2000, 1e-9, "its logarithm")
  t.raises(function() lse:phase({ 1, 2 }, { 1, 2, 3 }) end, "shapes do not fit", "2 and 3")
  t.raises(function() lse:phi("0.5") end, "dam.theory:phi: T = \"0.5\"", "a number")
  t.raises(function() lse:phi() end, "T = nil")
  t.raises(function() lse:phi {} end, "list of numbers")
end)

t.test("the polynomial: energy, saddle, load, two wells for even k", function()
  local cubic = dam.theory(dam.polynomial { k = 3 })
  t.near(cubic:u(0.5), -0.125, 0, "u")
  local phi = cubic:phi(0.7)
  t.near(3 * phi * (1 - phi ^ 2), 0.7, 1e-15, "saddle")
  t.near(cubic:f_ret(0.7), -phi ^ 3 - 0.35 * math.log(1 - phi ^ 2), 1e-15, "f_ret")
  t.near(cubic:load(50, 10), 0.5, 1e-15, "load")
  t.near(lse:load(math.exp(5), 50), 0.1, 1e-15, "load of LSE")
  local square = dam.theory(dam.polynomial { k = 2 }, { law = "exact" })
  t.near(square:phi(0.5), math.sqrt(0.75), 1e-15, "k = 2")
  t.equal(square:phi_boltzmann(0.5, 50), 0, "two wells balance")
  t.near(square:phi_variance(0.01, 50), 1, 0.01, "and lie at +-1")
  t.near(dam.theory(dam.polynomial { k = 1 }):phi_boltzmann(0.5, 50), lse:phi_boltzmann(0.5, 50),
    1e-15, "k = 1 is LSE up to a constant")
end)

t.test("the density of phi is normalised and has the moments that are reported", function()
  local hamiltonians = {
    dam.lse(), dam.lsr { b = 3.41 }, dam.lsr { b = 0.8 }, dam.lsr { b = 2, epsilon = 0.01 },
    dam.polynomial { k = 2 }, dam.polynomial { k = 3 },
  }
  local n = 4000
  local phi = dam.linspace(-1, 1, n + 1)
  for _, law in ipairs { "paper", "exact" } do
    for _, H in ipairs(hamiltonians) do
      local th = dam.theory(H, { law = law })
      for _, T in ipairs { 0.3, 1 } do
        local p = th:phi_density(phi, T, 24)
        local sum, mean, square = 0, 0, 0
        for i = 1, n + 1 do
          local w = (i == 1 or i == n + 1) and 1 or i % 2 == 0 and 4 or 2
          sum = sum + w * p[i]
          mean = mean + w * p[i] * phi[i]
          square = square + w * p[i] * phi[i] ^ 2
        end
        local h = 2 / n / 3
        local name = tostring(th)
        t.near(sum * h, 1, 2e-7, name .. " normalisation")
        t.near(mean * h, th:phi_boltzmann(T, 24), 2e-7, name .. " mean")
        t.near((square - mean ^ 2 * h) * h, th:phi_variance(T, 24), 2e-7, name .. " variance")
      end
    end
  end
  t.equal(lsr:phi_density(0.5, 1, 24), 0, "outside the support")
  t.equal(exact:phi_density(1, 1, 2), math.huge, "the circle's end")
end)

t.test("energies: derivatives of the free energy, LSE's 1 - phi", function()
  t.near(exact:u_boltzmann(0.5, 50), 1 - exact:phi_boltzmann(0.5, 50), 1e-14, "LSE")
  for _, th in ipairs { lsr, exact_lsr, dam.theory(dam.polynomial { k = 3 }) } do
    local h, T, N = 1e-4, 0.5, 50
    local slope = (th:u_boltzmann(T + h, N) - th:u_boltzmann(T - h, N)) / (2 * h)
    t.near(slope, N / T ^ 2 * th:u_variance(T, N), 1e-6, "du/dT = N var(u)/T^2")
  end
end)

t.test("finite-N floors tend to the infinite ones", function()
  for _, beta_net in ipairs { 0.3, 1, 2 } do
    local th = dam.theory(dam.lse { beta_net = beta_net }, { law = "exact" })
    t.near(th:u_noise(1.2, 1e6), th:u_noise(1.2), 2e-5, "u_noise")
    local T = 0.1 / beta_net
    t.near(th:alpha_c(T, { N = 1e6 }), th:alpha_c(T), 1e-4, "alpha_c")
    t.near(th:alpha_c(T, { N = 1e6, which = "spinodal" }), th:alpha_c(T, { which = "spinodal" }),
      1e-4, "spinodal")
  end
  t.near(exact_lsr:alpha_c(0.5, { N = 1e6 }), exact_lsr:alpha_th(), 1e-4, "LSR")
  t.near(exact_lsr:u_noise(0.4, 50), exact_lsr:f_ret(exact_lsr:T_c(0.4, { N = 50 })), 1e-13,
    "f_ret = u_noise at T_c")
  refused("global", exact:alpha_c(0.5, { N = 50, which = "global" }))
end)

t.test("entropies", function()
  t.near(dam.entropy(0.6), math.log(0.8), 1e-15, "A(19)")
  t.near(dam.entropy(0.6, 0.36), math.log(0.8), 1e-15, "A(21) at q = phi^2")
  t.ok(dam.entropy(0.6, 0.35) > dam.entropy(0.6, 0.36), "a minimum in q")
  t.ok(dam.entropy(0.6, 0.37) > dam.entropy(0.6, 0.36), "a minimum in q")
  t.near(dam.gram_entropy(0.6, 1, { N = 51 }), 50 * math.log(0.8), 1e-13, "one pattern")
  local G = dam.array { { 1, 0.5 }, { 0.5, 1 } }
  t.near(dam.gram_entropy({ 0.5, 0.5 }, G, { N = 12 }), 5 * math.log(1 - 1 / 3), 1e-14, "A(18)")
  refused("no state has", dam.gram_entropy({ 1, -0.9 }, G, { N = 12 }))
  refused("M < N", dam.gram_entropy({ 0.5, 0.5 }, G, { N = 2 }))
  local singular = dam.array { { 1, 1 }, { 1, 1 } }
  t.raises(function() dam.gram_entropy({ 0.5, 0.5 }, singular, { N = 12 }) end, "singular")
  local indefinite = dam.array { { 1, 2 }, { 2, 1 } }
  t.raises(function() dam.gram_entropy({ 0.5, 0.5 }, indefinite, { N = 12 }) end,
    "not positive definite")
  t.raises(function() dam.gram_entropy({ 0.5 }, G, { N = 12 }) end, "[1, 1]")
  t.raises(function() dam.gram_entropy({ 0.5, 0.5 }, G, {}) end, "'N' is missing")
end)

t.test("arguments of any size: a number or nil and a reason, never NaN", function()
  local worst = { 0, -1, 1, 0.5, 1e-310, 1e308, -1e308, math.huge, -math.huge, 0 / 0, 2, 1e9 }
  local state = 1
  local function random(n) -- a fixed sequence, whatever math.random is
    state = (state * 6364136223846793005 + 1442695040888963407)
    return ((state >> 33) % n) + 1
  end
  local function any()
    local kind = random(3)
    return kind == 1 and worst[random(#worst)] or kind == 2 and random(1000) / 1000
      or 10 ^ (random(8000) / 1000 - 4)
  end
  local theories = {}
  for _, H in ipairs { dam.lse(), dam.lse { beta_net = 0.1 }, dam.lsr { b = 3.41 },
    dam.lsr { b = 0.7 }, dam.lsr { beta_net = 0.1 }, dam.lsr { b = 2, epsilon = 0.1 },
    dam.polynomial(), dam.polynomial { k = 4 } } do
    for _, law in ipairs { "paper", "exact" } do
      theories[#theories + 1] = dam.theory(H, { law = law })
    end
  end
  local methods = { "u", "phi", "f_ret", "f", "u_noise", "alpha_th", "alpha_c", "T_c", "T_max",
    "phase", "phi_boltzmann", "phi_variance", "u_boltzmann", "u_variance", "phi_density", "load",
    "patterns_in_support" }
  local counts = { u_noise = 1, alpha_th = 0, T_max = 0, f = 3, phi_density = 3, phase = 2,
    phi_boltzmann = 2, phi_variance = 2, u_boltzmann = 2, u_variance = 2, load = 2,
    patterns_in_support = 2 }
  local answers, refusals = 0, 0
  for _ = 1, 20000 do
    local name = methods[random(#methods)]
    local args = { any(), any(), any() }
    local th = theories[random(#theories)]
    local v, reason = th[name](th, table.unpack(args, 1, counts[name] or 1))
    if v == nil then
      refusals = refusals + 1
      t.ok(type(reason) == "string" and #reason > 10, name .. " gives a reason")
    else
      answers = answers + 1
      t.ok(v == v, ("%s(%g, %g, %g) is not NaN"):format(name, table.unpack(args)))
    end
  end
  t.ok(answers > 5000 and refusals > 5000, "both happen often")
end)

t.test("a 55 x 40 phase diagram takes well under a second", function()
  local alpha, T = {}, dam.range(0.025, 2, 0.05)
  for i = 1, 55 do
    alpha[i] = { i / 100 }
  end
  alpha = dam.array(alpha)
  for _, th in ipairs { lse, lsr, exact, exact_lsr } do
    local start = os.clock()
    local grid = th:phase(alpha, T)
    t.equal(#grid, 55, "rows")
    t.equal(#grid[1], 40, "columns")
    t.ok(os.clock() - start < 0.5, "time")
  end
  local start = os.clock()
  exact_lsr:phi_boltzmann(T, alpha * 1000)
  t.ok(os.clock() - start < 1, "time of 2200 averages")
end)

t.test("the userdata: fields, options, closing", function()
  t.equal(lse.law, "paper", "law")
  t.equal(a30.floor, "A30", "floor")
  t.equal(exact.which, "depth", "which")
  t.equal(tostring(exact), 'dam.theory(dam.lse{ beta_net = 1 }, { law = "exact" })', "tostring")
  t.equal(tostring(exact.hamiltonian), "dam.lse{ beta_net = 1 }", "hamiltonian")
  t.raises(function() return lse.alpha_x end, "did you mean 'alpha_c'?")
  t.raises(function() dam.theory(dam.lse(), { low = "paper" }) end, "did you mean 'law'?")
  t.raises(function() dam.theory(dam.lse(), { law = "papers" }) end, "one of paper, exact")
  t.raises(function() lse:alpha_c(1, { flor = "A30" }) end, "did you mean 'floor'?")
  t.raises(function() lse:alpha_c(1, { N = 1 }) end, "N = 1 is not allowed")
  t.raises(function() dam.theory(3) end, "dam.hamiltonian")
  local th <close> = dam.theory(dam.lse())
  th:close()
  th:close()
  t.raises(function() th:phi(1) end, "this dam.theory is closed")
end)

t.finish()
