--- Which execution a method of a workflow future is for.
--
-- Only a handle made by `client:workflow` with a run id is pinned to that
-- run. A future not yet acknowledged is waited for first.
-- @module temporal.handle

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"

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
  local first = which == "chain" and core_field(future, "first_execution_run_id") or nil
  return execution, first, left
end

return handle
