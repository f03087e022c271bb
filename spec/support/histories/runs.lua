--- The twins of runs.py: workflows that are canceled, reset, repeated, changed; tasks, and what a
-- run says of itself.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local OPTIONS = { task_queue = "histories-activities", start_to_close_timeout = 60 }

local function call(name, ...) return workflow.execute_activity(OPTIONS, name, ...):get() end

-- An activity whose id says which it is.
local function named(id, name, ...)
  return workflow.execute_activity({ task_queue = OPTIONS.task_queue, id = id,
    start_to_close_timeout = 60 }, name, ...):get()
end

local function CleansUp(ends)
  local ok, err = pcall(workflow.sleep, 3600)
  if not ok then
    assert(temporal.is_canceled(err))
    workflow.scope({ shield = true }, function()
      call("Note", "cleaning up")
      workflow.sleep(0.01)
    end)
    if ends == "raise" then error(err, 0) end
  end
  return "cleaned up"
end

local function CanceledWork()
  local slow = workflow.execute_activity({ task_queue = "histories-activities",
    start_to_close_timeout = 60, heartbeat_timeout = 5 }, "Slow")
  local nap = workflow.timer(3600)
  slow:get()
  nap:get()
end

local function CanceledBetween(seconds)
  local ok, err = pcall(function()
    named("first", "Sleep", seconds)
    named("second", "Note")
  end)
  if ok then return "done" end
  assert(temporal.is_canceled(err))
  workflow.scope({ shield = true }, function() named("after", "Note") end)
  return "canceled"
end

local function Countdown(n, sum)
  sum = sum or 0
  workflow.sleep(0.01)
  if n > 0 then workflow.continue_as_new(nil, n - 1, sum + n) end
  return sum
end

local function Patched()
  local seen = {}
  if workflow.patched "change" then
    call("Note", "patched")
    seen[#seen + 1] = "new"
  else
    workflow.sleep(0.01)
  end
  workflow.deprecate_patch "old"
  workflow.sleep(0.01)
  if workflow.patched "change" then call("Note", "patched again") end
  if workflow.patched "another" then call("Note", "another") end
  return seen
end

local function Unpatched()
  workflow.sleep(0.01)
  if workflow.patched "kept" then call("Note", "kept") end
  workflow.sleep(0.01)
end

local function Attributes()
  workflow.upsert_search_attributes { CustomKeyword = "one", CustomInt = 3 }
  workflow.upsert_memo { note = "first", list = { 1, 2 } }
  workflow.sleep(0.01)
  workflow.upsert_memo { note = temporal.null }
  workflow.upsert_search_attributes { CustomKeyword = temporal.null }
end

local function Tasks()
  local order = {}
  local function work(name, count)
    for i = 1, count do named(("%s-%d"):format(name, i - 1), "Note") end
    order[#order + 1] = name
  end
  local function starter()
    local inner = workflow.spawn(work, "inner", 1)
    named("starter", "Note")
    inner:get()
  end
  local tasks = { workflow.spawn(work, "a", 2), workflow.spawn(starter),
    workflow.spawn(work, "b", 1) }
  named("main", "Note")
  workflow.wait_all(tasks)
  local lock = workflow.semaphore(1)
  local function locked(name)
    lock:with(named, "locked " .. name, "Note")
  end
  workflow.wait_all { workflow.spawn(locked, "x"), workflow.spawn(locked, "y"),
    workflow.spawn(locked, "z") }
  table.sort(order)
  return order
end

local function Random()
  local first = workflow.uuid()
  call("Note", first, workflow.random())
  workflow.sleep(0.01)
  local second = workflow.uuid()
  call("Note", second, workflow.random(6))
  return first ~= second
end

local function Resettable()
  local total, closed = 0, false
  workflow.on_update("add", function(n)
    total = total + n
    call("Note", n)
    return total
  end)
  workflow.on_signal("close", function() closed = true end)
  call("Note", workflow.uuid())
  workflow.sleep(0.01)
  call("Note", workflow.uuid())
  workflow.wait_condition(function() return closed and workflow.all_handlers_finished() end)
  return total
end

local function Cron()
  call("Note", "tick")
  return 1
end

local function Retried()
  workflow.sleep(0.01)
  if workflow.info().attempt < 2 then
    error(temporal.application_error("too early", { type = "TooEarly" }))
  end
  return workflow.info().attempt
end

local function TimesOut() workflow.sleep(3600) end

return {
  CleansUp = CleansUp, CanceledWork = CanceledWork, CanceledBetween = CanceledBetween,
  Countdown = Countdown, Patched = Patched, Unpatched = Unpatched, Attributes = Attributes,
  Tasks = Tasks, Random = Random, Resettable = Resettable, Cron = Cron, Retried = Retried,
  TimesOut = TimesOut,
}
