--- The polls of a worker: which queues it asks, and how many at a time.
-- @module temporal.worker.polls

local activity_task = require "temporal.base.lazy" "temporal.worker.activity_task"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local eager_start = require "temporal.base.lazy" "temporal.worker.eager_start"
local host = require "temporal.wait.host"
local poller = require "temporal.worker.poller"
local rate = require "temporal.worker.rate"
local spawn = require("temporal.wait.task").spawn
local worker_options = require "temporal.worker.options"
local workflow_task = require "temporal.base.lazy" "temporal.worker.workflow_task"

local next = next
local floor, max = math.floor, math.max

-- Of five polls for workflow tasks one stays on the normal queue.
local NORMAL_SHARE = 5

local STICKY = "temporal.api.taskqueue.v1.StickyExecutionAttributes"

local polls = {}

-- What each poll of a queue says.
local function request_to(self, queue)
  return {
    task_queue = queue, worker_instance_key = self.instance_key,
    deployment_options = self.deployment,
  }
end

-- The polls of a workflow's two queues: this worker's own, where the server sends
-- the tasks of runs that are in its cache, and everybody's.
local function poll_workflows(self, normal, count)
  local everybodys = {
    count = count, method = "PollWorkflowTaskQueue", slots = self.slots.workflow,
    request = request_to(self, normal), tasks = workflow_task,
  }
  if self.cache.limit > 0 then
    local queue = {
      name = ("%s:%s"):format(self.task_queue, self.instance_key),
      kind = "TASK_QUEUE_KIND_STICKY", normal_name = self.task_queue,
    }
    self.sticky_queue = queue.name
    self.sticky = assert(core.encode(STICKY, {
      worker_task_queue = queue,
      schedule_to_start_timeout = duration.message(self.settings.sticky_timeout),
    }))
    everybodys.count = max(1, floor(count / NORMAL_SHARE))
    poller.begin(self, {
      count = count - everybodys.count, method = "PollWorkflowTaskQueue",
      slots = self.slots.workflow, sticky = true, other = everybodys,
      request = request_to(self, queue), tasks = workflow_task,
    })
  end
  self.start_source = { slots = self.slots.workflow, tasks = eager_start }
  poller.begin(self, everybodys)
end

-- Of each workflow task so many activities are wanted with the answer; in a plain
-- script one, since the others would wait for it.
local EAGER, PLAIN_EAGER = 3, 1

local function poll_activities(self, normal, count)
  local settings = self.settings
  local of_queue = settings.max_task_queue_activities_per_second
  local request = request_to(self, normal)
  request.task_queue_metadata = of_queue and { max_tasks_per_second = of_queue } or nil
  local source = {
    count = count, method = "PollActivityTaskQueue", slots = self.slots.activity,
    request = request, tasks = activity_task,
    rate = settings.max_activities_per_second and rate.new(settings.max_activities_per_second),
  }
  -- The server counts those that are polled for.
  self.eager_limit = of_queue and 0 or settings.eager_activities
    or host.is_plain() and PLAIN_EAGER or EAGER
  self.eager_source = source
  poller.begin(self, source)
end

-- The code that tasks need is loaded while the server looks for one: after so many
-- seconds, when the first polls are out on a busy machine, too, or by the first task.
local SOON = 0.1

local function load_tasks(self)
  if self.leaving:wait(SOON) then
    return
  end
  if next(self.workflows) then
    require "temporal.worker.workflow_task"
  end
  if next(self.activities) then
    require "temporal.worker.activity_task"
  end
end

--- Begins them.
-- @tparam worker self
function polls.begin(self)
  local pollers = worker_options.pollers(self.settings.pollers, host.is_plain())
  local normal = { name = self.task_queue, kind = "TASK_QUEUE_KIND_NORMAL" }
  if next(self.workflows) then
    poll_workflows(self, normal, pollers.workflow)
  end
  if next(self.activities) and not self.settings.local_activities_only then
    poll_activities(self, normal, pollers.activity)
  end
  spawn(load_tasks, self)
end

return polls
