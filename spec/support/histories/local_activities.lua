--- The twins of local_activities.py.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local OPTIONS = { task_queue = "histories-activities", start_to_close_timeout = 60 }
local LOCAL = { start_to_close_timeout = 60 }
local ONCE = { maximum_attempts = 1 }

local function call(name, ...) return workflow.execute_activity(OPTIONS, name, ...):get() end
local function here(name, ...) return workflow.execute_local_activity(LOCAL, name, ...):get() end

local function note(id)
  workflow.execute_activity({ task_queue = OPTIONS.task_queue, start_to_close_timeout = 60,
    id = id }, "Note"):get()
end

local function LocalSequence(n)
  n = here("Double", n)
  n = call("Double", n)
  n = here("Double", n)
  workflow.sleep(0.01)
  n = here("Double", n)
  return call("Double", n)
end

local function LocalParallel()
  local function work(name, seconds)
    here("Sleep", seconds)
    note("after " .. name)
  end
  workflow.wait_all { workflow.spawn(work, "a", 0.4), workflow.spawn(work, "b", 0.1),
    workflow.spawn(work, "c", 0.25) }
  return { "a", "b", "c" }
end

local function LocalFailing()
  local seen = {}
  if not pcall(here, "Fail", "no luck") then seen[1] = "failed" end
  seen[2] = workflow.execute_local_activity({ start_to_close_timeout = 60,
    retry_policy = { initial_interval = 0.01 } }, "Flaky", 3):get()
  local slow = workflow.execute_local_activity({ start_to_close_timeout = 0.3,
    retry_policy = ONCE }, "Sleep", 30)
  if not pcall(slow.get, slow) then seen[3] = "timed out" end
  workflow.sleep(0.01)
  return seen
end

local function LocalBackoff()
  local first = workflow.execute_local_activity({ start_to_close_timeout = 60,
    local_retry_threshold = 0.1,
    retry_policy = { initial_interval = 0.5, backoff_coefficient = 1 } }, "Flaky", 3):get()
  return { first, call("Double", first) }
end

local function LocalLong(seconds)
  local told = 0
  workflow.on_signal("tell", function()
    told = told + 1
    here("Double", told)
    note "in the handler"
  end)
  local listening = workflow.spawn(function()
    workflow.wait_condition(function() return told > 0 end)
    note "after the signal"
  end)
  here("Sleep", seconds)
  note "after the activity"
  here("Double", 1)
  listening:get()
  return told
end

local CANCELLATION = { try_cancel = "try_cancel", wait = "wait_cancellation_completed",
  abandon = "abandon" }

local function LocalCancel(how)
  local long = workflow.execute_local_activity({ start_to_close_timeout = 60, retry_policy = ONCE,
    cancellation_type = CANCELLATION[how] }, "Patient")
  here("Sleep", 0.2)
  long:cancel()
  local ok, result = pcall(long.get, long)
  if not ok then result = temporal.is_canceled(result) and "canceled" or "failed" end
  workflow.sleep(0.01)
  return result
end

local function LocalPatched()
  here("Double", 1)
  if workflow.patched "local" then here("Double", 2) end
  workflow.upsert_memo { note = "between" }
  return here("Double", 3)
end

return {
  LocalSequence = LocalSequence, LocalParallel = LocalParallel, LocalFailing = LocalFailing,
  LocalBackoff = LocalBackoff, LocalLong = LocalLong, LocalCancel = LocalCancel,
  LocalPatched = LocalPatched,
}
