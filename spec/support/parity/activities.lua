--- Rows of parity_spec.lua: activities that are finished from outside, and standalone ones.

local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local rows = {}

local function must(...) return (temporal.assert(...)) end

local function hex(text) return parity.bytes(text) end

-- A workflow whose activity this spec has taken, as a worker would.
local function taken(case)
  local queue = "parity-" .. env.uuid()
  case.started = must(case.client:start_workflow({ id = case.id, task_queue = env.task_queue },
    "OneActivity", "Anything", queue, "in", 1))
  case.run_ids = { case.started.run_id }
  case.task = must(case.client:call("PollActivityTaskQueue",
    { task_queue = { name = queue } }, { timeout = 30 }))
end

local function canceled(case)
  taken(case)
  must(case.started:cancel())
  local activity = case.client:async_activity { task_token = case.task.task_token }
  env.wait_until(60, function()
    local _, err = activity:heartbeat()
    return err and err.kind == "activity_canceled"
  end, "the cancel")
end

local function finished(case)
  taken(case)
  must(case.client:async_activity({ task_token = case.task.task_token }):complete(1))
  must(case.started:get(20))
end

local function outcome(case)
  local value, err = case.started:get(20)
  return err and parity.error_form(err) or { value = value == nil and temporal.null or value }
end

-- Each by its token, and by its ids.
local function async(name, setup, operation, lua, request, more)
  for _, by in ipairs { "token", "ids" } do
    local row = {
      ("%s, by %s"):format(name, by), setup = setup,
      lua = function(case)
        return lua(case.client:async_activity(by == "token"
          and { task_token = case.task.task_token }
          or { workflow_id = case.id, activity_id = "one" }))
      end,
      python = function(case)
        local sent = { op = operation }
        for key, value in pairs(request) do sent[key] = value end
        if by == "token" then
          sent.task_token = hex(case.task.task_token)
        else
          sent.activity_id = "one"
        end
        return sent
      end,
    }
    for key, value in pairs(more or {}) do row[key] = value end
    table.insert(rows, row)
  end
end

local function completes(name, sent, ...)
  local args = { n = select("#", ...), ... }
  async(name, taken, "complete_activity",
    function(activity) return activity:complete(unpack(args, 1, args.n)) end,
    { args = sent }, { after = outcome })
end

completes("complete", { "größe" }, "größe")
completes("complete with a table", { { a = { 1, 2.5 } } }, { a = { 1, 2.5 } })
completes("complete with nothing", temporal.array {})
completes("complete with nil", temporal.array { temporal.null }, nil)
completes("complete with bytes", { hex "\0\255" }, temporal.bytes "\0\255")

local failure = { message = "kaputt-ß", type = "Broken", details = { 1, { a = "b" } },
  non_retryable = true, cause = "its cause" }
async("fail", taken, "fail_activity", function(activity)
  return activity:fail(temporal.application_error("kaputt-ß", { type = "Broken",
    details = { 1, { a = "b" } }, non_retryable = true,
    cause = temporal.application_error("its cause", { type = "Cause" }) }))
end, failure, { after = outcome })
async("fail with a plain message", taken, "fail_activity", function(activity)
  return activity:fail(temporal.application_error("just so"))
end, { message = "just so" }, { after = outcome })
async("heartbeat", taken, "heartbeat_activity",
  function(activity) return activity:heartbeat("half", 2) end, { args = { "half", 2 } },
  { after = function(case)
    local pending = must(case.started:describe()).pending_activities[1]
    return parity.list(pending.heartbeat_details)
  end })
async("heartbeat of one whose cancel was requested", canceled, "heartbeat_activity",
  function(activity) return activity:heartbeat() end, { args = temporal.array {} },
  { value = '{error={kind="activity_canceled"}}' })
async("report canceled", canceled, "report_canceled_activity",
  function(activity) return activity:report_canceled("cleaned", 3) end,
  { args = { "cleaned", 3 } }, { after = outcome })
async("report canceled of one nobody canceled", taken, "report_canceled_activity",
  function(activity) return activity:report_canceled() end, { args = temporal.array {} })
