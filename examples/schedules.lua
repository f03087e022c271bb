-- A schedule from its creation to its end. usage: lua5.4 examples/schedules.lua
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

-- When: at two on weekdays, in Berlin, but not on Christmas days. What: a workflow.
local id = "nightly-" .. os.time()
local schedule = temporal.assert(client:create_schedule(id, {
  spec = {
    calendars = { { hour = 2, day_of_week = { start = "mon", ["end"] = "fri" } } },
    skip = { { month = "dec", day_of_month = "24-26", hour = "*", minute = "*" } },
    timezone = "Europe/Berlin",
  },
  action = {
    workflow = "YourWorkflowDefinition", args = { { amount = 3 } }, task_queue = "orders",
  },
  overlap = "buffer_one",
  note = "orders of the day",
}))
print(schedule)

local times = temporal.assert(schedule:matching_times("2026-12-21T00:00:00Z",
  "2026-12-29T00:00:00Z"))
for _, time in ipairs(times) do
  print("acts at", os.date("!%Y-%m-%d %H:%M", math.floor(time)))
end

-- Once by hand: the workflow's id has the time in it.
temporal.assert(schedule:trigger())
local recent
repeat
  recent = temporal.assert(schedule:describe()).info.recent_actions
until #recent > 0
local result = temporal.assert(client:workflow(recent[1].workflow_id):get())
print("result", result)

-- Read, change, write: runs again when somebody else was faster.
temporal.assert(schedule:update(function(description)
  description.spec.jitter = "10m"
  description.action.args = { { amount = 5 } }
  return description
end))
local description = temporal.assert(schedule:describe())
print("now", description.spec.jitter, description.action.args[1].amount)

temporal.assert(schedule:pause("inventory"))
print("paused", temporal.assert(schedule:describe()).note)
temporal.assert(schedule:unpause())

temporal.assert(schedule:delete())
local _, err = schedule:describe()
print("gone", err.kind)

client:close()
