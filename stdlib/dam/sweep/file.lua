--- The result file of a sweep: what stands in its tables (src/store.c makes them).
local check = require "dam.check"
local core = require "dam.core"
local json = require "dam.json"

local file = {}

local File = { __name = "dam.sweep.file" }
File.__index = File

--- Columns of a row, in the order of the checksum; `kind` packs them ("d" number, "i8" integer,
-- "s4" bytes). A missing value is packed as a single 0.
local columns = {
  { "alpha", "d" }, { "T", "d" }, { "N", "i8" }, { "M", "i8" }, { "disorder", "i8" },
  { "phi_a", "d" }, { "phi_b", "d" }, { "q12", "d" }, { "phi_max_other", "d" },
  { "acceptance", "d" }, { "energy_a", "d" }, { "energy_b", "d" }, { "acceptance_a", "d" },
  { "acceptance_b", "d" }, { "more", "s4" }, { "digest", "s4" },
}

local names = {}
for i, column in ipairs(columns) do
  names[i] = column[1]
end
local insert_row = string.format("INSERT INTO rows(%s, checksum) VALUES(%s?)",
  table.concat(names, ", "), ("?, "):rep(#names))
local select_rows = string.format(
  "SELECT %s, checksum FROM rows ORDER BY alpha, T, N, M, disorder", table.concat(names, ", "))

--- What a row's checksum covers: every column.
function file.checksum(row)
  local parts = {}
  for i, column in ipairs(columns) do
    local value = row[column[1]]
    if value == nil then
      parts[i] = "\0"
    elseif column[2] == "d" then
      parts[i] = string.pack("<Bd", 1, value + 0.0) -- + 0.0: the database keeps no negative zero
    else
      parts[i] = string.pack("<B" .. column[2], 1, value)
    end
  end
  return (core.tools.hash64(table.concat(parts)))
end

--- "alpha = 0.1, T = 0.2, disorder 3"
function file.row_name(row)
  return string.format("alpha = %.12g, T = %.12g, disorder %d", row.alpha, row.T, row.disorder)
end

--- Opens a result file: mode "read" or "write" (created when missing; the only writer).
function file.open(path, mode)
  local ok, store = pcall(core.store.open, path, mode)
  if not ok and tostring(store):find("is being written by", 1, true) then
    collectgarbage() -- an interruption while it was opened may have left one of ours to nobody
    ok, store = pcall(core.store.open, path, mode)
  end
  if not ok then
    check.raise("%s", store)
  end
  return setmetatable({ path = path, store = store }, File)
end

function File:close()
  self.store:close()
end

File.__close = File.close

--- The rows of a query as a list of tables.
function File:list(sql, ...)
  local list = {}
  for row in self.store:each(sql, ...) do
    list[#list + 1] = row
  end
  return list
end

--- The single value that a query gives.
function File:value(sql, ...)
  local row = self:list(sql, ...)[1]
  return row and select(2, next(row))
end

--- Runs `body` in one transaction: all of it is kept, or nothing.
function File:transaction(body)
  local store = self.store
  store:begin()
  local guard <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    store:rollback() -- harmless after the commit
  end })
  body()
  store:commit()
end

--- The facts about the sweep: key -> text.
function File:meta()
  local meta = {}
  for row in self.store:each("SELECT key, value FROM meta") do
    meta[row.key] = row.value
  end
  return meta
end

function File:set_meta(values)
  for key, value in pairs(values) do
    self.store:run("INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = ?2",
      key, value)
  end
end

--- Drops the sweep's facts and its plan.
function File:forget()
  self.store:run "DELETE FROM meta"
  self.store:run "DELETE FROM plan"
end

--- Records that a run begins; its outcome stays "running" when the process dies.
function File:begin_run(facts)
  self.store:run("INSERT INTO runs(started, outcome, script_path, script, script_hash, options, "
    .. "version, device, host) VALUES(?, 'running', ?, ?, ?, ?, ?, ?, ?)",
    os.date("!%Y-%m-%dT%H:%M:%SZ"), facts.script_path, facts.script, facts.script_hash,
    facts.options(), facts.version, facts.device, core.tools.hostname())
  self.facts = facts
  self.run_id = self:value("SELECT max(id) FROM runs")
end

--- What the script required while it ran counts, too: its options are recorded again.
function File:end_run(outcome)
  self.store:run("UPDATE runs SET finished = ?, outcome = ?, options = ? WHERE id = ?",
    os.date("!%Y-%m-%dT%H:%M:%SZ"), outcome, self.facts.options(), self.run_id)
end

--- The runs so far, oldest first.
function File:runs()
  local list = {}
  for run in self.store:each("SELECT * FROM runs ORDER BY id") do
    run.options = run.options and json.decode(run.options)
    list[#list + 1] = run
  end
  return list
end

--- Adds a run of another file, as it stands there.
function File:copy_run(run)
  self.store:run("INSERT INTO runs(started, finished, outcome, script_path, script, script_hash, "
    .. "options, version, device, host) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", run.started,
    run.finished, run.outcome, run.script_path, run.script, run.script_hash,
    run.options and json.encode(run.options), run.version, run.device, run.host)
end

--- Adds points (alpha, T, N, M, disorder) to the plan; of a point's disorders the most asked count.
function File:extend_plan(points)
  for _, p in ipairs(points) do
    self.store:run("INSERT INTO plan(alpha, T, N, M, disorder) VALUES(?, ?, ?, ?, ?) "
      .. "ON CONFLICT(alpha, T) DO UPDATE SET disorder = max(disorder, excluded.disorder)",
      p.alpha, p.T, p.N, p.M, p.disorder)
  end
  self:set_meta { plan_checksum = self:plan_checksum() }
end

--- Of the plan as it stands there.
function File:plan_checksum()
  local parts = {}
  for i, p in ipairs(self:plan()) do
    parts[i] = string.pack("<ddi8i8i8", p.alpha, p.T, p.N, p.M, p.disorder)
  end
  return (core.tools.hash64(table.concat(parts)))
end

--- The plan, sorted: list of {alpha, T, N, M, disorder}.
function File:plan()
  return self:list("SELECT alpha, T, N, M, disorder FROM plan ORDER BY alpha, T")
end

--- Which rows are there: present[alpha][T][disorder]. Rows of another N or M than the
-- plan's do not exist: a plan that would change them is refused.
function File:present()
  local present = {}
  for row in self.store:each("SELECT alpha, T, disorder FROM rows") do
    local by_T = present[row.alpha] or {}
    present[row.alpha] = by_T
    local by_disorder = by_T[row.T] or {}
    by_T[row.T] = by_disorder
    by_disorder[row.disorder] = true
  end
  return present
end

function File:put_row(row)
  local values = {}
  for i, column in ipairs(columns) do
    local value = row[column[1]]
    values[i] = column[2] == "s4" and column[1] == "more" and value and { value } or value
  end
  values[#columns + 1] = file.checksum(row)
  self.store:run(insert_row, table.unpack(values, 1, #columns + 1))
end

--- All rows, sorted by alpha, T, N, M, disorder: list of tables by column name.
function File:rows()
  return self:list(select_rows)
end

--- The same one by one, for files of any size: for row in f:each_row() do ... end
function File:each_row()
  return self.store:each(select_rows)
end

function File:count_rows()
  return self:value("SELECT count(*) FROM rows")
end

--- The saved state of a unit that a stopped run left half done.
function File:put_checkpoint(unit, state, done)
  self.store:run("INSERT INTO checkpoints VALUES(?, ?, ?) ON CONFLICT(unit) DO UPDATE SET "
    .. "state = excluded.state, done = excluded.done", unit, { state }, done)
end

function File:checkpoints()
  return self:list("SELECT unit, state, done FROM checkpoints ORDER BY unit")
end

--- The saved state of one unit, or nil.
function File:checkpoint(unit)
  return self:value("SELECT state FROM checkpoints WHERE unit = ?", unit)
end

function File:drop_checkpoint(unit)
  self.store:run("DELETE FROM checkpoints WHERE unit = ?", unit)
end

--- Cells of the generic form.
function file.cell_checksum(key, place, data)
  return (core.tools.hash64(json.encode { key, place, data }))
end

function File:put_cell_text(key, position, seconds, texts)
  self.store:run("INSERT INTO cells VALUES(?, ?, ?)", key, position, seconds)
  for i, data in ipairs(texts) do
    self.store:run("INSERT INTO cell_rows VALUES(?, ?, ?, ?)", key, i, data,
      file.cell_checksum(key, i, data))
  end
end

function File:put_cell(key, position, seconds, rows)
  local texts = {}
  for i, row in ipairs(rows) do
    texts[i] = json.encode(row)
  end
  self:put_cell_text(key, position, seconds, texts)
end

--- Which cells are done: key -> true.
function File:cells()
  local done = {}
  for cell in self.store:each("SELECT key FROM cells") do
    done[cell.key] = true
  end
  return done
end

--- Rows of all cells, sorted by key and place: list of {key, place, data, checksum}.
function File:cell_rows()
  return self:list("SELECT key, place, data, checksum FROM cell_rows ORDER BY key, place")
end

--- Moves a file out of the way, to the first free NAME.old-1.sqlite; returns the new name.
function file.move_aside(path)
  local holder = core.store.holder(path)
  if holder then
    error(string.format("%s is being written by %s: it cannot be moved aside", path, holder), 0)
  end
  local there = io.open(path, "rb")
  if not there then
    return nil
  end
  there:close()
  local stem, ending = path:match("^(.*)(%.[^./]*)$")
  stem, ending = stem or path, ending or ""
  for i = 1, math.maxinteger do
    local name = string.format("%s.old-%d%s", stem, i, ending)
    local taken = io.open(name, "rb")
    if not taken then
      os.rename(path .. "-journal", name .. "-journal")
      assert(os.rename(path, name))
      return name
    end
    taken:close()
  end
end

return file
