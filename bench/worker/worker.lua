-- The Lua worker under load; bench/worker/run starts it.
--   worker.lua ADDRESS NAMESPACE QUEUE [CACHE]   works until SIGTERM; fails when a slot stays taken
--   worker.lua replay FILE TIMES         replays a history; its line of JSON says what it cost

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local ACTIVITY = { start_to_close_timeout = 60 }

local function echo(value) return value end

local function sequence(value, n)
  local result
  for _ = 1, n do result = workflow.execute_activity(ACTIVITY, "echo", value):get() end
  return result
end

local function receive(value, n)
  local count = 0
  workflow.on_signal("s", function() count = count + 1 end)
  workflow.wait_condition(function() return count >= n end)
  return value
end

local workflows = {
  noop = function(value) return value end,
  one_activity = function(value) return sequence(value, 1) end,
  ten_activities = function(value) return sequence(value, 10) end,
  sequential = function(n) return sequence({ name = "bench", n = 1 }, n) end,
  timer10ms = function(value)
    workflow.sleep(0.01)
    return value
  end,
  soak = function(value)
    workflow.execute_activity(ACTIVITY, "echo", value):get()
    workflow.sleep(0.1)
    return value
  end,
  signals = function(value) return receive(value, 100) end,
  parked = function(value) return receive(value, 1) end,
  fanout = function(value)
    local futures = {}
    for i = 1, 50 do futures[i] = workflow.execute_activity(ACTIVITY, "echo", value) end
    for i = 1, 50 do futures[i]:get() end
    return value
  end,
}

if arg[1] == "replay" then
  require("bench.worker.replay")(arg[2], tonumber(arg[3]), workflows)
  return
end

local client = temporal.client{ target = arg[1], namespace = arg[2] }
local worker = temporal.worker{
  client = client, task_queue = arg[3], workflows = workflows, activities = { echo = echo },
  max_cached_workflows = tonumber(arg[4]) or 10000,
  slots = { workflow = 100, activity = 200 },
  pollers = { workflow = 10, activity = 10 },
}
io.stdout:setvbuf "line"
print "ready"
temporal.assert(worker:run())
for kind, used in pairs(worker:status().slots) do
  assert(used == 0, ("%d slots of kind %s are taken"):format(used, kind))
end
