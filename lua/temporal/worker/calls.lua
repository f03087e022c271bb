--- Calls of a worker. What those of one kind have in common is told to the engine
-- once; each has its own part of the request.
-- @module temporal.worker.calls

local core = require "temporal.core"
local direct = require "temporal.wait.direct"
local large = require "temporal.base.lazy" "temporal.call.large"
local misuse = require "temporal.base.misuse"
local service = require "temporal.call.service"

local next, setmetatable = next, setmetatable
local now, set_owner, take = core.now, core.set_owner, core.take

-- Of responses that come often: what is read of them.
local READ = {
  PollWorkflowTaskQueue = { "task_token", "workflow_execution", "workflow_type",
    "previous_started_event_id", "started_event_id", "started_time", "attempt", "history",
    "next_page_token", "query", "queries", "messages", "backlog_count_hint" },
  RespondWorkflowTaskCompleted = { "workflow_task", "activity_tasks", "reset_history_event_id" },
}
-- Events that come twice are passed over.
local CAPABILITIES = { discard_speculative_workflow_task_with_events = true }

local methods = {}
local metatable = { __index = methods }

local calls = {}

-- As the engine wants it: a bit for each field.
local function wanted(rpc)
  local names = READ[rpc.method]
  if not names then
    return nil
  end
  local bits = 0
  for i = 1, #names do
    bits = bits + 2 ^ assert(core.field_number(rpc.response, names[i]))
  end
  return bits
end

--- A kind of calls.
-- @tparam temporal.session session which is open
-- @tparam string method
-- @tparam table common what each request has
-- @tparam[opt] boolean is_poll they wait for a task
-- @treturn kind
function calls.kind(session, method, common, is_poll)
  local rpc = service.rpc(method)
  common = service.complete(rpc, common, session)
  return setmetatable({
    session = session, method = method, common = common, is_poll = is_poll,
    send = assert(session.channel:caller(rpc.path, rpc.request, {
      response_type = rpc.response, namespace = session.namespace,
      common = assert(core.encode(rpc.request, common)), encoded = true,
      -- Histories and payloads of the answers stay bytes.
      sparse = true, wanted = wanted(rpc), long_poll = is_poll, worker_poll = is_poll,
      timeout = not is_poll and session.timeout or nil,
    })),
  }, metatable)
end

-- One that is like no other: its metadata, or what hooks may change.
local function start_alone(self, request, timeout)
  local whole = {}
  for field, value in next, self.common do
    whole[field] = value
  end
  for field, value in next, request do
    whole[field] = value
  end
  return service.start(self.session, self.method, whole,
    { sparse = true, worker_poll = self.is_poll, timeout = timeout })
end

--- Sends one.
-- @tparam table request what it has beside the common part; parts of it may be encoded
-- @tparam[opt] number timeout seconds
-- @return the future, or nil
-- @treturn temporal.error of kind `closed`
function methods:start(request, timeout)
  local session = self.session
  if session.closed or session.hooks or not session.unchanging then
    return start_alone(self, request, timeout)
  end
  local future, size = self.send(request, timeout)
  if not future then
    return misuse.raisef("%s: %s", self.method, size)
  elseif size > session.large then
    large.request(session, future, request, self.method)
  end
  return future
end

--- Waits for the answer.
-- @param future of one of these calls
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
function methods:await(future)
  local session = self.session
  if not session.hooks and direct.await(future) then
    local response = take(future, "result")
    if response then
      return response
    end
  end
  set_owner(future, { session = session, method = self.method })
  return future:get()
end

-- What the requests of a method have in common.
local function common_of(worker, method)
  local rpc = service.rpc(method)
  return {
    deployment_options = core.field_number(rpc.request, "deployment_options")
      and worker.deployment,
    capabilities = method == "RespondWorkflowTaskCompleted" and CAPABILITIES or nil,
  }
end

local function kind_of(worker, method)
  local kind = worker.calls[method]
  if not kind then
    kind = calls.kind(worker.session, method, common_of(worker, method))
    worker.calls[method] = kind
  end
  return kind
end

--- Calls an RPC and waits for the answer.
-- @tparam worker worker
-- @tparam string method
-- @tparam table request without what all requests of the worker have
-- @tparam[opt] number timeout seconds
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
function calls.call(worker, method, request, timeout)
  local kind = kind_of(worker, method)
  local future, err = kind:start(request, timeout)
  if not future then
    return nil, err
  end
  return kind:await(future)
end

--- Calls an RPC that answers a task. What follows on it, the next attempt or the next
-- task, the server would hand to a poll that waits: not while a worker that stops ends
-- its polls, or it would be lost until its timeout.
-- @tparam worker worker
-- @tparam string method
-- @tparam table request without what all requests of the worker have
-- @tparam[opt] number timeout seconds
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
function calls.answer(worker, method, request, timeout)
  if worker.state ~= "running" then
    worker.told:wait()
  end
  local kind = kind_of(worker, method)
  local future, err = kind:start(request, timeout)
  if not future then
    return nil, err
  end
  worker.answering = worker.answering + 1
  local response
  response, err = kind:await(future)
  worker.answering, worker.answered_at = worker.answering - 1, now()
  return response, err
end

return calls
