--- dam.plot: figures by gnuplot, as PNG, SVG or PDF files, or in the terminal: as pictures where it
--- says that it draws them (kitty's protocol, sixel), else as text. No window system is needed.
--- What goes to gnuplot is one script with the data inside; texts are quoted so that nothing in
--- them is executed, and file names never reach a shell unquoted.
local check = require "dam.check"
local core = require "dam.core"

local WHERE = "dam.plot"

-- Okabe and Ito's palette: told apart by colour-blind eyes and in print. The colours on a heat map
-- stand out from all of its own.
local COLORS = {
  "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C564B",
}
local MAP_COLORS = { "#FF4A1C", "#000000", "#FF8FE0", "#8A8A8A" }
local SYMBOLS = { "7", "5", "9", "13", "11", "15", "6", "4" }
local LETTERS = { "'o'", "'x'", "'+'", "'@'", "'%'", "'='" }
local DASHES = { solid = "1", dashed = "(10,5)", dotted = "(2,4)", dashdot = "(10,4,2,4)" }
local STYLES = { points = true, line = true, linespoints = true }
local PALETTE = "0 '#440154', 1 '#482878', 2 '#3e4989', 3 '#31688e', 4 '#26828e', 5 '#1f9e89', "
  .. "6 '#35b779', 7 '#6ece58', 8 '#b5de2b', 9 '#fde725'"

local OPTIONS = {
  "file", "title", "xlabel", "ylabel", "xrange", "yrange", "logx", "logy", "key", "size",
  "curves", "points", "vlines", "hlines", "heatmap", "shaded", "overwrite",
}
local SERIES = { "x", "y", "err", "label", "style", "color", "dash" }
local KEY_WORDS = {
  top = true, bottom = true, left = true, right = true, center = true, inside = true,
  outside = true, above = true, below = true,
}

local MISSING = "dam.plot: gnuplot was not found: install it (Debian, Ubuntu: "
  .. "apt install gnuplot-nox)"

-- ---- texts ----

--- A gnuplot expression for a text. Single quotes, because gnuplot executes `commands` in double
--- quotes.
local function quote(text)
  local parts = {}
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    -- Its own '' for a quote fails where it is all there is.
    parts[#parts + 1] = "'" .. line:gsub("[%c]", " "):gsub("'", [[' . "'" . ']]) .. "'"
  end
  return table.concat(parts, ' . "\\n" . ')
end

--- A label in gnuplot's enhanced text. Only _{...} and ^{...} are markup; every other character is
--- what it is, so that phi_err and 50% {x} need no care.
local function enhance(text)
  local out, i, depth = {}, 1, 0
  while i <= #text do
    local c = text:sub(i, i)
    if c:find("[_^]") and text:find("^%b{}", i + 1) then
      out[#out + 1] = c .. "{"
      i, depth = i + 2, depth + 1
    elseif c == "}" and depth > 0 then
      out[#out + 1] = c
      i, depth = i + 1, depth - 1
    else
      out[#out + 1] = c:find("[\\{}^_@&~]") and "\\" .. c or c
      i = i + 1
    end
  end
  return table.concat(out)
end

--- A label as a gnuplot expression; where characters draw the figure it stays as it is.
local function label(p, text)
  return quote(p.text and text or enhance(text))
end

local function number(v)
  return ("%.17g"):format(v)
end

local function finite(v)
  return v == v and v ~= math.huge and v ~= -math.huge
end

-- ---- options ----

local function check_string(key, v)
  if v ~= nil and type(v) ~= "string" then
    check.argument(WHERE, key, v, "text")
  end
  return v
end

local function check_pair(key, v, what)
  if v == nil then
    return nil
  end
  local list = type(v) == "table" and v or {}
  local a, b = list[1], list[2]
  if #list ~= 2 or type(a) ~= "number" or type(b) ~= "number" or not (finite(a) and finite(b)) then
    check.argument(WHERE, key, v, what)
  end
  return { a, b }
end

local function check_range(key, v)
  local r = check_pair(key, v, "a pair {low, high}")
  if r and r[1] >= r[2] then
    check.raise("%s: %s = {%g, %g} is not allowed: expected {low, high} with low < high",
      WHERE, key, r[1], r[2])
  end
  return r
end

local function check_color(key, v, colors)
  if v == nil then
    return nil
  elseif math.type(v) == "integer" and v >= 1 then
    return colors[(v - 1) % #colors + 1]
  elseif type(v) == "string" and (v:find("^#%x%x%x%x%x%x$") or v:find("^%a[%w-]*$")) then
    return v
  end
  check.argument(WHERE, key, v, '"#rrggbb", the name of a colour or its number, 1 or more')
end

local function check_dash(key, v)
  if v == nil or v == false then
    return DASHES.solid
  end
  local dash = DASHES[v == true and "dashed" or v]
  return dash or check.argument(WHERE, key, v, "true, solid, dashed, dotted or dashdot")
end

local function check_key(v)
  if v == nil or v == false or v == true then
    return v
  end
  check_string("key", v)
  for word in v:gmatch("%S+") do
    if not KEY_WORDS[word] then
      check.argument(WHERE, "key", v, "true, false or words of: top bottom left right center "
        .. "inside outside above below")
    end
  end
  return v
end

local function check_list(key, v)
  if v == nil then
    return {}
  elseif type(v) ~= "table" then
    check.argument(WHERE, key, v, "a list")
  end
  for k in pairs(v) do
    if math.type(k) ~= "integer" then
      check.raise("%s: %s is a list: write %s = { { %s = ... } }", WHERE, key, key, tostring(k))
    end
  end
  return v
end

--- A series with its points checked: lists of x, y and err.
local function read_series(key, s, i, default_style, colors)
  check.options(WHERE .. ": " .. key, s, SERIES)
  local x = s.x ~= nil and check.numbers(WHERE, key .. ".x", s.x)
  local y = s.y ~= nil and check.numbers(WHERE, key .. ".y", s.y)
  local err = s.err ~= nil and check.numbers(WHERE, key .. ".err", s.err)
  if not x or not y then
    check.raise("%s: %s lacks %s", WHERE, key, x and "y" or "x")
  elseif #x ~= #y or (err and #err ~= #x) then
    check.raise("%s: %s: lengths differ: x has %d numbers, y %d%s", WHERE, key, #x, #y,
      err and (", err %d"):format(#err) or "")
  end
  local style = s.style or default_style
  if not STYLES[style] then
    check.argument(WHERE, key .. ".style", s.style, "points, line or linespoints")
  elseif err and style == "line" then
    check.raise("%s: %s: a line has no error bars: use style = \"points\" or \"linespoints\"",
      WHERE, key)
  end
  local drawn = 0
  for j = 1, #x do
    drawn = drawn + (finite(x[j]) and finite(y[j]) and 1 or 0)
  end
  if drawn == 0 then
    check.raise("%s: %s has no points%s", WHERE, key, #x > 0 and " but NaN or infinite ones" or "")
  end
  return {
    x = x, y = y, err = err, style = style, label = check_string(key .. ".label", s.label),
    color = check_color(key .. ".color", s.color, colors) or colors[(i - 1) % #colors + 1],
    dash = check_dash(key .. ".dash", s.dash), place = i - 1,
  }
end

--- vlines (axis "x") or hlines (axis "y"): numbers, or tables with a label and a colour.
local function read_rules(key, axis, list, colors)
  local rules = {}
  for i, v in ipairs(check_list(key, list)) do
    local name = ("%s[%d]"):format(key, i)
    local s = type(v) == "number" and { [axis] = v } or v
    check.options(WHERE .. ": " .. name, s, { axis, "label", "color", "dash" })
    if type(s[axis]) ~= "number" or not finite(s[axis]) then
      check.argument(WHERE, name .. "." .. axis, s[axis], "a finite number")
    end
    rules[i] = {
      at = s[axis], label = check_string(name .. ".label", s.label),
      color = check_color(name .. ".color", s.color, colors) or "#555555",
      dash = check_dash(name .. ".dash", s.dash == nil and "dashed" or s.dash),
    }
  end
  return rules
end

--- Shaded regions: a range of x or of y, or a band between two curves.
local function read_shaded(list, colors)
  local regions = {}
  for i, s in ipairs(check_list("shaded", list)) do
    local name = ("shaded[%d]"):format(i)
    check.options(WHERE .. ": " .. name, s, { "x", "y", "low", "high", "label", "color" })
    local region = {
      label = check_string(name .. ".label", s.label),
      color = check_color(name .. ".color", s.color, colors) or "#999999",
    }
    if s.low ~= nil or s.high ~= nil then
      for _, key in ipairs { "x", "low", "high" } do
        region[key] = check.numbers(WHERE, name .. "." .. key, s[key])
      end
      if #region.x ~= #region.low or #region.x ~= #region.high or #region.x == 0 then
        check.raise("%s: %s: lengths differ or are 0: x has %d numbers, low %d, high %d", WHERE,
          name, #region.x, #region.low, #region.high)
      end
    elseif (s.x == nil) == (s.y == nil) then
      check.raise("%s: %s: give x = {from, to}, or y = {from, to}, or lists x, low and high",
        WHERE, name)
    else
      region.axis = s.x ~= nil and "x" or "y"
      region.range = check_range(name .. "." .. region.axis, s[region.axis])
    end
    regions[i] = region
  end
  return regions
end

--- The edges of the cells whose middles are x.
local function edges(key, x)
  local e = {}
  for i = 1, #x do
    if not finite(x[i]) or (i > 1 and x[i] <= x[i - 1]) then
      check.raise("%s: %s must be finite and ascending", WHERE, key)
    end
  end
  local first = #x > 1 and (x[2] - x[1]) / 2 or 0.5
  e[1] = x[1] - first
  for i = 2, #x do
    e[i] = (x[i - 1] + x[i]) / 2
  end
  e[#x + 1] = x[#x] + (#x > 1 and (x[#x] - x[#x - 1]) / 2 or 0.5)
  return e
end

local function read_heatmap(h)
  if h == nil then
    return nil
  end
  check.options(WHERE .. ": heatmap", h, { "x", "y", "z", "label", "range" })
  local x = check.numbers(WHERE, "heatmap.x", h.x)
  local y = check.numbers(WHERE, "heatmap.y", h.y)
  local z = type(h.z) == "userdata" and h.z:totable() or h.z
  if type(z) ~= "table" or #x == 0 or #y == 0 or #z ~= #x then
    check.raise("%s: heatmap.z must be of shape [#x, #y] = [%d, %d]", WHERE, #x, #y)
  end
  local rows = {}
  for i = 1, #z do
    rows[i] = check.numbers(WHERE, ("heatmap.z[%d]"):format(i), z[i])
    if #rows[i] ~= #y then
      check.raise("%s: heatmap.z must be of shape [#x, #y] = [%d, %d]: z[%d] has %d numbers",
        WHERE, #x, #y, i, #rows[i])
    end
  end
  return {
    x = edges("heatmap.x", x), y = edges("heatmap.y", y), z = rows,
    label = check_string("heatmap.label", h.label), range = check_range("heatmap.range", h.range),
  }
end

local function read_size(v)
  local size = check_pair("size", v, "a pair {width, height} in pixels") or { 1200, 800 }
  if math.min(size[1], size[2]) < 100 or math.max(size[1], size[2]) > 10000 then
    check.raise("%s: size = {%g, %g} is not allowed: expected 100 to 10000 pixels", WHERE,
      size[1], size[2])
  end
  return { math.floor(size[1]), math.floor(size[2]) }
end

local function read_options(o)
  check.options(WHERE, o, OPTIONS)
  local p = {
    file = check_string("file", o.file), title = check_string("title", o.title),
    xlabel = check_string("xlabel", o.xlabel), ylabel = check_string("ylabel", o.ylabel),
    xrange = check_range("xrange", o.xrange), yrange = check_range("yrange", o.yrange),
    logx = o.logx, logy = o.logy, key = check_key(o.key), size = read_size(o.size),
    sized = o.size ~= nil,
    heatmap = read_heatmap(o.heatmap), overwrite = o.overwrite, series = {},
  }
  local colors = p.heatmap and MAP_COLORS or COLORS
  p.shaded = read_shaded(o.shaded, COLORS)
  p.vlines = read_rules("vlines", "x", o.vlines, colors)
  p.hlines = read_rules("hlines", "y", o.hlines, colors)
  for _, group in ipairs { { "curves", "line" }, { "points", "points" } } do
    for i, s in ipairs(check_list(group[1], o[group[1]])) do
      p.series[#p.series + 1] =
        read_series(("%s[%d]"):format(group[1], i), s, i, group[2], colors)
    end
  end
  for _, flag in ipairs { "logx", "logy", "overwrite" } do
    if o[flag] ~= nil and type(o[flag]) ~= "boolean" then
      check.argument(WHERE, flag, o[flag], "true or false")
    end
  end
  for _, axis in ipairs { "x", "y" } do
    local r = p[axis .. "range"]
    if p["log" .. axis] and r and r[1] <= 0 then
      check.raise("%s: %srange = {%g, %g} is not allowed: a logarithmic axis needs low > 0", WHERE,
        axis, r[1], r[2])
    end
  end
  if #p.series == 0 and not p.heatmap and #p.shaded == 0 then
    check.raise("%s: nothing to draw: give curves, points, heatmap or shaded", WHERE)
  end
  return p
end

-- ---- the legend's place ----

local function limits(p)
  local box = { math.huge, -math.huge, math.huge, -math.huge }
  for _, s in ipairs(p.series) do
    for i = 1, #s.x do
      if finite(s.x[i]) and finite(s.y[i]) then
        box[1], box[2] = math.min(box[1], s.x[i]), math.max(box[2], s.x[i])
        box[3], box[4] = math.min(box[3], s.y[i]), math.max(box[4], s.y[i])
      end
    end
  end
  if p.xrange then
    box[1], box[2] = p.xrange[1], p.xrange[2]
  end
  if p.yrange then
    box[3], box[4] = p.yrange[1], p.yrange[2]
  end
  return box
end

-- A legend over a rule is better than one over data.
local DATA_WEIGHT = 1000

--- Calls visit(u, v, weight) for points along every series and rule, u and v from 0 to 1 across the
--- frame.
local function walk(p, visit)
  local box = limits(p)
  local function place(v, low, high, log)
    if log then
      v, low, high = math.log(v), math.log(low), math.log(high)
    end
    return high > low and (v - low) / (high - low) or 0.5
  end
  for k = 0, 50 do
    for _, r in ipairs(p.vlines) do
      visit(place(r.at, box[1], box[2], p.logx), k / 50, 1)
    end
    for _, r in ipairs(p.hlines) do
      visit(k / 50, place(r.at, box[3], box[4], p.logy), 1)
    end
  end
  for _, s in ipairs(p.series) do
    local u0, v0
    for i = 1, #s.x do
      local u = place(s.x[i], box[1], box[2], p.logx)
      local v = place(s.y[i], box[3], box[4], p.logy)
      if not (finite(u) and finite(v)) then
        u0 = nil
      else
        local parts = u0 and s.style ~= "points" and 8 or 1
        for k = 1, parts do
          local f = k / parts
          visit(u0 and u0 + f * (u - u0) or u, u0 and v0 + f * (v - v0) or v, DATA_WEIGHT)
        end
        u0, v0 = u, v
      end
    end
  end
end

--- The corner of the frame where a legend of that size covers no data; above the frame when there
--- is none.
local function free_corner(p, lines, letters)
  local w = math.min(0.9, 0.13 + letters * 12 / p.size[1])
  local h = math.min(0.9, 0.03 + lines * 34 / p.size[2])
  local corners = {
    { "top right", 1 - w, 1 - h }, { "top left", 0, 1 - h },
    { "bottom right", 1 - w, 0 }, { "bottom left", 0, 0 },
  }
  local counts = { 0, 0, 0, 0 }
  walk(p, function(u, v, weight)
    for i, c in ipairs(corners) do
      if u >= c[2] and u <= c[2] + w and v >= c[3] and v <= c[3] + h then
        counts[i] = counts[i] + weight
      end
    end
  end)
  local best = 1
  for i = 2, 4 do
    if counts[i] < counts[best] then
      best = i
    end
  end
  return counts[best] < DATA_WEIGHT and corners[best][1] or "tmargin center horizontal maxcols 2"
end

local function key_command(p)
  local lines, letters = 0, 0
  for _, list in ipairs { p.series, p.shaded } do
    for _, s in ipairs(list) do
      if s.label then
        lines, letters = lines + 1, math.max(letters, #s.label:gsub("[\x80-\xbf]", ""))
      end
    end
  end
  if p.key == false or lines == 0 then
    return "unset key"
  end
  local place = type(p.key) == "string" and p.key or nil
  if not place then
    place = p.heatmap and "tmargin center horizontal" or free_corner(p, lines, letters)
  end
  return ("set key %s Left reverse samplen 2.5 spacing 1.25"):format(place)
end

-- ---- the gnuplot script ----

local function terminal_command(p)
  local w, h = p.size[1], p.size[2]
  if p.suffix == "sixel" then
    return ("set terminal sixelgd enhanced truecolor size %d,%d font 'Sans,%d' linewidth 1.4 "
      .. "background '#ffffff'"):format(w, h, math.max(9, math.floor(math.min(w, 1.5 * h) / 80)))
  elseif p.suffix == "png" then
    return ("set terminal pngcairo enhanced size %d,%d font 'Sans,%d' linewidth 1.4"):format(w, h,
      math.max(9, math.floor(math.min(w, 1.5 * h) / 70)))
  elseif p.suffix == "svg" then
    return ("set terminal svg enhanced size %d,%d font 'Sans,%d' linewidth 1.4 background "
      .. "'#ffffff'"):format(w, h, math.max(9, math.floor(math.min(w, 1.5 * h) / 58)))
  elseif p.suffix == "pdf" then
    return ("set terminal pdfcairo enhanced size %.2fin,%.2fin font 'Sans,12' fontscale 0.65 "
      .. "linewidth 1.2"):format(w / 160, h / 160)
  end
  return ("set terminal dumb mono noenhanced size %d,%d"):format(p.columns, p.lines)
end

--- Fills p.data with a block for a series and returns its name. NaN and infinities are left out;
--- a gap in a line stays a gap.
local function series_block(p, s)
  local out, gap = {}, true
  for i = 1, #s.x do
    if finite(s.x[i]) and finite(s.y[i]) then
      local err = s.err and s.err[i]
      out[#out + 1] = number(s.x[i]) .. " " .. number(s.y[i])
        .. (err and " " .. number(finite(err) and math.abs(err) or 0) or "")
      gap = false
    elseif not gap then
      out[#out + 1] = ""
      gap = true
    end
  end
  return p.add(out)
end

local function series_plot(p, s)
  local with = { points = "points", line = "lines", linespoints = "linespoints" }
  local kind = with[s.style]
  if s.err then
    kind = s.style == "points" and "yerrorbars" or "yerrorlines"
  end
  local parts = { series_block(p, s), "using", s.err and "1:2:3" or "1:2", "with", kind }
  local function add(text, ...)
    parts[#parts + 1] = text:format(...)
  end
  add("linecolor rgb '%s'", s.color)
  add("linewidth %s", s.style == "points" and "1.2" or "1.8")
  if s.style ~= "points" then
    add("dashtype %s", s.dash)
  end
  if s.style ~= "line" then
    add("pointtype %s pointsize %s", p.text and LETTERS[s.place % #LETTERS + 1]
      or SYMBOLS[s.place % #SYMBOLS + 1], p.suffix == "png" and "1.1" or "0.6")
  end
  add("%s", s.label and "title " .. label(p, s.label) or "notitle")
  return table.concat(parts, " ")
end

local function shaded_plot(p, r)
  local fill = ("fillcolor rgb '%s' fillstyle transparent solid 0.22 noborder"):format(r.color)
  local title = r.label and "title " .. label(p, r.label) or "notitle"
  if not r.axis then
    local out = {}
    for i = 1, #r.x do
      if finite(r.x[i]) and finite(r.low[i]) and finite(r.high[i]) then
        out[#out + 1] = table.concat({ number(r.x[i]), number(r.low[i]), number(r.high[i]) }, " ")
      end
    end
    if #out == 0 then
      check.raise("%s: a shaded band has no points but NaN or infinite ones", WHERE)
    end
    return ("%s using 1:2:3 with filledcurves %s %s"):format(p.add(out), fill, title)
  end
  local corners = r.axis == "x" and "first %s, graph 0 to first %s, graph 1"
    or "graph 0, first %s to graph 1, first %s"
  p.command("set object rectangle from %s behind %s",
    corners:format(number(r.range[1]), number(r.range[2])), fill)
  return r.label and ("keyentry with boxes %s %s"):format(fill, title) or nil
end

local function rule_commands(p, list, axis)
  for _, r in ipairs(list) do
    local at = number(r.at)
    p.command("set arrow from %s to %s nohead front linecolor rgb '%s' linewidth 1.3 dashtype %s",
      axis == "x" and ("first %s, graph 0"):format(at) or ("graph 0, first %s"):format(at),
      axis == "x" and ("first %s, graph 1"):format(at) or ("graph 1, first %s"):format(at),
      r.color, r.dash)
    if r.label then
      p.command("set label %s at %s right %s front textcolor rgb '%s'", label(p, r.label),
        axis == "x" and ("first %s, graph 0.97"):format(at) or ("graph 0.985, first %s"):format(at),
        axis == "x" and "rotate by 90 offset character -1.1, 0" or "offset character 0, 0.6",
        r.color)
    end
  end
end

local function heatmap_plot(p, h)
  -- Every cell reaches a little under the next ones, or anti-aliasing leaves seams between them.
  local dx, dy = (h.x[#h.x] - h.x[1]) / p.size[1], (h.y[#h.y] - h.y[1]) / p.size[2]
  local out = {}
  for i, row in ipairs(h.z) do
    for j, z in ipairs(row) do
      if finite(z) then
        out[#out + 1] = table.concat({
          number((h.x[i] + h.x[i + 1]) / 2), number((h.y[j] + h.y[j + 1]) / 2), number(h.x[i]),
          number(h.x[i + 1] + dx), number(h.y[j]), number(h.y[j + 1] + dy), number(z),
        }, " ")
      end
    end
  end
  if #out == 0 then
    check.raise("%s: heatmap.z has no values but NaN or infinite ones", WHERE)
  end
  p.command("set palette defined (%s)", PALETTE)
  if h.range then
    p.command("set cbrange [%s:%s]", number(h.range[1]), number(h.range[2]))
  end
  if h.label then
    p.command("set cblabel %s", label(p, h.label))
  end
  p.xrange = p.xrange or { h.x[1], h.x[#h.x] }
  p.yrange = p.yrange or { h.y[1], h.y[#h.y] }
  return p.add(out) .. " using 1:2:3:4:5:6:7 with boxxyerror fillstyle solid 1 noborder "
    .. "linecolor palette notitle"
end

local function frame_commands(p)
  p.command("set border %d %s linecolor rgb '#444444'", p.heatmap and 15 or 3,
    p.heatmap and "front" or "back")
  p.command("set tics nomirror out scale 0.6 textcolor rgb '#222222'")
  if not p.text and not p.heatmap then
    p.command("set grid linetype 1 linecolor rgb '#e4e4e4' linewidth 0.7")
  end
  p.command("set errorbars 0.6")
  p.command("set pointsize 0.01") -- gnuplot clears so much around points with error bars
  for _, name in ipairs { "title", "xlabel", "ylabel" } do
    if p[name] then
      p.command("set %s %s", name, label(p, p[name]))
    end
  end
  for _, axis in ipairs { "x", "y" } do
    local r = p[axis .. "range"]
    if r then
      p.command("set %srange [%s:%s]", axis, number(r[1]), number(r[2]))
    end
    if p["log" .. axis] then
      p.command("set logscale %s", axis)
      p.command("set format %s %s", axis, p.text and "'%g'" or "'10^{%T}'")
    end
  end
  p.command("%s", key_command(p))
end

--- The whole script for gnuplot, which writes to `output` (nil: standard output).
local function make_script(p, output)
  local blocks, commands, plots = {}, {}, {}
  function p.add(lines)
    local name = "$data" .. #blocks + 1
    blocks[#blocks + 1] = name .. " << END_OF_DATA\n" .. table.concat(lines, "\n")
      .. "\nEND_OF_DATA"
    return name
  end
  function p.command(format, ...)
    commands[#commands + 1] = format:format(...)
  end
  p.command("set encoding utf8")
  p.command("%s", terminal_command(p))
  if output then
    p.command("set output %s", quote(output))
  end
  if p.heatmap then
    plots[1] = heatmap_plot(p, p.heatmap)
  end
  for _, r in ipairs(p.shaded) do
    plots[#plots + 1] = shaded_plot(p, r)
  end
  for _, s in ipairs(p.series) do
    plots[#plots + 1] = series_plot(p, s)
  end
  frame_commands(p)
  rule_commands(p, p.vlines, "x")
  rule_commands(p, p.hlines, "y")
  if #plots == 0 then -- shaded ranges alone
    plots[1] = "NaN notitle"
  end
  return table.concat(blocks, "\n") .. "\n" .. table.concat(commands, "\n") .. "\nplot "
    .. table.concat(plots, ", \\\n  ") .. "\nset output\n"
end

-- ---- running gnuplot ----

local function shell_quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Removes the named files when the block that holds it ends, whatever happens.
local function temporary(...)
  local names = { ... }
  return setmetatable({}, { __close = function()
    for _, name in ipairs(names) do
      os.remove(name)
    end
  end })
end

--- What went wrong, from what gnuplot printed: the line after its marks, without script line
--- numbers.
local function explain(text)
  local message = text:match("line %d+: (.-)%s*$") or text:gsub("%s+$", "")
  return (message:gsub("%s*\n%s*", " "))
end

--- Runs gnuplot on a script and returns what it printed; raises when it fails.
local function run(script)
  if core.tools.gnuplot then -- the sandbox, which has neither shell nor temporary files
    return (core.tools.gnuplot(script))
  elseif not io.popen then
    check.raise("%s: programs cannot be started here, and gnuplot is one", WHERE)
  end
  local name = os.tmpname()
  local _ <close> = temporary(name)
  local f <close> = assert(io.open(name, "w"))
  if not (f:write(script) and f:close()) then
    check.raise("%s: the temporary file %s cannot be written", WHERE, name)
  end
  -- Neither a user's own start-up file nor the locale must change the figure.
  local pipe <close> = io.popen("command -v gnuplot >/dev/null 2>&1 || exit 127; "
    .. "LC_ALL=C.UTF-8 gnuplot --default-settings " .. shell_quote(name) .. " 2>&1 </dev/null", "r")
  local text = pipe:read("a") or ""
  local ok, _, status = pipe:close()
  if status == 127 then
    check.raise("%s", MISSING)
  elseif not ok then
    check.raise("%s: gnuplot failed: %s", WHERE, explain(text))
  end
  return text
end

local function exists(name)
  local f = io.open(name, "rb")
  return f and f:close()
end

local function read_all(name)
  local f = io.open(name, "rb")
  if f then
    local text = f:read("a")
    f:close()
    return text
  end
end

--- The folder of a path (with its slash, "./" when there is none) and the name in it.
local function split_path(path)
  local folder, name = path:match("^(.*/)([^/]*)$")
  folder, name = folder or "./", name or path
  if folder:sub(1, 1) ~= "/" and folder:sub(1, 2) ~= "./" then
    folder = "./" .. folder -- gnuplot would run "|name" and expand "~"
  end
  return folder, name
end

--- The same figure where gnuplot may write no file: it prints the picture.
local function draw_printed(p, folder, name)
  core.sharing.folder(folder)
  local picture, said = core.tools.gnuplot(make_script(p))
  if #picture == 0 then
    check.raise("%s: %s was not drawn: %s", WHERE, p.file, explain(said))
  end
  local old = read_all(folder .. name)
  if old and old ~= picture and not p.overwrite then
    assert(os.rename(folder .. name, folder .. name .. "~"))
  end
  local f, reason = io.open(folder .. name, "wb")
  if not (f and f:write(picture) and f:close()) then
    check.raise("%s: %s cannot be written: %s", WHERE, p.file, reason or "the disk is full")
  end
  return p.file
end

local function draw_file(p)
  p.suffix = (p.file:match("%.(%w+)$") or ""):lower()
  if p.suffix ~= "png" and p.suffix ~= "svg" and p.suffix ~= "pdf" then
    check.argument(WHERE, "file", p.file, "a name that ends in .png, .svg or .pdf")
  elseif p.file:find("[%c]") then
    check.raise("%s: a file name with control characters is not allowed", WHERE)
  end
  local folder, name = split_path(p.file)
  if core.tools.gnuplot then
    return draw_printed(p, folder, name)
  end
  local unique = os.tmpname()
  local drawing = folder .. "." .. name .. "." .. unique:match("[^/]*$")
  local _ <close> = temporary(unique, drawing)
  local script = make_script(p, drawing)
  if os.execute then
    os.execute("mkdir -p -- " .. shell_quote(folder) .. " 2>/dev/null")
  end
  local f, reason = io.open(drawing, "wb") -- gnuplot would not say which file it cannot write
  if not f then
    check.raise("%s: %s cannot be written: %s", WHERE, p.file, reason:match(": ([^:]*)$"))
  end
  f:close()
  local said = run(script)
  local picture = read_all(drawing)
  if not picture or #picture == 0 then
    check.raise("%s: %s was not drawn: %s", WHERE, p.file, explain(said))
  end
  local target = folder .. name
  if not p.overwrite and exists(target) and read_all(target) ~= picture then
    os.rename(target, target .. "~")
  end
  local ok
  ok, reason = os.rename(drawing, target)
  if not ok then
    check.raise("%s: %s cannot be written: %s", WHERE, p.file, reason)
  end
  return p.file
end

-- ---- the terminal ----

-- Pixels of a picture in the terminal.
local PICTURE = { 800, 480 }

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(bytes)
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 0, 3 do
      local at = (n >> (18 - 6 * k) & 63) + 1
      out[#out + 1] = k > 1 and not (k == 2 and b or c) and "=" or BASE64:sub(at, at)
    end
  end
  return table.concat(out)
end

--- A PNG picture as kitty's protocol wants it: in pieces, all but the last of which say that more
--- comes.
local function kitty_text(picture)
  local text, parts = base64(picture), {}
  for i = 1, #text, 4096 do
    parts[#parts + 1] = ("\27_G%sm=%d;%s\27\\"):format(i == 1 and "a=T,f=100," or "",
      i + 4096 <= #text and 1 or 0, text:sub(i, i + 4095))
  end
  return table.concat(parts) .. "\n"
end

--- The program damlua's knowledge of its terminal; nil elsewhere, and when output goes to a file.
local function find_terminal()
  local ok, terminal = pcall(require, "dam.terminal")
  return ok and io.output() == io.stdout and terminal or nil
end

--- Draws a picture in the terminal by its own protocol.
local function draw_picture(p, graphics)
  local name = os.tmpname()
  local _ <close> = temporary(name)
  p.suffix = graphics == "kitty" and "png" or "sixel"
  p.size = p.sized and p.size or PICTURE
  run(make_script(p, name))
  local picture = read_all(name) or ""
  io.write(graphics == "kitty" and kitty_text(picture) or picture .. "\n")
end

local function draw_text(p, columns, lines)
  p.text = true
  p.columns = math.max(40, math.min(200, columns))
  p.lines = math.max(15, math.min(30, p.columns // 3, lines - 2))
  p.size = { p.columns * 10, p.lines * 20 }
  local text = run(make_script(p)):gsub("\f", ""):gsub("^%s*\n", "")
  io.write((text:gsub("%s+$", "")), "\n")
end

local function draw_terminal(p)
  local terminal = find_terminal()
  local graphics = terminal and terminal.graphics()
  if graphics then
    draw_picture(p, graphics)
  else
    local columns = tonumber(os.getenv("COLUMNS")) or terminal and terminal.columns() or 79
    draw_text(p, columns, terminal and terminal.lines() or 40)
  end
  io.flush()
end

--- The options of dam.plot(x, y, third): err, a file's name, or options of the figure and the
--- series in one table.
local function simple_options(x, y, third)
  local o, series = {}, { x = x, y = y }
  if type(third) == "string" then
    o.file = third
  elseif type(third) == "table" and third[1] == nil and next(third) ~= nil then
    for key, value in pairs(third) do
      local of_series = key == "err" or key == "label" or key == "style" or key == "color"
        or key == "dash"
      if of_series then
        series[key] = value
      else
        o[key] = value
      end
    end
  else
    series.err = third
  end
  o.points = o.points or { series }
  return o
end

local function draw(p)
  if p.file then
    return draw_file(p)
  end
  draw_terminal(p)
end

--- Draws a figure. `dam.plot{ file = "out/x.png", ... }` writes a PNG, SVG or PDF file by its
--- suffix; without a file, and as `dam.plot(x, y)`, `dam.plot(x, y, err)` or `dam.plot(y)`, it
--- draws in the terminal: a picture where the terminal takes kitty's protocol or sixel, else
--- characters. `dam.plot(x, y, "x.png")` draws into a file. Texts may hold UTF-8 (Greek
--- included); `_{...}` and `^{...}` make sub- and superscripts, everything else is literal. NaN and
--- infinite points are left out.
---
--- A file's folder is made when missing. A file that is there already is kept as NAME~ (replacing
--- an older NAME~) unless `overwrite = true`. A figure is complete or not there.
-- @function dam.plot
-- @tparam table|array options the following, or x
-- @tparam[opt] string options.file name ending in .png, .svg or .pdf; without it the terminal
-- @tparam[opt] string options.title
-- @tparam[opt] string options.xlabel
-- @tparam[opt] string options.ylabel
-- @tparam[opt] {number,number} options.xrange {low, high}
-- @tparam[opt] {number,number} options.yrange {low, high}
-- @tparam[opt=false] boolean options.logx logarithmic axis
-- @tparam[opt=false] boolean options.logy logarithmic axis
-- @tparam[opt] string|boolean options.key place of the legend in words of "top", "bottom", "left",
--  "right", "center", "inside", "outside", "above", "below"; false for none; by default a corner
--  without data
-- @tparam[opt={1200, 800}] {integer,integer} options.size width and height in pixels, 100 to 10000
-- @tparam[opt] table[] options.curves series drawn as lines; points and curves of one place in
--  their lists share a colour
-- @tparam number[]|array options.curves.x places
-- @tparam number[]|array options.curves.y values, as many as x
-- @tparam[opt] number[]|array options.curves.err error bars, as many as x; not with style = "line"
-- @tparam[opt] string options.curves.label text in the legend
-- @tparam[opt="line"] "points"|"line"|"linespoints" options.curves.style
-- @tparam[opt] string|integer options.curves.color "#rrggbb", a name, or a number of the palette
-- @tparam[opt="solid"] "solid"|"dashed"|"dotted"|"dashdot"|boolean options.curves.dash
-- @tparam[opt] table[] options.points series drawn as points, like curves
-- @tparam[opt] table[] options.vlines vertical lines: numbers, or { x =, label =, color =, dash = }
-- @tparam[opt] table[] options.hlines horizontal lines: numbers, or { y =, label =, color =,
--  dash = }
-- @tparam[opt] table options.heatmap a map of colours
-- @tparam number[]|array options.heatmap.x middles of the cells, ascending
-- @tparam number[]|array options.heatmap.y middles of the cells, ascending
-- @tparam table|array options.heatmap.z values [#x, #y]
-- @tparam[opt] string options.heatmap.label text at the scale
-- @tparam[opt] {number,number} options.heatmap.range {low, high} of the scale
-- @tparam[opt] table[] options.shaded regions: { x = {from, to} } or { y = {from, to} }, or bands
--  { x =, low =, high = }; each with label and color
-- @tparam[opt=false] boolean options.overwrite replace a file that is there
-- @tparam[opt] number[]|array y values, when the first argument is x; without them x are the values
-- @tparam[opt] number[]|array|string|table err their errors; or a file's name; or options, those of
--  the series among them: { err =, label =, style =, title =, file =, ... }
-- @treturn string the file's name; nothing for the terminal
-- @raise naming the option on anything that is not allowed, empty series, unequal lengths; when
--  gnuplot is missing (with what to install) or fails (with its words); when the file cannot be
--  written
-- @usage local x = dam.linspace(0, 6, 50)
-- dam.plot(x, x:map(math.sin), { title = "sine", style = "line" })
-- name = os.tmpname()
-- dam.plot{ file = name .. ".png", xlabel = "x", curves = { { x = x, y = x ^ 2, label = "x²" } } }
-- os.remove(name); os.remove(name .. ".png")
local function plot(options, y, err)
  local is_list = type(options) == "userdata" or (type(options) == "table" and options[1] ~= nil)
  if y == nil and not is_list then
    return draw(read_options(options))
  end
  local x = options
  if y == nil then
    y, x = options, {}
    for i = 1, #y do
      x[i] = i
    end
  end
  return draw(read_options(simple_options(x, y, err)))
end

return plot
