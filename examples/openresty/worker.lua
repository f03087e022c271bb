-- The worker of the order service: what happens to an order.
-- usage: luajit examples/openresty/worker.lua until Ctrl-C
-- needs: a Temporal server at TEMPORAL_ADDRESS; the task queue is "shop"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local STEPS = {
  [0] = "received", "reserved", "packed", "waiting for your confirmation", "done", "given up",
}

-- Reserves, packs, and waits until the customer confirms, a quarter of an hour at most.
local function ShopOrder(order)
  local step, receipt, given_up = 0, "", false
  workflow.on_query("progress", function()
    return { step = step, of = 4, text = STEPS[step], receipt = receipt }
  end)
  workflow.on_signal("give_up", function() given_up = true end)
  workflow.on_update("confirm", function()
    step = 4
    workflow.wait_condition(function() return receipt ~= "" end)
    return receipt
  end, { validator = function() return step == 3, "nothing waits for a confirmation" end })

  for _ = 1, 2 do
    if not order.express then workflow.sleep(1.5) end
    step = step + 1
  end
  if not order.express then
    step = 3
    workflow.wait_condition(function() return step == 4 or given_up end, "15m")
  end
  if given_up then
    step = 5
    return nil, temporal.application_error("the order was given up",
      { type = "GivenUp", non_retryable = true })
  end
  step, receipt = 4, ("%d x %s"):format(order.amount, order.item)
  workflow.wait_condition(workflow.all_handlers_finished)
  return receipt
end

local client = temporal.client()
local worker = temporal.worker{
  client = client, task_queue = "shop", workflows = { ShopOrder = ShopOrder },
}
io.stdout:setvbuf "line"
print "ready"
temporal.assert(worker:run())
client:close()
