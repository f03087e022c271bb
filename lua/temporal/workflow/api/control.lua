--- How a workflow goes on: tasks, scopes of cancellation, waits.
-- @submodule temporal.workflow.api

local condition = require "temporal.workflow.condition"
local current = require "temporal.workflow.current"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local fiber = require "temporal.workflow.fiber"
local future = require "temporal.workflow.future"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local scopes = require "temporal.workflow.scope"
local semaphore = require "temporal.workflow.semaphore"
local task = require "temporal.workflow.task"
local timer = require "temporal.workflow.op.timer"

local error, pcall, type = error, pcall, type

local workflow = {}

--- Runs a function beside the rest of the run. It begins in its turn.
-- @tparam function fn
-- @param ... its arguments
-- @treturn future `get` returns what fn returned, or raises what it raised; `cancel`
function workflow.spawn(fn, ...)
  if type(fn) ~= "function" then
    misuse.raisef("workflow.spawn takes a function, got %s", options.kind_of(fn))
  end
  return task.spawn(fn, fiber.pack(...))
end

local SCOPE = options.define("option of workflow.scope", {
  timeout = options.seconds("timeout", { above = 0 }),
  shield = options.boolean("shield"),
})

-- What a scope's function has of it.
local handle_methods = {}
local handle_metatable = { __name = "temporal.workflow.scope", __index = handle_methods }

--- Cancels what waits and is under way in the scope.
-- @tparam[opt] string reason
function handle_methods:cancel(reason)
  options.check_self(self, handle_metatable, "scope")
  scopes.check_reason(reason, "scope:cancel")
  fiber.running "scope:cancel"
  current.run:before_step()
  self.scope:cancel(reason or "the scope was canceled")
end

-- Cancels a scope when its time is over.
local function limit(inner, seconds)
  local timer_of_scope = timer.start(current.run, nil, seconds)
  function timer_of_scope.fired()
    inner.timed_out = inner.reason == nil
    inner:cancel("the scope's time is over")
  end
  return timer_of_scope
end

local function leave_scope(caller, outer, inner, timeout, clock, ok, ...)
  caller.scope = outer
  if inner.parent then
    outer:leave(inner.place)
  end
  if clock and not clock.done then
    clock:cancel_now()
  end
  if ok then
    return ...
  end
  local problem = ...
  if inner.timed_out and errors.is_canceled(problem) then
    problem = errors.new {
      kind = "timeout", cause = problem,
      message = ("not done after %s"):format(duration.text(timeout)),
    }
  end
  return error(problem, 0)
end

--- Runs a function in a scope of its own: what it waits for and begins can be
-- canceled together.
-- @tparam[opt] table given `timeout` (a duration, after which the scope is canceled),
--   `shield` (false; true: a cancellation from outside does not reach into it, for
--   clean-up)
-- @tparam function fn gets the scope, which has a method `cancel([reason])`
-- @return what fn returns
-- @raise what fn raises; kind `timeout` when the time ran out
function workflow.scope(given, fn)
  if fn == nil then
    given, fn = {}, given
  end
  if type(fn) ~= "function" or type(given) ~= "table" then
    misuse.raisef("workflow.scope takes a table of options and a function, got %s and %s",
      options.kind_of(given), options.kind_of(fn))
  end
  local settings = options.apply(SCOPE, given, {})
  local caller = fiber.running "workflow.scope"
  current.run:before_step()
  local outer = caller.scope
  local inner = scopes.new(not settings.shield and outer or nil)
  local clock
  if settings.timeout and not inner.reason then
    clock = limit(inner, settings.timeout)
  end
  caller.scope = inner
  return leave_scope(caller, outer, inner, settings.timeout, clock,
    pcall(fn, setmetatable({ scope = inner }, handle_metatable)))
end

--- Waits until a function returns true.
-- @tparam function fn may only look, not wait; what it raises is raised here
-- @tparam[opt] number|string timeout a duration; no timer is made when fn is true
--   at once
-- @treturn boolean true; false when the time ran out
function workflow.wait_condition(fn, timeout)
  if type(fn) ~= "function" then
    misuse.raisef("workflow.wait_condition takes a function, got %s", options.kind_of(fn))
  end
  timeout = options.timeout(timeout, "workflow.wait_condition")
  local waiting = fiber.running "workflow.wait_condition"
  local run = current.run
  run:before_step()
  return condition.wait(waiting, fn, timeout and function()
    return timer.start(run, waiting.scope, timeout)
  end)
end

--- A semaphore: so many at the same time, first come, first served. One of 1 is a
-- mutex.
-- @tparam integer count
-- @treturn semaphore `acquire([timeout])` (true, or false after the timeout),
--   `release()`, `with(fn, ...)` (calls fn with a place)
workflow.semaphore = semaphore.new

workflow.wait = future.any
workflow.wait_all = future.all

return workflow
