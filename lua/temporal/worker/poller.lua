--- Pollers: each has one poll open at a time, and hands what it brings to a task
-- of its own.
-- @module temporal.worker.poller

local calls = require "temporal.worker.calls"
local core = require "temporal.core"
local direct = require "temporal.wait.direct"
local logger = require "temporal.observe.logger"
local protect = require "temporal.base.protect"
local scheduler = require "temporal.wait.scheduler"
local shared = require "temporal.base.state"
local spawn = require("temporal.wait.task").spawn
local text_of = require("temporal.base.text").of

local max, min = math.max, math.min
local next, tonumber, tostring = next, tonumber, tostring
local now = core.now

-- After a poll that failed, in seconds: doubled each time, up to the last.
local FIRST_PAUSE, EXHAUSTED_PAUSE, LONGEST_PAUSE = 0.2, 1, 10
-- An answer without a task that comes earlier must not make us spin.
local EARLY, LONGEST_EARLY_PAUSE = 0.5, 1
-- Warnings of a worker's polls are so far apart, in seconds.
local WARN_AGAIN = 10

-- The same as an answer without a task.
local EMPTY = { canceled = true, deadline_exceeded = true }
-- What trying again does not mend. For a while it is tried all the same: the
-- namespace may just be being made, the key replaced.
local REFUSED = {
  not_found = true, invalid_argument = true, failed_precondition = true,
  permission_denied = true, unauthenticated = true,
}
-- There is nothing to try again on.
local HOPELESS = { closed = true, fork = true }

local poller = {}

local function handle(worker, source, response)
  local ok, problem = protect(source.tasks.run, worker, response)
  if not ok then -- of this package: what user code raises comes to the task's own end
    logger.log(worker.session.logger, "error", "a task was dropped: " .. text_of(problem))
  end
  source.slots:release()
  worker.tasks = worker.tasks - 1
  worker:task_ended()
end

--- Does a task beside the caller, which has taken its slot.
-- @tparam worker worker
-- @tparam table source
-- @tparam table response what a poll brings
function poller.hand_on(worker, source, response)
  worker.tasks = worker.tasks + 1
  worker.crew:run(handle, worker, source, response)
end

--- Takes a slot for a task that comes without a poll, if that may come now.
-- @tparam table source
-- @treturn boolean
function poller.try(source)
  if not source.slots:try() then
    return false
  elseif source.rate and not source.rate:try() then
    source.slots:release()
    return false
  end
  return true
end

-- One that stops goes on with the queue of its own until the server knows.
local function may_poll(worker, source)
  return worker.state == "running" or worker.lingers and source.sticky
end

-- All is said in what the polls of a queue have in common.
local REQUEST = {}

-- One poll: the task it brought, nil without one, and the error.
local function poll(worker, source)
  local future, err = source.polls:start(REQUEST)
  if not future then
    return nil, err
  end
  worker.polls[future] = now()
  if not may_poll(worker, source) then
    core.end_poll(future, true)
  end
  local response
  response, err = source.polls:await(future)
  worker.polls[future] = nil
  if worker.state ~= "running" and not worker.lingers and not next(worker.polls) then
    worker.polls_ended:finish()
  end
  if not response then
    return nil, err
  end
  source.backlog = tonumber(response.backlog_count_hint) or 0
  if response.task_token == "" then
    return nil
  end
  return response
end

-- One line for all that fails, now and then.
local function warn(worker, source, err)
  local time = now()
  worker.failed_polls = worker.failed_polls + 1
  if time < worker.warn_at then
    return
  end
  worker.warn_at = time + WARN_AGAIN
  logger.log(worker.session.logger, "warn", ("%s failed, and is tried again: %s"):format(
    source.method, tostring(err)), {
      task_queue = worker.task_queue, failures = worker.failed_polls,
    })
end

-- Since when a poller has been refused; the worker fails when that is too long.
local function note_refusal(worker, state, err)
  if not err or not REFUSED[err.kind] then
    state.refused_since = nil
    return
  end
  state.refused_since = state.refused_since or now()
  if now() - state.refused_since >= worker.fatal_after then
    worker:fail(err)
  end
end

-- What follows on a poll that has brought nothing.
local function rest(worker, source, state, err, lasted)
  if err and EMPTY[err.kind] then
    err = nil
  end
  note_refusal(worker, state, err)
  if err and HOPELESS[err.kind] then
    worker:fail(err)
  end
  if worker.state ~= "running" then
    return
  elseif not err and lasted >= EARLY then
    state.pause = nil
    return
  end
  local pause = state.pause or FIRST_PAUSE
  if err then
    warn(worker, source, err)
    if err.kind == "resource_exhausted" then
      pause = max(pause, EXHAUSTED_PAUSE)
    end
  end
  state.pause = min(2 * pause, err and LONGEST_PAUSE or LONGEST_EARLY_PAUSE)
  worker.leaving:wait(pause * (0.9 + 0.2 * state.spread))
end

-- The queue of the next poll: its own, unless the other has work that waits.
local function choose(source, spare)
  local other = spare and source.other
  return other and source.backlog == 0 and other.backlog > 0 and other or source
end

local function loop(worker, own, index)
  -- `spread`: pollers that fail together do not all come back together.
  local state = { spread = index / own.count }
  while may_poll(worker, own) do
    local source = choose(own, index > 1 and worker.state == "running")
    source.slots:acquire(source.sticky)
    if source.rate then
      source.rate:wait(worker.leaving)
    end
    local response, err
    local began = now()
    if may_poll(worker, source) then
      response, err = poll(worker, source)
    end
    source.slots:polled(source.sticky)
    if response then
      if shared.poll_budget and direct.is_ours() then
        scheduler.turn() -- an answer may be there at once: its task is of the budget, too
      end
      state.pause, state.refused_since = nil, nil
      poller.hand_on(worker, source, response)
    else
      source.slots:release()
      if worker.state ~= "running" then
        break
      end
      rest(worker, source, state, err, now() - began)
    end
  end
  worker.pollers = worker.pollers - 1
  worker:task_ended()
end

--- Begins the pollers of a queue.
-- @tparam worker worker
-- @tparam table source `count` (pollers), `method` (`"PollWorkflowTaskQueue"`,
--   `"PollActivityTaskQueue"`), `request`, `slots`, `tasks` (its function
--   `run(worker, response)` does a task and answers it); `rate` (of
--   temporal.worker.rate): polls wait for it; `sticky`: the queue is the worker's own;
--   `other`: a source in whose place all but the first of them poll while that one has
--   work that waits, and this one has none
function poller.begin(worker, source)
  source.backlog = 0
  source.polls = calls.kind(worker.session, source.method, source.request, true)
  if source.other then
    source.other.backlog = 0 -- it may begin after us
  end
  for index = 1, source.count do
    worker.pollers = worker.pollers + 1
    spawn(loop, worker, source, index)
  end
end

return poller
