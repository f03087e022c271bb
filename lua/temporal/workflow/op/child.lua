--- Child workflows (StartChildWorkflowExecution; StartChildWorkflowExecution*,
-- ChildWorkflowExecution*).
-- @module temporal.workflow.op.child

local current = require "temporal.workflow.current"
local errors = require "temporal.error.error"
local external = require "temporal.workflow.op.external"
local failure = require "temporal.error.failure"
local future = require "temporal.workflow.future"
local names = require "temporal.workflow.sandbox.names"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local start = require "temporal.run.start"

local select, setmetatable, tostring = select, setmetatable, tostring

local PARENT_CLOSE = { terminate = 1, abandon = 2, request_cancel = 3 }
local CANCELLATION = {
  wait_cancellation_completed = "wait_cancellation_completed",
  wait_cancellation_requested = "wait_cancellation_requested",
  try_cancel = "try_cancel",
  abandon = "abandon",
}

local shared = start.options.handlers

local OPTIONS = options.define("child workflow option", {
  id = options.string("workflow_id", { max = 1000 }),
  task_queue = options.string("task_queue"),
  execution_timeout = options.duration("workflow_execution_timeout"),
  run_timeout = options.duration("workflow_run_timeout"),
  task_timeout = options.duration("workflow_task_timeout"),
  id_reuse_policy = shared.id_reuse_policy,
  retry_policy = shared.retry_policy,
  cron_schedule = options.string("cron_schedule"),
  priority = shared.priority,
  memo = shared.memo,
  search_attributes = shared.search_attributes,
  header = shared.header,
  static_summary = shared.static_summary,
  static_details = shared.static_details,
  versioning_override = shared.versioning_override,
  parent_close_policy = options.choice("parent_close_policy", PARENT_CLOSE),
  cancellation_type = options.choice("cancellation_type", CANCELLATION),
})

local child = {
  event = "start_child_workflow_execution_initiated",
}
local metatable

-- What the start of a child came to: a future of its own.
local start_metatable = future.class("temporal.workflow.child_start", {})

function child:command(run)
  local given = self.options
  return {
    command_type = "COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION",
    start_child_workflow_execution_command_attributes = {
      namespace = run.namespace,
      workflow_id = self.id,
      workflow_type = { name = self.workflow_type },
      task_queue = { name = given.task_queue or run.task_queue },
      input = self.input,
      workflow_execution_timeout = given.workflow_execution_timeout,
      workflow_run_timeout = given.workflow_run_timeout,
      workflow_task_timeout = given.workflow_task_timeout,
      parent_close_policy = given.parent_close_policy or PARENT_CLOSE.terminate,
      workflow_id_reuse_policy = given.workflow_id_reuse_policy,
      retry_policy = given.retry_policy,
      cron_schedule = given.cron_schedule,
      priority = given.priority,
      memo = given.memo,
      search_attributes = given.search_attributes,
      header = given.header,
      versioning_override = given.versioning_override,
    },
    user_metadata = given.user_metadata,
  }
end

function child:matches(attributes)
  return attributes.workflow_id == self.id and attributes.workflow_type ~= nil
    and attributes.workflow_type.name == self.workflow_type
end

--- Is it the event of another id? Then the id becomes that, unless the code chose it.
function child:adopt(attributes)
  local same = not self.options.workflow_id and attributes.workflow_type
    and attributes.workflow_type.name == self.workflow_type
  self.id = same and attributes.workflow_id or self.id
  return same
end

local function show(id, name)
  return ("child workflow %s (id %q)"):format(name, id)
end

function child:shows()
  return show(self.id, self.workflow_type)
end

function child.shows_event(attributes)
  return show(attributes.workflow_id, attributes.workflow_type and attributes.workflow_type.name)
end

local function failed(self, message, attributes, cause)
  return failure.to_error({
    message = message,
    cause = cause,
    child_workflow_execution_failure_info = {
      namespace = current.run.namespace,
      workflow_execution = { workflow_id = self.id, run_id = self.run_id },
      workflow_type = { name = self.workflow_type },
      initiated_event_id = self.event_id,
      started_event_id = attributes and attributes.started_event_id,
      retry_state = attributes and attributes.retry_state or "RETRY_STATE_NON_RETRYABLE_FAILURE",
    },
  }, current.run.converter)