async("complete of one that is over", finished, "complete_activity",
  function(activity) return activity:complete("again") end, { args = { "again" } })
async("fail of one that is over", finished, "fail_activity",
  function(activity) return activity:fail("again") end, { message = "again" })
async("heartbeat of one that is over", finished, "heartbeat_activity",
  function(activity) return activity:heartbeat() end, { args = temporal.array {} })

local function junk(operation, lua)
  table.insert(rows, {
    operation .. " with a token that is none",
    lua = function(case) return lua(case.client:async_activity { task_token = "junk" }) end,
    python = { op = operation, task_token = hex "junk", args = temporal.array {},
      message = "x" },
  })
  table.insert(rows, {
    operation .. " of a workflow nobody has",
    lua = function(case)
      return lua(case.client:async_activity { workflow_id = case.id, activity_id = "one" })
    end,
    python = { op = operation, activity_id = "one", args = temporal.array {}, message = "x" },
  })
end

junk("complete_activity", function(activity) return activity:complete() end)
junk("fail_activity", function(activity) return activity:fail("x") end)
junk("heartbeat_activity", function(activity) return activity:heartbeat() end)
junk("report_canceled_activity", function(activity) return activity:report_canceled() end)

-- Standalone.

local function standalone(name, options, activity, args, more)
  local row = {
    name,
    lua = function(case)
      local given = { id = case.id, task_queue = env.task_queue, start_to_close_timeout = 20 }
      for key, value in pairs(options) do given[key] = value end
      return case.client:execute_activity(given, activity, unpack(args, 1, args.n or #args))
        :get(30)
    end,
    python = function()
      local given = { start_to_close_timeout = 20 }
      for key, value in pairs(options) do given[key] = value end
      return { op = "execute_activity", activity = activity, args = parity.list(args),
        options = given }
    end,
  }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

standalone("a standalone activity", {}, "EchoActivity", { { a = { 1, "ü" } } })
standalone("a standalone activity that answers nothing", {}, "EchoActivity", { nil, n = 1 })
standalone("a standalone activity that fails", {}, "BadActivity", { "abgelehnt" })
standalone("a standalone activity that times out",
  { start_to_close_timeout = 0.5, retry_policy = { maximum_attempts = 1 } }, "BeatActivity", {})
standalone("what a standalone activity is told", { heartbeat_timeout = 7.5,
  priority = { key = 2 }, schedule_to_close_timeout = 60 }, "TellActivity", { "x" })
standalone("a standalone activity without any worker", { task_queue = "parity-nobody",
  schedule_to_close_timeout = 0.5 }, "EchoActivity", { 1 })
-- The server would refuse it; it is refused where it is written.
table.insert(rows, {
  "a standalone activity without a timeout",
  lua = function(case)
    return case.client:execute_activity({ id = case.id, task_queue = env.task_queue }, "X")
  end,
  python = { op = "execute_activity", activity = "X" },
  raises = 'start option "start_to_close_timeout" is missing',
})

local function execute(activity, ...)
  local args = { n = select("#", ...), ... }
  return function(case)
    case.activity = case.client:execute_activity({ id = case.id, task_queue = env.task_queue,
      start_to_close_timeout = 20, heartbeat_timeout = 5,
      retry_policy = { maximum_attempts = 1 } }, activity, unpack(args, 1, args.n))
    must(case.activity:started(20))
    case.run_ids = { case.activity.run_id }
  end
end

local function beating(case)
  execute("BeatActivity")(case)
  -- Canceled before it begins it would end otherwise.
  env.wait_until(60, function()
    return must(case.activity:describe()).last_started_time
  end, "the activity's begin")
end
local function echoed(case)
  execute("EchoActivity", "done")(case)
  must(case.activity:get(20))
end
local function declined(case)
  execute("BadActivity", "no")(case)
  case.activity:get(20)
end

-- Every policy against every past.
for past, setup in pairs { running = beating, completed = echoed, failed = declined } do
  for _, options in ipairs { { id_reuse_policy = "allow_duplicate" },
    { id_reuse_policy = "allow_duplicate_failed_only" }, { id_reuse_policy = "reject_duplicate" },
    { id_conflict_policy = "use_existing" } } do
    local _, policy = next(options)
    table.insert(rows, {
      ("a standalone activity over one %s, %s"):format(past, policy), setup = setup,
      lua = function(case)
        local started = case.client:execute_activity({ id = case.id, task_queue = env.task_queue,
          start_to_close_timeout = 20, id_reuse_policy = options.id_reuse_policy,
          id_conflict_policy = options.id_conflict_policy }, "EchoActivity", 1)
        local ok, err = started:started(20)
        return ok and { id = started.id, run_id = started.run_id }, err
      end,
      python = { op = "execute_activity", activity = "EchoActivity", args = { 1 }, get = false,
        options = { start_to_close_timeout = 20, id_reuse_policy = options.id_reuse_policy,
          id_conflict_policy = options.id_conflict_policy } },
    })
  end
end

local function handle_row(name, setup, lua, python, more)
  local row = { name, setup = setup, python = python,
    lua = function(case) return lua(case.client:activity(case.id), case) end }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

local function ended(case)
  local value, err = case.client:activity(case.id):get(30)
  return err and parity.error_form(err) or { value = value }
end

handle_row("result of one that is over", echoed, function(a) return a:get(20) end,
  { op = "get_activity" })
handle_row("result of one that failed", declined, function(a) return a:get(20) end,
  { op = "get_activity" })
handle_row("result of nobody", nil, function(a) return a:get(20) end, { op = "get_activity" })
handle_row("cancel a standalone activity", beating, function(a) return a:cancel("grund") end,
  { op = "cancel_activity", reason = "grund" }, { after = ended })
handle_row("cancel one that is over", echoed, function(a) return a:cancel("late") end,
  { op = "cancel_activity", reason = "late" })
handle_row("cancel nobody", nil, function(a) return a:cancel("late") end,
  { op = "cancel_activity", reason = "late" })
handle_row("terminate a standalone activity", beating,
  function(a) return a:terminate("schluß") end,
  { op = "terminate_activity", reason = "schluß" }, { after = ended })
handle_row("terminate one that is over", echoed, function(a) return a:terminate("late") end,
  { op = "terminate_activity", reason = "late" })

local function shown(found)
  local attributes = {}
  for name, value in pairs(found.search_attributes) do attributes[name] = value end
  return { id = found.id, run_id = found.run_id, activity_type = found.activity_type,
    task_queue = found.task_queue, status = found.status, attempt = found.attempt,
    schedule_time = parity.stamp(found.schedule_time),
    close_time = parity.stamp(found.close_time), search_attributes = attributes }
end

for name, setup in pairs { ["that beats"] = beating, ["that is over"] = echoed,
  ["that failed"] = declined } do
  handle_row("describe one " .. name, setup, function(a)
    local found, err = a:describe()
    return found and shown(found), err
  end, { op = "describe_activity" }, { same = true })
end
handle_row("describe nobody", nil, function(a) return a:describe() end,
  { op = "describe_activity" })

local function listed(case)
  echoed(case)
  case.query = ("ActivityId = '%s'"):format(case.id)
  env.wait_until(60, function()
    return case.client:count_activities(case.query .. " AND ExecutionStatus = 'Completed'") == 1
  end, "the listing")
end

handle_row("a list of standalone activities", listed, function(_, case)
  local list = temporal.array {}
  for item in case.client:list_activities(case.query) do
    table.insert(list, { item.id, item.activity_type, item.status })
  end
  return list
end, function(case) return { op = "list_activities", query = case.query } end, { same = true })
handle_row("a count of standalone activities, in groups", listed, function(_, case)
  local count, groups = case.client:count_activities(case.query .. " GROUP BY ExecutionStatus")
  if not count then return nil, groups end
  local made = temporal.array {}
  for i, group in ipairs(groups) do
    made[i] = { values = parity.list(group.values), count = group.count }
  end
  return { count = count, groups = made }
end, function(case)
  return { op = "count_activities", query = case.query .. " GROUP BY ExecutionStatus" }
end, { same = true })

return rows
