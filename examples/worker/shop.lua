-- A worker of more than one file: workflows by the name of their module, activities from theirs.
-- usage: lua5.4 examples/worker/shop.lua         (in the tree: eval "$(make -s env)" first)
-- needs: a Temporal server at TEMPORAL_ADDRESS
local here = arg[0]:match "^(.*)[/\\]" or "."
package.path = here .. "/?.lua;" .. package.path

local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}
local worker = temporal.worker{
  client = client, task_queue = "lua-shop",
  workflows = { "shop.orders" }, activities = require "shop.activities",
}

-- A service would say worker:run(); this runs the worker while the function lasts.
temporal.assert(worker:run(function()
  local run = client:execute_workflow({ task_queue = "lua-shop" }, "Order",
    { items = { "tea", "sugar", "tea" } })
  local order = temporal.assert(run:get(60))
  print("parcels", table.concat(order.parcels, ", "))
  print("bill", order.bill)
  return true
end))
client:close()
