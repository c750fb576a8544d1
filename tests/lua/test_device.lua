-- Devices give the same bits: everything here runs on the CPU and on "cuda-on-cpu", which executes
-- the kernels for GPUs on the CPU, or on the GPU that TEST_DEVICE names (tests/gpu).
local t = require "support"
local dam = require "dam"

local DEVICE = os.getenv "TEST_DEVICE" or "cuda-on-cpu"
local ON_CPU = DEVICE == "cuda-on-cpu"

local function device_entry()
  for _, d in ipairs(dam.devices()) do
    if d.name == DEVICE or d.kind == DEVICE then
      return d
    end
  end
end

if not (device_entry() and device_entry().usable) then
  print("skipped: device " .. DEVICE .. " is not usable here")
  os.exit(77)
end

local function largest(a)
  return a:map(math.abs):max()
end

--- Both results agree in every bit that is promised.
local function agree(found, wanted, what)
  t.equal(found.digest, wanted.digest, what .. ": digest")
  for _, name in ipairs { "phi", "phi2", "acceptance", "q12" } do
    t.equal(found[name], wanted[name], what .. ": " .. name)
  end
  if wanted.M > 1 then
    t.equal(found.phi_max_other, wanted.phi_max_other, what .. ": phi_max_other")
  end
  t.ok(largest(found.energy_density - wanted.energy_density) < 1e-6, what .. ": energies to 1e-6")
end

local function on(device, options)
  local copy = { device = device }
  for k, v in pairs(options) do
    copy[k] = v
  end
  return dam.mh(copy)
end

--- Runs `body` on a sampler of either device and compares what it returns.
local function compare(options, what, body)
  local wanted <close> = on("cpu", options)
  local found <close> = on(DEVICE, options)
  t.equal(wanted.device, "cpu", "device")
  t.equal(found.device, device_entry().name, "device")
  local r, q = body(wanted), body(found)
  agree(q, r, what)
  t.equal(found:state(), wanted:state(), what .. ": states")
  t.equal(found.steps, wanted.steps, what .. ": steps")
  return q, r
end

local function run_and_sample(s)
  s:run(9)
  return s:sample(16)
end

--- A grid drawn at random: kernels, N, M, disorders, replicas, tiers; lists where M is large.
math.randomseed(20260, 7)
local kernels = { dam.lse(), dam.lse { beta_net = 2.5 }, dam.lsr { b = 3.41 },
  dam.lsr { b = 2, epsilon = 1e-3 }, dam.polynomial { k = 3 }, dam.polynomial { k = 4 } }
local sharp = { dam.lse(), dam.lsr { b = 3.41 }, dam.polynomial { k = 21 },
  dam.lse { beta_net = 2.5 }, dam.lsr { b = 2, epsilon = 1e-3 } }
local tiers = { "auto", "active", "reference", "single", "active+single", "coarse",
  "coarse+single" }
