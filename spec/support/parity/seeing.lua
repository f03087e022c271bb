--- Rows of parity_spec.lua: what is there to see. Both clients look at the same thing.

local core = require "temporal.core"
local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

local stamp = parity.stamp
local rows = {}

local function must(...) return (temporal.assert(...)) end

local NOBODY = "parity-nobody"

local ATTRIBUTES = {
  CustomKeyword = temporal.keyword "schlüssel", CustomText = temporal.text "some words",
  CustomInt = temporal.int(-42), CustomDouble = temporal.double(0.1), CustomBool = false,
  CustomDatetime = temporal.datetime(1700000000.123456),
  CustomKeywordList = temporal.keyword_list { "a", "ß", "" },
}

local function begin(case, options, workflow, ...)
  local given = { id = case.id, task_queue = NOBODY }
  for name, value in pairs(options) do given[name] = value end
  local run = must(case.client:start_workflow(given, workflow, ...))
  case.started = run
  case.run_ids = { run.run_id }
  return run
end

-- A description or an item, in the form of the peer's.
local function execution(found)
  local times = {}
  for name, value in pairs(found.search_attributes) do
    times[name] = name == "CustomDatetime" and type(value) == "number" and stamp(value) or value
  end
  return {
    id = found.id, run_id = found.run_id, workflow_type = found.workflow_type,
    task_queue = found.task_queue, status = found.status, start_time = stamp(found.start_time),
    execution_time = stamp(found.execution_time), close_time = stamp(found.close_time),
    parent = found.parent and { id = found.parent.id, run_id = found.parent.run_id },
    root = found.root, memo = found.memo, search_attributes = times,
    history_length = found.history_length or 0,
  }
end

local function description(case)
  local found, err = case:run():describe()
  if not found then return nil, err end
  local made = execution(found)
  made.static_summary, made.static_details = found.static_summary, found.static_details
  made.execution_timeout = found.execution_timeout or 0
  made.run_timeout, made.task_timeout = found.run_timeout or 0, found.task_timeout
  made.first_execution_run_id = found.first_execution_run_id
  local priority = found.priority or {}
  made.priority = { priority.key or 0, priority.fairness_key or "",
    priority.fairness_weight or 0.0 }
  made.pending_activities, made.pending_children = temporal.array {}, temporal.array {}
  for i, each in ipairs(found.pending_activities) do
    made.pending_activities[i] = { each.activity_id, each.activity_type, each.attempt,
      each.last_failure.message }
  end
  for i, each in ipairs(found.pending_children) do
    made.pending_children[i] = { each.id, each.workflow_type }
  end
  return made
end

local function whole_numbers(outcome)
  local value = outcome.value
  for _, name in ipairs { "execution_timeout", "run_timeout", "task_timeout" } do
    if value and value[name] then value[name] = ("%d"):format(value[name]) end
  end
  if value and value.priority then
    value.priority[3] = ("%g"):format(value.priority[3])
  end
end

local function describe_row(name, setup)
  table.insert(rows, { "describe " .. name, same = true, setup = setup, lua = description,
    python = { op = "describe" }, normalise = whole_numbers })
end

describe_row("one with everything", function(case)
  begin(case, { execution_timeout = "2h", run_timeout = "1h", task_timeout = 5, start_delay = 60,
    memo = { text = "größe", list = { 1, 2.5, temporal.null, {} }, nested = { a = { b = "c" } },
      big = temporal.int64 "9223372036854775807", empty = temporal.array {} },
    search_attributes = ATTRIBUTES, static_summary = "**Überblick**",
    static_details = "many\nlines", priority = { key = 2, fairness_key = "mieter",
      fairness_weight = 1.5 } }, "Order", 1)
end)
describe_row("one with nothing", function(case) begin(case, {}, "Order") end)
describe_row("a completed one", function(case)
  must(begin(case, { task_queue = env.task_queue }, "Greeting", "Ada"):get(20))
end)
describe_row("a failed one", function(case)
  begin(case, { task_queue = env.task_queue }, "Fail", "no"):get(20)
end)
describe_row("one that continued as new", function(case)
  must(begin(case, { task_queue = env.task_queue }, "ContinueAsNew", 1):get(20))
end)
describe_row("one with a pending activity and a child", function(case)
  local run = begin(case, { task_queue = env.task_queue }, "LookPending", "ü")
  env.wait_until(60, function()
    local found = must(run:describe())
    local activity = found.pending_activities[1]
    -- Between its attempts, where it stays for an hour.
    return activity and activity.last_failure and activity.state == "scheduled"
      and found.history_length >= 10 and not found.pending_workflow_task
  end, "the pending work")
end)
describe_row("nobody")

-- Each end of the int64, and of the dates: see also the rows of `values`.
for name, value in pairs { most = "9223372036854775807", least = "-9223372036854775808" } do
  describe_row("the int64 that is the " .. name, function(case)
    begin(case, { search_attributes = { CustomInt = temporal.int(temporal.int64(value)) } }, "X")
  end)
