--- In what a run of another SDK went another way than ours do: what a replay of its
-- history must know.
--
-- A run's `habits` are nil for our own. Fields: `phased` (signals and updates are
-- handled until nothing is ready before the rest of a step is told), `patient`
-- (`wait_condition` waits for its turn, and takes the number of a timer, though
-- its function is true at once), `merged` (empty tasks that only kept a
-- local activity alive are no steps).
-- @module temporal.workflow.habit

local habit = {}

local OWN, PYTHON = "temporal-lua", "temporal-python"

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
