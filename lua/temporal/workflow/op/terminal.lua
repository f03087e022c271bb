--- The four ends of a run that workflow code chooses: completed, failed,
-- canceled, continued as new.
-- @module temporal.workflow.op.terminal

local operation = require "temporal.workflow.operation"

local function of(name, command_type, field, event, words)
  local kind = {
    event = event,
    command = function(self)
      return { command_type = command_type, [field] = self.attributes }
    end,
    matches = function()
      return true
    end,
    shows = function()
      return words
    end,
    shows_event = function()
      return words
    end,
  }
  return operation.class("temporal.workflow." .. name, kind)
end

local KINDS = {
  complete = of("completion", "COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION",
    "complete_workflow_execution_command_attributes", "workflow_execution_completed",
    "the completion of the workflow"),
  fail = of("failure", "COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION",
    "fail_workflow_execution_command_attributes", "workflow_execution_failed",
    "the failure of the workflow"),
  cancel = of("cancellation", "COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION",
    "cancel_workflow_execution_command_attributes", "workflow_execution_canceled",
    "the cancellation of the workflow"),
  continue_as_new = of("continuation", "COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION",
    "continue_as_new_workflow_execution_command_attributes",
    "workflow_execution_continued_as_new", "the continuation as a new run"),
}

local terminal = {}

--- The last command of a run.
-- @tparam string kind `"complete" "fail" "cancel" "continue_as_new"`
-- @tparam table attributes of the command
-- @treturn operation
function terminal.new(kind, attributes)
  return setmetatable({ done = true, attributes = attributes }, KINDS[kind])
end

return terminal
