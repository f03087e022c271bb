--- What activity code calls.
-- @module temporal.activity

local misuse = require "temporal.base.misuse"

local running = coroutine.running

local activity = {}

-- The activities that are running, by their coroutines.
local current = setmetatable({}, { __mode = "k" })

--- The running coroutine is an activity's.
-- @tparam table context `info` and `worker`
function activity.enter(context)
  current[running() or false] = context
end

--- Is the running coroutine that of an activity of this worker?
-- @tparam worker worker
-- @treturn boolean
function activity.is_of(worker)
  local context = current[running() or false]
  return context ~= nil and context.worker == worker
end

local function context_of(what)
  local context = current[running() or false]
  if not context then
    misuse.raisef("%s can be called in an activity only", what)
  end
  return context
end

--- What is known of the activity's task.
-- @treturn table `id type task_queue workflow_id run_id workflow_type namespace
--   attempt ...`
function activity.info()
  return context_of "activity.info".info
end

return activity
