--- What the engine knows of history events, by the short names of their types: which
-- of them a command makes, which of them end what a command began, and what is read
-- of them (temporal.api.enums.v1.EventType, temporal.api.history.v1).
-- @module temporal.workflow.event

local core = require "temporal.core"

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

-- Told to nobody: they say what a server or an operator did beside the run. What
-- the start of a task tells is read when its step runs.
event.IGNORED = {
  activity_task_started = true,
  workflow_task_scheduled = true,
  workflow_task_started = true,
  workflow_task_timed_out = true,
  workflow_properties_modified_externally = true,
  activity_properties_modified_externally = true,
  workflow_execution_options_updated = true,
}

-- Of events that come often: the attributes that the engine reads, all that it
-- has decoded of them. Of all others it has what there is.
local READ = {
  workflow_execution_started = { "input", "workflow_type", "task_queue", "workflow_id",
    "original_execution_run_id" },
  activity_task_scheduled = { "activity_id", "activity_type" },
  activity_task_completed = { "result", "scheduled_event_id" },
  timer_started = { "timer_id" },
  timer_fired = { "started_event_id" },
  workflow_execution_signaled = { "signal_name", "input" },
  workflow_task_started = { "suggest_continue_as_new", "suggest_continue_as_new_reasons",
    "target_worker_deployment_version_changed", "history_size_bytes" },
  workflow_task_completed = { "sdk_metadata", "deployment_version" },
}

-- That as `core.history_attributes` wants it, by kind: a bit for each field.
event.wanted_of = {}

local function message_of(kind)
  return "temporal.api.history.v1." .. ("_" .. kind):gsub("_(%l)", string.upper)
    .. "EventAttributes"
end

-- By kind: the type of the attributes, and the bit of their `input`.
local messages, inputs = {}, {}

--- The type of a kind's attributes.
function event.message_of(kind)
  if not messages[kind] then
    messages[kind] = message_of(kind)
  end
  return messages[kind]
end

--- The bit of the field `input` of a kind's attributes, which have one.
function event.input_of(kind)
  if not inputs[kind] then
    inputs[kind] = 2 ^ core.field_number(event.message_of(kind), "input")
  end
  return inputs[kind]
end

for kind, names in next, READ do
  local wanted = 0
  for i = 1, #names do
    wanted = wanted + 2 ^ assert(core.field_number(event.message_of(kind), names[i]))
  end
  event.wanted_of[kind] = wanted
end

return event
