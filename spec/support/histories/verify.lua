--- Replays a recorded history in every way a worker meets it: whole; task by task, as a worker that
-- has the run in its cache; from the beginning up to a task, in pages, as one that has not. Of the
-- last two each command that is made is compared with the event that is there.

local core = require "temporal.core"
local habit = require "temporal.workflow.habit"
local histories = require "temporal.workflow.history"
local marker = require "temporal.workflow.op.marker"
local operations = require "temporal.workflow.operation"
local recorded = require "temporal.worker.recorded"
local temporal = require "temporal"

local COMMAND = "temporal.api.command.v1.Command"
local REQUEST = "temporal.api.update.v1.Request"
-- So many tasks of a long history are begun anew, in pages.
local FRESH = 12

local OF_COMMAND = require "temporal.workflow.event".OF_COMMAND
local converter = temporal.converter.new()

-- The events of commands whose names are others.
local KIND = {
  schedule_activity_task = "activity_task_scheduled",
  request_cancel_activity_task = "activity_task_cancel_requested",
  start_timer = "timer_started", cancel_timer = "timer_canceled",
  complete_workflow_execution = "workflow_execution_completed",
  fail_workflow_execution = "workflow_execution_failed",
  cancel_workflow_execution = "workflow_execution_canceled",
  continue_as_new_workflow_execution = "workflow_execution_continued_as_new",
  record_marker = "marker_recorded",
  upsert_workflow_search_attributes = "upsert_workflow_search_attributes",
  modify_workflow_properties = "workflow_properties_modified",
  start_child_workflow_execution = "start_child_workflow_execution_initiated",
  signal_external_workflow_execution = "signal_external_workflow_execution_initiated",
  request_cancel_external_workflow_execution =
    "request_cancel_external_workflow_execution_initiated",
}

-- A marker as history has it.
local function as_recorded(attributes)
  local history = histories.new(0)
  assert(history:append { { event_id = 1, event_type = "EVENT_TYPE_MARKER_RECORDED",
    marker_recorded_event_attributes = attributes } })
  return history:attributes(1)
end

-- A command as it goes out, in the words of its event.
local function words_of(command, messages)
  local sent = assert(core.decode(COMMAND, (assert(core.encode(COMMAND, command, true)))))
  local name = sent.command_type:gsub("^COMMAND_TYPE_", ""):lower()
  local attributes = sent[name .. "_command_attributes"]
  if name == "protocol_message" then
    for _, message in ipairs(messages) do
      if message.id == attributes.message_id then
        local update_id = message.protocol_instance_id
        local accepts = message.id:find "/accept$"
        return operations.describe("workflow_execution_update_"
          .. (accepts and "accepted" or "completed"),
          { protocol_instance_id = update_id, meta = { update_id = update_id } })
      end
    end
    error("no message " .. attributes.message_id)
  end
  if name == "record_marker" then
    attributes = as_recorded(attributes)
  end
  attributes.workflow_execution = attributes.execution or { workflow_id = attributes.workflow_id }
  return operations.describe(assert(KIND[name], name), attributes)
end

local function new_run(replayer, history, habits)
  local started = history.events[1].workflow_execution_started_event_attributes
  local run = assert(replayer.code:run(started.workflow_type.name, {
    converter = converter, namespace = "default",
    workflow_id = started.workflow_id, run_id = started.original_execution_run_id,
  }))
  run.habits = habits
  return run
end

