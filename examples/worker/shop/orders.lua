-- The workflows of the shop: a module that the worker loads anew for each run, so that nothing of
-- one run is seen by another. It requires what it needs as any module does.
local workflow = require "temporal.workflow"
local prices = require "shop.prices"

local QUICK = { start_to_close_timeout = 10 }

local orders = {}

-- The parts of an order are packed at the same time.
function orders.Order(order)
  local parcels = {}
  for i, item in ipairs(order.items) do
    parcels[i] = workflow.execute_activity(QUICK, "Pack", item)
  end
  workflow.wait_all(parcels)
  for i, parcel in ipairs(parcels) do parcels[i] = parcel:get() end
  -- A child has a history of its own.
  local bill = workflow.execute_child_workflow({}, "Bill", order.items):get()
  return { parcels = parcels, bill = bill }
end

function orders.Bill(items)
  return workflow.execute_activity(QUICK, "Charge", prices.sum(items)):get()
end

return orders
