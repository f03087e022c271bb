-- Starts a workflow and prints its result.
-- usage: lua5.4 examples/hello.lua        (in the tree: eval "$(make -s env)" first)
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local client = temporal.client{ target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233" }
local run = client:execute_workflow({ id = "order-42", task_queue = "orders" },
  "YourWorkflowDefinition", { amount = 3 })
local result, err = run:get()
if err then io.stderr:write(tostring(err), "\n") else print(result) end
client:close()
