--- The run that follows this one (ContinueAsNewWorkflowExecution).
-- @module temporal.workflow.op.continuation

local current = require "temporal.workflow.current"
local fiber = require "temporal.workflow.fiber"
local info = require "temporal.workflow.info"
local misuse = require "temporal.base.misuse"
local names = require "temporal.workflow.sandbox.names"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local start = require "temporal.run.start"
local terminal = require "temporal.workflow.op.terminal"

local next, tostring = next, tostring

local shared = start.options.handlers

local VERSIONING = { auto_upgrade = 1 }

local OPTIONS = options.define("option of workflow.continue_as_new", {
  workflow = function(target, value)
    target.workflow = value
  end,
  task_queue = options.string("task_queue"),
  run_timeout = options.duration("workflow_run_timeout"),
  task_timeout = options.duration("workflow_task_timeout"),
  retry_policy = shared.retry_policy,
  memo = shared.memo,
  search_attributes = shared.search_attributes,
  versioning_behavior = options.choice("initial_versioning_behavior", VERSIONING),
})

-- What is not given stays as it is.
local function attributes_of(run, given)
  local from, memo, indexed = run.started, info.memo_of(run), info.search_attributes_of(run)
  return {
    task_queue = { name = given.task_queue or run.task_queue },
    workflow_run_timeout = given.workflow_run_timeout or from.workflow_run_timeout,
    workflow_task_timeout = given.workflow_task_timeout or from.workflow_task_timeout,
    retry_policy = given.retry_policy or from.retry_policy,
    memo = given.memo or next(memo) and { fields = memo } or nil,
    search_attributes = given.search_attributes
      or next(indexed) and { indexed_fields = indexed } or nil,
    initial_versioning_behavior = given.initial_versioning_behavior,
  }
end

local continuation = {}

local METHOD = "workflow.continue_as_new"

--- Ends the run that is running and goes on in a new one: never returns.
-- @tparam table|nil given options
-- @tparam integer count of arguments
-- @param ... arguments
-- @raise on misuse
function continuation.start(given, count, ...)
  fiber.running(METHOD)
  local run = current.run
  run:before_step()
  given = operation.options(OPTIONS, given or {}, METHOD, run)
  local attributes = attributes_of(run, given)
  local name = given.workflow and names.resolve(run, given.workflow, count)
    or run.workflow_type
  attributes.workflow_type = { name = name }
  local input, problem = run.converter:payloads(count, ...)
  if not input then
    misuse.raisef("%s: %s", METHOD, tostring(problem))
  end
  attributes.input = count > 0 and input or nil
  run.outcome = run.outcome or terminal.new("continue_as_new", attributes)
  return fiber.stop()
end

return continuation
