--- What a workflow knows of itself, and says of itself.
-- @submodule temporal.workflow.api

local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"
local info = require "temporal.workflow.info"
local metadata = require "temporal.workflow.metadata"
local meter = require "temporal.observe.meter"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local pairs, tostring, type = pairs, tostring, type

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
--   `deployment` (`{name=, build_id=}` of the worker, where it has one),
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

local LEVELS = { debug = true, info = true, warn = true, error = true }

--- Logs, with the worker's logger. Silent in a replay.
-- @tparam string level `"debug" "info" "warn" "error"`
-- @tparam string message
-- @tparam[opt] table fields by name; `workflow_id`, `run_id`, `workflow_type`,
--   `attempt` are added
function workflow.log(level, message, fields)
  local run = fiber.run_of "workflow.log"
  if not LEVELS[level] then
    misuse.raisef('workflow.log: the level must be "debug", "info", "warn" or "error", got %s',
      options.show(level))
  elseif fields ~= nil and type(fields) ~= "table" then
    misuse.raisef("workflow.log: the fields must be a table, got %s", options.kind_of(fields))
  end
  run:log(level, tostring(message), fields)
end

--- Metrics of the program's own, in `client:metrics()`; nothing is counted in a
-- replay. They have the tags `namespace`, `task_queue`, `workflow_type`.
-- @treturn temporal.meter `counter(name[, tags]):add([n])`,
--   `gauge(name[, tags]):set(value)`, `histogram(name[, tags]):record(value)`
function workflow.metrics()
  local run = fiber.run_of "workflow.metrics"
  local metrics = run.metrics
  if not metrics then
    metrics = meter.new(run.meter or {}, {
      namespace = run.namespace, task_queue = run.task_queue, workflow_type = run.workflow_type,
    }, run)
    run.metrics = metrics
  end
  return metrics
end

--- Long-form text about the run, which the UI shows.
-- @tparam string markdown
function workflow.set_current_details(markdown)
  if type(markdown) ~= "string" then
    misuse.raisef("workflow.set_current_details takes a string, got %s",
      options.kind_of(markdown))
  end
  metadata.set_details(markdown)
end

--- What code must not depend on, for loggers and libraries.
workflow.unsafe = {}

--- Does this code run again what it has done before?
-- @treturn boolean
function workflow.unsafe.replaying()
  return fiber.run_of "workflow.unsafe.replaying".replaying
end

--- As Lua's own pairs, in any order: for loops whose order does not matter.
-- @tparam table t
-- @return as pairs
function workflow.unsafe.pairs(t)
  return pairs(t)
end

return workflow
