--- Cancel and terminate.
-- @module temporal.cancel

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local handle = require "temporal.call.handle"
local message = require "temporal.run.message"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local timestamp = require "temporal.base.timestamp"

local next, select, type = next, select, type

local PAYLOADS = "temporal.api.common.v1.Payloads"

-- What the server makes of an empty reason.
local NO_REASON = "terminated by user via frontend"

-- How far the server's clock may be behind ours, in seconds.
local CLOCK_SKEW = 5

local CANCEL = call_options.define("option of workflow:cancel", { reason = call_options.REASON })

local TERMINATE = call_options.define("option of workflow:terminate", {
  reason = call_options.REASON,
  details = function(given, value, spec, name)
    if type(value) ~= "table" then
      return options.fail(spec, name, "must be a list of values", options.kind_of(value))
    end
    given.details = value
  end,
})

local function input_of(future, given)
  return {
    client = core.owner(future),
    workflow = future,
    id = core.field(future, "id"),
    run_id = handle.is_pinned(future) and core.field(future, "run_id") or nil,
    reason = given.reason,
    header = {},
    options = given,
  }
end

local function perform_cancel(input)
  local given = input.options
  local execution, first, left = handle.execution(input.workflow, "chain", given)
  if not execution then
    return nil, first
  end
  local answer, err = service.call(sessions.of(input.client), "RequestCancelWorkflowExecution", {
    workflow_execution = execution,
    first_execution_run_id = first,
    reason = input.reason,
  }, { timeout = left, metadata = given.metadata })
  if not answer then
    return nil, err
  end
  return true
end

--- Asks the workflow to cancel itself. Acts on the latest run of the workflow's
-- chain, or the run its handle was made for. A workflow that is closed already
-- takes the request and nothing happens.
-- @param self the workflow's future or handle
-- @tparam[opt] string|table reason a text, or the options
-- @tparam[opt] table cancel_options `timeout`, `metadata` (and `reason`)
-- @treturn boolean|nil true: the server took the request; or nil
-- @treturn temporal.error of kind `not_found` when there is no such workflow,
--   or only one of another chain
-- @raise on misuse
local function cancel(self, reason, cancel_options)
  local given = call_options.with_reason(CANCEL, reason, cancel_options, "workflow:cancel")
  return sessions.run("cancel", input_of(self, given), perform_cancel)
end

-- An attempt that was lost on the way may have terminated the workflow, and the
-- next one finds it closed.

local function contains(map, other)
  for key, value in next, other do
    if map[key] ~= value then
      return false
    end
  end
  return true
end

local function same_payload(a, b)
  return a.data == b.data and contains(a.metadata, b.metadata) and contains(b.metadata, a.metadata)
end

-- `ours` as sent: bytes, or a table whose parts may be bytes.
local function same_payloads(ours, theirs)
  if type(ours) == "table" then
    ours = core.encode(PAYLOADS, ours, true)
  end
  local a = ours and core.decode(PAYLOADS, ours).payloads or {}
  local b = theirs and theirs.payloads or {}
  for i = 1, math.max(#a, #b) do
    if not (a[i] and b[i] and same_payload(a[i], b[i])) then
      return false
    end
  end
  return true
end

local function is_ours(event, request, identity, began)
  local attributes = event and event.workflow_execution_terminated_event_attributes
  if not attributes then
    return false
  end
  local reason = request.reason
  if reason == nil or reason == "" then
    reason = NO_REASON
  end
  return attributes.identity == identity and attributes.reason == reason
    and timestamp.from_message(event.event_time) >= began - CLOCK_SKEW
    and same_payloads(request.details, attributes.details)
end

-- The last event of a run, which is its close event when it is closed. (A
-- request for the close event alone would wait for it while the run is open.)
local function last_event(session, execution, call)
  local answer = service.call(session, "GetWorkflowExecutionHistoryReverse", {
    execution = execution, maximum_page_size = 1,
  }, call)
  return answer and answer.history and answer.history.events[1]
end

-- Was it one of our own attempts that closed the workflow?
local function terminated_before(input, request, call, began)
  local session, execution = sessions.of(input.client), request.workflow_execution
  local identity = session:identify()
  if is_ours(last_event(session, execution, call), request, identity, began) then
    return true
  end
  -- Somebody may have started the id again since.
  local run_id = core.field(input.workflow, "run_id")
  if not execution.run_id and run_id then
    local known = { workflow_id = execution.workflow_id, run_id = run_id }
    return is_ours(last_event(session, known, call), request, identity, began)
  end
  return false
end

local function perform_terminate(input)
  local session, given = sessions.of(input.client), input.options
  local details, err = message.arguments(session, input.id, input.details, "workflow:terminate",
    "details")
  if err then
    return nil, err
  end
  local deadline = call_options.deadline(given)
  local execution, first, left = handle.execution(input.workflow, "chain", given)
  if not execution then
    return nil, first
  end
  local request = {
    workflow_execution = execution,
    first_execution_run_id = first,
    reason = input.reason,
    details = details,
  }
  local began = core.time()
  local answer, failed = service.call(session, "TerminateWorkflowExecution", request,
    { timeout = left, metadata = given.metadata })
  if answer then
    return true
  end
  if failed.kind ~= "not_found" then
    return nil, failed
  end
  if failed.outcome == "unknown" then
    left = call_options.left(deadline, given.timeout)
    if (left or not deadline) and terminated_before(input, request,
      { timeout = left, metadata = given.metadata }, began) then
      return true
    end
  else
    failed.outcome = nil
  end
  return nil, failed
end

--- Ends the workflow at once; it is not told. Acts on the latest run of the
-- workflow's chain, or the run its handle was made for.
-- @param self the workflow's future or handle
-- @tparam[opt] string|table reason a text, or `{reason=, details={...}, timeout=,
--   metadata=}` in place of all arguments (`details.n` counts trailing nils)
-- @param ... details: values, for whoever reads the close event
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `not_found` when there is no such workflow or
--   it is closed; with `outcome = "unknown"` when an earlier attempt of this
--   call may have been what closed it
-- @raise on misuse
local function terminate(self, reason, ...)
  local count = select("#", ...)
  if type(reason) == "table" and count > 0 then
    misuse.raise("workflow:terminate: details go into the table of options: "
      .. "{reason=, details={...}}")
  end
  local given = call_options.with_reason(TERMINATE, reason, nil, "workflow:terminate")
  if count > 0 then
    given.details = { n = count, ... }
  end
  local input = input_of(self, given)
  input.details = given.details or { n = 0 }
  return sessions.run("terminate", input, perform_terminate)
end

return {
  cancel = cancel,
  terminate = terminate,
}
