--- Signals and updates: the handlers of a run, and what has come for which there
-- is none yet. A message is a signal's attributes, or the record of an update.
-- @module temporal.workflow.message

local arguments = require "temporal.value.arguments"
local current = require "temporal.workflow.current"
local debug = require "temporal.base.debug"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local fiber = require "temporal.workflow.fiber"
local options = require "temporal.base.options"
local types = require "temporal.value.types"
local update = require "temporal.workflow.op.update"
local verdict = require "temporal.workflow.verdict"

local insert, tostring = table.insert, tostring
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local message = {}

local ANY = types.any

--- The handler of a name, or that of all other names, which gets the name first.
-- @tparam table handlers
-- @tparam string name
-- @treturn table|nil
-- @treturn string|nil the name, when it is an argument
function message.find(handlers, name)
  local handler = handlers[name]
  if handler then
    return handler, nil
  end
  return handlers[ANY], name
end

--- Arguments with that name before them.
-- @tparam table values with their number in `n`
-- @tparam string|nil name
-- @treturn table the values
function message.with_name(values, name)
  if name then
    insert(values, 1, name)
    values.n = values.n + 1
  end
  return values
end

local find, with_name = message.find, message.with_name

local function begin(run, handling, at_once)
  if at_once then
    fiber.resume(run, handling)
  else
    fiber.enqueue(handling)
  end
end

local function leave(run)
  run.handlers_running = run.handlers_running - 1
end

local function enter(run, handling, handler)
  handling.handler = handler
  run.handlers_running = run.handlers_running + 1
end

-- Signals.

local function signal_ended(run, handling, ok, first, second)
  leave(run)
  if not ok then
    run:fail_with(first, false, handling)
  elseif first == nil and second ~= nil then
    run:fail_with(second, true, handling)
  end
end

local function take_signal(run, attributes, at_once)
  local name = attributes.signal_name
  local handler, any_name = find(run.signal_handlers, name)
  if not handler then
    local waiting = run:own "waiting_signals"
    waiting[#waiting + 1] = attributes
    return
  end
  local values, problem = arguments.read(handler.args, run.converter, attributes.input)
  if not values then
    return run:log("warn", ("a signal %q was dropped: its arguments cannot be read: %s"):format(
      name, problem.message))
  end
  local handling = fiber.new(run, run.root, signal_ended, handler.fn, with_name(values, any_name))
  enter(run, handling, handler)
  begin(run, handling, at_once)
end

-- Updates.

local function reject(run, record, problem)
  local proto = failure.from_error(failure.of_raised(problem), run.converter)
  update.reject(run, record, proto)
end

-- May the update begin? Not asked in replay: history says so.
local function validate(handler, values)
  local ok, first, second = fiber.look("a validator", handler.validator,
    unpack(values, 1, values.n))
  if not ok then
    return first == nil and "nil" or first
  elseif first == false or first == nil and second ~= nil then
    return second == nil and "the update was rejected" or second
  end
  return nil
end

local function read(run, record, handler, any_name)
  local input = record.request.input or {}
  local values, problem = arguments.read(handler.args, run.converter, input.args)
  if not values then
    return nil, "its arguments cannot be read: " .. problem.message
  end
  return with_name(values, any_name)
end

local function complete(run, record, first, problem)
  if problem == nil then
    local payloads, unwritable = run.converter:payloads(1, first)
    if payloads then
      return update.complete(run, record, { success = payloads })
    end
    return run:fail_task(("the result of update %q: %s"):format(record.name, tostring(unwritable)))
  end
  local proto, unwritable = failure.from_error(failure.of_raised(problem), run.converter)
  if not proto then
    return run:fail_task(unwritable)
  end
  return update.complete(run, record, { failure = proto })
end

-- What an update's fiber runs: up to the acceptance in one go.
local function handle(run, record)
  local name = record.name
  local handler, any_name = find(run.update_handlers, name)
  if not handler then
    if run.replaying then
      return run:fail_task(errors.received {
        kind = "nondeterminism", event_id = record.accepted_id or record.event_id,
        expected = ("the acceptance of update %q"):format(record.update_id),
        actual = ("no handler for update %q"):format(name),
        message = ("[TMPRL1100] the history has accepted update %q, for which the code has no "
          .. "handler"):format(name),
      })
    end
    return reject(run, record, ("unknown update %q; known are: %s"):format(name,
      options.names_of(run.update_handlers)))
  end
  local values, problem = read(run, record, handler, any_name)
  if values and handler.validator and not run.replaying then
    problem = validate(handler, values)
    -- It may have changed them.
    values = read(run, record, handler, any_name)
  end
  if problem ~= nil then
    return reject(run, record, problem)
  end
  run.only_rejected = nil
  update.accept(run, record)
  local handling = current.fiber
  handling.update = { id = record.update_id, name = name }
  enter(run, handling, handler)
  record.accepted = true
  local first, second = handler.fn(unpack(values, 1, values.n))
  if first == nil and second ~= nil then
    return complete(run, record, nil, second)
  end
  return complete(run, record, first, nil)
end

local function take_update(run, record, at_once)
  record.name = record.request.input and record.request.input.name or ""
  local function ended(_, handling, ok, problem)
    if record.accepted then
      leave(run)
    end
    if ok then
      return
    elseif errors.is_error(problem) and not run.OF_TASK[problem.kind]
      or verdict.moves(run, problem, true) then
      complete(run, record, nil, problem)
    else
      run:fail_task(problem, debug.traceback(handling.thread))
    end
  end
  begin(run, fiber.new(run, run.root, ended, handle, { n = 2, run, record }), at_once)
end

--- A message has come: its handler gets a fiber, which begins in its turn, or at
-- once.
-- @tparam run run
-- @tparam table each the message
-- @tparam boolean at_once
function message.take(run, each, at_once)
  if each.signal_name then
    take_signal(run, each, at_once)
  else
    take_update(run, each, at_once)
  end
end

--- What came before the main function's first step: an update without a handler
-- waits for its end.
-- @tparam run run
-- @tparam table each the message
function message.take_early(run, each)
  if not each.signal_name then
    each.name = each.request.input and each.request.input.name or ""
    if not find(run.update_handlers, each.name) then
      return take_update(run, each, false)
    end
  end
  message.take(run, each, true)
end

--- A handler of signals was registered: what has waited for it is handled, in
-- order.
-- @tparam run run
function message.registered(run)
  local waiting = run.waiting_signals
  if #waiting > 0 then
    run.waiting_signals = nil
    for i = 1, #waiting do
      take_signal(run, waiting[i], false)
    end
  end
end

--- Says which handlers have not ended when the run does.
-- @tparam run run
function message.say_unfinished(run)
  local names = {}
  for each in fiber.all(run) do
    local handler = each.handler
    if handler and handler.unfinished ~= "abandon" then
      names[#names + 1] = handler.what
    end
  end
  if #names > 0 then
    table.sort(names)
    run:log("warn", ("[TMPRL1102] the workflow has ended while handlers were running: %s; wait for "
      .. "workflow.all_handlers_finished first"):format(table.concat(names, ", ")))
  end
end

return message