local scale = ON_CPU and 1 or 20
local cells = tonumber(os.getenv "TEST_CELLS") or ON_CPU and 17 or 60
local asked, coarse = 0, 0
for i = 1, cells do
  local H = kernels[(i - 1) % #kernels + 1]
  local N, M = math.random(2, 18 * scale), math.random(1, 90 * scale)
  local disorder, replicas = math.random(1, 3), math.random(1, 3)
  local T = { math.random(1, 9) / 10, math.random(10, 20) / 10 }
  local evaluation = tiers[i % #tiers + 1]
  if i == 1 then
    M = 1025 -- one pattern in the second block
  elseif i == 2 then
    M = 1
  elseif i % 3 == 0 then -- lists pay
    N, M = math.random(22, 45), math.random(1024, 1300)
    T = { math.random(1, 4) / 100, math.random(1, 30) / 10 }
    H, evaluation = sharp[i // 3 % #sharp + 1], tiers[i // 3 % 2 + 1]
    disorder = math.min(disorder, 2)
  end
  local what = ("%s, N = %d, M = %d, %d disorders, %d replicas, %s"):format(tostring(H), N, M,
    disorder, replicas, evaluation)
  t.test(what, function()
    local r = compare({ hamiltonian = H, patterns = dam.patterns { N = N, M = M,
      disorder = disorder, seed = i }, T = T, replicas = replicas, seed = i,
      init = { phi = { 0.9, 1 } }, evaluation = evaluation }, what, run_and_sample)
    for _, work in ipairs(r.stats.by_tier) do
      asked, coarse = asked + work.active, coarse + work.coarse
    end
  end)
end
t.test("lists were asked", function()
  t.ok(asked > 0, "patterns of lists")
end)
t.test("the coarse tier was asked, and decided what it was asked", function()
  t.ok(coarse > 0, "patterns in bytes")
  local s <close> = dam.mh { hamiltonian = dam.lsr { b = 3.41 }, device = DEVICE, T = 0.2,
    patterns = dam.patterns { N = 23, M = 129 }, evaluation = "coarse", init = "cold",
    replicas = 2 }
  local stats = s:sample(20).stats
  t.equal(stats.by_tier[1].coarse, 129, "patterns of a step in bytes")
  t.equal(stats.unsure[1].coarse, 0, "left open")
end)

local small = { hamiltonian = dam.lse(), patterns = dam.patterns { N = 11, M = 40, disorder = 3 },
  T = { 0.2, 0.7 }, replicas = 2 }

t.test("energies and counts of work are the same each time", function()
  for _, evaluation in ipairs { "auto", "active+single" } do
    local first
    for _ = 1, 2 do
      local s <close> = on(DEVICE, { hamiltonian = dam.lse(), T = { 0.02, 0.1 }, replicas = 2,
        patterns = dam.patterns { N = 25, M = 1030 }, init = { phi = { 0.9, 1 } },
        evaluation = evaluation })
      s:run(30)
      local r = s:sample(60)
      first = first or r
      t.equal(r.energy_density, first.energy_density, "energies")
      t.equal(r.stats.by_tier[1].active, first.stats.by_tier[1].active, "patterns of lists")
      t.equal(r.stats.patterns_per_step[2], first.stats.patterns_per_step[2], "patterns")
    end
  end
end)

t.test("series, histograms, tracks and observers", function()
  local seen = {}
  local q, r = compare(small, "recorded", function(s)
    local views = {}
    seen[#seen + 1] = views
    s:run(3)
    return s:sample(24, { every = 8, series = { "phi", "q12", "energy_density" },
      histogram = { phi = { -1, 1, 20 }, q12 = { -1, 1, 10 } }, track = { 1, 7 },
      observe = function(view)
        views[#views + 1] = { view.step, view.x, view.phi, view.q12 }
      end })
  end)
  for _, name in ipairs { "phi", "q12" } do
    t.equal(q.series[name], r.series[name], "series of " .. name)
    t.equal(q.histogram[name], r.histogram[name], "histogram of " .. name)
  end
  t.ok(largest(q.series.energy_density - r.series.energy_density) < 1e-6, "series of energies")
  t.equal(q.track, r.track, "track")
  t.equal(#seen[1], 3, "blocks")
  for block = 1, 3 do
    for field = 1, 4 do
      t.equal(seen[2][block][field], seen[1][block][field], "view " .. block)
    end
  end
end)

t.test("records without observers", function()
  local q, r = compare(small, "recorded", function(s)
    return s:sample(20, { every = 5, series = { "phi" }, track = { 2 } })
  end)
  t.equal(q.series.phi, r.series.phi, "series")
  t.equal(q.track, r.track, "track")
end)

t.test("own patterns, shared by disorders and not", function()
  local p = dam.patterns { N = 9, M = 37, disorder = 2 }
  local shared = dam.patterns { from = p:array(1), targets = { 1, 37, 5 } }
  local two = dam.zeros(2, 37, 9)
  for d = 1, 2 do
    local a = p:array(d)
    for mu = 1, 37 do
      for k = 1, 9 do
        two:set(a(mu, k), d, mu, k)
      end
    end
  end
  for _, patterns in ipairs { shared, dam.patterns { from = two, target = 4 } } do
    compare({ hamiltonian = dam.lsr { b = 3.41 }, patterns = patterns, T = 0.3, replicas = 2 },
      "own patterns", run_and_sample)
  end
end)

t.test("set_T, set_state, calls of any length", function()
  compare(small, "changes", function(s)
    s:run(5):set_T { 0.9, 0.3 }:run(1)
    s:set_state(s:state())
    s:run(6)
    s:sample(3)
    return s:sample(7)
  end)
end)

t.test("a start out of every support is named", function()
  local message = t.raises(function()
    on(DEVICE, { hamiltonian = dam.lsr { b = 20 }, patterns = small.patterns, T = 0.1,
      init = { phi = 0.8 } })
  end, "out of every pattern's support")
  local _, wanted = pcall(on, "cpu", { hamiltonian = dam.lsr { b = 20 }, patterns = small.patterns,
    T = 0.1, init = { phi = 0.8 } })
  t.equal(message, wanted, "message")
end)

t.test("a sample goes on where it stopped, on either device", function()
  local name = os.tmpname()
  local undisturbed <close> = on("cpu", small)
  local wanted = undisturbed:sample(24, { every = 4, series = { "phi" } })
  for _, order in ipairs { { "cpu", DEVICE }, { DEVICE, "cpu" } } do
    local s <close> = on(order[1], small)
    local blocks = 0
    t.raises(function()
      s:sample(24, { every = 4, series = { "phi" }, observe = function()
        blocks = blocks + 1
        if blocks == 3 then
          error "enough"
        end
      end })
    end, "enough")
    s:save(name)
    local p <close> = assert(io.popen(("DAMLUA_DEVICE=%s '%s' -e '%s' 2>&1"):format(order[2],
      arg[-1], ([[local s = dam.load %q; local r = s:finish()
      print(r.digest, s.device, ("%%a"):format(r.series.phi:sum()))]]):format(name))))
    local digest, device, sum = p:read("a"):match "^(%S+)\t(%S+)\t(%S+)\n$"
    t.equal(digest, wanted.digest, "digest")
    t.equal(device, order[2] == "cpu" and "cpu" or device_entry().name, "device")
    t.equal(sum, ("%a"):format(wanted.series.phi:sum()), "series")
    agree(s:finish(), wanted, "finished where it began")
  end
  os.remove(name)
end)

t.test("memory of the device is shown, and given back at once by close", function()
  local before = device_entry().live
  local s = on(DEVICE, small)
  s:run(2)
  t.ok(device_entry().live > before, "live bytes of a sampler")
  s:close()
  t.equal(device_entry().live, before, "live bytes after close")
  do
    local scoped <close> = on(DEVICE, small)
    scoped:run(1)
  end
  t.equal(device_entry().live, before, "live bytes after a scope")
end)

t.test("two samplers at a time", function()
  local a <close> = on(DEVICE, small)
  local b <close> = on(DEVICE, small)
  local c <close> = on("cpu", small)
  a:run(4)
  b:run(2)
  a:run(4)
  b:run(6)
  c:run(8)
  local wanted = c:sample(4)
  agree(a:sample(4), wanted, "first")
  agree(b:sample(4), wanted, "second")
end)

if ON_CPU then
  --- What a child prints: `code` after the words that make sampler s and function live.
  local function child(environment, code)
    local p <close> = assert(io.popen(("%s '%s' - 2>&1 <<'END'\n%s\nEND"):format(environment,
      arg[-1], [[
      local function live()
        for _, d in ipairs(dam.devices()) do
          if d.name == "cuda-on-cpu" then return d.live, d.usable, d.why end
        end
      end
      local function make(device, disorder, T)
        return dam.mh { hamiltonian = dam.lse(), device = device or "cuda-on-cpu", replicas = 2,
          patterns = dam.patterns { N = 11, M = 40, disorder = disorder or 3 }, T = T or 0.3 }
      end
      local function digest(device, disorder)
        local s <close> = make(device, disorder)
        s:run(4)
        return s:sample(6, { every = 3, series = { "phi" } }).digest
      end
      ]] .. code)))
    return p:read "a"
  end

  -- steps by launches, where small disorders would stay on the chip
  local LAUNCHES = "DAMLUA_TEST_CUDA_RESIDENT=0 "

  t.test("small disorders stay on the chip, to the same end as by launches", function()
    local found = {}
    for i, environment in ipairs { "", LAUNCHES } do
      found[i] = child(environment, [[
        local s <close> = dam.mh { hamiltonian = dam.lsr { b = 3.41 }, T = { 0.05, 0.4 },
          patterns = dam.patterns { N = 24, M = 1030, disorder = 4 }, init = { phi = { 0.9, 1 } },
          replicas = 3, device = "cuda-on-cpu" }
        s:run(70)
        local r = s:sample(24, { every = 8, series = { "phi", "q12" } })
        print(r.stats.by_tier[1].active > 0, r.digest, ("%.9g"):format(r.energy_density:sum()),
          ("%a"):format(r.series.q12:sum()), s:sample(5).digest)]])
    end
    t.ok(found[1]:find "^false\t%x+\t", found[1])
    t.equal(found[2], (found[1]:gsub("^false", "true")), "lists, and the rest")
  end)

  t.test("waves: a small memory takes disorders one by one", function()
    local sizes = {}
    for _, bytes in ipairs { 20000, 40000, 80000 } do
      for streams = 0, 3 do -- which of them are lazy
        sizes[#sizes + 1] = child(("DAMLUA_TEST_CUDA_STREAMS=%d DAMLUA_TEST_CUDA_MEMORY=%d"):format(
          streams, bytes), "print(digest('cuda-on-cpu', 7) == digest('cpu', 7), live())")
          :match "^(%S+\t%S+)"
      end
    end
    t.equal(table.concat(sizes, " "), ("true\t0 "):rep(12):sub(1, -2),
      "digests; nothing is kept")
  end)

  t.test("lists in waves, or none where there is no room for them", function()
    for _, case in ipairs { { 140000, 0 }, { 280000, 1 }, { 480000, 1 }, { 2000000, 1 } } do
      local text = child(LAUNCHES .. "DAMLUA_TEST_CUDA_MEMORY=" .. case[1], [[
        local results = {}
        for _, device in ipairs { "cpu", "cuda-on-cpu" } do
          local s <close> = dam.mh { hamiltonian = dam.lse(), T = 0.02, replicas = 2, seed = 4,
            patterns = dam.patterns { N = 24, M = 1030, disorder = 3 }, device = device,
            init = { phi = { 0.9, 1 } } }
          s:run(64)
          results[#results + 1] = s:sample(64)
        end
        local a, b = results[1], results[2]
        local off = (a.energy_density - b.energy_density):map(math.abs):max()
        print(a.digest == b.digest, off < 1e-6, b.stats.by_tier[1].active > 0 and 1 or 0, live())]])
      t.equal(text:match "^[^\n]*%d", ("true\ttrue\t%d\t0"):format(case[2]), case[1] .. " bytes")
    end
  end)

  t.test("what does not fit is an error with sizes, once what was dropped is collected", function()
    local text = child("DAMLUA_TEST_CUDA_MEMORY=4096", "make()")
    for _, word in ipairs { "dam.mh", "cuda-on-cpu", "MiB", "lower M" } do
      t.ok(text:find(word, 1, true), word .. " in " .. text)
    end
    t.equal(child("DAMLUA_TEST_CUDA_MEMORY=100000", [[
      collectgarbage "stop"
      for i = 1, 40 do make() end
      print "all"]]), "all\n", "dropped samplers")
  end)

  t.test("calls that fail: an error that names them, no leak, and work goes on", function()
    for _, fault in ipairs { "malloc:2", "copy:9", "launch:3", "launch:14", "wait:12", "wait:5" } do
      local text = child(LAUNCHES .. "DAMLUA_TEST_CUDA_FAULT=" .. fault, [[
        local ok, message = pcall(digest)
        print(not ok and message, live())
        print(digest() == digest "cpu", digest "cpu", live())]])
      local message, rest = text:match "^(.-)\n(.*)$"
      if fault:find "malloc" then
        t.ok(message:find("^false\t0") or message:find "MiB", message) -- the second try succeeded
      else
        t.ok(message:find "device cuda%-on%-cpu: .+ failed %(cuda/%l+.cu:%d+%)", message)
      end
      t.ok(message:find "\t0.*true", "nothing is held after " .. fault .. ": " .. message)
      t.ok(rest:find "^true\t%x+\t0", "goes on after " .. fault .. ": " .. rest)
    end
  end)

  t.test("the launch of many steps that fails", function()
    t.equal(child("DAMLUA_TEST_CUDA_FAULT=launch:9", [[
      local ok, message = pcall(digest)
      print(ok, message:match "dam_launch_resident failed", digest() == digest "cpu", live())]]),
      "false\tdam_launch_resident failed\ttrue\t0\ttrue\t\n", "message")
  end)

  t.test("an error in the middle leaves the sampler at a completed step", function()
    t.equal(child(LAUNCHES .. "DAMLUA_TEST_CUDA_FAULT=launch:20", [[
      local s, c = make(), make "cpu"
      local ok, message = pcall(s.sample, s, 30)
      print(ok, message:find("launch", 1, true) ~= nil, s:finish().digest == c:sample(30).digest)
      ]]), "false\ttrue\ttrue\n", "finish")
  end)

  t.test("a device that is lost says so; its samplers go on elsewhere", function()
    local name = os.tmpname()
    local text = child(LAUNCHES .. "DAMLUA_TEST_CUDA_FAULT=launch:12!", ([[
      local s, c = make(), make "cpu"
      local ok, message = pcall(s.run, s, 30)
      print(ok, message)
      print(pcall(make))
      print(live())
      s:save %q
      local again = dam.load %q
      again:finish()
      c:run(30)
      print(again:sample(5).digest == c:sample(5).digest, again.device)
      s:close()
      print(live())]]):format(name, name))
    os.remove(name)
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    t.ok(lines[1]:find "^false.*the device is lost", text)
    t.ok(lines[2]:find "^false.*not available: lost after an error", text)
    t.ok(lines[3]:find "false\tlost after an error", text)
    t.equal(lines[4], "true\tcpu", text)
    t.ok(lines[5]:find "^0\tfalse", text)
  end)
end

t.finish()
