--- Timers (StartTimer, CancelTimer; TimerStarted, TimerFired, TimerCanceled).
-- @module temporal.workflow.op.timer

local current = require "temporal.workflow.current"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local filled = require("temporal.base.field").filled
local future = require "temporal.workflow.future"
local operation = require "temporal.workflow.operation"

local setmetatable, tostring = setmetatable, tostring

-- The command that cancels a timer.
local cancellation = {
  event = "timer_canceled",
  command = function(self)
    return {
      command_type = "COMMAND_TYPE_CANCEL_TIMER",
      cancel_timer_command_attributes = { timer_id = self.timer.id },
    }
  end,
  matches = function(self, attributes)
    return attributes.timer_id == self.timer.id
  end,
  shows = function(self)
    return ("the cancellation of timer %q"):format(self.timer.id)
  end,
  shows_event = function(attributes)
    return ("the cancellation of timer %q"):format(attributes.timer_id)
  end,
}
local cancellation_metatable = operation.class("temporal.workflow.timer_cancellation", cancellation)

local timer = {
  event = "timer_started",
}
local metatable

function timer:command()
  return {
    command_type = "COMMAND_TYPE_START_TIMER",
    start_timer_command_attributes = {
      timer_id = self.id,
      start_to_fire_timeout = duration.message(self.seconds),
    },
    user_metadata = self.user_metadata,
  }
end

function timer:matches(attributes)
  return attributes.timer_id == self.id
end

--- The event of another id: the id becomes that.
function timer:adopt(attributes)
  self.id = attributes.timer_id
  return true
end

function timer:shows()
  return ("timer %q"):format(self.id)
end

function timer.shows_event(attributes)
  return ("timer %q"):format(attributes.timer_id)
end

timer.happens = {
  timer_fired = function(self)
    operation.resolve(self, true)
    if self.fired then
      self.fired()
    end
    return true
  end,
}

local function canceled(reason)
  return errors.received {
    kind = "canceled", message = filled(reason) or "the timer was canceled", details = { n = 0 },
  }
end

function timer:withdraw(reason)
  operation.reject(self, canceled(reason))
end

function timer:request_cancel(reason)
  local run = current.run
  operation.emit(run, nil, setmetatable({ done = true, timer = self }, cancellation_metatable))
  run.by_event[self.event_id or 0] = nil
  operation.reject(self, canceled(reason))
end

metatable = operation.class("temporal.workflow.timer", timer)

--- Starts a timer. Not above 0 counts as 1 ms, so that history shows it.
-- @tparam run run
-- @tparam scope|nil scope
-- @tparam number seconds
-- @tparam[opt] table user_metadata a temporal.api.sdk.v1.UserMetadata
-- @treturn operation
function timer.start(run, scope, seconds, user_metadata)
  local number = run.timers + 1
  run.timers = number
  return operation.emit(run, scope, setmetatable({
    done = false, id = tostring(number), seconds = seconds > 0 and seconds or 0.001,
    user_metadata = user_metadata,
  }, metatable))
end

future.set_timer(function(seconds)
  local run, caller = operation.begin "a wait with a timeout"
  return timer.start(run, caller.scope, seconds)
end)

return { start = timer.start }
