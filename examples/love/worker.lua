-- The shop of examples/love: a purchase takes a while, and not everything is to be had.
-- usage: luajit examples/love/worker.lua until Ctrl-C
-- needs: a Temporal server at TEMPORAL_ADDRESS; the task queue is "shop"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local SOLD_OUT = { ["dragon egg"] = true }

local function Purchase(order)
  workflow.sleep(1)
  if SOLD_OUT[order.item] then
    return nil, temporal.application_error("sold out", { type = "SoldOut", non_retryable = true })
  end
  return ("%s for %d gold"):format(order.item, order.price)
end

local client = temporal.client()
local worker = temporal.worker{
  client = client, task_queue = "shop", workflows = { Purchase = Purchase },
}
io.stdout:setvbuf "line"
print "ready"
temporal.assert(worker:run())
client:close()
