--- Signals: messages to a workflow that nobody waits to be handled.
-- @module temporal.signal

local call_options = require "temporal.call.call_options"
local handle = require "temporal.call.handle"
local message = require "temporal.run.message"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local start = require "temporal.run.start"

local type = type

local SIGNAL = call_options.define("option of workflow:signal", {
  name = options.string("name"),
  wait = options.boolean("wait"),
  header = message.header_option,
})

local function perform_signal(input)
  local session, given = sessions.of(input.client), input.options
  local payloads, err = message.arguments(session, input.id, input.args, "workflow:signal")
  if err then
    return nil, err
  end
  local header
  header, err = message.header(session, input.id, input.header, "workflow:signal")
  if err then
    return nil, err
  end
  local execution, problem, left = handle.execution(input.workflow, "latest", given)
  if not execution then
    return nil, problem
  end
  local send = given.wait == false and service.start or service.call
  local answer, failed = send(session, "SignalWorkflowExecution", {
    workflow_execution = execution,
    signal_name = input.name,
    input = payloads,
    header = header,
  }, { timeout = left, metadata = given.metadata })
  if answer and given.wait ~= false then
    return true
  end
  return answer, failed
end

--- Signals the workflow: its latest run, or the run its handle was made for.
-- The server takes a signal of any name. All attempts of one call carry one
-- request id, so the workflow has it once.
-- @param self the workflow's future or handle
-- @tparam string|table name the signal's name, or `{name=, wait=true, header=,
--   timeout=, metadata=}`; `wait=false` does not wait for the server
-- @param ... arguments
-- @treturn boolean|nil true once the server has it, or nil; with `wait=false`
--   the future of the call: `get`, `ready`, `wait`, `abandon`
-- @treturn temporal.error of kind `not_found` when there is no such workflow
--   or it is closed
-- @raise on misuse
local function signal(self, name, ...)
  local given = call_options.named(SIGNAL, name, "workflow:signal")
  return sessions.run("signal", message.input(self, given, ...), perform_signal)
end

local WITH_START = message.define_with_start("signal")
local METHOD = "client:signal_with_start"

-- What the start options may not say when a signal comes with them.
local function check_start(given)
  if type(given) ~= "table" then
    misuse.raisef("the start options must be a table, got %s", options.kind_of(given))
  elseif given.id_conflict_policy == "fail" then
    misuse.raise('start option id_conflict_policy = "fail" contradicts signal_with_start: a '
      .. 'workflow that is running is signaled; leave it out, or use "terminate_existing"')
  elseif given.on_already_started == "attach" then
    misuse.raise('start option on_already_started = "attach" contradicts signal_with_start: the '
      .. "signal would be lost where the id may not be used again; leave it out")
  elseif given.callbacks ~= nil then
    misuse.raise('start option "callbacks" is not possible with signal_with_start: the server '
      .. "takes none there")
  end
  start.check_not_eager(given, "signal_with_start")
end

local function perform_with_start(input)
  local session = sessions.of(input.client)
  local request = message.start_request(input)
  local err
  request.signal_name = input.signal.name
  request.signal_input, err =
    message.arguments(session, request.workflow_id, input.signal.args, METHOD)
  request.refusal = request.refusal or err
  return start.send(session, request, input.options, input.type, true)
end

--- Signals a workflow, which is started first when it is not running: one
-- request, so nobody comes in between. Does not wait for the server.
-- @param client
-- @tparam table start_options as for `client:execute_workflow`
-- @tparam table given the signal: `{name=, args={...}}` (`args.n` counts trailing
--   nils), or `{"name", args...}`
-- @tparam string|function workflow the type name, or the definition
-- @param ... arguments of the workflow
-- @return the workflow's future, as of `execute_workflow`; `attached` is true
--   when it was running already
-- @raise on misuse
local function signal_with_start(client, start_options, given, workflow, ...)
  check_start(start_options)
  return sessions.run("signal_with_start",
    message.input_with_start(WITH_START, METHOD, client, start_options, given, workflow, ...),
    perform_with_start)
end

return {
  signal = signal,
  signal_with_start = signal_with_start,
}
