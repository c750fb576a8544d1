-- The numbers in the table of docs/physics.md, section 11: where the papers disagree with
-- themselves, with each other or with exact geometry.
local t = require "support"
local dam = require "dam"

local function lse(beta_net, law)
  return dam.theory(dam.lse { beta_net = beta_net }, { law = law })
end
local function lsr(b, law)
  return dam.theory(dam.lsr { b = b }, { law = law })
end
local A, exact = lse(1, "paper"), lse(1, "exact")
local R, exact_R = lsr(3.41, "paper"), lsr(3.41, "exact")

-- The table's text, so that a number that is changed there or here alone fails.
local table_text
do
  local f <close> = assert(io.open("docs/physics.md"))
  table_text = f:read("a"):match("## 11%..*")
end

-- `found` rounds to the printed number, which stands in the table.
local function printed(found, text, what)
  local decimals = #(text:match("%.(%d*)") or "")
  t.near(found, tonumber(text), 0.5000001 * 10 ^ -decimals, what)
  t.ok(table_text:find(text, 1, true), ("the table has %s (%s)"):format(text, what))
end

t.test("entropy: a minimum in q at q = phi^2", function()
  printed(dam.entropy(0.8, 0.63), "-0.510640", "q = 0.63")
  printed(dam.entropy(0.8, 0.64), "-0.510826", "q = 0.64")
  printed(dam.entropy(0.8, 0.65), "-0.510625", "q = 0.65")
  t.ok(dam.entropy(0.8, 0.64) < dam.entropy(0.8, 0.65), "minimum")
  local cubic = dam.theory(dam.polynomial { k = 3 })
  local phi = cubic:phi(0.5)
  printed(cubic:f(phi, phi ^ 2, 0.5), "-0.313911", "polynomial saddle")
  printed(cubic:f(phi + 0.01, phi ^ 2, 0.5), "-0.314048", "at fixed q, above")
  printed(cubic:f(phi - 0.01, phi ^ 2, 0.5), "-0.314046", "at fixed q, below")
  printed(R:phi(1e9) ^ 2, "0.4995", "q of LSR at high T")
end)

t.test("density of states: B(9) against the sphere's own", function()
  for N, text in pairs { [24] = "-0.0080", [50] = "-0.0038", [198] = "-0.00096" } do
    printed(A:phi_boltzmann(0.5, N) - exact:phi_boltzmann(0.5, N), text, "N = " .. N)
  end
end)

t.test("largest alignment, alpha_c(0), end of the spin-glass regime", function()
  for alpha, text in pairs { [0.1] = { "0.4472", "0.4258" }, [0.25] = { "0.7071", "0.6273" },
    [0.5] = { "1", "0.7951" } } do
    printed(1 - lse(3, "paper"):u_noise(alpha), text[1], "paper")
    printed(1 - lse(1e6, "exact"):u_noise(alpha), text[2], "exact")
  end
  for beta, text in pairs { [0.4] = { "0.32", "0.3253" }, [1] = { "0.5", "0.6226" },
    [3] = { "0.5", "1.0909" }, [10] = { "0.5", "1.6638" } } do
    printed(lse(beta, "paper"):alpha_c(0), text[1], "alpha_c(0)")
    printed(lse(beta, "exact"):alpha_c(0), text[2], "exact alpha_c(0)")
  end
  for beta, text in pairs { [0.4] = { 0.08, "0.0657" }, [1] = { 0.5, "0.2406" },
    [2] = { 2, "0.4703" } } do
    local star = lse(beta, "exact"):alpha_c(1 / beta, { which = "global" })
    printed(star, text[2], "alpha*")
    for law, edge in pairs { paper = text[1], exact = star } do
      local _, below = lse(beta, law):u_noise(edge * (1 - 1e-9))
      local _, above = lse(beta, law):u_noise(edge * (1 + 1e-9))
      t.equal(below .. above, "spin-glassparamagnetic", "regimes at " .. edge)
    end
  end
end)

