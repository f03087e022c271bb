--- Updates: messages to a workflow that answer.
-- @module temporal.update

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local handle = require "temporal.call.handle"
local message = require "temporal.run.message"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local update_future = require "temporal.run.update_future"
local update_request = require "temporal.run.update_request"
local wait = require "temporal.wait.wait"

local name_error, ran_out = update_future.name_error, update_future.ran_out

local STAGES = { accepted = 2, completed = 3 }

-- UpdateWorkflowExecutionResponse: asked again until `outcome` is there or
-- `stage` is ACCEPTED; before that the server may forget the update.
local UNTIL_DURABLE = { present = 2, number = 3, least = STAGES.accepted }

local UPDATE = call_options.define("option of workflow:update", {
  name = options.string("name"),
  id = options.string("id"),
  header = message.header_option,
})

local START_UPDATE = call_options.define("option of workflow:start_update", {
  name = options.string("name"),
  id = options.string("id"),
  wait = options.choice("wait", STAGES),
  header = message.header_option,
})

local UPDATE_HANDLE = call_options.define("option of workflow:update_handle")

local update = {}

--- Sends an update until the server has it for certain.
-- @tparam temporal.session session
-- @tparam table names `id workflow_id run_id` of the update: the run to update,
--   nil for the latest
-- @tparam string|nil first_execution_run_id
-- @tparam string request of update_request.encode
-- @tparam integer stage to wait for
-- @tparam table call `timeout` (seconds) and `metadata`
-- @treturn temporal.update|nil its future, or nil
-- @treturn temporal.error
function update.send(session, names, first_execution_run_id, request, stage, call)
  local execution = { workflow_id = names.workflow_id, run_id = names.run_id }
  local answer, err = service.call(session, "UpdateWorkflowExecution", {
    workflow_execution = execution,
    first_execution_run_id = first_execution_run_id,
    wait_policy = { lifecycle_stage = stage },
    request = request,
  }, { timeout = call.timeout, metadata = call.metadata, again = UNTIL_DURABLE })
  if not answer then
    return nil, err
  end
  return update_future.new(session.client, execution, names.id, call, answer)
end

--- Ends what sends an update: waits for its outcome when that was asked for,
-- and names the update in errors.
-- @tparam temporal.update|nil future
-- @tparam temporal.error|nil err
-- @tparam table names of the update
-- @tparam integer stage to wait for
-- @tparam number|nil timeout seconds for all of it
-- @tparam number|nil deadline when they are over
-- @treturn temporal.update|nil, or nil
-- @treturn temporal.error
function update.finish(future, err, names, stage, timeout, deadline)
  if not future then
    if timeout and err.kind == "deadline_exceeded" then
      return nil, ran_out("acceptance", timeout, names, false, err)
    end
    return nil, name_error(err, names)
  end
  if stage == STAGES.completed then
    local settled, problem = future:_settle(wait.left(deadline))
    if not settled then
      if problem.kind == "timeout" then
        problem = ran_out("outcome", timeout, future, true, problem)
      end
      return nil, problem
    end
  end
  return future
end

-- Everything up to the durable update.
local function begin(input, names, stage, deadline, method)
  local session, given = sessions.of(input.client), input.options
  local request, err = update_request.build(input, method)
  if not request then
    return nil, err
  end
  local execution, first, left = handle.execution(input.workflow, "chain", given)
  if not execution then
    return nil, first
  end
  names.run_id = execution.run_id
  local call = { timeout = left, metadata = given.metadata }
  local bytes
  bytes, err = update_request.encode(session, request, call)
  if bytes then
    call.timeout, err = call_options.left(deadline, given.timeout)
  end
  if err then
    return nil, err
  end
  return update.send(session, names, first, bytes, stage, call)
end

local function perform(input, stage, method)
  local timeout = input.options.timeout
  local deadline = call_options.deadline(input.options)
  local names = { id = input.update_id, workflow_id = input.id }
  local future, err = begin(input, names, stage, deadline, method)
  return update.finish(future, err, names, stage, timeout, deadline)
end

local function perform_update(input)
  local future, err = perform(input, STAGES.completed, "workflow:update")
  if not future then
    return nil, err
  end
  return future:_read()
end

local function perform_start_update(input)
  return perform(input, input.options.wait or STAGES.accepted, "workflow:start_update")
end

local function input_of(self, given, ...)
  local input = message.input(self, given, ...)
  input.update_id = given.id or core.uuid()
  return input
end

--- Updates the workflow and waits for the handler's answer. Acts on the latest
-- run of the workflow's chain, or the run its handle was made for.
-- @param self the workflow's future or handle
-- @tparam string|table name the update's name, or `{name=, id=, header=, timeout=,
--   metadata=}`; `id` is a UUID when absent: an update id is carried out once
--   in a run, and repeating it gives the first outcome
-- @param ... arguments
-- @return the value, or nil
-- @treturn temporal.error of kind `update_failed` (rejected or failed, see
--   `cause`); `timeout` with `update_id` when `timeout` ran out: the update goes
--   on; `message_too_large`; `not_found` when the workflow is closed
-- @raise on misuse
local function execute(self, name, ...)
  local given = call_options.named(UPDATE, name, "workflow:update")
  return sessions.run("update", input_of(self, given, ...), perform_update)
end

--- Updates the workflow and waits until the server has the update for certain.
-- @param self the workflow's future or handle
-- @tparam string|table name the update's name, or `{name=, id=, wait=, header=,
--   timeout=, metadata=}`; `wait` is the stage to wait for, `"accepted"` (the
--   default) or `"completed"`
-- @param ... arguments
-- @treturn temporal.update|nil its future: `get`, `ready`, `wait`, `id`,
--   `workflow_id`, `run_id`; a rejected update's `get` fails; or nil
-- @treturn temporal.error as of `update`
-- @raise on misuse
local function start_update(self, name, ...)
  local given = call_options.named(START_UPDATE, name, "workflow:start_update")
  return sessions.run("start_update", input_of(self, given, ...), perform_start_update)
end

--- The handle of an update sent elsewhere. Asks the server for nothing yet.
-- @param self the workflow's future or handle
-- @tparam string id of the update
-- @tparam[opt] table handle_options `timeout` (of the wait for a start that is
--   not yet acknowledged), `metadata` (for `get`)
-- @treturn temporal.update|nil its future, or nil
-- @treturn temporal.error why the workflow was not started
-- @raise on misuse
local function update_handle(self, id, handle_options)
  if type(id) ~= "string" or id == "" then
    misuse.raisef("workflow:update_handle: the update id must be a string that is not empty, "
      .. "got %s", options.show(id))
  end
  local given = call_options.trailing(UPDATE_HANDLE, handle_options, "workflow:update_handle")
  local execution, err = handle.execution(self, "latest", given)
  if not execution then
    return nil, err
  end
  return update_future.new(core.owner(self), execution, id, given)
end

update.update = execute
update.start_update = start_update
update.update_handle = update_handle
update.STAGES = STAGES

return update
