--- The futures of a run: of operations and of tasks. A future is done once, and
-- wakes who waits for it in the order in which they began to wait.
-- @module temporal.workflow.future

local current = require "temporal.workflow.current"
local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local fiber = require "temporal.workflow.fiber"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local text_of = require("temporal.base.text").of

local error, next, setmetatable, type = error, next, setmetatable, type
local sort = table.sort

local future = {}

-- Makes a timer; set by op/timer.lua, which is built on futures.
local new_timer

--- What bounds a wait.
-- @tparam function make `make(seconds)` returns a future
function future.set_timer(make)
  new_timer = make
end

--- Wakes who waits.
function future.finish(self)
  self.done = true
  local waiters = self.waiters
  if waiters then
    self.waiters = nil
    for i = 1, #waiters, 2 do
      local each = waiters[i]
      if each.number == waiters[i + 1] then
        fiber.wake(each)
      end
    end
  end
end

--- Ends a future with a value.
function future.resolve(self, value)
  if not self.done then
    self.value = value
    future.finish(self)
  end
end

--- Ends a future with an error.
function future.reject(self, err)
  if not self.done then
    self.err = err
    future.finish(self)
  end
end

--- Ends a future with an error that somebody should take.
function future.fail(self, err)
  if not self.done then
    local unseen = current.run:own "unseen"
    unseen.n = (unseen.n or 0) + 1
    unseen[self] = unseen.n
    future.reject(self, err)
  end
end

--- Somebody has taken its error.
function future.seen(self)
  local unseen = current.run.unseen
  if unseen[self] then
    unseen[self] = nil
  end
end

