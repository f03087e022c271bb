--- Operations: what a workflow asks for by a command, from the call to the event
-- that ends it. An operation is a future, too.
--
-- A kind of operation is a future's class with these fields besides:
-- `event` (the type of the event its command makes), `command(self, run)` (the
-- temporal.api.command.v1.Command), `matches(self, attributes)` (is this event
-- that of the command?), `shows(self)` and `shows_event(attributes)` (both in
-- words, for a mismatch), `adopt(self, attributes)` (is it, but for its id? Only in
-- replays where ids do not count), `happens` (by event type: `fn(self, attributes)`,
-- returns true when it is over), `waits(self)` (is its end waited for when it is
-- canceled? absent: no), `withdraw(self, reason)` (it is canceled before it was
-- sent), `request_cancel(self, reason)` (after).
-- @module temporal.workflow.operation

local arguments = require "temporal.value.arguments"
local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"
local future = require "temporal.workflow.future"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local payload_list = require("temporal.base.payloads").list
local scopes = require "temporal.workflow.scope"

local error, tostring, type = error, tostring, type

local operation = {}

--- Before a workflow does anything that history shows.
-- @tparam string what the function it called, for messages
-- @treturn run
-- @treturn fiber
-- @raise where it may not; kind `canceled` in a canceled scope
function operation.begin(what)
  local caller = fiber.running(what)
  local run = current.run
  run:before_step()
  future.check_scope(caller)
  return run, caller
end

--- Adds an operation to the commands of this step.
-- @tparam run run
-- @tparam scope|nil scope that cancels it
-- @tparam operation self
-- @treturn operation
function operation.emit(run, scope, self)
  local commands = run:own "commands"
  commands[#commands + 1] = self
  if scope then
    self.scope, self.place = scope, scope:join(self)
  end
  return self
end

--- It is over: its scope forgets it.
function operation.leave(self)
  local scope = self.scope
  if scope then
    self.scope = nil
    scope:leave(self.place)
  end
end

--- Ends it with a value or an error.
function operation.resolve(self, value)
  operation.leave(self)
  future.resolve(self, value)
end

function operation.reject(self, err)
  operation.leave(self)
  future.fail(self, err)
end

--- The options of an operation.
-- @tparam table spec
-- @param given
-- @tparam string what the function that takes them, for messages
-- @tparam[opt] run run for options that convert values
-- @treturn table
-- @raise on misuse
function operation.options(spec, given, what, run)
  if type(given) ~= "table" then
    misuse.raisef("%s takes a table of options first, got %s", what, options.kind_of(given))
  end
  return options.apply(spec, given, {}, run)
end

--- Arguments, for the command: nil without any, and in replay, where nothing is
-- sent.
-- @tparam run run
-- @tparam string what the function that takes them, for messages
-- @tparam integer count
-- @param ... the arguments
-- @treturn string|table|nil a Payloads message
-- @raise when a value cannot be converted
function operation.input(run, what, count, ...)
  if count == 0 or run.replaying then
    return nil
  end
  local input, problem = run.converter:payloads(count, ...)
  if not input then
    misuse.raisef("%s: %s", what, tostring(problem))
  end
  return input
end

--- The value of an operation whose event brought payloads, in `result`: read when
-- it is first asked for.
function operation.outcome(self)
  if self.result ~= nil and not self.read then
    local run = current.run
    local values, problem = run.converter:values(self.result)
    if problem then
      error(run:unreadable(problem, "the result of " .. self:shows()), 0)
    end
    self.read, self.value = true, values[1]
  end
  return self.value
end

--- The same as its payload came.
-- @treturn temporal.raw|nil
function operation.raw(self)
  local payload = payload_list(self.result)[1]
  return payload and arguments.raw(payload)
end

-- What every operation does.
local methods = {}

--- Cancels it. What was not sent yet is dropped without a trace in history.
-- @tparam[opt] string reason
function methods:cancel(reason)
  future.check_self(self, "future:cancel")
  scopes.check_reason(reason, "cancel")
  fiber.running "cancel"
  current.run:before_step()
  return self:cancel_now(reason)
end

function methods:cancel_now(reason)
  if self.done or self.cancel_requested then
    return
  elseif self.ended then
    self.patient = self.patient or self.waits ~= nil and self:waits()
    return
  end
  self.cancel_requested = true
  if self.sent then
    self:request_cancel(reason)
  else
    self.dropped = true
    self:withdraw(reason)
  end
end

function methods:cancel_in_scope(scope)
  self:cancel_now(scope.reason)
end

-- How the events of commands are shown, by their types.
local shows_event = {}

--- An event in words.
-- @tparam string kind its type
-- @tparam table attributes
-- @treturn string
function operation.describe(kind, attributes)
  local show = shows_event[kind]
  return show and show(attributes) or (kind:gsub("_", " "))
end

--- A kind of operation.
-- @tparam string name for tostring
-- @tparam table kind its fields
-- @treturn table the metatable of its instances
function operation.class(name, kind)
  if kind.event then
    shows_event[kind.event] = kind.shows_event
  end
  for method, fn in next, methods do
    kind[method] = kind[method] or fn
  end
  return future.class(name, kind)
end

return operation
