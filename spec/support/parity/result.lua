--- Rows of parity_spec.lua: the result of every close, following the chain and not.

local env = require "spec.support.environment"
local temporal = require "temporal"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local rows = {}

local function begin(options, workflow, ...)
  local args = { n = select("#", ...), ... }
  return function(case)
    local given = { id = case.id, task_queue = env.task_queue }
    for name, value in pairs(options) do given[name] = value end
    case.started = temporal.assert(case.client:start_workflow(given, workflow,
      unpack(args, 1, args.n)))
    case.run_ids = { case.started.run_id }
  end
end

-- `close` ends the workflow from outside, where it does not end by itself.
local function ends(name, options, workflow, args, close, more)
  local start = begin(options, workflow, unpack(args, 1, args.n or #args))
  local row = {
    name, same = true,
    setup = function(case)
      start(case)
      if close then close(case.started) end
    end,
    lua = function(case) return case:run():get(30) end,
    python = { op = "get" },
  }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

-- Completed.
ends("a value", {}, "Greeting", { "Ünïcode" }, nil, { value = '{value="Hello, Ünïcode!"}' })
ends("no value", {}, "Echo", { n = 1 }, nil, { value = "{}" })
ends("false", {}, "Echo", { false }, nil, { value = "{value=false}" })
ends("a result of a megabyte", {}, "BigResult", { 1000000 })

-- Failed, chain after chain.
ends("an application failure", {}, "Fail", { "it is broken" })
ends("one with everything", {}, "Fail", { "brökn", {
  type = "Broken", details = { 1, "zwei", { three = { 3.5, temporal.null } }, temporal.null },
  non_retryable = true, category = "benign", next_retry_delay = 2.5,
  cause = { message = "the cause", type = "Cause", details = { "d" },
    cause = { message = "its cause", non_retryable = true } } } })
ends("an empty message", {}, "Fail", { "" }, nil, {
  -- Python's puts words of its own in its place; ours says what was sent.
  lua_only = '{error={cause={details=[], kind="application", message="", non_retryable=false}, '
    .. 'kind="workflow_failed"}}',
})
ends("an activity that failed", {}, "ActivityFail", { "in the activity", { type = "T",
  details = { "x" } } })
ends("an activity that failed for a cause", {}, "ActivityFail", { "in the activity", {
  cause = { message = "deeper", type = "Deep" }, non_retryable = true } })
ends("an activity that timed out", {}, "ActivityTimeout", { "last words" })
ends("a child that failed", {}, "ChildFail", { "in the child", { type = "Child" } })

-- Closed from outside.
local function cancel(run) temporal.assert(run:cancel()) end
ends("canceled", {}, "Wait", {}, cancel)
ends("canceled, and completed all the same", {}, "CleanUp", {}, cancel)
ends("terminated", {}, "Wait", {}, function(run)
  temporal.assert(run:terminate("schluß", "a detail", 2))
end, { value = '{error={cause={details=["a detail", 2], kind="terminated", reason="schluß"}, '
    .. 'kind="workflow_failed"}}' })
ends("terminated without a reason", {}, "Wait", {},
  function(run) temporal.assert(run:terminate()) end)
ends("timed out", { run_timeout = 1 }, "Wait", {})
ends("timed out, the whole execution", { execution_timeout = 1 }, "Wait", {})

-- Chains.
ends("continued as new, to its end", {}, "ContinueAsNew", { 2 }, nil, { value = "{value=2}" })
ends("continued as new, the first run only", {}, "ContinueAsNew", { 2 },
  function(run) run:get(30) end, {
    lua = function(case)
      return case:run(case.started.run_id):get { timeout = 30, follow_runs = false }
    end,
    python = function(case)
      return { op = "get", run_id = case.started.run_id, follow_runs = false }
    end,
    value = '{error={kind="continued_as_new"}}',
  })
ends("continued as new, from its first run to its end", {}, "ContinueAsNew", { 2 },
  function(run) run:get(30) end, {
    lua = function(case) return case:run(case.started.run_id):get(30) end,
    python = function(case) return { op = "get", run_id = case.started.run_id } end,
    value = "{value=2}",
  })
local RETRY = { retry_policy = { initial_interval = 0.05, maximum_attempts = 3 } }
ends("retried, to its end", RETRY, "RetryUntil", { 3 }, nil, { value = "{value=3}" })
ends("retried, in vain", RETRY, "RetryUntil", { 9 })
-- A run that another followed: the server tells the Python client no more than that (it does not
-- say it can follow), ours what the run came to.
ends("retried, the first run only", RETRY, "RetryUntil", { 2 },
  function(run) run:get(30) end, {
    lua_only = '{error={cause={details=[], kind="application", message="attempt 1", '
      .. 'non_retryable=false, type="TooEarly"}, kind="workflow_failed"}}',
    python_only = '{error={kind="continued_as_new"}}',
    lua = function(case)
      return case:run(case.started.run_id):get { timeout = 30, follow_runs = false }
    end,
    python = function(case)
      return { op = "get", run_id = case.started.run_id, follow_runs = false }
    end,
  })
ends("cron, the first run only", { cron_schedule = "@every 1s" }, "CronCount", {},
  function(run)
    run:get { timeout = 30, follow_runs = false }
    temporal.assert(run:terminate())
  end, {
    lua = function(case)
      return case:run(case.started.run_id):get { timeout = 30, follow_runs = false }
    end,
    python = function(case)
      return { op = "get", run_id = case.started.run_id, follow_runs = false }
    end,
    lua_only = "{value=1}",
    python_only = '{error={kind="continued_as_new"}}',
  })
ends("cron, to where it fails", { cron_schedule = "@every 1s" }, "CronCount", { 2 }, function(run)
  env.wait_until(60, function()
    -- The second run has failed: the third is there.
    local found = temporal.assert(run:describe())
    return found.run_id ~= run.run_id and found.raw.workflow_execution_info.first_run_id
      and found.start_time
  end, "the next run")
  temporal.assert(run:terminate("enough"))
end)

-- What there is not.
local function nobody(name, lua, python, more)
  local row = { name, lua = lua, python = python }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

nobody("an id nobody has", function(case) return case:run():get(10) end, { op = "get" })
nobody("a run nobody has",
  function(case) return case:run("00000000-0000-4000-8000-000000000000"):get(10) end,
  { op = "get", run_id = "00000000-0000-4000-8000-000000000000" },
  { setup = begin({}, "Greeting", "Ada") })
nobody("a run id that is none", function(case) return case:run("no-uuid"):get(10) end,
  { op = "get", run_id = "no-uuid" }, { setup = begin({}, "Greeting", "Ada") })

return rows
