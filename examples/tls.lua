-- Mutual TLS, an API key that is asked for when needed, and what it says when these are wrong.
-- usage: lua5.4 examples/tls.lua
-- needs: a frontend with TLS at TEMPORAL_ADDRESS, examples/worker.lua; in TEMPORAL_TLS_SERVER_CA,
--   TEMPORAL_TLS_CERT, TEMPORAL_TLS_KEY and TEMPORAL_API_KEY_FILE the paths of four files
local temporal = require "temporal"

-- Files are read again at each dial, the key's when it has changed: nothing need be restarted.
local tls = {
  ca_file = os.getenv("TEMPORAL_TLS_SERVER_CA"),
  cert_file = os.getenv("TEMPORAL_TLS_CERT"),
  key_file = os.getenv("TEMPORAL_TLS_KEY"),
}

local function connect(api_key, with_tls)
  return temporal.client{
    target = os.getenv("TEMPORAL_ADDRESS"),
    namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
    tls = with_tls or tls,
    api_key = api_key,
    retry = false,
  }
end

local client = connect{ file = os.getenv("TEMPORAL_API_KEY_FILE") }
temporal.assert(client:connect(10))
local run = client:execute_workflow({ id = "secret-order-" .. os.time(), task_queue = "orders" },
  "YourWorkflowDefinition", { amount = 3 })
local result = temporal.assert(run:get())
print("result", result)

-- A function is asked before each call, and once more when its key was refused.
local asked = 0
local renewing = connect(function()
  asked = asked + 1
  if asked == 1 then return "expired" end
  return io.open(os.getenv("TEMPORAL_API_KEY_FILE")):read("*l")
end)
temporal.assert(renewing:connect(10))
print("asked for the key", asked)

-- Another namespace on the same connection.
local system = client:with{ namespace = "temporal-system" }
print("also", temporal.assert(system:describe_namespace()).name)
system:close()

local function refused(what, other)
  local _, err = other:connect(10)
  print(what, err.kind)
  other:close()
end

refused("another key", connect("another"))
refused("unknown authority", connect("any", true))
refused("no such file", connect("any", { ca_file = "nowhere.pem" }))

renewing:close()
client:close()
