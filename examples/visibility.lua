-- Looking at workflows: describe one, list and count many, read a history and save it for replay.
-- usage: lua5.4 examples/visibility.lua
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

local prefix = ("seen-%d-%d-"):format(os.time(), math.random(1e6))
local runs = {}
for amount = 1, 3 do
  runs[amount] = client:execute_workflow({
    id = prefix .. amount, task_queue = "orders",
    memo = { amount = amount }, static_summary = "an order to look at",
  }, "YourWorkflowDefinition", { amount = amount })
end
temporal.assert(temporal.wait_all(runs))

local found = temporal.assert(runs[1]:describe())
print("described", found.status, found.workflow_type, found.memo.amount, found.static_summary)

-- The visibility store follows with a delay of some milliseconds.
local query = ('WorkflowId STARTS_WITH "%s"'):format(prefix)
local completed = query .. " AND ExecutionStatus = 'Completed'"
repeat
  local count = temporal.assert(client:count_workflows(completed))
until count == 3

local amounts = 0
for item in client:list_workflows{ query = query, page_size = 2 } do
  amounts = amounts + item.memo.amount
end
print("amounts listed", amounts)

local count, groups = temporal.assert(client:count_workflows(query .. " GROUP BY ExecutionStatus"))
print("counted", count, groups[1].values[1], groups[1].count)

for event in runs[1]:history() do
  print(event.event_id, event.event_type)
end
local json = temporal.assert(runs[1]:fetch_history{ json = true })
print("history for replay", #json > 100)

client:close()
