--- Signals: the handlers of a run, and what has come for which there is none yet.
-- @module temporal.workflow.message

local fiber = require "temporal.workflow.fiber"

local message = {}

-- What becomes of a handler that has ended.
local function ended(run, _, ok, first, second)
  run.handlers_running = run.handlers_running - 1
  if not ok then
    run:fail_with(first, false)
  elseif first == nil and second ~= nil then
    run:fail_with(second, true)
  end
end

-- The arguments of a handler; nil when they cannot be read: said, and dropped.
local function arguments(run, attributes)
  local values, problem = run.converter:values(attributes.input)
  if not values then
    run:log("warn", ("a signal %q was dropped: its arguments cannot be read: %s"):format(
      attributes.signal_name, problem.message))
  end
  return values
end

local function begin(run, handler, attributes, name)
  local values = arguments(run, attributes)
  if not values then
    return nil
  end
  if name then
    table.insert(values, 1, name)
    values.n = values.n + 1
  end
  run.handlers_running = run.handlers_running + 1
  return fiber.new(run, run.root, ended, handler, values)
end

-- The handler for a signal; for the handler of all other names the name, too.
local function find(run, name)
  local handlers = run.signal_handlers
  if handlers[name] then
    return handlers[name], nil
  end
  return run.any_signal, name
end

--- A signal has come: its handler gets a fiber, which begins in its turn, or at
-- once.
-- @tparam run run
-- @tparam table attributes of WorkflowExecutionSignaled
-- @tparam boolean at_once
function message.signal(run, attributes, at_once)
  local handler, name = find(run, attributes.signal_name)
  if not handler then
    run.waiting_signals[#run.waiting_signals + 1] = attributes
    return
  end
  local handling = begin(run, handler, attributes, name)
  if not handling then
    return
  elseif at_once then
    fiber.resume(run, handling)
  else
    fiber.enqueue(run, handling)
  end
end

--- A handler was registered: what has waited for it is handled, in order.
-- @tparam run run
function message.registered(run)
  local waiting = run.waiting_signals
  if #waiting > 0 then
    run.waiting_signals = {}
    for i = 1, #waiting do
      message.signal(run, waiting[i], false)
    end
  end
end

return message
