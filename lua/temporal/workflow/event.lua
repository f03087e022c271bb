--- What the engine knows of history events: the types, which of them a command
-- makes, which of them end what a command began, and where their attributes
-- stand (temporal.api.enums.v1.EventType, temporal.api.history.v1.HistoryEvent).
-- @module temporal.workflow.event

local event = {}

-- One event for each command, written in the order of the commands directly
-- behind the WorkflowTaskCompleted that brought them.
event.OF_COMMAND = {
  activity_task_scheduled = true,
  activity_task_cancel_requested = true,
  timer_started = true,
  timer_canceled = true,
  marker_recorded = true,
  start_child_workflow_execution_initiated = true,
  signal_external_workflow_execution_initiated = true,
  request_cancel_external_workflow_execution_initiated = true,
  upsert_workflow_search_attributes = true,
  workflow_properties_modified = true,
  nexus_operation_scheduled = true,
  nexus_operation_cancel_requested = true,
  workflow_execution_update_accepted = true,
  workflow_execution_update_completed = true,
  workflow_execution_completed = true,
  workflow_execution_failed = true,
  workflow_execution_canceled = true,
  workflow_execution_continued_as_new = true,
}

-- What happens to an operation: the attribute that holds the id of the event
-- its command made.
event.KEY = {
  activity_task_started = "scheduled_event_id",
  activity_task_completed = "scheduled_event_id",
  activity_task_failed = "scheduled_event_id",
  activity_task_timed_out = "scheduled_event_id",
  activity_task_canceled = "scheduled_event_id",
  timer_fired = "started_event_id",
  start_child_workflow_execution_failed = "initiated_event_id",
  child_workflow_execution_started = "initiated_event_id",
  child_workflow_execution_completed = "initiated_event_id",
  child_workflow_execution_failed = "initiated_event_id",
  child_workflow_execution_canceled = "initiated_event_id",
  child_workflow_execution_timed_out = "initiated_event_id",
  child_workflow_execution_terminated = "initiated_event_id",
  external_workflow_execution_signaled = "initiated_event_id",
  signal_external_workflow_execution_failed = "initiated_event_id",
  external_workflow_execution_cancel_requested = "initiated_event_id",
  request_cancel_external_workflow_execution_failed = "initiated_event_id",
}

-- The run is over.
event.CLOSES = {
  workflow_execution_completed = true,
  workflow_execution_failed = true,
  workflow_execution_timed_out = true,
  workflow_execution_canceled = true,
  workflow_execution_terminated = true,
  workflow_execution_continued_as_new = true,
}

-- Told to nobody: they say what a server or an operator did beside the run.
event.IGNORED = {
  activity_task_started = true,
  workflow_task_scheduled = true,
  workflow_task_timed_out = true,
  workflow_properties_modified_externally = true,
  activity_properties_modified_externally = true,
  workflow_execution_options_updated = true,
}

local PREFIX = "EVENT_TYPE_"
local SUFFIX = "_event_attributes"

-- Short names and attributes' fields, by the names of a decoded message.
local short, field = {}, {}

--- The short name of a type: `"timer_fired"`.
-- @tparam string|integer name as a decoded HistoryEvent has it
-- @treturn string|integer a number, of a type this package does not know, as it is
function event.type_of(name)
  local found = short[name]
  if not found then
    found = type(name) == "string" and name:sub(1, #PREFIX) == PREFIX
      and name:sub(#PREFIX + 1):lower() or name
    short[name] = found
  end
  return found
end

--- The attributes of a decoded HistoryEvent.
-- @tparam table message
-- @tparam string kind its type's short name
-- @treturn table|nil
function event.attributes_of(message, kind)
  local name = field[kind]
  if not name then
    name = kind .. SUFFIX
    field[kind] = name
  end
  return message[name]
end

return event
