--- One operation on the execution a handle stands for: from its options,
-- through the interceptors, to the server.
-- @module temporal.operation

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local handle = require "temporal.call.handle"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"

local operation = {}

--- Runs an operation on an execution.
-- @param future its handle; a start not yet acknowledged is waited for
-- @tparam string name of the operation, for interceptors
-- @tparam string which run it is for: `"latest"`, `"chain"` or `"run"`
-- @tparam table given its options, checked
-- @tparam function perform `perform(input)` does it; `input` has `client`,
--   `workflow` (the future), `id`, `run_id`, `options`, `deadline`
-- @return what `perform` returned, or nil
-- @treturn temporal.error
function operation.run(future, name, which, given, perform)
  local deadline = call_options.deadline(given)
  local execution, err = handle.execution(future, which, given)
  if not execution then
    return nil, err
  end
  local client = core.owner(future)
  return sessions.run(name, {
    client = client,
    workflow = future,
    id = execution.workflow_id,
    run_id = execution.run_id,
    options = given,
    deadline = deadline,
  }, perform)
end

--- The execution of an operation, for its request.
-- @tparam table input
-- @treturn table a temporal.api.common.v1.WorkflowExecution
function operation.execution(input)
  return { workflow_id = input.id, run_id = input.run_id }
end

-- What a request of an operation is sent with: within the time it has left.
local function call_of(input)
  local given = input.options
  local left, late = call_options.left(input.deadline, given.timeout)
  if late then
    return nil, late
  end
  return { timeout = left, metadata = given.metadata, workflow_id = input.id }
end

--- Sends the request of an operation, within the time it has left.
-- @tparam table input `client`, `options` (`timeout`, `metadata`), `deadline`
-- @tparam string method
-- @tparam table request
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
function operation.call(input, method, request)
  local call, late = call_of(input)
  if not call then
    return nil, late
  end
  return service.call(sessions.of(input.client), method, request, call)
end

--- The same without waiting for the answer.
-- @tparam table input
-- @tparam string method
-- @tparam table request
-- @return the future, or nil
-- @treturn temporal.error
function operation.start(input, method, request)
  local call, late = call_of(input)
  if not call then
    return nil, late
  end
  return service.start(sessions.of(input.client), method, request, call)
end

return operation
