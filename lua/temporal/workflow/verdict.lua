--- Who fails: the workflow or its task. What code raises that is no error object, and
-- what does not match the history, fails the task, which a deploy can mend; with
-- `fail_workflow_on` it fails the workflow.
-- @module temporal.workflow.verdict

local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"
local terminal = require "temporal.workflow.op.terminal"

local type = type

local verdict = {}

--- What `fail_workflow_on` of a worker and of a definition name, together.
-- @tparam table|nil first list
-- @tparam table|nil second list
-- @treturn table|nil a set; nil: nothing
function verdict.set(first, second)
  if not (first or second) then
    return nil
  end
  local set = {}
  for _, list in next, { first or set, second or set } do
    for i = 1, #list do
      set[list[i]] = true
    end
  end
  return set
end

--- Does this fail the workflow, where without `fail_workflow_on` it fails the task?
-- @tparam run run
-- @param problem an error object, or whatever was raised
-- @tparam[opt] boolean by_code not when code has not done what history has
-- @treturn boolean
function verdict.moves(run, problem, by_code)
  local set = run.fail_on
  if not set then
    return false
  end
  local err = failure.of_raised(problem)
  if err.kind == "nondeterminism" then
    return not by_code and set.nondeterminism == true
  elseif err.kind == "internal" then
    return false
  end
  return set.error or set[err.type or err.kind] or false
end

--- The end of a run that has failed.
-- @tparam run run
-- @param problem an error object, or whatever was raised or returned
-- @tparam[opt] string traceback
-- @treturn operation|nil or nil
-- @treturn string|temporal.error why it cannot be told
function verdict.failed(run, problem, traceback)
  local err = failure.of_raised(problem, traceback)
  if err ~= problem and type(problem) == "table" and run.converter:payload(problem) then
    err.details = { problem }
  end
  local proto, unwritable = failure.from_error(err, run.converter)
  if not proto then
    return nil, unwritable
  end
  return terminal.new("fail", { failure = proto })
end

--- The commands that end a run whose task would have failed.
-- @tparam run run
-- @param problem
-- @treturn table|nil commands, or nil: that cannot be told either
function verdict.ends(run, problem)
  local ended = verdict.failed(run, problem)
  run.closed = true
  return ended and { ended:command(run) }
end

local HINT = "; the task is tried again until the code is mended (to fail the workflow instead, "
  .. "return nil and why, raise a temporal.application_error, or say so with fail_workflow_on)"

--- What failed a task, as it is told.
-- @param problem
-- @tparam[opt] string traceback
-- @treturn temporal.error
function verdict.told(problem, traceback)
  local err = failure.of_raised(problem, traceback)
  if not errors.is_error(problem) then
    err.message = err.message .. HINT
  end
  return err
end

return verdict
