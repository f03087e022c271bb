--- The coroutines of a run: the main function, the handlers, what `spawn` began.
-- They run one after the other, first in, first out, each until it waits.
-- @module temporal.workflow.fiber

local core = require "temporal.core"
local current = require "temporal.workflow.current"
local debug = require "temporal.base.debug"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local text_of = require("temporal.base.text").of
local thread = require "temporal.workflow.thread"

local create, resume, yield = thread.create, thread.resume, thread.yield
local error, pcall = error, pcall
local now, step = core.now, core.step
local select, setmetatable = select, setmetatable
local trace = debug.traceback
local unpack = table.unpack or unpack -- luacheck: ignore 113 143
local yieldable = core.yieldable

local PARK = thread.PARK
-- What comes before the results of a fiber's function.
local ENDED = {}

-- Coroutines of fibers that have ended serve other fibers, of any run: so many are kept.
local idle, idle_count, MOST_IDLE = {}, 0, 16

-- What its coroutine's own function had in its hands it would hold until the next fiber.
local function begin()
  local self = current.fiber
  local fn, args = self.fn, self.args
  self.fn, self.args = nil, nil
  return fn(unpack(args, 1, args.n))
end

local function work()
  while yield(ENDED, begin()) do end
end

local function take_coroutine()
  local co = idle[idle_count]
  if not co then
    return create(work)
  end
  idle[idle_count], idle_count = nil, idle_count - 1
  return co
end

-- One that the workflow's code has seen is dead for it, and never another fiber's.
local function release_coroutine(self)
  local co = self.thread
  self.thread = nil
  if self.is_seen then
    resume(co)
  elseif idle_count < MOST_IDLE then
    idle_count = idle_count + 1
    idle[idle_count] = co
  end
end

-- `number` counts a fiber's wakes. Until it begins it has `fn` and `args`; then a
-- `thread`, its coroutine, until the function has returned. Those beside the main one
-- are in a list until they end: each has the one `before` it and the one `behind` it.
local methods = { number = 0 }
local metatable = { __index = methods }

local fiber = {}

-- Those that are ready, first in, first out: of one run at a time.
local ready, ready_first, ready_last = {}, 1, 0

local function leave(run, ok, ...)
  current.run, current.fiber, current.read_only, current.deadline = nil, nil, nil, nil
  if not ok then
    local problem = ...
    return run:fail_task(errors.received { kind = "internal", message = text_of(problem) })
  end
  return ...
end

--- Does something for a run, whose code runs until it waits, within the time it has
-- for that. What is raised outside of that code fails the task.
-- @tparam run run
-- @tparam function fn
-- @param ... its arguments
-- @return what it returns
function fiber.within(run, fn, ...)
  local limit = run.deadlock_timeout
  current.run, current.deadline = run, limit and now() + limit or nil
  if ready_last >= ready_first then -- left by a run whose task failed
    ready, ready_first, ready_last = {}, 1, 0
  end
  return leave(run, pcall(fn, ...))
end

local LATE = "[TMPRL1101] the workflow's code ran for %s s without waiting: is there an endless "
  .. 'loop? The limit is the worker option "deadlock_timeout"; long work belongs into an activity'
local IN_CANCELED = ". Its scope is canceled, where every further wait raises at once: a loop that "
  .. "catches that never waits"

local function late(run, self)
  return LATE:format(run.deadlock_timeout) .. (self and self.scope.reason and IN_CANCELED or "")
end

