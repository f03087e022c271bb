--- Where the events of one step end: at the WorkflowTaskStarted of each task
-- that was completed, or is the one to be done now. What a task that failed or
-- timed out had begun is in no history, so it is no step.
-- @module temporal.workflow.chunk

local event = require "temporal.workflow.event"

local CLOSES, OF_COMMAND = event.CLOSES, event.OF_COMMAND

-- A task whose end is one of these left nothing behind.
local function is_void(kind)
  return kind == "workflow_task_failed" or kind == "workflow_task_timed_out" or CLOSES[kind]
end

-- Of several tasks in one step, the one that an accepted update came with.
local function of_update(history, passed, i)
  if history:kind(i + 2) ~= "workflow_execution_update_accepted" then
    return nil
  end
  local attributes = history:attributes(i + 2)
  local after = tonumber(attributes.accepted_request_sequencing_event_id)
  if history:id(i) < after then
    return i
  end
  for place = #passed, 1, -1 do
    if history:id(passed[place]) < after then
      return passed[place]
    end
  end
  return nil
end

--- The end of the step that begins at a place.
-- @tparam history history
-- @tparam integer from the place of its first event
-- @tparam boolean complete nothing comes after these events
-- @tparam[opt] boolean merged tasks that came to nothing, but for another one, are no
--   steps of their own: so the SDKs on the shared core cut their histories
-- @treturn integer|nil the place of its last event; nil: more pages are needed
local function ends(history, from, complete, merged)
  local kinds, passed = history.kinds, nil
  for i = from, history.count do
    local kind = kinds[i]
    if CLOSES[kind] then
      return i
    elseif merged and OF_COMMAND[kind] then
      merged = false
    elseif kind == "workflow_task_started" then
      local after = kinds[i + 1]
      if after == nil then
        return complete and i or nil
      elseif merged and after == "workflow_task_completed"
        and kinds[i + 2] == "workflow_task_scheduled" then
        passed = passed or {}
        passed[#passed + 1] = i
      elseif not is_void(after) then
        return passed and of_update(history, passed, i) or i
      end
    end
  end
  return complete and history.count or nil
end

--- The end of the block of events that the answer to this step's task made.
-- @tparam history history
-- @tparam integer last the place of the step's last event
-- @tparam boolean complete
-- @treturn integer|nil the place of the last event of the block, `last` when
--   there is none; nil: more pages are needed
local function block_ends(history, last, complete)
  local kinds = history.kinds
  if kinds[last] ~= "workflow_task_started" then
    return last
  end
  local i = last + 1
  if kinds[i] ~= "workflow_task_completed" then
    return (i <= history.count or complete) and last or nil
  end
  repeat
    i = i + 1
  until not OF_COMMAND[kinds[i]]
  return (i <= history.count or complete) and i - 1 or nil
end

return { ends = ends, block_ends = block_ends }
