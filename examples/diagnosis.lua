-- Why does nothing happen? A wait that lasts says so, and a workflow can be asked.
-- usage: lua5.4 examples/diagnosis.lua
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
  diagnose_after = 1, -- seconds; 10 when absent
  logger = function(level, message) print(level, message) end,
}

-- The name of the task queue is misspelt: no worker polls it.
local lost = client:execute_workflow({ task_queue = "odrers" }, "YourWorkflowDefinition",
  { amount = 3 })
print("no result", select(2, lost:get(3)).kind)
local why = temporal.assert(lost:diagnose())
print("pollers", #why.pollers, why.workflow_task.state)
lost:terminate()

-- `add_item` takes a name and a count: the worker cannot call it, and tries again and again.
local cart = temporal.assert(client:start_workflow({ task_queue = "orders" }, "Cart", "Ada"))
temporal.assert(cart:signal("add_item", "tea"))
local last = os.time() + 60
repeat
  cart:wait(0.1)
  why = temporal.assert(cart:diagnose())
until why.problem or os.time() > last
print("because", why)
print("attempt", why.workflow_task.attempt, why.workflow_task.failure.kind)
cart:terminate()

client:close()
