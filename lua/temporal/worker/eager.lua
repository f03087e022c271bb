--- Eager activities: those that a workflow task asks for and this worker can run
-- come with the answer to the task's completion, and need no poll
-- (ScheduleActivityTaskCommandAttributes.request_eager_execution,
-- RespondWorkflowTaskCompletedResponse.activity_tasks).
-- @module temporal.worker.eager

local poller = require "temporal.worker.poller"
local types = require "temporal.value.types"

local eager = {}

-- May this command ask for it?
local function may_ask(worker, wanted)
  local activities = worker.activities
  return wanted.task_queue.name == worker.task_queue
    and (activities[wanted.activity_type.name] or activities[types.any]) ~= nil
end

--- Says in the commands which activities are wanted at once, and takes a slot for
-- each. The commands that may be are marked already, by the options of the calls.
-- @tparam worker worker
-- @tparam table commands
-- @treturn integer how many slots it has taken
function eager.ask(worker, commands)
  local source, taken = worker.eager_source, 0
  local limit = worker.state == "running" and worker.eager_limit or 0
  for i = 1, #commands do
    local wanted = commands[i].schedule_activity_task_command_attributes
    if wanted and wanted.request_eager_execution then
      if taken < limit and may_ask(worker, wanted) and poller.try(source) then
        taken = taken + 1
      else
        wanted.request_eager_execution = nil
      end
    end
  end
  return taken
end

--- Runs what has come, and gives the other slots back.
-- @tparam worker worker
-- @tparam table|nil completed a RespondWorkflowTaskCompletedResponse; nil: none came
-- @tparam integer taken
function eager.take(worker, completed, taken)
  local came = completed and completed.activity_tasks
  local source = worker.eager_source
  for i = 1, taken do
    local response = came and came[i]
    if response then
      poller.hand_on(worker, source, response)
    else
      source.slots:release()
    end
  end
end

return eager
