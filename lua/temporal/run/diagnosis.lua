--- Why a workflow has no result yet: what its task queue, its workflow task and
-- its activities say. Asked by `workflow:diagnose`, and by waits that have
-- lasted long, which tell the client's logger (run/long_wait.lua).
--
-- A diagnosis is a list of questions to the server, each of which depends on the
-- answers before it; whoever has it asks them, waiting or not.
-- @module temporal.diagnosis

local decimal = require "temporal.base.decimal"
local enum = require "temporal.base.enum"
local field = require "temporal.base.field"
local poller = require "temporal.call.poller"
local timestamp = require "temporal.base.timestamp"

local filled = field.filled
local floor = math.floor
local ipairs, os_time = ipairs, os.time
local short = enum.short
local time_of = timestamp.from_message

-- A poll lasts a minute; a worker that has not polled for longer is gone.
local GONE = 75
-- Two tasks have been scheduled and one completed by then.
local FIRST_TASK_EVENTS = 4
-- Behind the failure there may be what has come in since, such as signals.
local EVENTS = 100

local WORKFLOW, ACTIVITY = 1, 2

local methods = {}
local metatable = { __index = methods }

-- The words.

local function seconds_text(seconds)
  seconds = floor(seconds + 0.5)
  if seconds >= 7200 then
    return decimal.text(floor(seconds / 3600)) .. " h"
  elseif seconds >= 120 then
    return decimal.text(floor(seconds / 60)) .. " min"
  end
  return decimal.text(seconds) .. " s"
end

local function times_text(count)
  return count == 1 and "once" or count == 2 and "twice" or decimal.text(count) .. " times"
end

local function age(message)
  local time = time_of(message)
  return time and os_time() - time
end

local function queue_of(message)
  return message and filled(message.name)
end

-- What the answers mean.

local function is_open(self)
  local status = short("WORKFLOW_EXECUTION_STATUS_", self.info.status)
  return status == "running" or status == "paused"
end

local function failures_of(task)
  return task and task.attempt > 1 and task.attempt - 1 or 0
end

-- The first activity that nobody has begun; its queue may be another one.
local function waiting_activity(self)
  for _, activity in ipairs(self.response.pending_activities) do
    local options = activity.activity_options
    if activity.state == "PENDING_ACTIVITY_STATE_SCHEDULED" and activity.attempt <= 1
      and options and queue_of(options.task_queue) then
      return activity, queue_of(options.task_queue)
    end
  end
  return nil
end

-- The questions: `request(self)` is nil where the answer is not needed, and
-- `take(self, answer)` keeps what it says.

local function describe_queue(name, kind)
  return { task_queue = { name = name }, task_queue_type = kind }
end

local QUESTIONS = {
  {
    method = "DescribeWorkflowExecution",
    request = function(self)
      return { execution = self.execution }
    end,
    take = function(self, answer)
      self.response, self.info = answer, answer.workflow_execution_info or {}
      local config = answer.execution_config
      self.task_queue = config and queue_of(config.task_queue) or filled(self.info.task_queue)
      self.execution = { workflow_id = self.execution.workflow_id,
        run_id = self.info.execution and self.info.execution.run_id }
    end,
  },
  {
    method = "GetWorkflowExecutionHistoryReverse",
    request = function(self)
      if failures_of(self.response.pending_workflow_task) > 0 then
        return { execution = self.execution, maximum_page_size = EVENTS }
      end
      return nil
    end,
    take = function(self, answer)
      for _, event in ipairs(answer.history and answer.history.events or {}) do
        self.task_failed = event.workflow_task_failed_event_attributes
        self.task_timed_out = event.workflow_task_timed_out_event_attributes
        if self.task_failed or self.task_timed_out then
          break
        end
      end
    end,
  },
  {
    method = "DescribeTaskQueue",
    request = function(self)
      local task = self.response.pending_workflow_task
      if self.task_queue and (self.all or task and failures_of(task) == 0) then
        return describe_queue(self.task_queue, WORKFLOW)
      end
      return nil
    end,
    take = function(self, answer)
      self.pollers = poller.list(answer)
    end,
  },
  {
    method = "DescribeTaskQueue",
    request = function(self)
      local _, queue = waiting_activity(self)
      return queue and describe_queue(queue, ACTIVITY) or nil
    end,
    take = function(self, answer)
      self.activity_pollers = poller.list(answer)
    end,
  },
}

--- Begins to ask.
-- @tparam table execution `{workflow_id=, run_id=}`
-- @tparam[opt] boolean all asks for the pollers even where the rest says enough
-- @treturn diagnosis
local function new(execution, all)
  return setmetatable({ execution = execution, all = all, asked = 0 }, metatable)
end

--- What to ask the server next.
-- @treturn string|nil the method; nil when all is known
-- @treturn table the request
function methods:next()
  while self.asked < #QUESTIONS do
    if self.asked > 0 and not is_open(self) then
      return nil
    end
    self.asked = self.asked + 1
    local question = QUESTIONS[self.asked]
    local request = question.request(self)
    if request then
      return question.method, request
    end
  end
  return nil
end

--- The answer to that.
-- @tparam table answer
function methods:take(answer)
  QUESTIONS[self.asked].take(self, answer)
end

--- Why the last workflow task failed.
-- @treturn table|nil a temporal.api.failure.v1.Failure, or nil
-- @treturn string|nil the cause's short name, such as
--   `"non_deterministic_error"`
function methods:task_failure()
  local failed = self.task_failed
  if not failed then
    return nil
  end
  local cause = short("WORKFLOW_TASK_FAILED_CAUSE_", failed.cause)
  return failed.failure, cause
