--- Tasks of a run: functions that run beside its main function.
-- @module temporal.workflow.task

local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"
local future = require "temporal.workflow.future"
local scope = require "temporal.workflow.scope"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local methods = {}

--- Cancels what it waits for and all that it has begun; canceled before its first
-- turn, its first wait or operation raises.
-- @tparam[opt] string reason
function methods:cancel(reason)
  future.check_self(self, "future:cancel")
  scope.check_reason(reason, "cancel")
  fiber.running "task:cancel"
  current.run:before_step()
  if not self.done then
    self.scope:cancel(reason or "the task was canceled")
  end
end

--- What its function returned, all of it.
function methods:outcome()
  return unpack(self.values, 1, self.values.n)
end

local metatable = future.class("temporal.workflow.task", methods)

local task = {}

--- Runs a function in its turn.
-- @tparam function fn
-- @tparam table args with their number in `n`
-- @treturn future
function task.spawn(fn, args)
  local caller, run = fiber.running "workflow.spawn", current.run
  run:before_step()
  local outer = caller.scope
  local self = setmetatable({ done = false, scope = scope.new(outer) }, metatable)
  local function ended(_, _, ok, ...)
    outer:leave(self.scope.place)
    if ok then
      self.values = fiber.pack(...)
      future.resolve(self)
    else
      local problem = ...
      future.fail(self, problem == nil and "nil" or problem)
    end
  end
  fiber.enqueue(fiber.new(run, self.scope, ended, fn, args))
  return self
end

return task
