--- Raw calls: any RPC of WorkflowService, OperatorService or Health, as
-- plain tables.
-- @module temporal.service

local core = require "temporal.core"
local errors = require "temporal.error.error"
local interceptor = require "temporal.base.lazy" "temporal.observe.interceptor"
local large = require "temporal.base.lazy" "temporal.call.large"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local state = require "temporal.base.state"
local target = require "temporal.connection.target"
local wait = require "temporal.wait.wait"

-- Gives the futures of calls their methods.
require "temporal.call.future"

local type, next = type, next

-- What core.rpc knows of a method, by the name the user calls it by.
local known = {}

-- The server holds these until something happens: no deadline but the
-- caller's, and failures of the transport are waited out.
local LONG_POLLS = {
  GetWorkflowExecutionHistory = "wait_new_event",
  UpdateWorkflowExecution = true,
  ExecuteMultiOperation = true,
  PollWorkflowExecutionUpdate = true,
  PollActivityExecution = true,
  PollNexusOperationExecution = true,
  PollWorkflowTaskQueue = true,
  PollActivityTaskQueue = true,
  PollNexusTaskQueue = true,
}

local NO_OPTIONS = {}

-- Not deduplicated by the server: a repetition makes a second new run.
local NEVER_RETRIED = { ResetWorkflowExecution = true }

local CALL = options.define("call option", {
  timeout = options.seconds("timeout", { above = 0 }),
  metadata = function(call, value)
    target.metadata_list(value, 'call option "metadata"')
    call.metadata = value
  end,
  retry = options.boolean("retry"),
})

--- What the engine knows of a method: its `path`, `method`, `request` and `response`
-- types, and whether its requests have `namespace`, `identity`, `request_id`.
local function lookup(name)
  local rpc = known[name]
  if rpc then
    return rpc
  end
  if type(name) ~= "string" then
    misuse.raisef("the method must be a string such as \"DescribeNamespace\", got %s",
      options.kind_of(name))
  end
  local problem
  rpc, problem = core.rpc(name)
  if not rpc then
    misuse.raise(problem)
  end
  rpc.method = rpc.path:match("([^/]+)$")
  known[name] = rpc
  return rpc
end

--- A request with what every one of the method has, as a new table.
local function complete(rpc, request, session)
  local filled = {}
  for field, value in next, request do
    filled[field] = value
  end
  if rpc.namespace and filled.namespace == nil then
    filled.namespace = session.namespace
  end
  if rpc.identity and filled.identity == nil then
    filled.identity = session:identify()
  end
  if rpc.request_id and filled.request_id == nil then
    filled.request_id = core.uuid()
  end
  return filled
end

local function workflow_id_of(request)
  if type(request.workflow_id) == "string" then
    return request.workflow_id
  end
  local execution = request.workflow_execution or request.execution
  if type(execution) == "table" and type(execution.workflow_id) == "string" then
    return execution.workflow_id
  end
  return nil
end

local function string_or_nil(value)
  return type(value) == "string" and value or nil
end

-- The owner of a future is explained in call/future.lua.
local function own(future, session, rpc)
  core.set_owner(future, { session = session, method = rpc.method, response = nil })
end

-- A future that has failed before anything was sent.
local function refused(session, rpc, err)
  err.outcome = "not_started"
  local future = session.channel:refused_call(rpc.path, err.kind, err.message)
  own(future, session, rpc)
  state.refusals[future] = err
  return future
end

