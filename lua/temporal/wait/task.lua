--- Tasks: functions that run beside the rest of the program, each in a
-- coroutine. A task that waits is suspended, and goes on when what it waits
-- for is there: while a plain script waits, in `temporal.poll` of a program
-- with a loop of its own, or when the event loop says so.
-- @module temporal.task

local duration = require "temporal.base.duration"
local errors = require "temporal.error.error"
local host = require "temporal.wait.host"
local lost = require "temporal.wait.lost"
local logger = require "temporal.observe.logger"
local misuse = require "temporal.base.misuse"
local not_a_value = require "temporal.base.not_a_value"
local options = require "temporal.base.options"
local protect = require "temporal.base.protect"
local scheduler = require "temporal.wait.scheduler"
local state = require "temporal.base.state"
local text_of = require("temporal.base.text").of
local tickets = require "temporal.wait.ticket"
local wait = require "temporal.wait.wait"

local running = coroutine.running
local select, setmetatable, type = select, setmetatable, type
local unpack = table.unpack or unpack -- luacheck: ignore

--- A task, which `temporal.spawn` makes.
-- @type task
local task = {}
local metatable = { __name = "temporal.task", __index = task }

local function check_self(self)
  return options.check_self(self, metatable, "task")
end

-- At the end of the program the errors nobody took are said on stderr: no
-- function of the user's runs any more.
local function say_untaken()
  for err in next, state.untaken do
    logger.default("error", "a task failed and nobody took its error: " .. errors.uncaught(err))
  end
end

local function watch_end()
  if state.at_end then
    return
  end
  -- Where tables have no finalizers.
  local new_userdata = rawget(_G, "newproxy")
  if new_userdata then
    state.at_end = new_userdata(true)
    getmetatable(state.at_end).__gc = say_untaken
  else
    state.at_end = setmetatable({}, { __gc = say_untaken })
  end
end

local function error_of(problem)
  if errors.is_error(problem) then
    return problem
  end
  return errors.new {
    kind = "task_failed",
    message = "the task raised: " .. text_of(problem),
    raw = problem,
  }
end

-- The end of a task: what its function returned or raised.
function task:_finish(ok, ...)
  if self._finished then
    return
  end
  self._finished = true
  state.unfinished = state.unfinished - 1
  if ok then
    self._values = { n = select("#", ...), ... }
  else
    self._error = error_of(...)
    if self._error ~= self._killed then
      state.untaken[self._error] = setmetatable({ self }, { __mode = "v" })
      watch_end()
    end
  end
  tickets.finished(self)
end

local function finish(self, mark, ...)
  state.tasks[running()] = nil
  lost.unmark(mark)
  return self:_finish(...)
end

-- What the coroutine of a task runs, and holds the mark with.
local function body_of(self, fn, ...)
  local n, arguments = select("#", ...), { ... }
  local mark = lost.mark(self)
  return function()
    if self._killed then
      return nil
    end
    state.tasks[running()] = self
    return finish(self, mark, protect(fn, unpack(arguments, 1, n)))
  end
end

local function begin(apart, fn, ...)
  local self = setmetatable({ _finished = false }, metatable)
  local body = body_of(self, fn, ...)
  state.unfinished = state.unfinished + 1
  local adapter = host.current()
  if adapter.spawn then
    self._hosted = true
    adapter.spawn(body, function(problem)
      self:_finish(false, problem)
    end, apart)
  else
    local ok, problem = scheduler.resume(coroutine.create(body), self)
    if not ok then
      self:_finish(false, problem)
    end
  end
  return self
end

--- Runs a function beside the rest of the program. It begins at once (under
-- cqueues at the controller's next step), and runs until it first waits.
-- @tparam function fn
-- @param ... its arguments
-- @treturn task
-- @raise when fn is no function
local function spawn(fn, ...)
  if type(fn) ~= "function" then
    misuse.raisef("temporal.spawn takes a function, got %s", options.kind_of(fn))
  end
  return begin(false, fn, ...)
end

--- The same for what does not end with whoever makes it: a request of nginx.
-- @tparam function fn
-- @param ... its arguments
-- @treturn task
local function spawn_apart(fn, ...)
  return begin(true, fn, ...)
end

--- Waits for the end of the task.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`; nil for
--   ever, 0 to look only
-- @return what its function returned, or nil
-- @treturn temporal.error what it raised: an error of this package as it is,
--   anything else as kind `task_failed` with the value in `raw`; of kind
--   `call_canceled` when it was killed; of kind `timeout` when the time ran
--   out: the task goes on
function task:get(timeout)
  check_self(self)
  timeout = options.timeout(timeout, "task:get")
  local ready, problem = wait.one(self, "result", timeout)
  if not ready then
    if problem.kind == "timeout" then
      problem.message = ("the task has not ended after %s; it goes on")
        :format(duration.text(timeout))
    end
    return nil, problem
  end
  if self._error then
    state.untaken[self._error] = nil
    return nil, self._error
  end
  return unpack(self._values, 1, self._values.n)
end

--- Has the task ended? Never blocks.
-- @treturn boolean
function task:ready()
  check_self(self)
  if not self._finished then
    lost.look()
  end
  return self._finished
end

--- Waits for the end of the task without taking its outcome.
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn boolean|nil true; false when the time ran out; nil where waiting is
--   not possible
-- @treturn temporal.error|nil of kind `cannot_wait`
function task:wait(timeout)
  check_self(self)
  return wait.ready(self, options.timeout(timeout, "task:wait"))
end

--- Ends the task: the wait it is in raises, or the next one it begins. Whoever
-- waits for the task gets an error of kind `call_canceled`. What the task has
-- begun elsewhere, such as a workflow, goes on. A task that has ended stays as
-- it is.
function task:kill()
  check_self(self)
  if self._finished then
    return
  end
  self._killed = errors.new { kind = "call_canceled", message = "the task was killed" }
  self:_finish(false, self._killed)
end

function metatable.__temporal_await(self)
  return not self._finished and self or nil
end

not_a_value(metatable)

function metatable.__tostring(self)
  local how = self._killed and "killed" or self._error and "failed"
    or self._finished and "finished" or "running"
  return ("temporal.task (%s)"):format(how)
end

--- The task whose coroutine is running.
-- @treturn task|nil
local function current()
  return state.tasks[running() or false]
end

--- From now on whatever the task waits for in its coroutine raises, also the wait
-- it is in, but for what is ready already.
-- @tparam task self
-- @tparam function|nil raised `raised()` makes what is raised; nil: no more
local function interrupt(self, raised)
  self._interrupt = raised
  if raised and self._ticket then
    tickets.nudge(self._ticket)
  end
end

--- Somebody is told when the coroutine of the task has kept all others waiting, where
-- this package resumes it.
-- @tparam task self
-- @tparam function slow `slow(whose, seconds)`, of more than a second
-- @param whose
local function watch(self, slow, whose)
  self._slow, self._whose = slow, whose
end

--- What a task raised, as it was raised: for those who hand it on.
-- @param err what `get` returned
-- @return the error itself where the task has not raised, but was lost
local function raised(err)
  if errors.is_error(err) and err.kind == "task_failed" and err.raw ~= nil then
    return err.raw
  end
  return err
end

return {
  spawn = spawn,
  spawn_apart = spawn_apart,
  raised = raised,
  current = current,
  interrupt = interrupt,
  watch = watch,
}
