--- Histories that are wrong in one place.

local core = require "temporal.core"
local event = require "temporal.workflow.event"
local recorded = require "temporal.worker.recorded"

local HISTORY = "temporal.api.history.v1.History"

local mutate = {}

--- The short name of an event's type, and its attributes.
function mutate.parts(each)
  local kind = tostring(each.event_type):gsub("^EVENT_TYPE_", ""):lower()
  return kind, each[kind .. "_event_attributes"]
end

--- The events of a file, as copies: `fresh()` gives new ones each time.
function mutate.source(path)
  local bytes = assert(core.encode(HISTORY, assert(recorded.read { file = path })[1]))
  return function() return assert(core.decode(HISTORY, bytes)).events end
end

--- Numbers events again, and all that refers to them.
-- @param events in their new order, with their old ids
function mutate.renumber(events)
  local new = {}
  for i, each in ipairs(events) do new[tostring(each.event_id)] = i end
  for i, each in ipairs(events) do
    each.event_id = i
    local _, attributes = mutate.parts(each)
    for name, value in pairs(attributes or {}) do
      if name:find "event_id$" and new[tostring(value)] then
        attributes[name] = new[tostring(value)]
      end
    end
  end
  return { events = events }
end

--- The places of the commands' events, in lists: one for each block of several or one.
function mutate.blocks(events)
  local blocks, block = {}, nil
  for i, each in ipairs(events) do
    if event.OF_COMMAND[(mutate.parts(each))] then
      block = block or {}
      block[#block + 1] = i
    elseif block then
      blocks[#blocks + 1], block = block, nil
    end
  end
  blocks[#blocks + 1] = block
  return blocks
end

--- Ways to make another name or id of a command's event: functions of its attributes, by its type.
mutate.RENAME = {
  activity_task_scheduled = {
    function(attributes) attributes.activity_id = "another" end,
    function(attributes) attributes.activity_type.name = "Another" end,
  },
  activity_task_cancel_requested = {
    function(attributes) attributes.scheduled_event_id = 1 end,
  },
  timer_started = { function(attributes) attributes.timer_id = "another" end },
  timer_canceled = { function(attributes) attributes.timer_id = "another" end },
  start_child_workflow_execution_initiated = {
    function(attributes) attributes.workflow_id = "another" end,
    function(attributes) attributes.workflow_type.name = "Another" end,
  },
  signal_external_workflow_execution_initiated = {
    function(attributes) attributes.signal_name = "another" end,
    function(attributes) attributes.workflow_execution.workflow_id = "another" end,
  },
  request_cancel_external_workflow_execution_initiated = {
    function(attributes) attributes.workflow_execution.workflow_id = "another" end,
  },
  marker_recorded = { function(attributes) attributes.marker_name = "another" end },
  workflow_execution_update_completed = {
    function(attributes) attributes.meta.update_id = "another" end,
  },
}

--- What may change without a trace: changes it, and says whether there was something.
function mutate.harmless(each)
  local kind, attributes = mutate.parts(each)
  local payloads = { payloads = { { metadata = { encoding = "json/plain" }, data = '"other"' } } }
  local seconds = { seconds = 77 }
  if kind == "activity_task_scheduled" then
    attributes.input, attributes.start_to_close_timeout = payloads, seconds
    attributes.heartbeat_timeout, attributes.retry_policy = seconds, { maximum_attempts = 7 }
    attributes.priority, attributes.task_queue = { priority_key = 1 }, { name = "another" }
  elseif kind == "timer_started" then
    attributes.start_to_fire_timeout = seconds
  elseif kind == "start_child_workflow_execution_initiated" then
    attributes.input, attributes.workflow_run_timeout = payloads, seconds
    attributes.task_queue, attributes.parent_close_policy = { name = "another" }, 2
    attributes.memo = { fields = { a = payloads.payloads[1] } }
  elseif kind == "signal_external_workflow_execution_initiated" then
    attributes.input = payloads
  elseif kind == "workflow_execution_completed" then
    attributes.result = payloads
  elseif kind == "workflow_execution_failed" then
    attributes.failure = { message = "another" }
  elseif kind == "workflow_properties_modified" then
    attributes.upserted_memo = { fields = { b = payloads.payloads[1] } }
  else
    return false
  end
  each.user_metadata = { summary = payloads.payloads[1] }
  return true
end

return mutate
