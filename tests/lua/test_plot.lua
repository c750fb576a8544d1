local t = require "support"
local dam = require "dam"

local nan = 0 / 0
local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)

local function path(name)
  return folder .. "/" .. name
end

local function read(name)
  local f = io.open(name, "rb")
  local text = f and f:read("a")
  if f then f:close() end
  return text
end

local function listing()
  local p <close> = io.popen("ls -A " .. folder)
  return p:read("a")
end

local x = dam.linspace(0, 1, 11)

t.test("mistakes are errors that name the option, gnuplot or not", function()
  local function bad(options, ...)
    t.raises(function() dam.plot(options) end, "dam.plot", ...)
  end
  local s = { { x = { 1, 2 }, y = { 1, 2 } } }
  bad({}, "nothing to draw")
  bad({ point = s }, "unknown option 'point'", "did you mean 'points'")
  bad({ file = "x.gif", points = s }, "x.gif", ".png, .svg or .pdf")
  bad({ file = "png", points = s }, ".png, .svg or .pdf")
  bad({ file = 3, points = s }, "file = 3")
  bad({ title = {}, points = s }, "title")
  bad({ points = { { x = { 1, 2 }, y = { 1 } } } }, "points[1]", "lengths differ", "2", "1")
  bad({ points = { { x = { 1, 2 }, y = { 1, 2 }, err = { 1 } } } }, "lengths differ", "err 1")
  bad({ points = { { x = {}, y = {} } } }, "points[1] has no points")
  bad({ curves = { { x = { 1 }, y = { nan } } } }, "curves[1] has no points", "NaN")
  bad({ points = { { x = { 1 } } } }, "points[1] lacks y")
  bad({ points = { { x = { 1 }, y = { "1" } } } }, "points[1].y[1]")
  bad({ points = { { x = 1, y = { 1 } } } }, "points[1].x = 1")
  bad({ points = { { x = dam.zeros(2, 2), y = { 1 } } } }, "points[1].x", "one-dimensional")
  bad({ points = { x = { 1 }, y = { 1 } } }, "points is a list")
  bad({ points = { { x = { 1 }, y = { 1 }, colour = 1 } } }, "did you mean 'color'")
  bad({ points = { { x = { 1 }, y = { 1 }, color = "'; !ls" } } }, "color")
  bad({ points = { { x = { 1 }, y = { 1 }, style = "dots" } } }, "style = \"dots\"")
  bad({ points = { { x = { 1 }, y = { 1 }, dash = "x" } } }, "dash = \"x\"")
  bad({ curves = { { x = { 1 }, y = { 1 }, err = { 1 } } } }, "no error bars")
  bad({ points = s, xrange = { 2, 1 } }, "xrange")
  bad({ points = s, yrange = { nan, 1 } }, "yrange")
  bad({ points = s, yrange = 3 }, "yrange = 3")
  bad({ points = s, size = { 1e9, 3 } }, "size")
  bad({ points = s, key = "somewhere" }, "key = \"somewhere\"")
  bad({ points = s, vlines = { nan } }, "vlines[1].x")
  bad({ points = s, hlines = { { x = 3 } } }, "hlines[1]", "'x'")
  bad({ points = s, logx = 1 }, "logx = 1")
  bad({ points = s, logx = true, xrange = { -1, 1 } }, "xrange", "logarithmic", "low > 0")
  bad({ points = s, shaded = { { label = "x" } } }, "shaded[1]")
  bad({ points = s, shaded = { { x = { 1, 2 }, low = { 1 }, high = { 1, 2 } } } }, "shaded[1]")
  bad({ heatmap = { x = { 1, 2 }, y = { 1 }, z = { { 1 } } } }, "[2, 1]")
  bad({ heatmap = { x = { 1, 2 }, y = { 1 }, z = { { 1 }, { 1, 2 } } } }, "z[2] has 2")
  bad({ heatmap = { x = { 2, 1 }, y = { 1 }, z = { { 1 }, { 2 } } } }, "ascending")
  t.raises(function() dam.plot({ 1, 2 }, { 1 }) end, "lengths differ")
  t.raises(function() dam.plot() end, "one table of options, got nil")
end)

