--- Changing an execution from outside: reset, delete, pause, unpause, and the
-- options it keeps.
-- @module temporal.control

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local errors = require "temporal.error.error"
local execution_options = require "temporal.call.execution_options"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"

local MAX_EVENT = 2 ^ 53
local MAX_ID = 1000

local control = {}

-- Sends, and is content with the server's yes.
local function acknowledge(input, method, request)
  local response, err = operation.call(input, method, request)
  if not response then
    return nil, err
  end
  return true
end

-- Reset.

local EXCLUDE = { signal = 1, update = 2, nexus = 3, cancel_request = 4 }

local RESET = call_options.define("option of workflow:reset", {
  event_id = options.number("event_id", { integer = true, min = 2, max = MAX_EVENT }),
  reason = call_options.REASON,
  exclude = options.list("exclude", function(name)
    return type(name) == "string" and EXCLUDE[name] ~= nil
  end, 'must be one of "signal", "update", "nexus", "cancel_request"'),
  request_id = options.string("request_id", { max = MAX_ID }),
})

local function new_run(input, run_id)
  local client = input.client
  if sessions.of(client).closed then
    return nil, errors.new {
      kind = "closed", workflow_id = input.id, run_id = run_id,
      message = "the workflow was reset, but the client has been closed meanwhile",
    }
  end
  return client:workflow(input.id, run_id)
end

local function reset(input)
  local given = input.options
  local exclude = {}
  for i, name in ipairs(given.exclude or {}) do
    exclude[i] = EXCLUDE[name]
  end
  local response, err = operation.call(input, "ResetWorkflowExecution", {
    workflow_execution = operation.execution(input),
    workflow_task_finish_event_id = given.event_id,
    reason = given.reason,
    reset_reapply_exclude_types = exclude,
    request_id = given.request_id,
  })
  if not response then
    return nil, err
  end
  return new_run(input, response.run_id)
end

--- Starts the workflow again from a point of its history, as a new run; a run
-- that is still open is terminated. Acts on the run that `result_run_id` or
-- `run_id` names, else on the latest.
--
-- Never sent twice by itself: the server does not recognise a repetition and
-- would make one more run. After an error with `outcome = "unknown"` look
-- before asking again.
-- @param self a future
-- @tparam table given `event_id` (required: a completed, failed or timed out
--   workflow task, or the event after a started one; 2 or more), `reason`,
--   `exclude` (what came after that point and is not to be applied again: a
--   list of `"signal"`, `"update"`, `"nexus"`, `"cancel_request"`),
--   `request_id`, `timeout`, `metadata`
-- @return the handle of the new run, or nil
-- @treturn temporal.error
-- @raise on misuse
function control.reset(self, given)
  given = call_options.trailing(RESET, given, "workflow:reset")
  if not given.event_id then
    misuse.raise('option "event_id" of workflow:reset is missing: the id of the '
      .. "workflow task event from which to start again")
  end
  return operation.run(self, "reset", "run", given, reset)
end

-- Delete.

local DELETE = call_options.define("option of workflow:delete")

local function delete(input)
  return acknowledge(input, "DeleteWorkflowExecution", {
    workflow_execution = operation.execution(input),
  })
end

--- Deletes a run with its history; an open one is terminated. Acts on the run
-- that `result_run_id` or `run_id` names, else on the latest. The server does
-- it later: the run may be listed for a while.
-- @param self a future
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error; a `not_found` with `outcome = "unknown"` comes
--   after an attempt that may have done it
-- @raise on misuse
function control.delete(self, given)
  given = call_options.trailing(DELETE, given, "workflow:delete")
  return operation.run(self, "delete", "run", given, delete)
end

-- Pause and unpause.

local REASON = { reason = call_options.REASON }
local PAUSE = call_options.define("option of workflow:pause", REASON)
local UNPAUSE = call_options.define("option of workflow:unpause", REASON)

local function pause_with(method)
  return function(input)
    return acknowledge(input, method, {
      workflow_id = input.id, run_id = input.run_id, reason = input.options.reason,
    })
  end
end

local pause, unpause = pause_with("PauseWorkflowExecution"), pause_with("UnpauseWorkflowExecution")

--- Pauses the workflow: it gets no further tasks until `unpause`. Servers of
-- today have this off by default and answer `unimplemented`.
-- @param self a future
-- @tparam[opt] string reason
-- @tparam[opt] table given `timeout`, `metadata`; also in place of the reason
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `failed_precondition` when it is paused
--   already
-- @raise on misuse
function control.pause(self, reason, given)
  given = call_options.with_reason(PAUSE, reason, given, "workflow:pause")
  return operation.run(self, "pause", "latest", given, pause)
end

--- Lets a paused workflow go on.
-- @param self a future
-- @tparam[opt] string reason
-- @tparam[opt] table given `timeout`, `metadata`; also in place of the reason
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `failed_precondition` when it is not paused
-- @raise on misuse
function control.unpause(self, reason, given)
  given = call_options.with_reason(UNPAUSE, reason, given, "workflow:unpause")
  return operation.run(self, "unpause", "latest", given, unpause)
end

-- Options.

local LABEL = "option of workflow:update_options"

-- The options an execution keeps, in the order of the field mask.
local KEPT = { "versioning_override", "priority" }

-- What the request has in place of an option that is cleared. (Server 1.32
-- ignores a priority that the mask names and that is absent.)
local CLEARED = { priority = {} }

local function or_null(field, handler)
  return function(target, value, spec, name)
    if value == core.null then
      target[field] = value
    else
      handler(target, value, spec, name)
    end
  end
end

local OPTIONS = call_options.define(LABEL, {
  versioning_override = or_null("versioning_override",
    execution_options.versioning_option(LABEL)),
  priority = or_null("priority", execution_options.priority_option(LABEL)),
})

local function update_options(input)
  local given = input.options
  local kept, paths = {}, {}
  for _, name in ipairs(KEPT) do
    local value = given[name]
    if value ~= nil then
      paths[#paths + 1] = name
      if value == core.null then
        value = CLEARED[name]
      end
      kept[name] = value
    end
  end
  return acknowledge(input, "UpdateWorkflowExecutionOptions", {
    workflow_execution = operation.execution(input),
    workflow_execution_options = kept,
    update_mask = { paths = paths },
  })
end

--- Changes options that the execution keeps. What is not named stays;
-- `temporal.null` clears.
-- @param self a future
-- @tparam table given `versioning_override`, `priority` (both as the start
--   options of these names), `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
-- @raise on misuse, also when nothing is to be changed
function control.update_options(self, given)
  given = call_options.trailing(OPTIONS, given, "workflow:update_options")
  if given.versioning_override == nil and given.priority == nil then
    misuse.raise("workflow:update_options: nothing to change; it takes versioning_override "
      .. "and priority (temporal.null clears)")
  end
  return operation.run(self, "update_options", "latest", given, update_options)
end

return control
