--- A state among others, each in its own thread: calls, results, and an end with calls in flight.
-- usage: threads.lua ADDRESS

-- luacheck: read globals host

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
-- Each state has its own engine, and nothing runs but them.
host.meet()
if arg[2] then assert(host.count "/proc/self/task" == tonumber(arg[2])) end
host.meet()
for _ = 1, 5 do client:execute_workflow({ task_queue = "q" }, "Life") end
