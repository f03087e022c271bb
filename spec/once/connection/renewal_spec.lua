--- What is sent again: with another key, or because the answer was not the last. How long it may
-- take altogether, and whether the server may have it.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local START, ANY = "StartWorkflowExecution", "DescribeNamespace"
local ACTIVITY = "StartActivityExecution"
local REFUSE = "only grpc-status=16 grpc-message=expired"

describe("what is sent again", function()
  local peer, client

  before_each(function() peer = fault_peer.start() end)

  after_each(function()
    client:close(0)
    peer:stop()
  end)

  local function open(options)
    local keys = 0
    options.target, options.tls, options.shutdown_timeout = peer.address, false, 0
    options.logger = function() end
    options.retry = options.retry or { initial = 0.02, factor = 1.2, max = 0.1, attempts = 5 }
    options.api_key = options.api_key or function()
      keys = keys + 1
      return "key" .. keys
    end
    client = temporal.client(options)
  end

  local function seconds(f, ...)
    local before = env.now()
    local value, err = f(...)
    return env.now() - before, value, err
  end

  it("with another key ends within the timeout of the wait", function()
    open {}
    peer:cmd("call 1 %s : wait 2000; %s", ANY, REFUSE)
    peer:cmd("call %s : hold", ANY)
    local future = client:submit(ANY)
    local took, _, err = seconds(future.get, future, 3)
    assert.equal("timeout", err.kind)
    assert.is_true(took < 4.9, tostring(took)) -- 5: both waits
    peer:cmd("call 1 %s : wait 2000; %s", START, REFUSE)
    peer:cmd("call %s : hold", START)
    local run = client:execute_workflow({ task_queue = "q" }, "W")
    took, _, err = seconds(run.started, run, 3)
    assert.equal("timeout", err.kind)
    assert.is_true(took < 4.9, tostring(took))
  end)

  it("with another key does not make an activity's ready wait", function()
    open { rpc_timeout = 20 }
    peer:cmd("call 1 %s : %s", ACTIVITY, REFUSE)
    peer:cmd("call %s : hold", ACTIVITY)
    local activity = client:execute_activity({ task_queue = "q", start_to_close_timeout = 5 }, "A")
    env.wait_until(30, function()
      assert.is_true(seconds(activity.ready, activity) < 5)
      return peer:stats()[ACTIVITY] == 2
    end)
    local took, _, err = seconds(activity.started, activity, 0.2)
    assert.same({ "timeout", false }, { err.kind, err.acknowledged })
    assert.is_true(took < 5)
    took, _, err = seconds(activity.get, activity, 0.2)
    assert.equal("timeout", err.kind)
    assert.is_true(took < 5)
  end)

  it("with another key may have reached the server before", function()
    open {}
    peer:cmd("call 1 %s : only grpc-status=14", START)
    peer:cmd("call 1 %s : %s", START, REFUSE)
    peer:cmd("call %s : only grpc-status=7", START)
    local _, err = client:start_workflow({ task_queue = "q" }, "W")
    assert.same({ "permission_denied", "unknown" }, { err.kind, err.outcome })
    assert.equal(3, peer:stats()[START])
  end)

  it("until the answer says more may be at the server", function()
    open { api_key = "key" }
    peer:cmd("call 1 UpdateWorkflowExecution : answer none")
    peer:cmd("call UpdateWorkflowExecution : only grpc-status=7")
    local _, err = client:workflow("x"):update { name = "u", timeout = 30 }
    assert.same({ "permission_denied", "unknown" }, { err.kind, err.outcome })
    assert.equal(2, peer:stats().UpdateWorkflowExecution)
  end)
end)
