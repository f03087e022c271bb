--- The end of a worker's polls: the server hears that it goes, ends its polls,
-- and hands its tasks to others. Also when the program ends without a word.
-- @module temporal.worker.farewell

local core = require "temporal.core"
local service = require "temporal.call.service"
local spawn = require("temporal.wait.task").spawn
local state = require "temporal.base.state"

local max, min = math.max, math.min
local next, pcall = next, pcall
local now = core.now

local TELL = { timeout = 2, retry = false }
-- The server ends the polls within milliseconds of being told. Where it does not,
-- they are cut, since they would wait for a minute.
local PATIENCE = 5
-- What is on its way to a poll while that is cut is lost, and so is a task that the
-- server gives to a poll while it ends it. So it is told when all is quiet: when no
-- poll is so young, and no answer so new, since tasks that waited, or follow, come
-- sooner. In any case it is told after the second of these, in seconds.
local QUIET, BUSY = 0.2, 1

local farewell = {}

-- Nothing is asked any more. `cut`: nor waited for.
local function end_polls(worker, cut)
  for future in next, worker.polls do
    core.end_poll(future, cut)
  end
end

local function request_of(worker)
  return {
    task_queue = worker.task_queue, worker_instance_key = worker.instance_key,
    sticky_task_queue = worker.sticky_queue,
    reason = "the worker is stopped",
  }
end

local function tell(worker)
  return service.call(worker.session, "ShutdownWorker", request_of(worker), TELL)
end

local function wait_for_polls(worker, patience)
  if next(worker.polls) and patience > 0 then
    worker.polls_ended:wait(patience)
  end
end

-- For how long a poll may still bring what waited for it, or follows on an answer.
local function unrest(worker)
  local latest = worker.answering > 0 and now() or worker.answered_at
  for _, since in next, worker.polls do
    latest = max(latest, since)
  end
  return latest + QUIET - now()
end

local function wait_for_quiet(worker)
  local last = now() + BUSY
  repeat
    local left = min(unrest(worker), last - now())
    wait_for_polls(worker, left)
  until left <= 0 or not next(worker.polls)
end

-- Told before its polls are gone, a server that does not end them holds on to the
-- worker's own queue for them, and with it to the tasks there.
local function say(worker)
  end_polls(worker, false)
  wait_for_quiet(worker)
  worker.lingers = false
  end_polls(worker, not worker.polls_end_by_themselves)
  local heard = tell(worker)
  worker.told:finish()
  if heard then
    wait_for_polls(worker, PATIENCE)
  end
  end_polls(worker, true)
  worker.tasks = worker.tasks - 1
  worker:task_ended()
end

--- Begins it. The worker begins no poll any more, but of its own queue while it
-- `lingers`: the tasks there would wait for it. It has the promises `told` (the server
-- knows) and `polls_ended`.
-- @tparam worker worker
function farewell.begin(worker)
  worker.lingers = worker.state == "stopping" and worker.sticky_queue ~= nil
  worker.tasks = worker.tasks + 1
  spawn(say, worker)
end

-- The Lua state ends, and with it the polls: what is sent now the engine goes on
-- with by itself.
local function say_at_end()
  for worker in next, state.workers do
    if not worker.session.closed then
      pcall(service.start, worker.session, "ShutdownWorker", request_of(worker), TELL)
    end
  end
end

--- Says it for all workers that run when the Lua state is closed.
function farewell.watch_end()
  if state.at_workers_end then
    return
  end
  -- Where tables have no finalizers.
  local new_userdata = rawget(_G, "newproxy")
  if new_userdata then
    state.at_workers_end = new_userdata(true)
    getmetatable(state.at_workers_end).__gc = say_at_end
  else
    state.at_workers_end = setmetatable({}, { __gc = say_at_end })
  end
end

return farewell
