--- What activity code calls. Each function is one of the running activity (see
-- temporal.activity_context): by its coroutine, which is not a coroutine of the
-- program's own; there `activity.current()` helps, taken before.
-- @module temporal.activity.api

local context = require "temporal.activity.context"
local misuse = require "temporal.base.misuse"

local next = next

local activity = {
  --- Returned by an activity that is completed later, by
  -- `client:async_activity{task_token=}`: the worker forgets it.
  pending = setmetatable({}, { __name = "temporal.activity.pending" }),
}

local function running(what)
  local found = context.current()
  if not found then
    misuse.raisef("activity.%s can be called in an activity only, in its own coroutine: elsewhere "
      .. "take activity.current() before, and call its methods", what)
  end
  return found
end

for name, method in next, context.methods do
  activity[name] = function(...)
    return method(running(name), ...)
  end
end

--- The running activity, an object with the same functions as methods.
-- @treturn temporal.activity
-- @raise outside of one
function activity.current()
  return running "current"
end

return activity
