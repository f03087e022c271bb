--- Pollers: each has one poll open at a time, and hands what it brings to a task
-- of its own.
-- @module temporal.worker.poller

local direct = require "temporal.wait.direct"
local logger = require "temporal.observe.logger"
local promise = require "temporal.wait.promise"
local service = require "temporal.call.service"
local spawn = require("temporal.wait.task").spawn

local min = math.min

-- After a poll that failed, in seconds: doubled each time, up to the second.
local FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10

-- Histories and payloads of the answers stay bytes.
local POLL = { worker_poll = true, sparse = true }

local poller = {}

local function handle(worker, slots, run, response)
  run(worker, response)
  slots:release()
  worker.tasks = worker.tasks - 1
  worker:task_ended()
end

-- One poll: the task it brought, nil without one, and the error.
local function poll(worker, method, request)
  local future, err = service.start(worker.session, method, request, POLL)
  if not future then
    return nil, err
  end
  worker.polls[future] = true
  local response
  direct.await(future)
  response, err = future:get()
  worker.polls[future] = nil
  if response and response.task_token == "" then
    return nil
  end
  return response, err
end

local function loop(worker, method, request, slots, run)
  local pause = FIRST_PAUSE
  while worker.state == "running" do
    slots:acquire()
    local response, err
    if worker.state == "running" then
      response, err = poll(worker, method, request)
    end
    if response then
      pause = FIRST_PAUSE
      worker.tasks = worker.tasks + 1
      worker.crew:run(handle, worker, slots, run, response)
    else
      slots:release()
      if err and worker.state == "running" then
        logger.log(worker.session.logger, "warn", ("%s failed, and is tried again: %s"):format(
          method, tostring(err)), { task_queue = worker.task_queue })
        promise.pause(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
      else
        pause = FIRST_PAUSE
      end
    end
  end
  worker.pollers = worker.pollers - 1
  worker:task_ended()
end

--- Begins some pollers of a queue.
-- @tparam worker worker
-- @tparam integer count
-- @tparam string method `"PollWorkflowTaskQueue"` or `"PollActivityTaskQueue"`
-- @tparam table queue a temporal.api.taskqueue.v1.TaskQueue
-- @tparam slots slots
-- @tparam function run `run(worker, response)` does a task and answers it
function poller.begin(worker, count, method, queue, slots, run)
  local request = { task_queue = queue, worker_instance_key = worker.instance_key }
  for _ = 1, count do
    worker.pollers = worker.pollers + 1
    spawn(loop, worker, method, request, slots, run)
  end
end

return poller
