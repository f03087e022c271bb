--- Queries: what a workflow says about itself, at any time, closed or not.
-- @module temporal.query

local call_options = require "temporal.call.call_options"
local enum = require "temporal.base.enum"
local errors = require "temporal.error.error"
local handle = require "temporal.call.handle"
local message = require "temporal.run.message"
local options = require "temporal.base.options"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"

local METHOD = "workflow:query"
local REJECT = { none = 1, not_open = 2, not_completed_cleanly = 3 }

local QUERY = call_options.define("option of workflow:query", {
  name = options.string("name"),
  reject = options.choice("reject", REJECT),
  header = message.header_option,
})

local function rejected(input, answer)
  local status = enum.short("WORKFLOW_EXECUTION_STATUS_", answer.status)
  return errors.new {
    kind = "query_rejected",
    message = ("the query %q was not asked: the workflow is %s"):format(input.name,
      tostring(status)),
    status = status,
    workflow_id = input.id,
    run_id = input.run_id,
    raw = answer,
  }
end

local function result(session, input, payloads)
  local payload = payloads and payloads.payloads[1]
  local value, problem = session:values("result", input.id):value(payload)
  if problem then
    problem.workflow_id, problem.run_id = input.id, input.run_id
    return nil, errors.new(problem)
  end
  return value
end

local function perform(input)
  local session = sessions.of(input.client)
  local args, err = message.arguments(session, input.id, input.args, METHOD)
  if err then
    return nil, err
  end
  local header
  header, err = message.header(session, input.id, input.header, METHOD)
  if err then
    return nil, err
  end
  local given = input.options
  local execution, problem, left = handle.execution(input.workflow, "latest", given)
  if not execution then
    return nil, problem
  end
  local answer, failed = service.call(session, "QueryWorkflow", {
    execution = execution,
    query = { query_type = input.name, query_args = args, header = header },
    query_reject_condition = given.reject,
  }, { timeout = left or session.query_timeout, metadata = given.metadata })
  if not answer then
    return nil, failed
  elseif answer.query_rejected then
    return nil, rejected(input, answer.query_rejected)
  end
  return result(session, input, answer.query_result)
end

--- Asks the workflow: its latest run, or the run its handle was made for. A
-- worker has to be there; a closed workflow answers too, unless `reject` says
-- that it must not. `"__stack_trace"` and the other built-in queries are
-- queries like any other.
-- @param self the workflow's future or handle
-- @tparam string|table name the query's name, or `{name=, reject=, header=,
--   timeout=, metadata=}`; `reject` is `"none"` (the default), `"not_open"` or
--   `"not_completed_cleanly"`; `timeout` is 30 s
--   when absent, or the client's `rpc_timeout` where it was given one
-- @param ... arguments
-- @return the value (nil and false are values), or nil
-- @treturn temporal.error of kind `query_failed` (no such query, or its handler
--   raised; `cause` where the worker sent one), `query_rejected` (with `status`;
--   a paused workflow rejects without being asked to), `deadline_exceeded` (no
--   worker answered), `failed_precondition` (its tasks fail, or none has begun)
-- @raise on misuse
local function query(self, name, ...)
  local given = call_options.named(QUERY, name, METHOD)
  return sessions.run("query", message.input(self, given, ...), perform)
end

return { query = query }
