--- A connection after the close of its last client.

local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

describe("a connection", function()
  it("ends with the last submission after the close", function()
    local peer = fault_peer.start { "call SignalWorkflowExecution : only grpc-status=14" }
    local client = temporal.client { target = peer.address, keepalive = false,
      shutdown_timeout = 0.2, retry = { initial = 5, max = 5, jitter = 0 },
      logger = function() end }
    local signal = client:workflow("x"):signal { name = "s", wait = false }
    peer:wait_until("SignalWorkflowExecution>=1")
    assert.is_nil((client:close(0)))
    peer:wait_until("open==0")
    assert.is_true(signal:ready())
    peer:stop()
  end)
end)
