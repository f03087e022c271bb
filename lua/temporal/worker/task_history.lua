--- What a workflow task needs of its run's history: what came with it, behind what
-- the cached run knows, or all of it, page by page.
-- @module temporal.worker.task_history

local calls = require "temporal.worker.calls"
local histories = require "temporal.workflow.history"

local tonumber = tonumber

local task_history = {}

local function take_page(worker, page, history, workflow_id)
  local problem
  if worker.payloads then
    page, problem = worker.payloads:decode("GetWorkflowExecutionHistoryResponse", page,
      workflow_id)
    if not page then
      return nil, problem
    end
  end
  local good, gap = history:append(page.history or "")
  if not good then
    return nil, gap
  end
  return page.next_page_token or ""
end

-- The rest of a history, behind what came with the task. A page may be empty, and
-- still say that there are others.
local function fetch(worker, response, history, token)
  repeat
    local page, problem = calls.call(worker, "GetWorkflowExecutionHistory", {
      execution = response.workflow_execution, next_page_token = token,
    })
    if not page then
      return nil, problem
    end
    token, problem = take_page(worker, page, history, response.workflow_execution.workflow_id)
    if not token then
      return nil, problem
    end
  until token == ""
  return true
end

-- A worker without a cache is sent the whole history again, and goes on with the
-- local activities it has under way.
local function follows(run, response)
  return run.last_started_id == tonumber(response.previous_started_event_id)
end

--- Is this task older than what its run has done since?
-- @tparam run run
-- @tparam table response a PollWorkflowTaskQueueResponse
function task_history.is_stale(run, response)
  local started_id = tonumber(response.started_event_id)
  return started_id > 0 and run.last_started_id ~= nil and started_id <= run.last_started_id
end

--- Does the cached run go on with the events that came with a task?
-- @tparam run run
-- @tparam table response
-- @tparam integer|nil first the id of the first of these events
-- @treturn boolean
function task_history.continues(run, response, first)
  return first == nil or first == run.last_started_id + 1
    or first == 1 and run.awaits_task and follows(run, response)
end

--- The events that a run has not applied.
-- @tparam worker worker
-- @tparam table response
-- @tparam integer known the id of the last event the run has applied; 0 for a new one
-- @tparam integer|nil first the id of the first event that came with the task
-- @treturn history|nil nil: it could not be read, or
-- @treturn temporal.error|nil why; nil: the task is over, since the history goes on
--   behind it
function task_history.get(worker, response, known, first)
  local events, token = response.history or "", response.next_page_token
  local history = histories.new(known)
  local good, problem = true, nil
  local fetched = known == 0 and first ~= 1
  if fetched then
    good, problem = fetch(worker, response, history, "")
    token = nil
  end
  if good then
    -- The last events of a task that is not in the stored history are here only.
    good, problem = history:append(events)
  end
  if good and token and token ~= "" then
    good, problem = fetch(worker, response, history, token)
  end
  local started_id = tonumber(response.started_event_id)
  if good and started_id > 0 and history.last_id > started_id then
    return nil
  end
  return good and history, problem
end

return task_history
