--- Eager starts: the first task of a workflow that this client starts comes with the
-- answer to the start, and needs no poll
-- (StartWorkflowExecutionRequest.request_eager_execution,
-- StartWorkflowExecutionResponse.eager_workflow_task).
-- @module temporal.worker.eager_start

local core = require "temporal.core"
local errors = require "temporal.error.error"
local logger = require "temporal.observe.logger"
local poller = require "temporal.worker.poller"
local types = require "temporal.value.types"
local wait = require "temporal.wait.wait"
local workflow_task = require "temporal.worker.workflow_task"

local eager_start = {}

--- Waits for the end of a start, and runs what has come with it. A worker that stops
-- meanwhile does, too: another one would get the task once it has timed out.
-- @tparam worker worker
-- @param future of the start
function eager_start.run(worker, future)
  wait.one(future, "answered")
  local response, problem = core.first_task(future)
  if response then
    workflow_task.run(worker, response)
  elseif problem then
    logger.log(worker.session.logger, "warn", "the first task of a workflow is left to its "
      .. "timeout: it could not be read: " .. tostring(errors.from_record(problem)),
      { workflow_id = core.field(future, "id"), run_id = core.field(future, "run_id") })
  end
end

--- Takes a slot for the first task of a workflow that is about to be started.
-- @tparam worker worker
-- @tparam string workflow_type
-- @treturn boolean false: the worker has no such workflow, or no room now
function eager_start.reserve(worker, workflow_type)
  local source, entries = worker.start_source, worker.code.entries
  return worker.state == "running" and source ~= nil
    and (entries[workflow_type] or entries[types.any]) ~= nil and poller.try(source)
end

--- The start is on its way, with that slot.
-- @tparam worker worker
-- @param future of the start; nil: it is not, after all
function eager_start.expect(worker, future)
  if future then
    poller.hand_on(worker, worker.start_source, future)
  else
    worker.start_source.slots:release()
  end
end

return eager_start
