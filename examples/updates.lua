-- A bank account is updated: answers, refusals, and one that takes its time.
-- usage: lua5.4 examples/updates.lua
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"

local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

-- The first deposit opens the account: one request starts and updates it.
local options = {
  id = "account-" .. os.time(), task_queue = "orders", id_conflict_policy = "use_existing",
}
local opened = temporal.assert(client:update_with_start(options, { "deposit", 100 }, "Account"))
local balance = temporal.assert(opened:get())
print("balance", balance)
local account = opened.workflow

balance = temporal.assert(account:update("deposit", 20))
print("balance", balance)

-- An id is carried out once, however often it is sent.
for _ = 1, 2 do
  balance = temporal.assert(account:update({ name = "deposit", id = "gift" }, 5))
  print("once", balance)
end

-- The validator's refusal is an error with its cause.
local _, err = account:update("deposit", -1)
print("refused", err.kind, err:find("application").type, err.cause.message)

-- Accepted now, completed later: the transfer waits for its approval.
local transfer = temporal.assert(account:start_update("transfer", 50))
print("done already", transfer:ready())
_, err = transfer:get(0.1)
print("not yet", err.kind, err.update_id == transfer.id)
temporal.assert(account:signal("approve"))
balance = temporal.assert(transfer:get())
print("after the transfer", balance)

-- By its id, from anywhere.
local again = client:workflow(options.id):update_handle(transfer.id)
balance = temporal.assert(again:get())
print("the same", balance)

-- The workflow ends before the second approval.
local late = temporal.assert(account:start_update("transfer", 1))
temporal.assert(account:signal("close"))
balance = temporal.assert(account:get())
print("closed with", balance)
_, err = late:get()
print("lost", err.kind, err.cause.type)

client:close()