--- The fiber of a run's main function, which begins in its turn. `run:main_ended(fiber,
-- ok, ...)` is called when it is over: with what the function returned, or false and
-- what it raised.
-- @tparam scope scope
-- @tparam function fn
-- @tparam table args with their number in `n`
-- @treturn fiber
function fiber.main(scope, fn, args)
  -- With room for its coroutine.
  return setmetatable({ thread = nil, scope = scope, fn = fn, args = args }, metatable)
end

--- Another fiber.
-- @tparam run run
-- @tparam scope scope
-- @tparam function ended `ended(run, fiber, ok, ...)` is called when it is over
-- @tparam function fn
-- @tparam table args
-- @treturn fiber
function fiber.new(run, scope, ended, fn, args)
  local before = run.last_fiber
  -- With room for its coroutine and its handler.
  local self = setmetatable({ thread = nil, scope = scope, fn = fn, args = args, ended = ended,
    before = before, behind = nil, handler = nil }, metatable)
  if before then
    before.behind = self
  end
  run.last_fiber = self
  return self
end

local function previous(run, each)
  if each then
    return each.before
  end
  return run.last_fiber
end

--- For a loop over the fibers beside the main one that have not ended, the youngest first.
-- @tparam run run
function fiber.all(run)
  return previous, run, nil
end

--- Puts a fiber at the end of those that are ready.
function fiber.enqueue(self)
  ready_last = ready_last + 1
  ready[ready_last] = self
end

local function finish(run, self, ...)
  if not self.ended then
    return run:main_ended(self, ...)
  end
  local before, behind = self.before, self.behind
  self.before, self.behind = nil, nil -- whoever keeps this one does not keep those
  if before then
    before.behind = behind
  end
  if behind then
    behind.before = before
  else
    run.last_fiber = before
  end
  return self.ended(run, self, ...)
end

local function settle(run, self, ok, first, ...)
  if ok and first == PARK then
    return
  elseif ok and first == ENDED then
    release_coroutine(self)
    return finish(run, self, true, ...)
  elseif ok == nil then
    current.read_only = nil
    return run:fail_task(late(run, self), trace(self.thread))
  elseif ok then
    return finish(run, self, false,
      "coroutine.yield was called outside of a coroutine of your own")
  end
  return finish(run, self, false, first)
end

--- Runs a fiber until it waits or ends.
function fiber.resume(run, self)
  local outer = current.fiber
  current.fiber = self
  if self.args then
    self.thread = take_coroutine()
    settle(run, self, step(self.thread, current.deadline, run.strings, true))
  else
    local problem = self.problem
    self.problem = nil
    settle(run, self, step(self.thread, current.deadline, run.strings, problem))
  end
  current.fiber = outer
  if outer and run.failure then
    fiber.stop()
  end
end

--- Runs all that are ready, and become ready, until the task has failed.
-- @tparam run run
function fiber.run_ready(run)
  while ready_first <= ready_last and not run.failure do
    local first = ready_first
    local each = ready[first]
    ready[first] = nil
    ready_first = first + 1
    fiber.resume(run, each)
  end
  if ready_first > ready_last then
    ready_first, ready_last = 1, 0
  end
end

--- Raises in workflow code what it met, which learns here where that was.
-- @param problem
function fiber.raise(problem)
  if errors.is_error(problem) and problem.where == nil then
    problem.where = misuse.caller()
  end
  error(problem, 0)
end

-- Nobody wakes it for this wait.
local function cannot_park(self)
  self.number, self.awaited = self.number + 1, nil
  misuse.raise("a workflow cannot wait here, inside a function that C calls (string.gsub's)")
end

-- Lua 5.2 cannot be asked whether a coroutine may yield.
local function yield_or_not(self, place)
  local ok, problem = pcall(yield, PARK)
  if not ok then
    self.scope:leave(place)
    cannot_park(self)
  end
  return problem
end

local CANNOT_ASK = _VERSION == "Lua 5.2"

--- Suspends the running fiber until somebody wakes it.
-- @tparam[opt] table awaited the future it waits for, or the list of them: a
--   canceled scope does not end the wait for one that is `patient`
-- @raise what it is woken with
function fiber.park(awaited)
  local self = current.fiber
  if not yieldable() then
    cannot_park(self)
  end
  local scope = self.scope
  self.awaited = awaited or true
  local place = scope:join(self)
  local problem
  if CANNOT_ASK then
    problem = yield_or_not(self, place)
  else
    problem = yield(PARK)
  end
  scope:leave(place)
  if problem ~= nil then
    fiber.raise(problem)
  end
end

--- Suspends the running fiber for good: none of its code runs any more.
function fiber.stop()
  if not yieldable() then
    misuse.raise("a workflow cannot end here, inside a function that C calls (string.gsub's)")
  end
  while true do
    yield(PARK)
  end
end

--- Makes a parked fiber ready.
-- @tparam fiber self
-- @param[opt] problem what its wait raises
function fiber.wake(self, problem)
  if self.awaited then
    self.awaited = nil
    self.number = self.number + 1
    self.problem = problem
    fiber.enqueue(self)
  end
end

--- Does a wait for this go on in a canceled scope?
-- @param awaited a future or a list of futures; another value for no such wait
function fiber.is_patient(awaited)
  if type(awaited) ~= "table" then
    return false
  end
  for i = 1, #awaited do
    if awaited[i].patient then
      return true
    end
  end
  return awaited.patient == true
end

--- Ends the wait of a fiber whose scope was canceled.
function methods:cancel_in_scope(scope)
  if self.awaited and not fiber.is_patient(self.awaited) then
    fiber.wake(self, scope:canceled_error())
  end
end

local function restore(outer, rule, ...)
  current.fiber, current.read_only = outer, rule
  return ...
end

-- Outside of fibers, what may only look runs in a coroutine too, which can be
-- left when its time is over. It serves one call after the other.
local SEEN = {}

local function serve(...)
  return serve(yield(SEEN, pcall(...)))
end

local server

local function served(by, ok, first, ...)
  if ok and first == SEEN then
    server = by
    return ...
  elseif ok == nil then
    return false, late(current.run)
  end
  return false, "coroutine.yield was called outside of a coroutine of your own"
end

local function look_alone(fn, ...)
  local by = server or create(serve)
  server = nil
  return served(by, step(by, current.deadline, current.run.strings, fn, ...))
end

--- Calls a function of the user's that may only look.
-- @tparam string rule what it is, for messages, such as `"a condition"`
-- @tparam function fn
-- @param ... its arguments
-- @return as pcall
function fiber.look(rule, fn, ...)
  local outer, outer_rule = current.fiber, current.read_only
  current.fiber, current.read_only = nil, rule
  if outer then
    return restore(outer, outer_rule, pcall(fn, ...))
  end
  return restore(outer, outer_rule, look_alone(fn, ...))
end

--- The running fiber, which must be able to wait.
-- @tparam string what the function that wants to, for messages
-- @treturn fiber
-- @raise outside of a workflow, and in what may not wait
function fiber.running(what)
  local self = current.fiber
  if not self then
    if not current.run then
      misuse.raisef("%s can be called in a workflow only", what)
    end
    misuse.raisef("%s is not possible in %s: it may only look", what, current.read_only or "here")
  end
  return self
end

--- The run whose code is running.
-- @tparam string what the function that wants it, for messages
-- @treturn run
-- @raise outside of a workflow
function fiber.run_of(what)
  local run = current.run
  if not run then
    misuse.raisef("%s can be called in a workflow only", what)
  end
  return run
end

--- The values of a call, as `args` wants them.
function fiber.pack(...)
  return { n = select("#", ...), ... }
end

--- The error of a fiber that ended with `false, problem`: with a traceback where
-- it is no error of this package.
function fiber.problem_of(self, problem)
  if errors.is_error(problem) then
    return problem
  end
  return problem, trace(self.thread)
end

return fiber
