--- What workflow code calls. The functions know their run by themselves, at any
-- depth of the user's own coroutines.
--
--     local workflow = require "temporal.workflow"
--
--     local function Order(order)
--       local approved
--       workflow.on_signal("approve", function(who) approved = who end)
--       if not workflow.wait_condition(function() return approved end, "24h") then
--         return nil, "nobody approved"
--       end
--       return workflow.execute_activity({ start_to_close_timeout = 30 }, "Charge", order):get()
--     end
-- @module temporal.workflow

local activity = require "temporal.workflow.op.activity"
local condition = require "temporal.workflow.condition"
local current = require "temporal.workflow.current"
local duration = require "temporal.base.duration"
local fiber = require "temporal.workflow.fiber"
local future = require "temporal.workflow.future"
local message = require "temporal.workflow.message"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local timer = require "temporal.workflow.op.timer"

local select, type = select, type

local workflow = {}

local function seconds_of(value, what)
  local seconds, why = duration.seconds(value)
  if not seconds then
    misuse.raisef("the duration of %s %s, got %s", what, why, options.show(value))
  end
  return seconds
end

local function run_of(what)
  local run = current.run
  if not run then
    misuse.raisef("%s can be called in a workflow only", what)
  end
  return run
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

--- Starts a timer.
-- @tparam number|string value a duration; not above 0 counts as 1 ms
-- @treturn future
function workflow.timer(value)
  local seconds = seconds_of(value, "workflow.timer")
  local run, caller = operation.begin "workflow.timer"
  return timer.start(run, caller.scope, seconds)
end

--- Waits so long.
-- @tparam number|string value a duration; not above 0 counts as 1 ms
-- @raise kind `canceled` in a canceled scope
function workflow.sleep(value)
  local seconds = seconds_of(value, "workflow.sleep")
  local run, caller = operation.begin "workflow.sleep"
  timer.start(run, caller.scope, seconds):get()
end

--- Waits until a function returns true.
-- @tparam function fn may only look, not wait; what it raises is raised here
-- @tparam[opt] number|string timeout a duration; no timer is made when fn is true
--   at once
-- @treturn boolean true; false when the time ran out
function workflow.wait_condition(fn, timeout)
  if type(fn) ~= "function" then
    misuse.raisef("workflow.wait_condition takes a function, got %s", options.kind_of(fn))
  end
  timeout = options.timeout(timeout, "workflow.wait_condition")
  local waiting = fiber.running "workflow.wait_condition"
  local run = current.run
  run:before_step()
  return condition.wait(waiting, fn, timeout and function()
    return timer.start(run, waiting.scope, timeout)
  end)
end

workflow.wait = future.any
workflow.wait_all = future.all

--- Handles signals of a name: each gets a fiber of its own, in the order in which
-- they came. What has come before waits for the handler.
-- @tparam string name
-- @tparam function|nil fn gets the signal's arguments; nil: no handler
function workflow.on_signal(name, fn)
  local run = run_of "workflow.on_signal"
  if type(name) ~= "string" then
    misuse.raisef("workflow.on_signal: the name must be a string, got %s", options.kind_of(name))
  end
  run.signal_handlers[name] = fn
  if fn then
    message.registered(run)
  end
end

--- Answers queries of a name.
-- @tparam string name
-- @tparam function|nil fn gets the query's arguments; may only look
function workflow.on_query(name, fn)
  local run = run_of "workflow.on_query"
  if type(name) ~= "string" then
    misuse.raisef("workflow.on_query: the name must be a string, got %s", options.kind_of(name))
  end
  run.query_handlers[name] = fn
end

--- The time of the workflow: when the task began whose events it sees.
-- @treturn number seconds since the epoch
function workflow.now()
  return run_of "workflow.now".now
end

--- What is known of the run.
-- @treturn table `id run_id workflow_type task_queue namespace attempt ...`
function workflow.info()
  local run = run_of "workflow.info"
  local info = run.info
  info.history_length = run.history_length
  info.history_size = run.history_size
  info.continue_as_new_suggested = run.continue_as_new_suggested
  return info
end

--- Was the run asked to cancel itself?
-- @treturn string|nil the reason, `""` without one
function workflow.cancel_requested()
  return run_of "workflow.cancel_requested".root.reason
end

--- Is this code running in a workflow?
-- @treturn boolean
function workflow.in_workflow()
  return current.run ~= nil
end

return workflow