end

local function canceled(self, attributes)
  return failed(self, "child workflow canceled", attributes, {
    message = "canceled",
    canceled_failure_info = { details = attributes and attributes.details },
  })
end

-- Both of its futures.
local function end_both(self, err)
  future.reject(self.start, err)
  operation.reject(self, err)
  return true
end

child.happens = {
  start_child_workflow_execution_failed = function(self, attributes)
    local exists = attributes.cause
      == "START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS"
    local err = failed(self, "child workflow could not be started", attributes, nil)
    err.cause = errors.received {
      kind = exists and "already_started" or "not_found", workflow_id = self.id,
      message = exists and "a workflow of this id is there already"
        or tostring(attributes.cause),
    }
    err.raw = nil -- the cause is none of a Failure
    return end_both(self, err)
  end,
  child_workflow_execution_started = function(self, attributes)
    self.run_id = attributes.workflow_execution and attributes.workflow_execution.run_id
    future.resolve(self.start, self.run_id)
    return false
  end,
  child_workflow_execution_completed = function(self, attributes)
    self.result = attributes.result
    operation.resolve(self)
    return true
  end,
  child_workflow_execution_failed = function(self, attributes)
    return end_both(self, failed(self, "child workflow failed", attributes, attributes.failure))
  end,
  child_workflow_execution_canceled = function(self, attributes)
    return end_both(self, canceled(self, attributes))
  end,
  child_workflow_execution_timed_out = function(self, attributes)
    return end_both(self, failed(self, "child workflow timed out", attributes, {
      message = "child workflow timed out",
      timeout_failure_info = { timeout_type = "TIMEOUT_TYPE_START_TO_CLOSE" },
    }))
  end,
  child_workflow_execution_terminated = function(self, attributes)
    return end_both(self, failed(self, "child workflow terminated", attributes, {
      message = "child workflow terminated", terminated_failure_info = {},
    }))
  end,
}

child.outcome, child.raw = operation.outcome, operation.raw

--- Waits until the child has started.
-- @tparam[opt] number|string timeout a duration
-- @treturn string its run id
-- @raise why it could not; kind `timeout`
function child:started(timeout)
  self.start_asked = true
  return self.start:get(timeout)
end

--- Waits until the child has started, signals it, and waits until the server has
-- the signal.
-- @tparam string|table name, or `{name=, wait=false}` for the future
-- @param ... arguments of the signal
function child:signal(name, ...)
  self.start:get() -- before that the server knows of no such workflow
  return external.signal({ workflow_id = self.id }, true, name, select("#", ...), ...)
end

function child:withdraw()
  end_both(self, canceled(self))
end

function child:waits()
  local kind = self.options.cancellation_type
  return kind ~= "abandon" and kind ~= "try_cancel"
end

function child:request_cancel(reason)
  local kind = self.options.cancellation_type
  if kind == "abandon" then
    return end_both(self, canceled(self))
  end
  local target = { workflow_id = self.id, run_id = self.run_id }
  local request = external.request_cancel(target, true, reason)
  if kind == "try_cancel" then
    return end_both(self, canceled(self))
  elseif kind == "wait_cancellation_requested" then
    request.taken = function()
      end_both(self, canceled(self))
    end
  end
  self.patient, self.start.patient = true, true
  return nil
end

metatable = operation.class("temporal.workflow.child", child)

local METHOD = "workflow.execute_child_workflow"

local children = {}

--- Starts a child workflow.
-- @tparam table given options
-- @param workflow a type name, or a definition
-- @tparam integer count of arguments
-- @param ... arguments
-- @treturn operation
-- @raise on misuse; kind `canceled` in a canceled scope
function children.execute(given, workflow, count, ...)
  local run, caller = operation.begin(METHOD)
  local checked = operation.options(OPTIONS, given, METHOD, run)
  local name = names.resolve(run, workflow, count)
  local id = checked.workflow_id or run:generator():uuid()
  local input = operation.input(run, METHOD, count, ...)
  return operation.emit(run, caller.scope, setmetatable({
    done = false, id = id, workflow_type = name, options = checked, input = input,
    start = setmetatable({ done = false }, start_metatable),
  }, metatable))
end

return children
