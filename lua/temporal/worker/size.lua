--- How large the answer to a workflow task may be: the values of each command, as the
-- namespace allows, and the whole, as gRPC does. The server ends a workflow, or
-- refuses without a word that helps, where more comes.
-- @module temporal.worker.size

local core = require "temporal.core"
local errors = require "temporal.error.error"

local next, type = next, type

local REQUEST = "temporal.api.workflowservice.v1.RespondWorkflowTaskCompletedRequest"

-- What a server's gRPC takes, in bytes, with room for what is added to a request.
local MAX_MESSAGE, ROOM = 4 * 1024 * 1024, 1024
-- Of a command, beside its values.
local OF_COMMAND = 256

-- By the command's type: its attributes, the field of the values, and what people
-- call these.
local VALUES = {
  COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK = { "schedule_activity_task_command_attributes", "input",
    "the arguments of activity %s", "activity_type" },
  COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION = {
    "start_child_workflow_execution_command_attributes", "input",
    "the arguments of child workflow %s", "workflow_type" },
  COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION = {
    "signal_external_workflow_execution_command_attributes", "input",
    "the arguments of signal %s", "signal_name" },
  COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION = {
    "continue_as_new_workflow_execution_command_attributes", "input",
    "the arguments of the run that follows" },
  COMMAND_TYPE_RECORD_MARKER = { "record_marker_command_attributes", "details",
    "the values of marker %s", "marker_name" },
  COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION = { "complete_workflow_execution_command_attributes",
    "result", "the result of the workflow" },
  COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION = { "fail_workflow_execution_command_attributes", "failure",
    "the failure of the workflow" },
  COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES = { "modify_workflow_properties_command_attributes",
    "upserted_memo", "the memo" },
}

local size = {
  --- The cause, for RespondWorkflowTaskFailed. With GRPC_MESSAGE_TOO_LARGE the server
  -- terminates the workflow, which a deploy could have mended.
  CAUSE = "WORKFLOW_TASK_FAILED_CAUSE_PAYLOADS_TOO_LARGE",
}

-- Bytes of text in a message, some of which is encoded.
local function size_of(value)
  if type(value) == "string" then
    return #value
  elseif type(value) ~= "table" then
    return 0
  end
  local sum = 0
  for _, each in next, value do
    sum = sum + size_of(each)
  end
  return sum
end

local function too_large(what, bytes, limit, allows)
  return errors.new {
    kind = "message_too_large", size = bytes, limit = limit,
    message = ("%s: %d bytes; %s allows %d"):format(what, bytes, allows, limit),
  }
end

local function name_of(form, attributes)
  local name = form[4] and attributes[form[4]]
  return form[3]:format(type(name) == "table" and name.name or name)
end

local function find_largest(commands)
  local largest, name = 0, nil
  for i = 1, #commands do
    local form = VALUES[commands[i].command_type]
    local attributes = form and commands[i][form[1]]
    local bytes = form and size_of(attributes[form[2]]) or 0
    if bytes > largest then
      largest, name = bytes, name_of(form, attributes)
    end
  end
  return name and (", the largest part is %s (%d bytes)"):format(name, largest) or ""
end

-- What the namespace allows of a command's values and memo.
local function check(worker, command, form)
  local attributes = command[form[1]]
  local value = attributes[form[2]]
  local bytes = value and size_of(value) or 0
  local limit = form[2] == "upserted_memo" and worker.memo_limit or worker.blob_limit
  if limit and bytes > limit then
    return bytes, too_large(name_of(form, attributes), bytes, limit, "the namespace")
  end
  local memo = attributes.memo and size_of(attributes.memo) or 0
  if worker.memo_limit and memo > worker.memo_limit then
    return memo, too_large("the memo", memo, worker.memo_limit, "the namespace")
  end
  return bytes + memo
end

--- Is an answer too large?
-- @tparam worker worker with `blob_limit` and `memo_limit`, in bytes
-- @tparam table request a RespondWorkflowTaskCompletedRequest
-- @treturn temporal.error|nil of kind `message_too_large`
function size.check(worker, request)
  local commands, whole = request.commands, 0
  for i = 1, #commands do
    local form = VALUES[commands[i].command_type]
    whole = whole + OF_COMMAND
    if form then
      local bytes, problem = check(worker, commands[i], form)
      if problem then
        return problem
      end
      whole = whole + bytes
    end
  end
  if request.messages and #request.messages > 0 or request.query_results then
    whole = whole + size_of(request.messages) + size_of(request.query_results)
  end
  if whole < MAX_MESSAGE / 2 then
    return nil
  end
  whole = #(core.encode(REQUEST, request, true) or "") + ROOM
  if whole > MAX_MESSAGE then
    return too_large("the answer to the workflow task" .. find_largest(commands), whole,
      MAX_MESSAGE, "gRPC")
  end
  return nil
end

--- The same of the answer to a query.
-- @tparam worker worker
-- @tparam string name of the query
-- @tparam string|table payloads
-- @treturn temporal.error|nil
function size.check_query(worker, name, payloads)
  local bytes, limit = size_of(payloads), worker.blob_limit
  if limit and bytes > limit then
    return too_large(("the result of query %q"):format(name), bytes, limit, "the namespace")
  end
  return nil
end

return size
