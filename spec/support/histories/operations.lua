--- The twins of operations.py: workflows that wait for activities, timers, children and other
-- workflows.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local QUEUE = "histories-activities" -- of Python's activities
local ONCE = { maximum_attempts = 1 }
local OPTIONS = { task_queue = QUEUE, start_to_close_timeout = 60 }

local function start(name, ...) return workflow.execute_activity(OPTIONS, name, ...) end

local function Values(...)
  local list = {}
  for i = 1, 5 do
    local value = (select(i, ...))
    list[i] = value == nil and temporal.null or value
  end
  return list
end

local function Sequence(n)
  for _ = 1, 3 do
    n = start("Double", n):get()
    workflow.sleep(0.01)
  end
  return n
end

local function Parallel(n)
  local futures, sum = {}, 0
  for i = 1, n do futures[i] = start("Double", i - 1) end
  for i = 1, n do sum = sum + futures[i]:get() end
  return sum
end

local function Options()
  local first = workflow.execute_activity({
    id = "mine", summary = "something else", start_to_close_timeout = 31, task_queue = QUEUE,
    priority = { key = 3 }, retry_policy = { initial_interval = 2, maximum_attempts = 4 },
  }, "Double", 1):get()
  workflow.sleep(0.02, { summary = "another nap" })
  return { first, start("Double", 2):get() }
end

local function Failing()
  local seen = {}
  local future = start("Fail", "no luck")
  local _, err = pcall(future.get, future)
  seen[1] = err.cause.message
  seen[2] = workflow.execute_activity({ task_queue = QUEUE, start_to_close_timeout = 60,
    retry_policy = { initial_interval = 0.01 } }, "Flaky", 2):get()
  future = workflow.execute_activity({ task_queue = QUEUE, start_to_close_timeout = 0.5,
    retry_policy = ONCE }, "Sleep", 30)
  _, err = pcall(future.get, future)
  seen[3] = err.cause.kind
  return seen
end

local function FailsByActivity() start("Fail", "no luck"):get() end

local function Fails()
  workflow.sleep(0.01)
  error(temporal.application_error("sold out", { type = "SoldOut", details = { 3 } }))
end

local CANCELLATION = { try_cancel = "try_cancel", wait = "wait_cancellation_completed",
  abandon = "abandon" }

local function CancelActivity(how, name)
  local future = workflow.execute_activity({ task_queue = QUEUE, start_to_close_timeout = 60,
    heartbeat_timeout = 5, retry_policy = ONCE, cancellation_type = CANCELLATION[how] }, name)
  workflow.sleep(1)
  future:cancel()
  local ok, result = pcall(future.get, future)
  if not ok then result = temporal.is_canceled(result) and "canceled" or "failed" end
  workflow.sleep(0.01)
  return result
end

local function CancelAtOnce()
  local future = start("Double", 1)
  future:cancel()
  pcall(future.get, future)
  workflow.timer(3600):cancel()
  workflow.sleep(0.01)
  return start("Double", 2):get()
end

local function Timers()
  workflow.sleep(0.01)
  local long, short = workflow.timer(3600), workflow.timer(0.01)
  local first = workflow.wait { long, short }
  long:cancel()
  workflow.sleep(0.02)
  return first == short and "short" or "long"
end

local function TimerOrActivity()
  -- As Python's wait_for: the timer is made before what it bounds.
  local limit = workflow.timer(3600)
  local first = start("Double", 1)
  workflow.wait { first, limit }
  limit:cancel()
  local slow = workflow.execute_activity({ task_queue = QUEUE, start_to_close_timeout = 60,
    heartbeat_timeout = 5, retry_policy = ONCE }, "Slow")
  local nap = workflow.timer(0.1)
  workflow.wait { slow, nap }
  slow:cancel()
  pcall(slow.get, slow)
  return { first:get(), nap:ready() }
end

-- Children.

local function Child(how)
  local said
  workflow.on_signal("say", function(what) said = said or what end)
  if how == "fail" then
    error(temporal.application_error("the child failed", { type = "ChildBroken" }))
  elseif how == "value" then
    return "a value"
  elseif how == "clean up" then
    local ok, err = pcall(workflow.wait_condition, function() return false end)
    assert(not ok and temporal.is_canceled(err))
    workflow.scope({ shield = true }, function() workflow.sleep(0.5) end)
    return "cleaned up"
  end
  workflow.wait_condition(function() return said end)
  return said
end

local function Parent(prefix)
  local function child(n, how)
    return workflow.execute_child_workflow({ id = prefix .. "-" .. n }, "Child", how)
  end
  local seen = { child(1, "value"):get() }
  local failing = child(2, "fail")
  local _, err = pcall(failing.get, failing)
  seen[2] = err.cause.message
  local talking = child(3, "wait")
  talking:started()
  talking:signal("say", "hello")
  seen[3] = talking:get()
  local one, other = child(4, "value"), child(5, "value")
  seen[4], seen[5] = one:get(), other:get()
  return seen
end

local function TakenId(taken)
  local ok, err = pcall(workflow.start_child_workflow, { id = taken }, "Child", "wait")
  if ok then return "started" end
  workflow.sleep(0.01)
  return err.cause.kind
end

local CHILD_CANCELLATION = {
  completed = "wait_cancellation_completed", requested = "wait_cancellation_requested",
  try = "try_cancel", abandon = "abandon",
}

local function CancelChild(how, what, id)
  local child = workflow.start_child_workflow(
    { id = id, cancellation_type = CHILD_CANCELLATION[how] }, "Child", what)
  child:cancel()
  local ok, result = pcall(child.get, child)
  if not ok then result = result.cause.kind end
  workflow.sleep(0.01)
  return result
end

local function ClosePolicies(prefix)
  for i, policy in ipairs { "terminate", "abandon", "request_cancel" } do
    workflow.start_child_workflow({ id = ("%s-%d"):format(prefix, i - 1),
      parent_close_policy = policy }, "Child", "wait")
  end
  return "left them"
end

local function Externals(first, second)
  local seen = {}
  workflow.external(first):signal("say", "from outside")
  workflow.external(second):cancel()
  local none = workflow.external(first .. "-none")
  local _, err = pcall(none.signal, none, "say", 1)
  seen[1] = err.kind
  _, err = pcall(none.cancel, none)
  seen[2] = err.kind
  return seen
end

return {
  Values = Values, Sequence = Sequence, Parallel = Parallel, Options = Options, Failing = Failing,
  FailsByActivity = FailsByActivity, Fails = Fails, CancelActivity = CancelActivity,
  CancelAtOnce = CancelAtOnce, Timers = Timers, TimerOrActivity = TimerOrActivity, Child = Child,
  Parent = Parent, TakenId = TakenId, CancelChild = CancelChild, ClosePolicies = ClosePolicies,
  Externals = Externals,
}
