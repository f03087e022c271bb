--- Rows of parity_spec.lua: signals, queries, updates, and both with a start.

local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local rows = {}

local function must(...) return (temporal.assert(...)) end

local function start(workflow, ...)
  local args = { n = select("#", ...), ... }
  return function(case)
    case.started = must(case.client:start_workflow({ id = case.id, task_queue = env.task_queue },
      workflow, unpack(args, 1, args.n)))
    case.run_ids = { case.started.run_id }
  end
end

local inbox = start "Inbox"
local function closed(case)
  inbox(case)
  must(case.started:signal("finish"))
  must(case.started:get(20))
end
local function failed(case)
  start("Closing", true)(case)
  case.started:get(20)
end
local function completed(case)
  start("Closing")(case)
  must(case.started:get(20))
end

local function row(name, setup, lua, python, more)
  local made = { name, setup = setup, lua = lua, python = python }
  for key, value in pairs(more or {}) do made[key] = value end
  table.insert(rows, made)
end

-- Signals: what arrived, payload by payload. JSON has spaces in Python's.
local function arrived(case)
  local seen = must(case:run():query("signals"))
  for _, signal in ipairs(seen) do
    for _, value in ipairs(signal.values) do
      if value.metadata and value.metadata.encoding == "json/plain" then value.data = nil end
    end
  end
  return seen
end

