--- What a workflow knows of itself, and says of itself.
-- @submodule temporal.workflow

local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"

local workflow = {}

--- The time of the workflow: when the task began whose events it sees.
-- @treturn number seconds since the epoch
function workflow.now()
  return fiber.run_of "workflow.now".now
end

--- What is known of the run.
-- @treturn table `id run_id workflow_type task_queue namespace attempt ...`
function workflow.info()
  local run = fiber.run_of "workflow.info"
  local info = run.info
  info.history_length = run.history_length
  info.history_size = run.history_size
  info.continue_as_new_suggested = run.continue_as_new_suggested
  return info
end

--- Was the run asked to cancel itself?
-- @treturn string|nil the reason, `""` without one
function workflow.cancel_requested()
  return fiber.run_of "workflow.cancel_requested".root.reason
end

--- Is this code running in a workflow?
-- @treturn boolean
function workflow.in_workflow()
  return current.run ~= nil
end

return workflow
