-- The worker of the examples: the workflows that the other programs start.
-- usage: lua5.4 examples/worker.lua until Ctrl-C       (in the tree: eval "$(make -s env)" first)
-- needs: a Temporal server at TEMPORAL_ADDRESS
local temporal = require "temporal"
local workflow = require "temporal.workflow"

-- An activity does what a workflow may not: look at clocks, call others, fail.
local function Pack(order)
  return ("ordered %d"):format(order.amount)
end

local function Do(step)
  return step .. " done"
end

local function YourWorkflowDefinition(order)
  return workflow.execute_activity({ start_to_close_timeout = 10 }, Pack, order):get()
end

-- Step by step, with a rest between: it outlives the worker that began it.
local function Delivery(steps)
  local done = {}
  workflow.on_query("done", function() return #done end)
  for i, step in ipairs(steps) do
    done[i] = workflow.execute_activity({ start_to_close_timeout = 10 }, Do, step):get()
    workflow.sleep(1)
  end
  return done
end

-- Shipping fails because the payment did.
local function ShipOrder(order)
  local payment = temporal.application_error("card declined",
    { type = "Payment", details = { { amount = order.amount } } })
  return nil, temporal.application_error("cannot ship",
    { type = "Shipping", non_retryable = true, cause = payment })
end

local function Square(number)
  return number * number
end

-- Takes items by signal until it is canceled, and tells how many there are.
local function Cart(customer)
  local items = {}
  local function count(name)
    if name then return items[name] or 0 end
    local sum = 0
    for _, number in pairs(items) do sum = sum + number end
    return sum
  end
  workflow.on_signal("add_item", function(name, number)
    items[name] = (items[name] or 0) + number
  end)
  workflow.on_query("count", count)
  pcall(workflow.wait_condition, function() return false end)
  return ("%s: %d items"):format(customer, count())
end

-- Answers every update with the balance; a transfer waits for the signal `approve`.
local function Account()
  local balance, approved, closed = 0, 0, false
  workflow.on_signal("approve", function() approved = approved + 1 end)
  workflow.on_signal("close", function() closed = true end)
  workflow.on_update("deposit", function(amount)
    balance = balance + amount
    return balance
  end, {
    validator = function(amount)
      if amount <= 0 then
        error(temporal.application_error("a deposit must be positive", { type = "BadAmount" }))
      end
    end,
  })
  workflow.on_update("transfer", function(amount)
    workflow.wait_condition(function() return approved > 0 end)
    approved, balance = approved - 1, balance - amount
    return balance
  end)
  workflow.wait_condition(function() return closed end)
  return balance
end

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}
local worker = temporal.worker{
  client = client, task_queue = "orders",
  workflows = {
    YourWorkflowDefinition = YourWorkflowDefinition, ShipOrder = ShipOrder, Square = Square,
    Delivery = Delivery, Cart = Cart, Account = Account,
  },
  activities = { Pack = Pack, Do = Do },
  sticky_timeout = 2, -- so soon others take over what a killed worker had
}
io.stdout:setvbuf "line"
print "ready"
temporal.assert(worker:run())
client:close()
