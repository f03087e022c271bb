-- What `make demo` shows: two starts, a worker that is killed, and a failure with its causes.
-- usage: make demo                        (or lua5.4 examples/demo.lua, see hello.lua)
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

io.stdout:setvbuf "line"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

-- By name: the server has it for certain once start_workflow has returned.
local run = temporal.assert(client:start_workflow(
  { id = "order-" .. os.time(), task_queue = "orders" },
  "YourWorkflowDefinition", { amount = 3 }))
print("workflow id", run.id)
print("run id     ", run.run_id)
local web_ui = os.getenv("TEMPORAL_UI")
if web_ui then
  print("web ui     ", ("%s/namespaces/%s/workflows/%s"):format(web_ui, run.namespace, run.id))
end
local result = temporal.assert(run:get())
print("result     ", result)

-- By definition: the function stands for the name, so a typo is an error here and now.
local Square = temporal.define_workflow("Square", function(number) return number * number end)
local squares = {}
for number = 1, 5 do
  squares[number] = client:execute_workflow({ task_queue = "orders" }, Square, number)
end
for number, run_of_number in ipairs(squares) do
  local square = temporal.assert(run_of_number:get())
  print("square of " .. number, square)
end

-- The worker dies in the middle, and another one goes on where it was.
local delivery = client:execute_workflow({ task_queue = "orders" }, "Delivery",
  { "picking", "packing", "shipping" })
while (delivery:query("done") or 0) < 1 do os.execute("sleep 0.1") end
local worker = os.getenv("TEMPORAL_DEMO_WORKER") -- its process id, where make demo has started it
if worker then
  print("killing the worker", worker, os.execute("kill -9 " .. worker) and "gone")
end
print("delivery   ", table.concat(temporal.assert(delivery:get()), ", "))

-- A failure: what failed, and why, down to the first cause.
local _, err = client:execute_workflow({ task_queue = "orders" }, "ShipOrder", { amount = 3 }):get()
print("failed     ", err)
local cause = err.cause
while cause do
  print("  because  ", cause.kind, cause.type, cause.message)
  cause = cause.cause
end
local application = err:find("application")
print("retryable  ", not application.non_retryable)

client:close()
