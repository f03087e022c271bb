-- The options of a start: retries, time-outs, memo, search attributes, and what happens when the
-- id is taken. usage: lua5.4 examples/start_options.lua
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

local options = {
  id = "nightly-" .. os.time(),
  task_queue = "orders",
  run_timeout = "10m",                       -- a number is seconds
  retry_policy = { initial_interval = 0.5, maximum_attempts = 3 },
  id_conflict_policy = "use_existing",       -- a second start joins the first
  memo = { ordered_by = "Ada" },
  static_summary = "the nightly order",
  start_delay = 1,
  timeout = 5,                               -- of the start itself, with its retries
}

local order = { amount = 1 }
local run = temporal.assert(client:start_workflow(options, "YourWorkflowDefinition", order))
local same = temporal.assert(client:start_workflow(options, "YourWorkflowDefinition", order))
print("joined the running one", same.attached, same.run_id == run.run_id)

-- Without a policy a taken id is an error, and it says who holds it.
options.id_conflict_policy = nil
local _, err = client:start_workflow(options, "YourWorkflowDefinition", order)
print("the other answer", err.kind, err.run_id == run.run_id)

-- A short wait loses nothing: ask again.
local _, late = run:get(0.05)
print("not yet", late and late.kind)
local result = temporal.assert(run:get())
print("result", result)

client:close()
