-- A worker in Lua: a workflow, its activity, and the client that starts it, in one file.
-- usage: lua5.4 examples/worker/order.lua        (in the tree: eval "$(make -s env)" first)
-- needs: a Temporal server at TEMPORAL_ADDRESS
local temporal = require "temporal"
local workflow = require "temporal.workflow"

-- An activity is ordinary Lua, anything is allowed. `nil, err` or error() fails this attempt; the
-- server tries again.
local function Charge(order)
  return ("receipt of %d for %s"):format(order.amount, order.name)
end

-- A workflow is replayed from its history: it waits and acts by temporal.workflow only.
local function Order(order)
  local approved
  workflow.on_signal("approve", function(who) approved = who end)
  workflow.on_query("state", function() return approved and "approved" or "waiting" end)
  if not workflow.wait_condition(function() return approved end, "24h") then
    return nil, "nobody approved"
  end
  local receipt = workflow.execute_activity({ start_to_close_timeout = 30 }, Charge, order):get()
  return { receipt = receipt, by = approved }
end

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}
local worker = temporal.worker{
  client = client, task_queue = "lua-orders",
  workflows = { Order = Order }, activities = { Charge = Charge },
}

-- A service would say worker:run(); this runs the worker while the function lasts.
temporal.assert(worker:run(function()
  local run = temporal.assert(client:start_workflow({ task_queue = "lua-orders" }, "Order",
    { name = "tea", amount = 3 }))
  print("state", run:query("state"))
  temporal.assert(run:signal("approve", "ann"))
  local result = temporal.assert(run:get(60))
  print("result", result.receipt, "approved by " .. result.by)
  return true
end))
client:close()