local function signal(name, setup, given, args, more)
  more = more or {}
  more.after = more.after or setup == inbox and arrived or nil
  row(name, setup, function(case)
    return case:run():signal(given, unpack(args, 1, args.n or #args))
  end, { op = "signal", name = given, args = parity.list(more.sent or args) }, more)
end

signal("a signal of a name nobody handles", inbox, "nobody", { "x" })
signal("a signal without arguments", inbox, "bare", {})
signal("a signal with a name of Unicode", inbox, "Grüße-✓", { "ß" })
signal("a signal with nil among its arguments", inbox, "nils", { 1, nil, "three", nil, n = 4 })
signal("a signal with bytes", inbox, "bytes", { temporal.bytes "\0\255\1" },
  { sent = { parity.bytes "\0\255\1" } })
signal("a signal with int64 extremes", inbox, "ints",
  { temporal.int64 "9223372036854775807", temporal.int64 "-9223372036854775808" })
signal("a signal to a closed workflow", closed, "late", {})
signal("a signal to nobody", nil, "any", {})
row("a signal to a run nobody has", inbox,
  function(case) return case:run("00000000-0000-4000-8000-000000000000"):signal("x") end,
  { op = "signal", name = "x", run_id = "00000000-0000-4000-8000-000000000000" })
row("a signal to a run id that is none", inbox,
  function(case) return case:run("junk"):signal("x") end,
  { op = "signal", name = "x", run_id = "junk" })
-- The server would refuse it (invalid_argument); it is refused where it is written.
row("a signal with an empty name", inbox,
  function(case) return case:run():signal("") end, { op = "signal", name = "" },
  { raises = "workflow:signal takes a name" })

-- Queries.
local function query(name, setup, given, args, more)
  row(name, setup, function(case)
    return case:run():query(given, unpack(args, 1, args.n or #args))
  end, { op = "query", name = given, args = parity.list(more and more.sent or args) }, more)
end

query("a query", inbox, "one", { "ü" }, { value = '{value="ü"}' })
query("a query that answers nothing", inbox, "nothing", {}, { value = "{}" })
query("a query with an argument of every kind", inbox, "echo", { { a = { 1, 2.5, "x" } } })
query("a query with bytes", inbox, "echo", { temporal.bytes "\0\255" },
  { sent = { parity.bytes "\0\255" },
    normalise = function(outcome)
      -- Bytes decode to a string here.
      if type(outcome.value) == "string" then outcome.value = parity.bytes(outcome.value) end
    end })
query("a query nobody handles", inbox, "nobody", {})
query("a query that raises", inbox, "raises", {})
query("a query with the wrong arguments", inbox, "one", {})
query("a query of a closed workflow", completed, "state", {})
query("a query of a failed workflow", failed, "state", {})
query("a query of nobody", nil, "state", {})

for _, reject in ipairs { "none", "not_open", "not_completed_cleanly" } do
  for name, setup in pairs { open = inbox, completed = completed, failed = failed } do
    local asked = setup == inbox and "nothing" or "state"
    row(("a query, reject=%s, of one that is %s"):format(reject, name), setup,
      function(case) return case:run():query { name = asked, reject = reject } end,
      { op = "query", name = asked, reject = reject })
  end
end

-- Updates.
local function update(name, setup, given, args, more)
  more = more or {}
  row(name, setup, function(case)
    return case:run():update({ name = given, id = more.id }, unpack(args, 1, args.n or #args))
  end, { op = "update", name = given, update_id = more.id,
    args = parity.list(more.sent or args) }, more)
end

update("an update", inbox, "positive", { 21 }, { value = "{value=42}" })
update("an update without arguments", inbox, "count", {}, { value = "{value=0}" })
update("an update with nil among its arguments", inbox, "count", { nil, 1, nil, n = 3 })
update("an update that answers null", inbox, "echo", { nil, n = 1 })
update("an update that is rejected", inbox, "positive", { -1 })
update("an update that fails", inbox, "fails", { "brökn" })
update("an update nobody handles", inbox, "nobody", { 1 })
update("an update with an id of Unicode", inbox, "positive", { 1 }, { id = "änderung-1" })
update("an update of a closed workflow", completed, "touch", {})
update("an update of nobody", nil, "touch", {})
row("an update sent twice is carried out once", function(case)
  inbox(case)
  must(case.started:update({ name = "positive", id = "once" }, 3))
end, function(case) return case:run():update({ name = "positive", id = "once" }, 50) end,
  { op = "update", name = "positive", update_id = "once", args = { 50 } },
  { value = "{value=6}" })
row("an update that takes longer than its timeout", inbox,
  function(case) return case:run():update({ name = "gate", timeout = 0.5 }, "x") end,
  { op = "update", name = "gate", timeout = 0.5, args = { "x" } },
  { value = '{error={kind="timeout"}}' })

local function started_update(name, wait, given, args, more)
  row(name, inbox, function(case)
    local sent, err = case:run():start_update({ name = given, id = "u", wait = wait },
      unpack(args))
    return sent and { id = sent.id, workflow_id = sent.workflow_id, run_id = sent.run_id }, err
  end, { op = "start_update", name = given, update_id = "u", wait = wait, args = args }, more)
end

started_update("an update accepted and not completed", "accepted", "gate", { "x" })
started_update("an update completed", "completed", "positive", { 2 })
started_update("an update rejected, waited for until accepted", "accepted", "positive", { -2 })
started_update("an update rejected, waited for until completed", "completed", "positive", { -2 })

local function update_handle(name, given, args, open)
  row(name, function(case)
    inbox(case)
    must(case.started:start_update({ name = given, id = "known" }, unpack(args)))
    if open then must(case.started:signal("open", open)) end
  end, function(case) return must(case:run():update_handle("known")):get(20) end,
    { op = "get_update", update_id = "known" })
end

update_handle("a completed update, by its id", "positive", { 4 })
update_handle("an update that becomes complete, by its id", "gate", { "door" }, "door")
update_handle("a failed update, by its id", "fails", { "later" })
row("an update id nobody has", inbox,
  function(case) return must(case:run():update_handle("nobody")):get(20) end,
  { op = "get_update", update_id = "nobody" })
row("the workflow closes under the update", function(case)
  inbox(case)
  must(case.started:start_update({ name = "gate", id = "known" }, "never"))
  must(case.started:signal("finish"))
  must(case.started:get(20))
end, function(case) return must(case:run():update_handle("known")):get(20) end,
  { op = "get_update", update_id = "known" })

-- With a start.
local function signal_with_start(name, setup, options, more)
  row(name, setup, function(case)
    local given = { id = case.id, task_queue = env.task_queue }
    for key, value in pairs(options) do given[key] = value end
    local run = case.client:signal_with_start(given, { "note", 1, nil, "ß" }, "Inbox", "arg")
    local ok, err = run:started(20)
    return ok and { id = run.id, run_id = run.run_id }, err
  end, { op = "signal_with_start", workflow = "Inbox", args = { "arg" }, signal = "note",
    signal_args = temporal.array { 1, temporal.null, "ß" }, options = options }, more)
end

signal_with_start("signal-with-start starts", nil, {}, { after = arrived })
signal_with_start("signal-with-start signals one that runs", inbox, {}, { after = arrived })
signal_with_start("signal-with-start starts over a closed one", closed, {}, { after = arrived })
signal_with_start("signal-with-start over a closed one, reject_duplicate", closed,
  { id_reuse_policy = "reject_duplicate" })
signal_with_start("signal-with-start, terminate_existing", inbox,
  { id_conflict_policy = "terminate_existing" }, { after = arrived })

local function update_with_start(name, setup, options, given, args, more)
  row(name, setup, function(case)
    local start_options = { id = case.id, task_queue = env.task_queue }
    for key, value in pairs(options) do start_options[key] = value end
    local sent, err = case.client:update_with_start(start_options,
      { name = given, args = args, wait = "completed" }, "Inbox", "arg")
    if not sent then return nil, err end
    local value
    value, err = sent:get(20)
    if err then return nil, err end
    return { value = value, run_id = sent.workflow.run_id }
  end, { op = "update_with_start", workflow = "Inbox", args = { "arg" }, name = given,
    update_args = args, options = options }, more)
end

update_with_start("update-with-start starts", nil, { id_conflict_policy = "fail" },
  "positive", { 5 })
update_with_start("update-with-start updates one that runs", inbox,
  { id_conflict_policy = "use_existing" }, "positive", { 5 })
update_with_start("update-with-start over one that runs, fail", inbox,
  { id_conflict_policy = "fail" }, "positive", { 5 })
update_with_start("update-with-start over a closed one, reject_duplicate", closed,
  { id_conflict_policy = "fail", id_reuse_policy = "reject_duplicate" }, "positive", { 5 })
update_with_start("update-with-start that is rejected", nil,
  { id_conflict_policy = "use_existing" }, "positive", { -5 })
update_with_start("update-with-start that fails", nil,
  { id_conflict_policy = "use_existing" }, "fails", { "so" })

return rows