t.test("a missing gnuplot is an error that says what to install", function()
  local popen = io.popen
  io.popen = function(command, mode) -- luacheck: ignore 122
    return popen("PATH=/nonexistent\n" .. command, mode)
  end
  local ok, message = pcall(dam.plot, { file = path "x.png", curves = { { x = x, y = x } } })
  io.popen = popen -- luacheck: ignore 122
  t.ok(not ok)
  t.ok(message:find("apt install gnuplot-nox", 1, true), message)
  t.equal(listing(), "")
end)

if not os.execute("command -v gnuplot >/dev/null 2>&1") then
  print("skipped: drawing (gnuplot is missing)")
  os.execute("rm -r " .. folder)
  t.finish()
end

local function full(file)
  return {
    file = path(file), title = "φ against T", xlabel = "T", ylabel = "φ_{eq}", xrange = { 0, 1 },
    curves = { { x = x, y = x ^ 2, label = "theory" } },
    points = { { x = x, y = x, err = 0.1 * x, label = "data", style = "linespoints" } },
    vlines = { { x = 0.5, label = "T_{max}" } }, hlines = { 0.2 },
    shaded = { { x = { 0.6, 0.7 }, label = "here" }, { x = x, low = x - 0.1, high = x + 0.1 } },
  }
end

t.test("PNG, SVG and PDF by suffix", function()
  t.equal(dam.plot(full "a.png"), path "a.png")
  local png = read(path "a.png")
  t.equal(png:sub(1, 8), "\x89PNG\r\n\x1a\n")
  t.equal(string.unpack(">I4", png, 17), 1200)
  t.equal(string.unpack(">I4", png, 21), 800)
  dam.plot(full "a.svg")
  t.ok(read(path "a.svg"):find("<svg", 1, true))
  t.ok(read(path "a.svg"):find("theory", 1, true))
  dam.plot(full "a.PDF")
  t.equal(read(path "a.PDF"):sub(1, 5), "%PDF-")
  t.equal(listing(), "a.PDF\na.png\na.svg\n", "nothing else is left")
end)

t.test("a folder is made, an older file is kept", function()
  dam.plot { file = path "new/dir/b.svg", curves = { { x = x, y = x } } }
  local first = read(path "new/dir/b.svg")
  dam.plot { file = path "new/dir/b.svg", curves = { { x = x, y = x } } }
  t.equal(read(path "new/dir/b.svg~"), nil, "the same figure again is no reason for a copy")
  dam.plot { file = path "new/dir/b.svg", curves = { { x = x, y = -x } } }
  t.equal(read(path "new/dir/b.svg~"), first)
  t.ok(read(path "new/dir/b.svg") ~= first)
  dam.plot { file = path "new/dir/b.svg", curves = { { x = x, y = x ^ 2 } }, overwrite = true }
  t.equal(read(path "new/dir/b.svg~"), first)
  t.raises(function() dam.plot { file = "/proc/none/x.svg", curves = { { x = x, y = x } } } end,
    "dam.plot", "/proc/none")
end)

