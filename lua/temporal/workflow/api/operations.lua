--- What a workflow has others do: activities, timers, children, other workflows,
-- the run that follows it.
-- @submodule temporal.workflow.api

local activity = require "temporal.workflow.op.activity"
local child = require "temporal.workflow.op.child"
local continuation = require "temporal.workflow.op.continuation"
local duration = require "temporal.base.duration"
local external = require "temporal.workflow.op.external"
local fiber = require "temporal.workflow.fiber"
local local_activity = require "temporal.workflow.op.local_activity"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local start = require "temporal.run.start"
local timer = require "temporal.workflow.op.timer"

local select, type = select, type

local workflow = {}

local function seconds_of(value, what)
  if type(value) == "number" and value < 0 then
    return 0 -- of a time that is past
  end
  local seconds, why = duration.seconds(value)
  if not seconds then
    misuse.raisef("the duration of %s %s, got %s", what, why, options.show(value))
  end
  return seconds
end

--- Schedules an activity.
-- @tparam table given `start_to_close_timeout` or `schedule_to_close_timeout` (one of
--   them required), `schedule_to_start_timeout`, `heartbeat_timeout` (durations),
--   `retry_policy`, `task_queue` (the workflow's), `id` (the number of the call),
--   `summary`, `priority`, `eager` (true), `cancellation_type` (`"try_cancel"`,
--   `"wait_cancellation_completed"`, `"abandon"`)
-- @param definition the activity's type name, or its function
-- @param ... its arguments
-- @treturn future `get` gives the result, or raises an error of kind `activity`
-- @raise on misuse; kind `canceled` in a canceled scope
function workflow.execute_activity(given, definition, ...)
  return activity.execute(given, definition, select("#", ...), ...)
end

--- Has this worker run an activity at once, inside the task: no queue, no heartbeat.
-- For what takes seconds at most. A task that times out, and a run that its worker
-- has forgotten, repeat it.
-- @tparam table given `start_to_close_timeout` (one attempt) or
--   `schedule_to_close_timeout` (all of them; one of the two required),
--   `schedule_to_start_timeout`, `retry_policy`, `local_retry_threshold` (60 s: before
--   a longer pause the task ends, and the pause is a timer of the run), `id` (the
--   number of the call), `summary`, `cancellation_type` as for `execute_activity`
-- @param definition the activity's type name, or its function
-- @param ... its arguments
-- @treturn future `get` gives the result, or raises an error of kind `activity`
-- @raise on misuse; kind `canceled` in a canceled scope
function workflow.execute_local_activity(given, definition, ...)
  return local_activity.execute(given, definition, select("#", ...), ...)
end

local TIMER = options.define("option of workflow.timer", {
  summary = start.options.handlers.static_summary,
})

local function start_timer(what, value, given)
  local seconds = seconds_of(value, what)
  if given ~= nil and type(given) ~= "table" then
    misuse.raisef("the options of %s must be a table, got %s", what, options.kind_of(given))
  end
  local run, caller = operation.begin(what)
  local user_metadata = given and options.apply(TIMER, given, {}, run).user_metadata
  return timer.start(run, caller.scope, seconds, user_metadata)
end

--- Starts a timer.
-- @tparam number|string value a duration; not above 0 counts as 1 ms
-- @tparam[opt] table given `summary` (for the UI)
-- @treturn future
function workflow.timer(value, given)
  return start_timer("workflow.timer", value, given)
end

--- Waits so long.
-- @tparam number|string value a duration; not above 0 counts as 1 ms
-- @tparam[opt] table given `summary` (for the UI)
-- @raise kind `canceled` in a canceled scope
function workflow.sleep(value, given)
  start_timer("workflow.sleep", value, given):get()
end

--- Starts a child workflow.
-- @tparam table given `id` (a `uuid`), `task_queue` (the workflow's),
--   `execution_timeout`, `run_timeout`, `task_timeout`, `id_reuse_policy`, `retry_policy`,
--   `cron_schedule`, `priority`, `memo`, `search_attributes`, `header`,
--   `versioning_override`, `static_summary`, `static_details`,
--   `parent_close_policy` (`"terminate"`, `"abandon"`, `"request_cancel"`),
--   `cancellation_type` (`"wait_cancellation_completed"`,
--   `"wait_cancellation_requested"`, `"try_cancel"`, `"abandon"`)
-- @param definition a workflow type, or its function
-- @param ... its arguments
-- @treturn future with `id`, `started([timeout])`, `signal(name, ...)`; `get` gives the
--   result, or raises an error of kind `child_workflow`
-- @raise on misuse; kind `canceled` in a canceled scope
function workflow.execute_child_workflow(given, definition, ...)
  return child.execute(given, definition, select("#", ...), ...)
end

--- The same, and waits until the child has started.
-- @raise an error of kind `child_workflow` when it could not be started
function workflow.start_child_workflow(given, definition, ...)
  local future_of_child = child.execute(given, definition, select("#", ...), ...)
  future_of_child:started()
  return future_of_child
end

--- A workflow that is none of the run's children.
-- @tparam string id
-- @tparam[opt] string run_id the latest run when absent
-- @return a handle: `signal(name, ...)`, `cancel([reason])`
function workflow.external(id, run_id)
  fiber.run_of "workflow.external"
  return external.handle(id, run_id)
end

--- Ends this run and goes on in a new one, with a new history. Never returns, and
-- is no error: no pcall sees it.
-- @tparam table|nil given `workflow` (a type or a definition), `task_queue`,
--   `run_timeout`, `task_timeout`, `retry_policy`, `memo`, `search_attributes`,
--   `versioning_behavior` (`"auto_upgrade"`); what is not given stays as it is now
-- @param ... arguments of the new run
function workflow.continue_as_new(given, ...)
  return continuation.start(given, select("#", ...), ...)
end

return workflow