-- Sends a checked request that has all it needs. `call` has `timeout` (seconds),
-- `metadata` (a table), `retry`, and what `start` says; `encoded`: parts of the
-- request are encoded already.
local function send(session, rpc, filled, call, encoded)
  local metadata, hooked = call.metadata, nil
  local namespace = rpc.namespace and string_or_nil(filled.namespace) or nil
  if session.hooks then
    metadata, hooked = interceptor.before(session, rpc.path, filled, namespace, metadata,
      call.timeout)
  end
  if metadata or not session.unchanging then
    local err
    metadata, err = session:prepare(metadata)
    if err then
      local future = refused(session, rpc, err)
      if hooked then
        interceptor.submitted(future, hooked)
      end
      return future
    end
  end
  local long_poll = LONG_POLLS[rpc.method]
  if type(long_poll) == "string" then
    long_poll = filled[long_poll] == true
  end
  local workflow_id = call.workflow_id or workflow_id_of(filled)
  -- Or the problem.
  local future, size = session.channel:call(rpc.path, rpc.request, filled, {
    response_type = rpc.response, metadata = metadata, encoded = encoded,
    long_poll = long_poll or false,
    retry = call.retry ~= false and not NEVER_RETRIED[rpc.method],
    timeout = call.timeout or not long_poll and session.timeout or nil,
    namespace = namespace, workflow_id = workflow_id,
    request_id = rpc.request_id and string_or_nil(filled.request_id) or nil,
    again = call.again, worker_poll = call.worker_poll, sparse = call.sparse,
  })
  if not future then
    return misuse.raisef("%s: %s", rpc.method, size)
  end
  own(future, session, rpc)
  if size > session.large then
    large.request(session, future, filled, rpc.method, workflow_id)
  end
  if hooked then
    interceptor.submitted(future, hooked)
  end
  return future
end

--- Submits an RPC of a user.
-- @tparam temporal.session session
-- @tparam string name a method, or "full.Service/Method"
-- @tparam table|nil request with the protobuf's own field names
-- @tparam table|nil given `timeout`, `metadata`, `retry`
-- @return the future
-- @raise on an unknown method, field or option
local function submit(session, name, request, given)
  local rpc = lookup(name)
  if request == nil then
    request = {}
  elseif type(request) ~= "table" then
    misuse.raisef("the request of %s must be a table, got %s", rpc.method,
      options.kind_of(request))
  end
  local call = {}
  if given ~= nil then
    if type(given) ~= "table" then
      misuse.raisef("the options of a call must be a table, got %s", options.kind_of(given))
    end
    options.apply(CALL, given, call)
  end
  return send(session, rpc, complete(rpc, request, session), call, false)
end

local function closed_error()
  return errors.new { kind = "closed", message = "the client has been closed" }
end

--- Submits an RPC of this package: parts of the request may be encoded
-- already (strings in place of messages), and a closed client is an error of
-- the world.
-- @tparam temporal.session session
-- @tparam string method
-- @tparam table request
-- @tparam[opt] table given `timeout` (seconds), `metadata` (a checked table),
--   `retry` (boolean), `workflow_id` (for reports), `again`
--   (`{present=, number=, least=}`: an answer that has neither the message
--   field `present` nor at least `least` in the field `number` is not the end:
--   the engine sends the request again), `worker_poll` (the engine waits out
--   what the transport does, and hands on all that the server says at once),
--   `sparse` (the response holds only what it brought: what is absent reads as its
--   default, but `next` passes it by; histories and payloads are their bytes)
-- @return the future, or nil
-- @treturn temporal.error of kind `closed`
local function start(session, method, request, given)
  if session.closed then
    return nil, closed_error()
  end
  local rpc = lookup(method)
  return send(session, rpc, complete(rpc, request, session), given or NO_OPTIONS, true)
end

--- Calls an RPC of this package and waits for the answer.
-- @tparam temporal.session session
-- @tparam string method
-- @tparam table request
-- @tparam[opt] table given as for `start`
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
local function call(session, method, request, given)
  local may_wait, problem = wait.check()
  if not may_wait then
    return nil, problem
  end
  local future, err = start(session, method, request, given)
  if not future then
    return nil, err
  end
  return future:get()
end

return {
  submit = submit,
  start = start,
  call = call,
  rpc = lookup,
  complete = complete,
}