t.test("texts are literal but for _{} and ^{}", function()
  local file = path "text.svg"
  dam.plot { file = file, title = [[phi_err it's "q" \ {x} 50% @ ~ & ^ <b> #]], xlabel = "β_{net}",
    ylabel = "two\nlines", curves = { { x = x, y = x, label = "a_b" } } }
  local svg = read(file)
  for _, text in ipairs { [[phi_err it's "q" \ {x} 50% @ ~ &amp; ^ &lt;b> #]], "a_b",
    ">two<", ">lines<", ">net<" } do
    t.ok(svg:find(text, 1, true), text)
  end
end)

t.test("nothing in a text or a file name is executed", function()
  local trap = path "pwned"
  local attack = "`touch " .. trap .. "` $(touch " .. trap .. ") '; touch " .. trap .. " #"
  local gnuplot = "'\nsystem('touch " .. trap .. "')\n!touch " .. trap .. "\nEND_OF_DATA\n"
  for _, text in ipairs { attack, gnuplot, '"' .. attack } do
    dam.plot { file = path "safe.svg", title = text, xlabel = text, ylabel = text, overwrite = true,
      curves = { { x = x, y = x, label = text } }, vlines = { { x = 0.5, label = text } },
      shaded = { { x = { 0, 1 }, label = text } } }
    local name = path("sub" .. text:gsub("[%c/]", "") .. ".svg")
    dam.plot { file = name, curves = { { x = x, y = x } } }
    t.ok(read(name))
  end
  dam.plot { file = "|touch pwned.svg", curves = { { x = x, y = x } } }
  t.ok(read "|touch pwned.svg":find("<svg", 1, true))
  os.remove "|touch pwned.svg"
  t.equal(read(trap), nil)
  t.equal(read "pwned.svg", nil)
end)

t.test("NaN and infinite points are left out", function()
  local y = x:map(function(v) return v == 0.5 and nan or v == 0.7 and math.huge or v end)
  dam.plot { file = path "nan.svg", points = { { x = x, y = y, err = y } },
    curves = { { x = x, y = y } } }
  t.ok(read(path "nan.svg"):find("<svg", 1, true))
  dam.plot { file = path "one.svg",
    points = { { x = { 1, 2 }, y = { 1, nan }, err = { nan, 0 } } } }
end)

t.test("heat maps, logarithmic axes, many series", function()
  local z = dam.zeros(11, 3) + 1
  z:set(nan, 2, 2)
  dam.plot { file = path "h.png", heatmap = { x = x, y = { 1, 2, 4 }, z = z, label = "φ" },
    curves = { { x = x, y = 4 * x, label = "line" } } }
  dam.plot { file = path "log.svg", logx = true, logy = true,
    points = { { x = { 1, 10, 100 }, y = { 1e-3, 1, 1e3 } } } }
  local many = {}
  for i = 1, 20 do
    many[i] = { x = x, y = x ^ i, label = "n = " .. i }
  end
  dam.plot { file = path "many.svg", curves = many, points = many, key = "outside right" }
  dam.plot { file = path "shaded.svg", shaded = { { y = { 0, 1 } } }, xrange = { 0, 1 },
    yrange = { -1, 2 } }
end)

t.test("what gnuplot complains about is reported", function()
  t.raises(function()
    dam.plot { file = path "bad.svg", curves = { { x = x, y = x, color = "nocolour" } } }
  end, "dam.plot: gnuplot failed: unrecognized color name")
  t.equal(read(path "bad.svg"), nil)
end)

--- What dam.plot writes on the terminal.
local function drawn(...)
  local write, parts = io.write, {}
  io.write = function(text) parts[#parts + 1] = text end -- luacheck: ignore 122
  local ok, message = pcall(dam.plot, ...)
  io.write = write -- luacheck: ignore 122
  if not ok then
    error(message, 0)
  end
  return table.concat(parts)
end

t.test("without a file it draws in the terminal", function()
  local text = drawn(x, x)
  t.ok(select(2, text:gsub("o", "")) >= 9, text)
  t.ok(not text:find("\f"))
  t.ok(select(2, drawn({ 1, 4, 9 }):gsub("o", "")) >= 3)
  t.ok(drawn(x, x, 0.1 * x):find("o"))
  t.ok(drawn { curves = { { x = x, y = x, label = "phi_{x} `ls`" } }, xlabel = "T" }
    :find("phi_{x} `ls`", 1, true))
end)

os.execute("rm -r " .. folder)
t.finish()
