-- Something only a human can do: activities begun here and finished later, by token or by id, from
-- wherever the human's answer arrives. usage: lua5.4 examples/async_activity.lua
-- needs: a Temporal server (1.32 or later) at TEMPORAL_ADDRESS
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}
local inbox = "approvals-" .. os.time()

-- A standalone activity: it has a time limit, a result and a place in the web UI, but no workflow.
local function ask(order)
  local approval = client:execute_activity({
    id = inbox .. "-" .. order.name,
    task_queue = inbox,
    schedule_to_close_timeout = "7d",
    heartbeat_timeout = "1h",
    static_summary = "approval of " .. order.name,
  }, "Approve", order)
  temporal.assert(approval:started())
  return approval
end

-- The worker's part, which ends where the waiting begins: who is asked gets a token to answer with.
local function take()
  local task = temporal.assert(client:call("PollActivityTaskQueue",
    { task_queue = { name = inbox } }, { timeout = 30 }))
  return client:async_activity{ task_token = task.task_token }
end

local laptop = ask{ name = "laptop", price = 900 }
local for_ann = take()
print("alive", for_ann:heartbeat("mail sent"))
print("waiting", temporal.assert(laptop:describe()).heartbeat_details[1], laptop:ready())
temporal.assert(for_ann:complete{ approved_by = "Ann" })
print("laptop", temporal.assert(laptop:get()).approved_by)

-- The id does as well, and need not be kept secret in a mail.
local yacht = ask{ name = "yacht", price = 900000 }
take()
temporal.assert(client:async_activity{ activity_id = yacht.id, timeout = 5 }:fail(
  temporal.application_error("too expensive", { type = "Rejected", non_retryable = true })))
local _, err = yacht:get()
print("yacht", err.kind, err.cause.type, err.cause.message)

-- Nobody wants it any more: the next heartbeat says so.
local boat = ask{ name = "boat", price = 1 }
local for_bob = take()
temporal.assert(boat:cancel("found a cheaper one"))
local _, why = for_bob:heartbeat()
print("boat", why.kind, (temporal.assert(for_bob:report_canceled())))

client:close()