local function append(history, events, from, last, page)
  for first = from, last, page do
    local part = {}
    for i = first, math.min(first + page - 1, last) do part[#part + 1] = events[i] end
    assert(history:append(part))
  end
end

-- What the block behind a task recorded: the words of its events, the requests of the updates it
-- accepted, the results of local activities. `admitted`: the updates that a reset left, by id; they
-- come in no message.
local function block_of(whole, last, admitted)
  local words, given, told = {}, {}, {}
  for i = last + 2, whole.count do
    local kind, attributes = whole:kind(i), whole:attributes(i)
    if not OF_COMMAND[kind] then break end
    words[#words + 1] = operations.describe(kind, attributes)
    if kind == "marker_recorded" then told[#told + 1] = marker.local_activity_of(attributes) end
    if kind == "workflow_execution_update_accepted" then
      local id = attributes.protocol_instance_id
      if not admitted[id] then
        given[#given + 1] = {
          id = attributes.accepted_request_message_id, protocol_instance_id = id,
          event_id = attributes.accepted_request_sequencing_event_id,
          body = { type_url = "type.googleapis.com/" .. REQUEST,
            value = assert(core.encode(REQUEST, attributes.accepted_request, true)) },
        }
      end
    end
  end
  return words, given, told
end

-- What a task comes to: its local activities end as they did.
local function answer(run, told, commands, messages)
  for _, each in ipairs(told) do
    if commands ~= false then break end -- what was canceled has ended by itself
    local copy = {}
    for name, value in pairs(each) do copy[name] = value end
    commands, messages = run:local_done(copy)
  end
  if commands == false then return run:answer() end
  return commands, messages
end

local function compare(path, id, expected, commands, messages)
  if not commands then error(("%s: task %d: %s"):format(path, id, tostring(messages)), 0) end
  local made = {}
  for i, command in ipairs(commands) do made[i] = words_of(command, messages) end
  expected, made = table.concat(expected, "; "), table.concat(made, "; ")
  if expected ~= made then
    error(("%s: task %d has %s, but made %s"):format(path, id, expected, made), 0)
  end
end

-- The tasks that were completed, by the places of their WorkflowTaskStarted.
local function tasks_of(whole)
  local tasks = {}
  for i = 1, whole.count do
    if whole:kind(i) == "workflow_task_started"
      and whole:kind(i + 1) == "workflow_task_completed" then
      tasks[#tasks + 1] = i
    end
  end
  return tasks
end

-- Calls `done(id, commands, messages)` for each task of the run that is kept.
local function verify_steps(path, history, replayer, done)
  local whole = histories.new(0)
  assert(whole:append(history.events))
  local habits, admitted = habit.of(whole), {}
  local tasks, known = tasks_of(whole), 0
  local stepwise = new_run(replayer, history, habits)
  local every = math.max(1, math.ceil(#tasks / FRESH))
  for number, last in ipairs(tasks) do
    for i = known + 1, last do
      if whole:kind(i) == "workflow_execution_update_admitted" then
        admitted[whole:attributes(i).request.meta.update_id] = true
      end
    end
    local words, given, told = block_of(whole, last, admitted)
    local next_events = histories.new(known)
    append(next_events, history.events, known + 1, last, 1)
    local commands, messages = answer(stepwise, told, stepwise:apply(next_events, last, given))
    if done then done(last, commands or {}, messages) else
      compare(path, last, words, commands, messages)
    end
    known = last
    for page = 1, not done and number % every == 0 and 3 or 0 do
      local pages = histories.new(0)
      append(pages, history.events, 1, last, page)
      local run = new_run(replayer, history, habits)
      compare(path, last, words, answer(run, told, run:apply(pages, last, given)))
    end
  end
  return #tasks
end

local verify = {}

--- Task by task: `done(id, commands, messages)` is called for each.
verify.steps = verify_steps

--- All ways, for the history of a file.
-- @param path
-- @param replayer of temporal.replayer
-- @return the number of its events, of its tasks
-- Raises where it does not replay.
function verify.file(path, replayer)
  local ok, err = replayer:replay { file = path }
  if not ok then error(path .. ": " .. tostring(err), 0) end
  local history = assert(recorded.read { file = path })[1]
  return #history.events, verify_steps(path, history, replayer)
end

--- All twins, by type.
function verify.workflows()
  local all = {}
  for _, name in ipairs { "operations", "messages", "runs", "local_activities", "own" } do
    for type_name, fn in pairs(require("spec.support.histories." .. name)) do
      all[type_name] = fn
    end
  end
  return all
end

return verify
