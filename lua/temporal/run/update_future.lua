--- The future of an update, which is also its handle.
--
-- Fields: `id`, `workflow_id`, `run_id` (the run that has the update; nil
-- for a handle of the latest run until it was answered), and `workflow` (the
-- run's future) when it came from `update_with_start`.
-- @module temporal.update_future

local core = require "temporal.core"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local not_a_value = require "temporal.base.not_a_value"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"

local COMPLETED = 3

-- PollWorkflowExecutionUpdateResponse: asked again until `outcome` is there.
local UNTIL_OUTCOME = { present = 1 }

local update = {}
local metatable = { __name = "temporal.update", __index = update }

local function check_update(self)
  return options.check_self(self, metatable, "update")
end

--- Names the update in an error.
-- @tparam temporal.error err
-- @tparam table names `id workflow_id run_id` of the update
-- @treturn temporal.error the same
local function name_error(err, names)
  err.update_id = err.update_id or names.id
  err.workflow_id = err.workflow_id or names.workflow_id
  err.run_id = err.run_id or names.run_id
  return err
end

--- The error of a wait that ran out.
-- @tparam string what there was not, such as `"outcome"`
-- @tparam number timeout seconds
-- @tparam table names `id workflow_id run_id` of the update
-- @tparam boolean acknowledged has the server the update for certain?
-- @tparam temporal.error err what the wait ended with
-- @treturn temporal.error of kind `timeout`
local function ran_out(what, timeout, names, acknowledged, err)
  return name_error(errors.new {
    kind = "timeout",
    message = ("no %s of the update after %s; %s"):format(what, duration.text(timeout),
      acknowledged and "it goes on" or "if the server has it, it goes on"),
    acknowledged = acknowledged,
    outcome = err.outcome,
    attempts = err.attempts,
  }, names)
end

--- Makes the future of an update.
-- @param client
-- @tparam table execution `{workflow_id=, run_id=}` that has it
-- @tparam string id of the update
-- @tparam table given `metadata` for its polls
-- @tparam[opt] table answer an UpdateWorkflowExecutionResponse: the server has
--   the update for certain
-- @treturn temporal.update
local function new(client, execution, id, given, answer)
  local ref = answer and answer.update_ref
  local named = ref and ref.workflow_execution or execution
  return setmetatable({
    id = id,
    workflow_id = execution.workflow_id,
    run_id = named.run_id ~= "" and named.run_id or execution.run_id,
    _durable = answer ~= nil,
    _client = client,
    _metadata = given.metadata,
    _outcome = answer and answer.outcome,
  }, metatable)
end

-- The long poll for the outcome, begun when first wanted.
local function poll_of(self)
  local poll, err = self._poll, nil
  if not poll then
    poll, err = service.start(sessions.of(self._client), "PollWorkflowExecutionUpdate", {
      update_ref = {
        workflow_execution = { workflow_id = self.workflow_id, run_id = self.run_id },
        update_id = self.id,
      },
      wait_policy = { lifecycle_stage = COMPLETED },
    }, { metadata = self._metadata, again = UNTIL_OUTCOME })
    self._poll = poll
  end
  return poll, err
end

--- Waits for the outcome without reading it.
-- @tparam number|nil timeout seconds
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function update:_settle(timeout)
  if self._outcome then
    return true
  end
  local poll, err = poll_of(self)
  local answer
  if poll then
    answer, err = poll:get(timeout)
  end
  if not answer then
    -- What a poll failed of is told once; the next call polls again.
    if poll and core.ready(poll, "result") then
      self._poll = nil
    end
    if err.kind == "timeout" then
      return nil, ran_out("outcome", timeout, self, self._durable, err)
    end
    return nil, name_error(err, self)
  end
  local ref = answer.update_ref
  if not self.run_id and ref and ref.workflow_execution then
    self.run_id = ref.workflow_execution.run_id
  end
  self._outcome, self._poll, self._durable = answer.outcome, nil, true
  return true
end

local function failed(self)
  local values = sessions.of(self._client):values("failure", self.workflow_id)
  return errors.new {
    kind = "update_failed",
    message = "the update was rejected, or failed",
    cause = failure.to_error(self._outcome.failure, values),
    update_id = self.id,
    workflow_id = self.workflow_id,
    run_id = self.run_id,
    raw = self._outcome.failure,
  }
end

--- Reads the outcome, which is there.
-- @return the value, or nil
-- @treturn temporal.error
function update:_read()
  local outcome = self._outcome
  if outcome.failure then
    self._error = self._error or failed(self)
    return nil, self._error
  end
  if not self._decoded then
    local payload = outcome.success and outcome.success.payloads[1]
    local values = sessions.of(self._client):values("result", self.workflow_id)
    local value, problem = values:value(payload)
    if problem then
      return nil, name_error(errors.new(problem), self)
    end
    self._value, self._decoded = value, true
  end
  return self._value
end

local function perform_get(input)
  local settled, err = input.update:_settle(input.options.timeout)
  if not settled then
    return nil, err
  end
  return input.update:_read()
end

--- Waits for the outcome.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`; nil for
--   ever, 0 to look only
-- @return the value (nil and false are values), or nil
-- @treturn temporal.error of kind `update_failed` (its `cause` says why: the
--   validator rejected it, the handler failed, or the workflow closed first);
--   `timeout` with `update_id` when the time ran out: the update goes on
function update:get(timeout)
  check_update(self)
  return sessions.run("get_update_result", {
    client = self._client,
    update = self,
    id = self.workflow_id,
    run_id = self.run_id,
    update_id = self.id,
    options = { timeout = options.timeout(timeout, "update:get") },
  }, perform_get)
end

--- Would `get` return without waiting for the server? Asking starts the wait
-- in the background. Never blocks.
-- @treturn boolean
function update:ready()
  check_update(self)
  if self._outcome then
    return true
  end
  local poll = poll_of(self)
  return poll == nil or poll:ready()
end

--- Waits for the outcome without taking it.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function update:wait(timeout)
  check_update(self)
  timeout = options.timeout(timeout, "update:wait")
  local poll = not self._outcome and poll_of(self)
  return not poll or poll:wait(timeout)
end

-- What temporal.wait and temporal.wait_all wait for.
function metatable.__temporal_await(self)
  local poll = not self._outcome and poll_of(self)
  return poll and not core.want(poll, "result") and poll or nil
end

not_a_value(metatable)

function metatable.__tostring(self)
  local outcome = self._outcome
  local state = "not known to be completed"
  if outcome then
    state = outcome.failure and "failed" or "completed"
  end
  return ("temporal.update (%s of %s, %s)"):format(self.id, self.workflow_id, state)
end

return {
  new = new,
  name_error = name_error,
  ran_out = ran_out,
}
