--- Which execution a method of a workflow future is for.
--
-- Only a handle made by `client:workflow` with a run id is pinned to that
-- run. A future not yet acknowledged is waited for first.
-- @module temporal.handle

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local errors = require "temporal.error.error"
local field = require "temporal.base.field"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local state = require "temporal.base.state"

local core_field = core.field

local handle = {}

--- Was the handle made for one run of its workflow id?
-- @param future
-- @treturn boolean
function handle.is_pinned(future)
  -- What this client started has a request id.
  return core_field(future, "request_id") == nil and core_field(future, "run_id") ~= nil
end

-- The run a method acts on, by what the method is for.
local RUN_ID = {
  -- signal, query, describe, history, pause, unpause, update_options
  latest = function(future)
    return handle.is_pinned(future) and core_field(future, "run_id") or nil
  end,
  -- reset, delete
  run = function(future)
    return core_field(future, "result_run_id") or core_field(future, "run_id")
  end,
}
-- cancel, terminate, update: the latest run, but of our chain only
RUN_ID.chain = RUN_ID.latest

--- The first run of the chain a run belongs to, which servers before 1.32 do
-- not name when a start finds a run there; describe does.
-- @param future of a workflow; asked once, it is remembered
-- @tparam string run_id
-- @tparam table call `timeout` (seconds) and `metadata`
-- @treturn string|nil the first run, or nil
-- @treturn temporal.error; of kind `unimplemented` where describe does not say
--   it either
function handle.first_run(future, run_id, call)
  if state.first_runs[future] then
    return state.first_runs[future]
  end
  local id = core_field(future, "id")
  local answer, err = service.call(sessions.of(core.owner(future)), "DescribeWorkflowExecution",
    { execution = { workflow_id = id, run_id = run_id } }, call)
  local info = answer and answer.workflow_execution_info
  local first = info and field.filled(info.first_run_id)
  if answer and not first then
    err = errors.new {
      kind = "unimplemented", workflow_id = id, run_id = run_id,
      message = "this server does not say which runs belong to a workflow, and a later one of "
        .. "the id may be another's; name the run: client:workflow(id, run_id)",
    }
  end
  state.first_runs[future] = first
  return first, err
end

-- The chain of a future: its first run, where there is one to know.
local function chain(future, left, given)
  local first, run_id = core_field(future, "first_execution_run_id"), core_field(future, "run_id")
  if first or not run_id or handle.is_pinned(future) then
    return first
  end
  local err
  first, err = handle.first_run(future, run_id, { timeout = left, metadata = given.metadata })
  if err and err.kind == "not_found" then
    err.message = ("the first run of the workflow cannot be learnt, and without it a later, "
      .. "foreign workflow could be hit; run %s: %s"):format(run_id, err.message)
  end
  if err then
    err.outcome = nil
  end
  return first, err
end

--- The execution to name in a request.
-- @param future of a workflow
-- @tparam string which `"latest"`, `"chain"` or `"run"`
-- @tparam table given the method's options; `timeout` bounds the wait for the
--   acknowledgement and the call together
-- @treturn table `{workflow_id=, run_id=}`, or nil
-- @treturn temporal.error|string|nil the error; else first_execution_run_id
--   where known (`"chain"` only)
-- @treturn number|nil seconds left for the call
function handle.execution(future, which, given)
  local deadline = call_options.deadline(given)
  if not core.ready(future, "started") or core_field(future, "request_id") then
    local started, err = future:started(given.timeout)
    if not started then
      return nil, err
    end
  end
  local left, late = call_options.left(deadline, given.timeout)
  if late then
    return nil, late
  end
  local execution = {
    workflow_id = core_field(future, "id"),
    run_id = RUN_ID[which](future),
  }
  if which ~= "chain" then
    return execution, nil, left
  end
  local first, err = chain(future, left, given)
  if err then
    return nil, err
  end
  left, late = call_options.left(deadline, given.timeout)
  if late then
    return nil, late
  end
  return execution, first, left
end

return handle
