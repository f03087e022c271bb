--- What a workflow knows of itself, and says of itself.
-- @submodule temporal.workflow

local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"
local info = require "temporal.workflow.info"

local workflow = {}

--- The time of the workflow: when the task began whose events it sees.
-- @treturn number seconds since the epoch
function workflow.now()
  return fiber.run_of "workflow.now".now
end

--- What is known of the run.
-- @treturn table `id`, `run_id`, `first_execution_run_id`, `continued_run_id`,
--   `workflow_type`, `task_queue`, `namespace`, `attempt`, `start_time` (seconds since
--   the epoch), `execution_timeout`, `run_timeout`, `task_timeout` (seconds),
--   `retry_policy`, `cron_schedule`, `parent` and `root` (`{id=, run_id=, namespace=}`;
--   a run that is its own root has none), `priority`, `memo` and `search_attributes`
--   (by name, what was upserted among them), `history_length` (events), `history_size`
--   (bytes), `continue_as_new_suggested`, `suggest_reasons` (list),
--   `target_version_changed`, `last_result` and `last_failure` (of the run before)
function workflow.info()
  return info.of(fiber.run_of "workflow.info")
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
