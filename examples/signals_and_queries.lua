-- A shopping cart is told things, asked things, and cancelled.
-- usage: lua5.4 examples/signals_and_queries.lua
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

-- The first signal starts the cart, the second finds it running.
local options = { id = "cart-" .. os.time(), task_queue = "orders" }
local cart = client:signal_with_start(options, { "add_item", "tea", 2 }, "Cart", "Ada")
temporal.assert(cart:started())
local same = client:signal_with_start(options, { "add_item", "milk", 1 }, "Cart", "Ada")
temporal.assert(same:started())
print("joined the running one", same.attached, same.run_id == cart.run_id)

temporal.assert(cart:signal("add_item", "sugar", 3))
local count = temporal.assert(cart:query("count"))
local sugar = temporal.assert(cart:query("count", "sugar"))
print("items", count)
print("sugar", sugar)

-- Many signals at once: none waits for the one before it.
local calls = {}
for number = 1, 10 do
  calls[number] = cart:signal({ name = "add_item", wait = false }, "biscuit", 1)
end
temporal.assert(temporal.wait_all(calls))
for _, call in ipairs(calls) do temporal.assert(call:get()) end
count = temporal.assert(cart:query("count", "biscuit"))
print("biscuits", count)

-- What a query cannot answer.
local _, err = cart:query("no_such_query")
print("no answer", err.kind)

-- The handle by id is as good; a cancel is a request, and this cart tidies up.
temporal.assert(client:workflow(options.id):cancel("customer left"))
local items = temporal.assert(cart:get())
print("left behind", items)

_, err = cart:signal("add_item", "coffee", 1)
print("too late", err.kind, err.message)
_, err = cart:query{ name = "count", reject = "not_open" }
print("not any more", err.kind, err.status)
count = temporal.assert(cart:query("count"))
print("but still", count)

-- Terminated: reason and details reach whoever waits.
local other = client:execute_workflow({ task_queue = "orders" }, "Cart", "Bob")
temporal.assert(other:terminate("out of stock", { sku = "tea" }))
_, err = other:get()
local terminated = err:find("terminated")
print("terminated", terminated.reason, terminated.details[1].sku)

client:close()
