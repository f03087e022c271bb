--- What a workflow answers to an update: the acceptance and the outcome, each a
-- message beside its command, and the rejection, a message alone
-- (temporal.api.update.v1; temporal.api.protocol.v1.Message).
-- @module temporal.workflow.op.update

local core = require "temporal.core"
local operation = require "temporal.workflow.operation"

local PACKAGE = "temporal.api.update.v1."
local TYPE_URL = "type.googleapis.com/"

-- Adds a message to the answer of the task.
local function say(run, record, suffix, kind, body)
  local bytes = assert(core.encode(PACKAGE .. kind, body, true))
  local messages = run:own "messages"
  messages[#messages + 1] = {
    id = record.id .. suffix, protocol_instance_id = record.update_id,
    body = { type_url = TYPE_URL .. PACKAGE .. kind, value = bytes },
  }
end

local function command(self)
  return {
    command_type = "COMMAND_TYPE_PROTOCOL_MESSAGE",
    protocol_message_command_attributes = { message_id = self.message_id },
  }
end

local function words(what, update_id)
  return ("the %s of update %q"):format(what, update_id)
end

local acceptance = operation.class("temporal.workflow.update_acceptance", {
  event = "workflow_execution_update_accepted",
  command = command,
  matches = function(self, attributes)
    return attributes.protocol_instance_id == self.update_id
  end,
  shows = function(self)
    return words("acceptance", self.update_id)
  end,
  shows_event = function(attributes)
    return words("acceptance", attributes.protocol_instance_id)
  end,
})

local completion = operation.class("temporal.workflow.update_completion", {
  event = "workflow_execution_update_completed",
  command = command,
  matches = function(self, attributes)
    return attributes.meta ~= nil and attributes.meta.update_id == self.update_id
  end,
  shows = function(self)
    return words("completion", self.update_id)
  end,
  shows_event = function(attributes)
    return words("completion", attributes.meta and attributes.meta.update_id)
  end,
})

local update = {}

local function emit(run, record, suffix, class)
  operation.emit(run, nil, setmetatable({
    done = true, update_id = record.update_id, message_id = record.id .. suffix,
  }, class))
end

--- The update is accepted: from now on it is in history.
-- @tparam run run
-- @tparam table record `id` (of the message), `update_id`, `event_id`, `request`
function update.accept(run, record)
  emit(run, record, "/accept", acceptance)
  if not run.replaying then
    say(run, record, "/accept", "Acceptance", {
      accepted_request_message_id = record.id,
      accepted_request_sequencing_event_id = record.event_id,
      accepted_request = record.request,
    })
  end
end

--- The update is rejected: nothing of it is in history.
-- @tparam run run
-- @tparam table record
-- @tparam table failure a temporal.api.failure.v1.Failure
function update.reject(run, record, failure)
  if not run.replaying then
    say(run, record, "/reject", "Rejection", {
      rejected_request_message_id = record.id,
      rejected_request_sequencing_event_id = record.event_id,
      rejected_request = record.request, failure = failure,
    })
  end
end

--- The update is over.
-- @tparam run run
-- @tparam table record
-- @tparam table outcome a temporal.api.update.v1.Outcome
function update.complete(run, record, outcome)
  emit(run, record, "/complete", completion)
  if not run.replaying then
    say(run, record, "/complete", "Response", {
      meta = { update_id = record.update_id }, outcome = outcome,
    })
  end
end

--- The request of a message that came with a task.
-- @tparam table message a temporal.api.protocol.v1.Message
-- @treturn table|nil the record, or nil
-- @treturn string what is wrong with it
function update.of_message(message)
  local kind = message.body and message.body.type_url:match("([^/]*)$")
  if kind ~= PACKAGE .. "Request" then
    return nil, ("a message of type %s, which this package does not know"):format(tostring(kind))
  end
  local request, problem = core.decode(kind, message.body.value)
  if not request then
    return nil, problem
  end
  return {
    id = message.id, update_id = message.protocol_instance_id,
    event_id = tonumber(message.event_id), request = request,
  }
end

--- The request behind an acceptance in history.
-- @tparam run run
-- @tparam table attributes of WorkflowExecutionUpdateAccepted
-- @treturn table the record
function update.of_acceptance(run, attributes)
  local admitted = run.admitted[attributes.protocol_instance_id]
  return {
    id = attributes.accepted_request_message_id, update_id = attributes.protocol_instance_id,
    event_id = tonumber(attributes.accepted_request_sequencing_event_id),
    request = attributes.accepted_request or admitted and admitted.request,
  }
end

--- The request that an event tells: an update of the run that was reset, to be
-- done again.
-- @tparam table attributes of WorkflowExecutionUpdateAdmitted
-- @tparam integer id of the event
-- @treturn table the record
function update.of_admission(attributes, id)
  local update_id = attributes.request.meta.update_id
  return { id = update_id .. "/request", update_id = update_id, event_id = id,
    request = attributes.request }
end

return update