--- Logs the errors that nobody has taken, when the run ends.
-- @tparam run run
function future.say_unseen(run)
  local unseen, list = run.unseen, {}
  if next(unseen) == nil then
    return
  end
  run.unseen, unseen.n = nil, nil
  for each in next, unseen do
    local told = each.start_asked and each.start.err ~= nil -- why a child has not started
    if not (told or errors.is_canceled(each.err)) then
      list[#list + 1] = each
    end
  end
  sort(list, function(a, b)
    return unseen[a] < unseen[b]
  end)
  for i = 1, #list do
    local err = list[i].err
    local what = list[i].shows and list[i]:shows() or "a task"
    run:log(errors.is_error(err) and "warn" or "error",
      ("%s failed and nobody took its error: %s"):format(what, text_of(err)))
  end
end

--- Has the running fiber woken when a future is done.
function future.subscribe(self, waiting)
  local waiters = self.waiters
  if not waiters then
    self.waiters = { waiting, waiting.number }
    return
  end
  local count = #waiters
  waiters[count + 1], waiters[count + 2] = waiting, waiting.number
end

--- Raises what stands in the way of a wait or an operation in the scope of a
-- fiber.
function future.check_scope(waiting)
  if waiting.scope.reason then
    fiber.raise(waiting.scope:canceled_error())
  end
end

-- Waits until a future is done, or a timer, if there is one.
local function wait_for(self, waiting, timer)
  if not self.patient then
    future.check_scope(waiting)
  end
  repeat
    future.subscribe(self, waiting)
    if timer then
      future.subscribe(timer, waiting)
    end
    fiber.park(self)
  until self.done or timer and timer.done
  if timer and not timer.done then
    timer:cancel()
  end
  return self.done
end

-- A method was called with its future.
local function check_self(self, what)
  if not future.is(self) then
    misuse.raisef("%s is a method of futures: write future:method(...), with a colon; got %s", what,
      options.kind_of(self))
  end
end

future.check_self = check_self

local methods = {}

local GET = options.define("option of future:get", {
  timeout = options.seconds("timeout"),
  raw = options.boolean("raw"),
})

--- Waits without taking the outcome.
-- @tparam[opt] number|string timeout a duration
-- @treturn boolean true; false when the time ran out
-- @raise kind `canceled` in a canceled scope
function methods:wait(timeout)
  check_self(self, "future:wait")
  local waiting = fiber.running "future:wait"
  current.run:before_step()
  if self.done then
    return true
  end
  timeout = options.timeout(timeout, "future:wait")
  if timeout and timeout <= 0 then
    return false
  end
  return wait_for(self, waiting, timeout and new_timer(timeout)) or false
end

--- Waits for the outcome.
-- @tparam[opt] number|string|table given a duration, or `{timeout=, raw=}`;
--   `raw` (false): the payload as it came
-- @return the value
-- @raise the error; kind `timeout` when the time ran out: the operation goes on;
--   kind `canceled` in a canceled scope
function methods:get(given)
  check_self(self, "future:get")
  local timeout, raw
  if given ~= nil then
    local wanted = options.get(GET, given, "future:get")
    timeout, raw = wanted.timeout, wanted.raw
  end
  if not self:wait(timeout) then
    error(errors.new {
      kind = "timeout",
      message = ("waited %s; what was waited for goes on"):format(duration.text(timeout)),
    }, 0)
  end
  if self.err ~= nil then
    future.seen(self)
    fiber.raise(self.err)
  elseif raw and self.raw then
    return self:raw()
  end
  return self:outcome()
end

--- Its value; kinds that decode it say so.
function methods:outcome()
  return self.value
end

--- Is it done? Never waits.
function methods:ready()
  check_self(self, "future:ready")
  return self.done
end

--- A kind of future.
-- @tparam string name for tostring
-- @tparam table own its methods
-- @treturn table the metatable
function future.class(name, own)
  setmetatable(own, { __index = methods })
  return {
    __name = name,
    __index = own,
    __tostring = function(self)
      local how = not self.done and "pending" or self.err ~= nil and "failed" or "done"
      return ("%s (%s)"):format(name, how)
    end,
  }
end

--- Is it a future of a run?
function future.is(value)
  return type(value) == "table" and type(value.wait) == "function" and value.done ~= nil
end

local function check_list(list, what)
  if future.is(list) then
    misuse.raisef("%s takes a list of futures: write %s{ one, other }, got a future", what, what)
  elseif type(list) ~= "table" then
    misuse.raisef("%s takes a list of futures, got %s", what, options.kind_of(list))
  end
  for i = 1, #list do
    if not future.is(list[i]) then
      misuse.raisef("%s takes a list of futures; element %d is %s", what, i,
        options.kind_of(list[i]))
    end
  end
end

local function first_done(list)
  for i = 1, #list do
    if list[i].done then
      return i
    end
  end
  return nil
end

local function all_done(list)
  for i = 1, #list do
    if not list[i].done then
      return nil
    end
  end
  return true
end

-- Parks until one of the list, or the timer, is done.
local function park_for(list, waiting, timer)
  if not fiber.is_patient(list) then
    future.check_scope(waiting)
  end
  for i = 1, #list do
    if not list[i].done then
      future.subscribe(list[i], waiting)
    end
  end
  if timer then
    future.subscribe(timer, waiting)
  end
  fiber.park(list)
end

-- Waits until `find(list)` finds something; nil when the time ran out.
local function wait_many(what, list, timeout, find)
  local waiting = fiber.running(what)
  check_list(list, what)
  current.run:before_step()
  timeout = options.timeout(timeout, what)
  local found, timer = find(list), nil
  if not found and timeout then
    timer = timeout > 0 and new_timer(timeout) or { done = true }
  end
  while not found and not (timer and timer.done) do
    park_for(list, waiting, timer)
    found = find(list)
  end
  if timer and not timer.done then
    timer:cancel()
  end
  return found
end

--- Waits for the first of many futures.
-- @tparam table list not empty
-- @tparam[opt] number|string timeout a duration
-- @treturn future|nil the one that is ready, the first of the list where there are
--   several; nil when the time ran out
-- @treturn integer its place
function future.any(list, timeout)
  if type(list) == "table" and next(list) == nil then
    misuse.raise "workflow.wait: the list is empty: nothing in it will ever be ready"
  end
  local place = wait_many("workflow.wait", list, timeout, first_done)
  if place then
    return list[place], place
  end
  return nil
end

--- Waits until all of many futures are done, failed ones too.
-- @tparam table list of none there is nothing to wait for
-- @tparam[opt] number|string timeout a duration
-- @treturn boolean true; false when the time ran out
function future.all(list, timeout)
  return wait_many("workflow.wait_all", list, timeout, all_done) or false
end

return future