t.test("T_c(0.1) by every boundary, and alpha_c at high T", function()
  printed(A:T_c(0.1), "0.7512", "paper")
  printed(exact:T_c(0.1), "0.8198", "depth")
  printed(exact:T_c(0.1, { which = "spinodal" }), "1.9230", "spinodal")
  printed(exact:T_c(0.1, { which = "global" }), "1.9230", "global")
  printed(exact:T_c(0.1, { N = 50 }), "0.6597", "annealed")
  printed(100 * A:alpha_c(10), "0.1238", "paper")
  printed(100 * exact:alpha_c(10), "0.1239", "depth")
  printed(100 * exact:alpha_c(10, { which = "spinodal" }), "0.4927", "spinodal")
end)

t.test("LSR: floors, thresholds, temperatures", function()
  printed(R:alpha_c(0.5), "0.1127", "A39")
  printed(R:alpha_c(0.5, { floor = "A30" }), "0.2855", "A30")
  printed(R:T_max(), "0.2135", "T_max")
  printed(R:T_c(0.25), "0.2132", "T_c by A39")
  printed(R:T_c(0.25, { floor = "A30" }), "3.40", "T_c by A30")
  printed(R:alpha_th(), "0.2497", "alpha_th")
  printed(exact_R:alpha_th(), "0.3461", "exact alpha_th")
  printed(lsr(10, "paper"):alpha_th(), "0.405", "alpha_th, b = 10")
  printed(lsr(10, "exact"):alpha_th(), "0.8304", "exact alpha_th, b = 10")
  t.near(lsr(2 + math.sqrt(2), "paper"):alpha_th(), 0.25, 1e-15, "B's maps")
  printed((R:patterns_in_support(0.25, 50)), "0.0779", "Gaussian")
  printed((exact_R:patterns_in_support(0.25, 50)), "0.000913", "cap")
  printed((R:u_noise(0.4)), "0.1309", "A(30)")
  for N, text in pairs { [24] = "0.864", [50] = "0.758", [200] = "-1.020", [1000] = "-12.97" } do
    printed((exact_R:u_noise(0.4, N)), text, "N = " .. N)
  end
  printed(lsr(1, "paper"):phi(1), "0.7071", "phi at b = 1")
  printed(R:phi(2), "0.7803", "phi(2)")
  printed(exact_R:phi_boltzmann(2, 50), "0.7878", "N = 50")
end)

t.test("A(31) and the multiplicity that it drops", function()
  local b, alpha = 0.5, 0.45
  local th = lsr(b, "paper")
  local phi = (b - 1 + math.sqrt((1 - b) ^ 2 + 4 * b * b)) / (2 * b)
  local function consistent(load)
    return -(load + math.log(1 - b * (1 - phi)) - phi ^ 2 / 2) / b
  end
  printed((th:u_noise(alpha)), "0.4239", "A(31)")
  printed(consistent(alpha), "-0.0942", "consistent")
  t.near(th:u_noise(phi ^ 2 / 2), consistent(phi ^ 2 / 2), 1e-15, "where they agree")
end)

t.test("epsilon swamps the target unless it is below exp(-alpha N)", function()
  local th = dam.theory(dam.lsr { b = 3.41, epsilon = 0.01 }, { law = "exact" })
  printed((th:u_noise(0.1, 50)), "-0.116", "epsilon = 0.01")
  printed((exact_R:u_noise(0.1, 50)), "5.16", "epsilon = 0")
end)

t.test("sharp kernels: alpha_c(0) tends to (1/2) ln(e beta)", function()
  for _, beta in ipairs { 1e2, 1e4, 1e6 } do
    t.near(lse(beta, "exact"):alpha_c(0), 0.5 * math.log(beta) + 0.5, 0.2 / beta, "growth")
  end
end)

t.finish()