end
for _, text in ipairs { "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z",
  "2026-02-28T12:30:15.25+02:00", "9999-12-31T23:59:59Z" } do
  describe_row("the date " .. text, function(case)
    begin(case, { search_attributes = { CustomDatetime = temporal.datetime(text) } }, "X")
  end)
end

-- Lists and counts.

local function many(case)
  case.mark = "parity-" .. env.uuid()
  case.run_ids = {}
  for i = 1, 3 do
    local run = must(case.client:start_workflow({ id = case.id .. "-" .. i,
      task_queue = i < 3 and NOBODY or env.task_queue,
      memo = { i = i, text = "ß" },
      search_attributes = { CustomKeyword = case.mark, CustomInt = i,
        CustomDatetime = temporal.datetime(1700000000.5 + i) } }, "Greeting", "x"))
    case.run_ids[i] = run.run_id
    if i == 3 then must(run:get(20)) end
  end
  case.query = ("CustomKeyword = '%s'"):format(case.mark)
  env.wait_until(60, function()
    return case.client:count_workflows(case.query) == 3 and case.client:count_workflows(
      case.query .. " AND ExecutionStatus = 'Completed'") == 1
  end, "the listing")
end

local function list_of(case, query, options)
  local given = { query = query }
  for name, value in pairs(options or {}) do given[name] = value end
  local list = temporal.array {}
  local ok, err = pcall(function()
    for item in case.client:list_workflows(given) do table.insert(list, execution(item)) end
  end)
  if not ok then return nil, err end
  return list
end

local function list_row(name, more, options)
  table.insert(rows, {
    name, same = true, setup = many,
    lua = function(case) return list_of(case, case.query .. more, options) end,
    python = function(case)
      return { op = "list", query = case.query .. more, limit = options and options.limit,
        page_size = options and options.page_size }
    end,
  })
end

list_row("a list", "")
list_row("a list of the completed", " AND ExecutionStatus = 'Completed'")
list_row("a list of none", " AND WorkflowType = 'Nothing'")
list_row("a list in pages of one", "", { page_size = 1 })
list_row("a list cut short", "", { limit = 2, page_size = 1 })
list_row("a list of a query that is none", " AND AND")
list_row("a list of an attribute that is none", " AND Nonesuch = 1")

local function count_of(case, query)
  local count, groups = case.client:count_workflows(query)
  if not count then return nil, groups end
  local shown = temporal.array {}
  for i, group in ipairs(groups) do
    local values = temporal.array {}
    for at, value in ipairs(group.values) do values[at] = value end
    shown[i] = { values = values, count = group.count }
  end
  table.sort(shown, function(a, b) return a.values[1] < b.values[1] end)
  return { count = count, groups = shown }
end

local function count_row(name, more)
  table.insert(rows, {
    name, same = true, setup = many,
    lua = function(case) return count_of(case, case.query .. more) end,
    python = function(case) return { op = "count", query = case.query .. more } end,
    normalise = function(outcome)
      if outcome.value then
        table.sort(outcome.value.groups, function(a, b) return a.values[1] < b.values[1] end)
      end
    end,
  })
end

count_row("a count", "")
count_row("a count in groups", " GROUP BY ExecutionStatus")
count_row("a count of none, in groups", " AND WorkflowType = 'X' GROUP BY ExecutionStatus")
count_row("a count by what is no group", " GROUP BY Nonesuch")

-- Histories.

local function events_of(case, options)
  local list = temporal.array {}
  local ok, err = pcall(function()
    for event in case:run():history(options) do
      table.insert(list, { event.event_id, event.event_type })
    end
  end)
  if not ok then return nil, err end
  return list
end

local function history_row(name, setup, options, python)
  local request = { op = "history" }
  for key, value in pairs(python or {}) do request[key] = value end
  table.insert(rows, { name, same = true, setup = setup,
    lua = function(case) return events_of(case, options) end, python = request })
end

local function finished(case)
  must(begin(case, { task_queue = env.task_queue }, "LookLong", 3):get(30))
end

history_row("a history", finished, {})
history_row("a history in small pages", finished, { page_size = 3 }, { page_size = 3 })
history_row("a history to its end", finished, { wait = true }, { wait = true })
history_row("the close event", finished, { filter = "close", wait = true },
  { filter = "close", wait = true })
history_row("a history of one that runs", function(case) begin(case, {}, "Order") end, {})
history_row("a history of nobody", nil, {})

-- The JSON that is replayed is the same JSON, whoever writes it.
table.insert(rows, {
  "a history as JSON", same = true, setup = finished,
  lua = function(case)
    local text, err = case:run():fetch_history { json = true }
    return text and core.json_decode(text), err
  end,
  python = { op = "history_json" },
})

return rows
