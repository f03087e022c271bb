--- Calls on their way: the methods of what `client:submit` returns. The objects
-- themselves are userdata of the engine; this module gives them their meaning.
-- What one knows beside the engine's part is its owner: its `session`, its
-- `method`, and once it has been taken the `response`.
-- @module temporal.call_future

local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local failure = require "temporal.base.lazy" "temporal.error.failure"
local large = require "temporal.base.lazy" "temporal.call.large"
local not_a_value = require "temporal.base.not_a_value"
local options = require "temporal.base.options"
local state = require "temporal.base.state"
local wait = require "temporal.wait.wait"

local UNAUTHENTICATED = 16

local call_metatable = core.call_metatable

--- An RPC on its way, of `client:submit`.
-- @type call
local call = {}

local function check_call(self)
  return options.check_self(self, call_metatable, "future")
end

--- Waits for the answer.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn table|nil the response, or nil
-- @treturn temporal.error why there is none
function call:get(timeout)
  check_call(self)
  timeout = options.timeout(timeout, "future:get")
  local deadline = timeout and core.now() + timeout
  local owner = core.owner(self)
  if owner.response then
    return owner.response
  end
  local ready, problem = wait.one(self, "result", timeout)
  if not ready then
    if problem.kind == "timeout" then
      problem.message = ("no answer to %s after %s; the call goes on")
        :format(owner.method, duration.text(timeout))
    end
    return nil, problem
  end
  local response, record = core.take(self, "result")
  if response then
    owner.response = response
    owner.session:taken(self)
    return response
  elseif record.code == UNAUTHENTICATED and owner.session:renew(self) and core.resend(self) then
    return call.get(self, wait.left(deadline))
  end
  local err = state.refusals[self] or errors.from_record(record, {
    fields = { workflow_id = record.workflow_id },
    method = owner.method,
    converter = owner.session:values("failure", record.workflow_id),
    failure_to_error = failure.to_error,
  })
  if state.large[self] then
    large.explain(owner.session, self, err)
  end
  owner.session:taken(self, err)
  return nil, err
end

--- Is the answer there? Never blocks.
-- @treturn boolean
function call:ready()
  check_call(self)
  return core.want(self, "result", true)
end

--- Waits for the answer without taking it.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function call:wait(timeout)
  check_call(self)
  timeout = options.timeout(timeout, "future:wait")
  return wait.ready(self, timeout)
end

--- Cancels the call; whoever waits gets an error of kind `call_canceled`.
function call:abandon()
  check_call(self)
  core.abandon(self)
end

call_metatable.__index = call

function call_metatable.__tostring(future)
  local owner = core.owner(future)
  return ("temporal.future (%s, %s)"):format(owner and owner.method or "call",
    core.ready(future, "result") and "finished" or "running")
end

not_a_value(call_metatable)
call_metatable.__name = "temporal.future"
