-- A thousand workflows from one thread: every start returns at once, all are in flight together.
-- usage: lua5.4 examples/many_in_flight.lua [COUNT]
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local count = tonumber(arg and arg[1]) or 1000
local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

local runs = {}
for number = 1, count do
  runs[number] = client:execute_workflow({ task_queue = "orders", timeout = 60 }, "Square", number)
end
temporal.assert(temporal.wait_all(runs, 120))

local sum = 0
for _, run in ipairs(runs) do sum = sum + temporal.assert(run:get()) end
print(("%d workflows, the sum of their squares is %d"):format(count, sum))
assert(sum == count * (count + 1) * (2 * count + 1) / 6)

client:close()
