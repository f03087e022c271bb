--- Raw calls: any RPC of WorkflowService, OperatorService or Health, as
-- plain tables.
-- @module temporal.service

local core = require "temporal.core"
local misuse = require "temporal.misuse"
local options = require "temporal.options"
local target = require "temporal.target"

local type, next = type, next

-- What core.rpc knows of a method, by the name the user calls it by.
local known = {}

-- The server holds these until something happens: no deadline but the
-- caller's, and failures of the transport are waited out.
local LONG_POLLS = {
  GetWorkflowExecutionHistory = "wait_new_event",
  UpdateWorkflowExecution = true,
  PollWorkflowExecutionUpdate = true,
  PollActivityExecution = true,
  PollNexusOperationExecution = true,
  PollWorkflowTaskQueue = true,
  PollActivityTaskQueue = true,
  PollNexusTaskQueue = true,
}

-- Not deduplicated by the server: a repetition makes a second new run.
local NEVER_RETRIED = { ResetWorkflowExecution = true }

local CALL = options.define("call option", {
  timeout = options.seconds("timeout", { above = 0 }),
  metadata = function(call, value)
    call.metadata = target.metadata_list(value, 'call option "metadata"')
  end,
  retry = options.boolean("retry"),
})

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

local function fill(rpc, request, client)
  local filled = {}
  for field, value in next, request do
    filled[field] = value
  end
  if rpc.namespace and filled.namespace == nil then
    filled.namespace = client.namespace
  end
  if rpc.identity and filled.identity == nil then
    filled.identity = client:_identify()
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

--- Submits an RPC.
-- @param client
-- @tparam string name a method, or "full.Service/Method"
-- @tparam table|nil request with the protobuf's own field names
-- @tparam table|nil given `timeout`, `metadata`, `retry`
-- @return the future
-- @raise on an unknown method, field or option
local function submit(client, name, request, given)
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
  local filled = fill(rpc, request, client)
  local long_poll = LONG_POLLS[rpc.method]
  if type(long_poll) == "string" then
    long_poll = filled[long_poll] == true
  end
  call.long_poll = long_poll or false
  call.retry = call.retry ~= false and not NEVER_RETRIED[rpc.method]
  call.namespace = rpc.namespace and string_or_nil(filled.namespace) or nil
  call.request_id = rpc.request_id and string_or_nil(filled.request_id) or nil
  call.workflow_id = workflow_id_of(filled)
  call.response_type = rpc.response
  local future, problem = client._channel:call(rpc.path, rpc.request, filled, call)
  if not future then
    return misuse.raisef("%s: %s", rpc.method, problem)
  end
  core.set_owner(future, { client = client, method = rpc.method })
  return future
end

return { submit = submit }
