-- An order, from the reservation to the receipt, in one file: a workflow, its activities, the
-- worker, and a client that starts two of them.
-- usage: lua5.4 examples/worker/order.lua        (in the tree: eval "$(make -s env)" first)
-- needs: a Temporal server at TEMPORAL_ADDRESS
local temporal = require "temporal"
local workflow = require "temporal.workflow"

-- Activities are ordinary Lua, anything is allowed. `nil, err` or error() fails this attempt; the
-- server tries again.
local function Reserve(order) return order.name .. " reserved" end
local function Release(reserved) print("released", (reserved:gsub(" reserved$", ""))) end
local function Remind(order) print("reminder", "somebody has to approve the " .. order.name) end
local function Charge(order, who)
  return ("receipt of %d for %s, approved by %s"):format(order.amount, order.name, who)
end

local QUICK = { start_to_close_timeout = 10 }

-- A workflow is replayed from its history: it waits and acts by temporal.workflow only.
local function Order(order)
  local state, approved = "waiting", nil
  workflow.on_query("state", function() return state end)
  workflow.on_update("approve", function(who)
    approved = who
    return "thank you, " .. who
  end, { validator = function(who) return who ~= "", "who approves it?" end })

  local reserved = workflow.execute_activity(QUICK, Reserve, order):get()
  local ok, receipt = pcall(function()
    while not workflow.wait_condition(function() return approved end, order.patience) do
      workflow.execute_activity(QUICK, Remind, order):get()
      state = "reminded"
    end
    state = "approved"
    return workflow.execute_activity(QUICK, Charge, order, approved):get()
  end)
  if ok then return receipt end
  -- The card is declined, or the order is canceled: the clean-up is not.
  workflow.scope({ shield = true }, function()
    workflow.execute_activity(QUICK, Release, reserved):get()
  end)
  error(receipt)
end

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}
local worker = temporal.worker{
  client = client, task_queue = "lua-orders",
  workflows = { Order = Order },
  activities = { Reserve = Reserve, Release = Release, Remind = Remind, Charge = Charge },
}

local function wait_until(run, state)
  while run:query("state") ~= state do os.execute "sleep 0.1" end
end

-- A service would say worker:run(); this runs the worker while the function lasts.
temporal.assert(worker:run(function()
  local tea = temporal.assert(client:start_workflow({ task_queue = "lua-orders" }, Order,
    { name = "tea", amount = 3, patience = 0.1 }))
  wait_until(tea, "reminded")
  local _, refused = tea:update("approve", "")
  print("refused", refused.cause.message)
  print("approve", temporal.assert(tea:update("approve", "ann")))
  print("result", temporal.assert(tea:get(60)))

  local yacht = temporal.assert(client:start_workflow({ task_queue = "lua-orders" }, Order,
    { name = "yacht", amount = 900000, patience = "24h" }))
  wait_until(yacht, "waiting")
  temporal.assert(yacht:cancel("too expensive"))
  local _, err = yacht:get(60)
  print("canceled", temporal.is_canceled(err))
  return true
end))
client:close()