end

-- The sentences.

-- Those that still poll, and when the last of the others did.
local function present(pollers)
  local count, last, newest = 0, nil, nil
  for _, each in ipairs(pollers) do
    local idle = each.last_access_time and os_time() - each.last_access_time or 0
    if idle < GONE then
      count = count + 1
    end
    if not last or idle < last then
      last, newest = idle, each.identity
    end
  end
  return count, last, newest
end

local function nobody(pollers, queue)
  local count, last, identity = present(pollers)
  if count > 0 then
    return nil
  elseif not last then
    return ("nobody polls task queue %s"):format(queue)
  end
  return ("nobody polls task queue %s any more (%s did %s ago)"):format(queue,
    identity or "somebody", seconds_text(last))
end

local function failing_task(self, text, task)
  local count = times_text(failures_of(task))
  local failure, cause = self:task_failure()
  if failure then
    return ("its workflow task has failed %s: %s"):format(count,
      text(failure) or cause or "no message")
  elseif self.task_timed_out then
    -- Once is what a busy worker does.
    return failures_of(task) > 1
      and ("its workflow task has timed out %s: a worker takes it and does not finish it")
        :format(count)
  end
  return ("its workflow task has failed %s"):format(count)
end

-- It has been scheduled, and nobody has taken it yet.
local function waits_for_task(self, task)
  -- The server's clock may be ahead of ours.
  local waited = math.max(0, self.waited
    or age(task.original_scheduled_time or task.scheduled_time) or 0)
  local first = (tonumber(self.info.history_length) or 0) < FIRST_TASK_EVENTS
  return ("%s has waited %s for its %s task"):format(self.execution.workflow_id,
    seconds_text(waited), first and "first" or "next")
end

local function activity_name(activity)
  local kind = activity.activity_type and filled(activity.activity_type.name)
  if not kind or kind == activity.activity_id then
    return ("activity %s"):format(activity.activity_id)
  end
  return ("activity %s (%s)"):format(kind, activity.activity_id)
end

local function failing_activity(self, text)
  for _, activity in ipairs(self.response.pending_activities) do
    local failed = activity.attempt - 1
    if activity.paused then
      return ("its %s is paused"):format(activity_name(activity))
    elseif failed > 0 and activity.last_failure then
      local pause = age(activity.next_attempt_schedule_time)
      local again = ""
      if pause and pause < 0 and activity.state == "PENDING_ACTIVITY_STATE_SCHEDULED" then
        again = ("; the next attempt is in %s"):format(seconds_text(-pause))
      end
      return ("its %s has failed %s: %s%s"):format(activity_name(activity), times_text(failed),
        text(activity.last_failure) or "no message", again)
    end
  end
  return nil
end

local function unpolled_activity(self)
  local activity, queue = waiting_activity(self)
  local none = activity and self.activity_pollers and nobody(self.activity_pollers, queue)
  return none and ("its %s waits: %s for activities"):format(activity_name(activity), none)
end

local function is_scheduled(task)
  return task ~= nil and task.state == "PENDING_WORKFLOW_TASK_STATE_SCHEDULED"
end

--- What is wrong, in one sentence.
-- @tparam function text `text(failure)`: the message of a Failure
-- @treturn string|nil nil when nothing is
function methods:problem(text)
  if not is_open(self) then
    return nil
  end
  local id = self.execution.workflow_id
  if self.info.status == "WORKFLOW_EXECUTION_STATUS_PAUSED" then
    return id .. " is paused"
  end
  local task = self.response.pending_workflow_task
  local what
  if failures_of(task) > 0 then
    what = failing_task(self, text, task)
  elseif is_scheduled(task) and self.pollers then
    what = nobody(self.pollers, self.task_queue)
    return what and waits_for_task(self, task) .. ": " .. what
  else
    what = failing_activity(self, text) or unpolled_activity(self)
  end
  return what and ("%s has no result yet: %s"):format(id, what) or nil
end

local function other(count)
  return count > 1 and (" and %d more"):format(count - 1) or ""
end

--- What it waits for when nothing is wrong, in one sentence.
-- @treturn string
function methods:state()
  local id, response = self.execution.workflow_id, self.response
  if not is_open(self) then
    return ("%s has ended: %s"):format(id,
      (tostring(short("WORKFLOW_EXECUTION_STATUS_", self.info.status)):gsub("_", " ")))
  end
  local task = response.pending_workflow_task
  if is_scheduled(task) then
    return self.pollers and ("%s; workers that poll task queue %s: %d"):format(
      waits_for_task(self, task), self.task_queue, (present(self.pollers)))
      or waits_for_task(self, task)
  elseif task then
    return ("%s has a workflow task, at which a worker has been for %s"):format(id,
      seconds_text(math.max(0, age(task.started_time) or 0)))
  end
  local activity = response.pending_activities[1]
  if activity then
    local beat = age(activity.last_heartbeat_time)
    return ("%s waits for its %s%s%s"):format(id, activity_name(activity),
      beat and (", whose last heartbeat was %s ago"):format(seconds_text(math.max(0, beat))) or "",
      other(#response.pending_activities))
  end
  local child = response.pending_children[1]
  if child then
    return ("%s waits for its child workflow %s%s"):format(id, child.workflow_id,
      other(#response.pending_children))
  end
  local start = age(self.info.execution_time)
  if start and start < 0 and (tonumber(self.info.history_length) or 0) < 2 then
    return ("%s begins in %s"):format(id, seconds_text(-start))
  end
  return id .. " waits for a timer, a signal or an update: no task is pending"
end

return { new = new }
