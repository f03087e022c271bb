-- Starts a workflow whose arguments, memo, result and errors only its two ends can read.
-- usage: lua5.4 examples/encryption/start.lua        (in the tree: eval "$(make -s env)" first)
-- needs: a Temporal server at TEMPORAL_ADDRESS, examples/encryption/worker.py, and lua-luaossl
package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path
local aes_codec = require "aes_codec"
local temporal = require "temporal"

-- Of a real program the keys are in a vault; these are the samples' own.
local keys = { ["test-key-id"] = "test-key-test-key-test-key-test!" }

local target = {
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}
local client = temporal.client{
  target = target.target, namespace = target.namespace,
  codecs = { temporal.codec.zlib, aes_codec(keys, "test-key-id") }, -- small, then secret
  failure_converter = temporal.failure_converter{ encode_common_attributes = true },
}
local blind = temporal.client(target)

local id = "payment-" .. os.time()
local card = { number = "4111 1111 1111 1111", amount = 3 }
local run = temporal.assert(client:start_workflow({
  id = id, task_queue = "payments", memo = { holder = "Ada" },
}, "Pay", card))
local result = temporal.assert(run:get())
print("result", result)

-- What the server holds, and whoever has no key gets:
local sealed = temporal.assert(blind:workflow(id):get{ raw = true })
print("without the key", sealed.metadata.encoding, sealed.metadata["encryption-key-id"])

-- Errors: their message and stack trace are sealed too.
card.amount = -1
local _, err = client:execute_workflow({ task_queue = "payments" }, "Pay", card):get()
print("failed", err.cause.message, "the server saw", err.cause.raw.message)

blind:close()
client:close()
