--- What a standalone activity waits for: the answer to its start, then its
-- outcome. Whoever waits takes them; nobody need.
--
-- Of an activity, `_start` is the RPC future of a start not yet taken,
-- `_refused` the error of one that failed; `_poll` the RPC future of the result,
-- `_problem` why it could not be asked for; `_outcome` is the result once it is
-- known.
-- @module temporal.activity_waiting

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local types = require "temporal.value.types"
local wait = require "temporal.wait.wait"

-- The outcome of PollActivityExecutionResponse; without it the server was only
-- asked for too long, and the engine asks again.
local UNTIL_OUTCOME = { present = 2 }

local ENDS = {
  canceled = "was canceled", terminated = "was terminated", timed_out = "timed out",
}

local waiting = {}

--- Names the activity in an error.
-- @tparam activity self
-- @tparam temporal.error err
-- @treturn temporal.error the same
function waiting.identify(self, err)
  err.activity_id, err.activity_type = self.id, self.activity_type
  err.run_id = err.run_id or self.run_id
  return err
end

-- The answer to the start; false when it has to be waited for again, because
-- the server refused the key and there is another one.
local function take_start(self)
  local response, err = self._start:get(0)
  if not response and err.kind == "timeout" then
    return false
  end
  self._start = nil
  if response then
    self.run_id = response.run_id
    -- A start of ours that was sent twice is not `started` either.
    self.attached = self._may_attach and not response.started
  else
    err.request_id = self.request_id
    self._refused = waiting.identify(self, err)
  end
  return true
end

--- Goes on as far as it can without waiting.
-- @tparam activity self
-- @tparam[opt] boolean for_good ask for the result in the background, too
-- @return the future of the engine to wait for next; nil when the result, or
--   an error, is there
function waiting.pending(self, for_good)
  if self._start then
    if not self._start:ready() or not take_start(self) then
      return self._start
    end
  end
  if self._refused or self._outcome or self._problem then
    return nil
  end
  if not self._poll then
    self._poll, self._problem = service.start(sessions.of(self._client), "PollActivityExecution",
      { activity_id = self.id, run_id = self.run_id },
      { again = UNTIL_OUTCOME, metadata = self._metadata })
  end
  if not self._poll or core.want(self._poll, "result", for_good) then
    return nil
  end
  return self._poll
end

-- A wait that ended early: what it was for, and whether the server has it.
local function unfinished(self, err, timeout, goal)
  if err.kind == "timeout" then
    err.acknowledged = self._start == nil
    err.message = ("no %s after %s; %s"):format(goal, duration.text(timeout),
      err.acknowledged and "the activity goes on" or "the start goes on")
  end
  err.request_id = self.request_id
  return waiting.identify(self, err)
end

--- Waits until the server has acknowledged the start.
-- @tparam activity self
-- @tparam number|nil timeout seconds
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function waiting.started(self, timeout)
  local deadline = timeout and core.now() + timeout
  -- Another waiter may take it meanwhile.
  while self._start do
    local ready, problem = wait.one(self._start, "result", wait.left(deadline))
    if not ready then
      return nil, unfinished(self, problem, timeout, "acknowledgement")
    elseif self._start then
      take_start(self)
    end
  end
  if self._refused then
    return nil, self._refused
  end
  return true
end

--- Waits until the result, or an error, is there.
-- @tparam activity self
-- @tparam number|nil deadline a time of core.now
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function waiting.until_ready(self, deadline)
  local future = waiting.pending(self)
  while future do
    local ready, problem = wait.one(future, "result", wait.left(deadline))
    if not ready then
      return nil, problem
    end
    future = waiting.pending(self)
  end
  return true
end

-- What the last poll said; its error is for one caller, the next asks again.
-- With another key it may have to be waited for again: for so many seconds.
local function take_outcome(self, left)
  if self._poll then
    local response, err = self._poll:get(left)
    if not response and err.kind == "timeout" then
      return err
    end
    self._poll = nil
    if response then
      self._outcome = response.outcome
      self.result_run_id = response.run_id
    else
      self._problem = err
    end
  end
  local problem = self._problem
  self._problem = nil
  return problem and waiting.identify(self, problem)
end

-- The error of an activity that did not complete; kept.
local function failed(self, outcome)
  if not outcome.err then
    local cause = failure.to_error(outcome.failure,
      sessions.of(self._client):values("failure", nil, self.id))
    outcome.err = waiting.identify(self, errors.new {
      kind = "activity_failed",
      message = "activity execution " .. (ENDS[cause.kind] or "failed"),
      cause = cause,
      run_id = self.result_run_id,
      retry_state = enum.short("RETRY_STATE_", outcome.retry_state),
      raw = outcome,
    })
  end
  return outcome.err
end

-- The value of an activity that completed; kept. What a user's converter raises
-- passes, and the next call decodes again.
local function value_of(self, outcome, raw)
  self.raw_result = outcome.result and outcome.result.payloads or {}
  local payload = self.raw_result[1]
  if raw then
    return payload and types.raw(payload)
  end
  if payload and not outcome.decoded then
    local value, problem = sessions.of(self._client):values("result", nil, self.id):value(payload)
    if problem then
      return nil, waiting.identify(self, errors.new(problem))
    end
    outcome.value, outcome.decoded = value, true
  end
  return outcome.value
end

--- Waits for the result.
-- @tparam activity self
-- @tparam table given `timeout` (seconds), `raw`
-- @return the value, or nil
-- @treturn temporal.error
function waiting.result(self, given)
  local deadline = call_options.deadline(given)
  local ready, problem = waiting.until_ready(self, deadline)
  if not ready then
    return nil, unfinished(self, problem, given.timeout, "result")
  end
  local err = self._refused or take_outcome(self, wait.left(deadline))
  if err then
    return nil, err.kind == "timeout" and unfinished(self, err, given.timeout, "result") or err
  elseif self._outcome.failure then
    return nil, failed(self, self._outcome)
  end
  return value_of(self, self._outcome, given.raw)
end

--- How far it is, in words.
-- @tparam activity self
-- @treturn string
function waiting.state(self)
  if self._start then
    return "starting"
  elseif self._refused then
    return "not started"
  elseif not self._outcome then
    return self._poll and "running" or self.request_id and "started" or "state not asked for"
  elseif not self._outcome.failure then
    return "completed"
  end
  local kind = failed(self, self._outcome).cause.kind
  return ENDS[kind] and kind:gsub("_", " ") or "failed"
end

return waiting
