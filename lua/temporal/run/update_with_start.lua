--- Update-with-start: starts a workflow, or takes the one that is running, and
-- updates it, in one request (ExecuteMultiOperation).
-- @module temporal.update_with_start

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local errors = require "temporal.error.error"
local message = require "temporal.run.message"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local start = require "temporal.run.start"
local update = require "temporal.run.update"
local update_future = require "temporal.run.update_future"
local update_request = require "temporal.run.update_request"

local METHOD = "client:update_with_start"
local STAGES = update.STAGES

local SPEC = message.define_with_start("update", {
  id = options.string("id"),
  wait = options.choice("wait", STAGES),
})

-- What the server refuses, and what would leave open what is updated.
local function check_start(given)
  if type(given) ~= "table" then
    misuse.raisef("the start options must be a table, got %s", options.kind_of(given))
  elseif given.id_conflict_policy == nil then
    misuse.raise('start option "id_conflict_policy" is required by update_with_start: '
      .. '"use_existing" updates a workflow that is running, "fail" and "terminate_existing" '
      .. "do not")
  elseif given.on_already_started == "attach" then
    misuse.raise('start option on_already_started = "attach" is not possible with '
      .. 'update_with_start; use id_conflict_policy = "use_existing"')
  end
  for _, name in ipairs { "cron_schedule", "start_delay" } do
    if given[name] ~= nil then
      misuse.raisef('start option "%s" is not possible with update_with_start: the update needs '
        .. "a workflow that runs now", name)
    end
  end
  start.check_not_eager(given, "update_with_start")
end

-- Which of the two operations failed: the other one was only aborted.
local function guilty_status(err)
  for _, detail in ipairs(err.details or {}) do
    for _, status in ipairs(detail.statuses or {}) do
      local first = status.details and status.details[1]
      local aborted = first and first.type_url:find("%.MultiOperationExecutionAborted$")
      if status.code ~= 0 and not aborted then
        return status
      end
    end
  end
  return nil
end

-- The error of the operation that failed, in place of the error of both.
local function select_error(err)
  local status = guilty_status(err)
  if not status then
    return err
  end
  local selected = errors.from_record {
    code = status.code,
    message = status.message,
    details = core.encode("google.rpc.Status", {
      code = status.code, message = status.message, details = status.details,
    }),
    attempts = err.attempts,
    outcome = err.outcome,
  }
  selected.raw = err.raw
  return selected
end

local function run_future(input, request, answer)
  local first = answer.first_execution_run_id
  if first == "" then
    first = answer.started and answer.run_id or nil
  end
  local session, metadata = sessions.of(input.client), input.options.metadata
  if metadata or not session.unchanging then
    metadata = session:prepare(metadata)
  end
  local run, problem = session.channel:run(request.namespace, request.workflow_id, answer.run_id,
    first, metadata, input.type, request.request_id, not answer.started)
  if not run then
    misuse.raise(problem)
  end
  core.set_owner(run, input.client)
  return run
end

local function is_durable(answer)
  local stage = enum.short("UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_", answer.stage)
  return answer.outcome ~= nil or STAGES[stage] ~= nil
end

-- Sends both; the future of the update, durable, with its `workflow`.
-- `call.timeout` is what is left of `timeout` until `deadline`.
local function send(input, names, start_request, request, stage, call, timeout, deadline)
  local session, id = sessions.of(input.client), names.workflow_id
  local answer, err = service.call(session, "ExecuteMultiOperation", {
    operations = {
      { start_workflow = start_request },
      { update_workflow = {
        namespace = start_request.namespace,
        workflow_execution = { workflow_id = id },
        wait_policy = { lifecycle_stage = stage },
        request = request,
      } },
    },
  }, { timeout = call.timeout, metadata = call.metadata, workflow_id = id })
  if not answer then
    return nil, select_error(err)
  end
  local started = answer.responses[1].start_workflow
  local updated = answer.responses[2].update_workflow
  names.run_id = started.run_id
  local future
  if is_durable(updated) then
    local execution = { workflow_id = id, run_id = started.run_id }
    future = update_future.new(input.client, execution, names.id, call, updated)
  else
    -- The workflow runs, but no worker has taken the update yet.
    call.timeout, err = call_options.left(deadline, timeout)
    if not err then
      future, err = update.send(session, names, nil, request, stage, call)
    end
  end
  if not future then
    return nil, err
  end
  future.workflow = run_future(input, start_request, started)
  return future
end

local function perform(input)
  local client, given, sent = input.client, input.options, input.update
  local start_request = message.start_request(input)
  local names = { id = sent.id or core.uuid(), workflow_id = start_request.workflow_id }
  local request, err = update_request.build({
    client = client, id = names.workflow_id, name = sent.name, args = sent.args,
    header = input.header, update_id = names.id,
  }, METHOD)
  err = start_request.refusal or err
  local stage = sent.wait or STAGES.accepted
  local timeout = given.timeout and duration.seconds(given.timeout)
  local deadline = timeout and core.now() + timeout
  local call = { timeout = timeout, metadata = given.metadata }
  local bytes, future
  if not err then
    bytes, err = update_request.encode(sessions.of(client), request, call)
  end
  if bytes then
    call.timeout, err = call_options.left(deadline, timeout)
  end
  if not err then
    future, err = send(input, names, start_request, bytes, stage, call, timeout, deadline)
  end
  future, err = update.finish(future, err, names, stage, timeout, deadline)
  if not future then
    err.request_id = err.request_id or start_request.request_id
    return nil, err
  end
  return future
end

--- Updates a workflow, which is started first when it is not running: one
-- request, so nobody comes in between.
-- @param client
-- @tparam table start_options as for `client:execute_workflow`;
--   `id_conflict_policy` is required; `cron_schedule`, `start_delay` and
--   `on_already_started = "attach"` are not possible
-- @tparam table given the update: `{name=, id=, wait=, args={...}}` (`args.n` counts
--   trailing nils; `wait` is `"accepted"`, the default, or `"completed"`), or
--   `{"name", args...}`
-- @tparam string|function workflow the type name, or the definition
-- @param ... arguments of the workflow
-- @treturn temporal.update|nil the update's future; its `workflow` is the run's
--   future; or nil
-- @treturn temporal.error of the start or of the update, whichever failed
-- @raise on misuse
local function update_with_start(client, start_options, given, workflow, ...)
  check_start(start_options)
  return sessions.run("update_with_start",
    message.input_with_start(SPEC, METHOD, client, start_options, given, workflow, ...), perform)
end

return { update_with_start = update_with_start }
