--- Waits for a condition of the workflow's own state.
--
-- When no fiber is ready all conditions are tried, in the order in which their
-- waits began. Those that are true get their turn, and are tried again at it, so
-- that a condition holds when its waiter goes on.
-- @module temporal.workflow.condition

local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"
local future = require "temporal.workflow.future"

local error = error
local look = fiber.look

local condition = {}

--- Waits until a function returns true.
-- @tparam fiber waiting the running fiber
-- @tparam function fn
-- @tparam function|nil new_timer makes the timer that ends the wait; called only
--   when the condition does not hold at once
-- @treturn boolean false when the timer came first
-- @raise what fn raises
function condition.wait(waiting, fn, new_timer)
  local ok, value = look("a condition", fn)
  local habits = current.run.habits
  if not ok then
    error(value, 0)
  elseif value and not (habits and habits.patient) then
    return true
  end
  future.check_scope(waiting)
  local timer = new_timer and new_timer()
  local conditions = current.run:own "conditions"
  local count = #conditions
  conditions[count + 1], conditions[count + 2] = waiting, waiting.number
  repeat
    if timer then
      future.subscribe(timer, waiting)
    end
    fiber.park(fn)
    ok, value = look("a condition", fn)
  until not ok or value or timer and timer.done
  waiting.number = waiting.number + 1 -- what stands in the list was for this wait
  if not ok then
    error(value, 0)
  end
  if timer and not timer.done then
    timer:cancel()
  end
  return value and true or false
end

--- Tries all conditions, and makes ready who waits for those that are true.
-- @tparam run run
-- @treturn boolean was there one?
-- @treturn string|table|nil what a condition raised
function condition.try(run)
  local conditions, kept, woken = run.conditions, 0, false
  for i = 1, #conditions, 2 do
    local waiting, number = conditions[i], conditions[i + 1]
    conditions[i], conditions[i + 1] = nil, nil
    if number == waiting.number then -- else its wait is over
      local fn = waiting.awaited
      if fn then
        local ok, value = look("a condition", fn)
        if not ok then
          return false, value == nil and "nil" or value
        elseif value then
          fiber.wake(waiting)
          woken = true
        end
      end
      conditions[kept + 1], conditions[kept + 2] = waiting, waiting.number
      kept = kept + 2
    end
  end
  return woken
end

return condition
