--- A state among others, each in its own thread: calls, results, and an end with calls in flight.
-- usage: threads.lua ADDRESS

-- luacheck: read globals host

local core = require "temporal.core"
local temporal = require "temporal"

local client = temporal.client { target = arg[1], shutdown_timeout = 5 }
local runs = {}
for i = 1, 50 do
  runs[i] = client:execute_workflow({ task_queue = "q" }, "Life", i)
end
assert(temporal.wait_all(runs, 30))
for i = 1, 50 do
  assert(runs[i]:get(30) == 7, "wrong result")
end
-- Each state has its own engine, and nothing runs but them; those of the round before may still
-- be sending what it left.
host.meet()
if arg[2] then
  local tasks, patience = tonumber(arg[2]), core.now() + 30
  while host.count "/proc/self/task" ~= tasks and core.now() < patience do core.park(0.01) end
  assert(host.count "/proc/self/task" == tasks)
end
host.meet()
for _ = 1, 5 do client:execute_workflow({ task_queue = "q" }, "Life") end
