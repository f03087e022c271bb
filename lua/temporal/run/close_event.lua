--- How a run ended: what its close event means.
-- @module temporal.close_event

local enum = require "temporal.base.enum"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local field = require "temporal.base.field"

local filled = field.filled
local new, received = errors.new, errors.received

local function close_cause(event, converter)
  local failed = event.workflow_execution_failed_event_attributes
  if failed then
    return failure.to_error(failed.failure, converter), "workflow execution failed", failed
  end
  local timed_out = event.workflow_execution_timed_out_event_attributes
  if timed_out then
    local cause = received {
      kind = "timed_out", message = "the workflow's own timeout passed",
      timeout_type = "start_to_close",
    }
    return cause, "workflow execution timed out", timed_out
  end
  local canceled = event.workflow_execution_canceled_event_attributes
  if canceled then
    local cause = received {
      kind = "canceled", message = "canceled",
      details = failure.values(canceled.details, converter),
    }
    return cause, "workflow execution was canceled", canceled
  end
  local terminated = event.workflow_execution_terminated_event_attributes
  if terminated then
    local cause = received {
      kind = "terminated",
      message = terminated.reason ~= "" and terminated.reason or "terminated",
      reason = terminated.reason,
      details = failure.values(terminated.details, converter),
      identity = filled(terminated.identity),
    }
    return cause, "workflow execution was terminated", terminated
  end
  return nil
end

local function continued_as_new(event, attributes, run, converter)
  local new_run_id = filled(attributes.new_execution_run_id)
  return new {
    kind = "continued_as_new",
    message = "the workflow continues in run " .. (new_run_id or "unknown"),
    new_run_id = new_run_id,
    workflow_id = run.workflow_id,
    run_id = run.run_id,
    workflow_type = run.workflow_type,
    -- Servers that rewrite the close event of a retried run keep its failure.
    cause = failure.to_error(attributes.failure, converter),
    raw = event,
  }
end

--- What a close event means.
-- @tparam table event a decoded HistoryEvent
-- @tparam table run `workflow_id`, `run_id`, `workflow_type` of the run it closed
-- @param converter
-- @treturn table|nil the list of result payloads when it completed
-- @treturn temporal.error|nil otherwise
local function read(event, run, converter)
  local completed = event.workflow_execution_completed_event_attributes
  if completed then
    return completed.result and completed.result.payloads or {}
  end
  local continued = event.workflow_execution_continued_as_new_event_attributes
  if continued then
    return nil, continued_as_new(event, continued, run, converter)
  end
  local cause, message, attributes = close_cause(event, converter)
  if not attributes then
    return nil, new {
      kind = "internal",
      message = ("the server closed the workflow with an event of type %s, which is not known")
        :format(tostring(event.event_type)),
      workflow_id = run.workflow_id, run_id = run.run_id, raw = event,
    }
  end
  return nil, new {
    kind = "workflow_failed",
    message = message,
    cause = cause,
    workflow_id = run.workflow_id,
    run_id = run.run_id,
    workflow_type = run.workflow_type,
    retry_state = enum.short("RETRY_STATE_", attributes.retry_state),
    raw = event,
  }
end

return { read = read }
