--- One operation on schedules: from its options, through the interceptors, to
-- the server.
-- @module temporal.schedule.operation

local call_options = require "temporal.call.call_options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"

local operation = {}

-- What the server says when a schedule that it kept in a workflow is deleted.
local CLOSED = "^Workflow execution closed"

local function not_found(err, id)
  err.kind = "not_found"
  err.message = ("there is no schedule %q (%s)"):format(id, err.message)
end

local function name_schedule(err, id)
  if err.kind == "already_exists" then
    err.kind = "already_started"
  elseif id and (err.kind == "not_found"
    or err.kind == "failed_precondition" and err.message:find(CLOSED)) then
    not_found(err, id)
  end
  err.schedule_id = id
  return err
end

--- Sends a request within the time that the operation has left.
-- @tparam table input of the operation
-- @tparam string method
-- @tparam table request
-- @tparam[opt] boolean retry false to try once
-- @treturn table|nil the response, or nil
-- @treturn temporal.error with `schedule_id`
function operation.call(input, method, request, retry)
  local given = input.options
  local left, late = call_options.left(input.deadline, given.timeout)
  if late then
    return nil, late
  end
  local response, err = service.call(sessions.of(input.client), method, request, {
    timeout = left, metadata = given.metadata, retry = retry,
  })
  if not response then
    return nil, name_schedule(err, input.id)
  end
  return response
end

--- Runs an operation through the interceptors.
-- @param client
-- @tparam string name of the operation
-- @tparam table given its options, checked
-- @tparam table fields of its input; `client`, `options` and `deadline` are
--   added
-- @tparam function perform `perform(input)`
-- @return what `perform` returned
function operation.run(client, name, given, fields, perform)
  fields.client, fields.options = client, given
  fields.deadline = call_options.deadline(given)
  return sessions.run(name, fields, perform)
end

return operation
