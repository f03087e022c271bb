--- `workflow:diagnose`: why there is no result yet.
-- @module temporal.diagnose

local call_options = require "temporal.call.call_options"
local description = require "temporal.run.description"
local diagnosis = require "temporal.run.diagnosis"
local failure = require "temporal.error.failure"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"

local METHOD = "workflow:diagnose"
local DIAGNOSE = call_options.define("option of workflow:diagnose")

local metatable = {
  __name = "temporal.diagnosis",
  __tostring = function(self)
    return self.message
  end,
}

local function read(session, found)
  local self = description.read(session, found.response)
  local values = session:values("failure", self.id)
  local why, cause = found:task_failure()
  local task = self.pending_workflow_task
  if task then
    task.failure, task.failure_cause = failure.to_error(why, values), cause
  end
  local problem = found:problem(function(message)
    return failure.to_error(message, values).message
  end)
  return setmetatable({
    id = self.id, run_id = self.run_id, workflow_type = self.workflow_type,
    status = self.status, task_queue = self.task_queue,
    pollers = found.pollers,
    workflow_task = task,
    pending_activities = self.pending_activities,
    pending_children = self.pending_children,
    problem = problem,
    message = problem or found:state(),
  }, metatable)
end

local function perform(input)
  local found = diagnosis.new(operation.execution(input), true)
  local method, request = found:next()
  while method do
    local answer, err = operation.call(input, method, request)
    if answer then
      found:take(answer)
    elseif not found.response or err.kind == "timeout" or err.kind == "cannot_wait" then
      return nil, err
    end
    -- What one may not ask is not known, and the rest is.
    method, request = found:next()
  end
  return read(sessions.of(input.client), found)
end

--- Why the workflow has no result yet: of the latest run of its id, or of the run
-- the handle is pinned to. Asks the server up to four times.
--
-- Fields: `problem`, what is wrong, in one sentence (the line that a wait of more
-- than `diagnose_after` gives the logger); nil when nothing is. `message`, the
-- same, or what the workflow waits for; also what `tostring` gives. `pollers`:
-- who polls the task queue, a list of `{identity=, last_access_time=,
-- rate_per_second=, deployment=}`; nil where that may not be asked, or the
-- workflow has ended. `workflow_task`: `{state=, attempt=, scheduled_time=,
-- started_time=, failure=, failure_cause=}` where one is pending; `failure` is
-- the error of the last one that failed. `pending_activities` and
-- `pending_children`, as `describe` has them: of an activity `attempt`,
-- `last_failure`, `last_heartbeat_time`, `next_attempt_schedule_time` and
-- others. `id`, `run_id`, `workflow_type`, `status`, `task_queue`.
-- @function diagnose
-- @param self a future
-- @tparam[opt] number|string|table given a timeout (duration) for all of it, or
--   `{timeout=, metadata=}`; the client's `rpc_timeout` for each request when
--   absent
-- @treturn table|nil or nil
-- @treturn temporal.error of kind `not_found`, of the server, or `timeout`
-- @raise on misuse
local function diagnose(self, given)
  return operation.run(self, "diagnose", "latest", options.get(DIAGNOSE, given, METHOD), perform)
end

return { diagnose = diagnose }
