--- In what a run of another SDK went another way than ours do: what a replay of its
-- history must know.
--
-- A run's `habits` are nil for our own. Fields: `phased` (signals and updates are
-- handled until nothing is ready before the rest of a step is told), `patient`
-- (`wait_condition` waits for its turn, and takes the number of a timer, though
-- its function is true at once), `merged` (empty tasks that only kept a
-- local activity alive are no steps). With any of them, who waits goes on some turns
-- after what it waits for has happened, as in Python's event loop.
-- @module temporal.workflow.habit

local core = require "temporal.core"
local fiber = require "temporal.workflow.fiber"
local scope = require "temporal.workflow.scope"

local habit = {}

local OWN, PYTHON = core.name, "temporal-python"

-- What Python's SDK calls to tell a step all at once.
local SINGLE_BATCH = 2

-- Flags of ours: none so far.
local KNOWN = {}

--- The habits of the SDK that a history names.
-- @tparam history history whole
-- @treturn table|nil
function habit.of(history)
  local name, batched
  for i = 1, history.count do
    if history:kind(i) == "workflow_task_completed" then
      local said = history:attributes(i).sdk_metadata
      name = name or said and said.sdk_name ~= "" and said.sdk_name or nil
      for _, flag in next, said and said.lang_used_flags or {} do
        batched = batched or flag == SINGLE_BATCH
      end
      if batched or name and name ~= PYTHON then
        break
      end
    end
  end
  if name ~= PYTHON then
    return nil
  end
  return { phased = not batched, patient = true, merged = true }
end

-- How many turns of Python's event loop lie between an event and the turn of who waits
-- for it, where there is one: from a future to a task, from that to the next.
local TURNS = {
  timer_fired = 1,
  activity_task_completed = 2,
  activity_task_failed = 2,
  activity_task_timed_out = 2,
  activity_task_canceled = 2,
  start_child_workflow_execution_failed = 1,
  child_workflow_execution_started = 1,
  child_workflow_execution_completed = 2,
  child_workflow_execution_failed = 2,
  child_workflow_execution_canceled = 2,
  child_workflow_execution_timed_out = 2,
  child_workflow_execution_terminated = 2,
  external_workflow_execution_signaled = 1,
  signal_external_workflow_execution_failed = 1,
  external_workflow_execution_cancel_requested = 1,
  request_cancel_external_workflow_execution_failed = 1,
}

local function nothing()
end

-- Calls fn in the turn behind what is ready, or some turns later.
local function in_turn(run, turns, fn)
  local function turn()
    if turns > 1 then
      turns = turns - 1
      in_turn(run, turns, fn)
    else
      fn()
    end
  end
  fiber.enqueue(fiber.new(run, scope.new(nil), nothing, turn, { n = 0 }))
end

--- Cancels a run as Python's tasks are canceled: what is ready goes on once more.
function habit.cancel(run, reason)
  in_turn(run, 1, function()
    run.root:cancel(reason)
  end)
end

--- Tells an operation, or the run itself, what has happened.
function habit.happen(run, operation, kind, attributes)
  if operation ~= run then
    in_turn(run, TURNS[kind], function()
      if operation.happens[kind](operation, attributes) then
        run.by_event[operation.event_id] = nil
      end
    end)
  elseif run.early then
    run.early_cancel = attributes.cause or ""
  else
    habit.cancel(run, attributes.cause or "")
  end
end

--- A way of ours, in which a run went, that this package does not know.
-- @tparam run run
-- @tparam table|nil said sdk_metadata of a WorkflowTaskCompleted
-- @treturn integer|nil the flag
function habit.unknown(run, said)
  if not said then
    return nil
  elseif said.sdk_name ~= nil and said.sdk_name ~= "" then
    run.is_own = said.sdk_name == OWN
  end
  for _, flag in next, run.is_own and said.lang_used_flags or {} do
    if not KNOWN[flag] then
      return flag
    end
  end
  return nil
end

return habit
