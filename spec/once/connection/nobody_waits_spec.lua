-- What is asked for somebody who waits is not asked any more when nobody does: a wait that timed
-- out leaves no polls behind. `ready` asks for good.
local core = require "temporal.core"
local faults = require "spec.support.faults"
local temporal = require "temporal"

local POLL = faults.POLL
local UPDATE = "PollWorkflowExecutionUpdate"

local function bytes(name, message)
  return (assert(core.encode("temporal.api.workflowservice.v1." .. name, message))
    :gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

describe("nobody waits:", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  local function polls(method)
    return peer:stats()[method or POLL] or 0
  end

  -- One more answer may be on its way, and what follows it is asked half a second later at most.
  local function comes_to_rest(method)
    local deadline = faults.now() + 20
    local before
    repeat
      before = polls(method)
      local calm = faults.now() + 0.8
      repeat core.park(0.1) until faults.now() >= calm
    until polls(method) == before or faults.now() > deadline
    assert.equal(before, polls(method))
    return before
  end

  it("a chain that never ends is followed no further, and further when somebody waits", function()
    peer:cmd("call %s : answer continued auto", POLL)
    local client = faults.client()
    local run = faults.must_start(client)
    local _, err = run:get(0.3)
    assert.equal("timeout", err.kind)
    local before = comes_to_rest(POLL)
    assert.is_true(before > 1)
    peer:cmd("clear")
    peer:cmd('call %s : answer completed "\\"done\\""', POLL)
    assert.equal("done", run:get(faults.HUNG))
    assert.equal(1, polls())
  end)

  it("polls that say nothing end", function()
    peer:cmd("call %s : answer empty", POLL)
    local client = faults.client()
    local run = faults.must_start(client)
    for _, wait in ipairs {
      function() return select(2, run:get(0.2)).kind == "timeout" end,
      function() return select(2, run:get(0)).kind == "timeout" end,
      function() return run:wait(0.2) == false end,
      function() return select(2, temporal.wait({ run }, 0.2)).kind == "timeout" end,
      function() return select(2, temporal.wait_all({ run }, 0.2)).kind == "timeout" end,
    } do
      assert.is_true(wait())
      comes_to_rest(POLL)
    end
    peer:reset()
    peer:cmd('call %s : answer completed "1"', POLL)
    assert.equal(1, run:get(faults.HUNG))
  end)

  it("who only looks, again and again, gets the result", function()
    peer:cmd("call 3 %s : answer empty", POLL)
    peer:cmd('call %s : answer completed "1"', POLL)
    local run = faults.must_start(faults.client())
    local deadline = faults.now() + faults.HUNG
    local value, err
    repeat
      value, err = run:get(0)
      core.park(0.01)
    until not err or faults.now() > deadline
    assert.equal(1, value)
  end)

  it("another waiter goes on", function()
    peer:cmd("call 3 %s : answer empty", POLL)
    peer:cmd('call %s : answer completed "1"', POLL)
    local run = faults.must_start(faults.client())
    local value
    local task = temporal.spawn(function() value = run:get(faults.HUNG) end)
    assert.equal("timeout", select(2, run:get(0.2)).kind)
    assert.is_true(task:wait(faults.HUNG))
    assert.equal(1, value)
  end)

  it("ready asks for good, in the background", function()
    peer:cmd("call 3 %s : answer empty", POLL)
    peer:cmd('call %s : answer completed "1"', POLL)
    local run = faults.must_start(faults.client())
    assert.is_false(run:ready())
    assert.equal("timeout", select(2, run:get(0)).kind)
    peer:wait_until(POLL .. ">=4", 30)
    local deadline = faults.now() + faults.HUNG
    repeat core.park(0.05) until core.ready(run, "result") or faults.now() > deadline
    assert.equal(1, run:get(0))
  end)

  it("polls that fail are not tried again; the next wait begins anew", function()
    local client = faults.client { retry = faults.QUICK }
    peer:cmd("call 1 %s : answer empty", POLL)
    peer:cmd("call %s : only grpc-status=14 grpc-message=busy", POLL)
    local run = faults.must_start(client)
    local _, err = run:get(1)
    assert.equal("timeout", err.kind)
    assert.is_true(comes_to_rest(POLL) > 1)
    peer:reset()
    peer:cmd('call %s : answer completed "1"', POLL)
    assert.equal(1, run:get(faults.HUNG))
  end)

  it("an update's polls end, and go on", function()
    local outcome = bytes("PollWorkflowExecutionUpdateResponse", { outcome = { success = {
      payloads = { { metadata = { encoding = "json/plain" }, data = "7" } } } } })
    peer:cmd("call %s : answer none", UPDATE)
    local client = faults.client()
    local update = client:workflow("w"):update_handle("u")
    for _, wait in ipairs {
      function() return select(2, update:get(0.2)).kind == "timeout" end,
      function() return update:wait(0.2) == false end,
      function() return select(2, temporal.wait({ update }, 0.2)).kind == "timeout" end,
    } do
      assert.is_true(wait())
      assert.is_true(comes_to_rest(UPDATE) >= 1)
    end
    peer:reset()
    peer:cmd("call %s : answer hex %s", UPDATE, outcome)
    assert.equal(7, update:get(faults.HUNG))
    assert.equal(1, polls(UPDATE))
  end)

  it("an activity's polls end, and go on", function()
    local method = "PollActivityExecution"
    peer:cmd("call %s : answer none", method)
    local client = faults.client()
    local activity = client:activity("a")
    assert.equal("timeout", select(2, activity:get(0.2)).kind)
    assert.is_true(comes_to_rest(method) >= 1)
    peer:reset()
    peer:cmd("call %s : answer hex %s", method, bytes("PollActivityExecutionResponse", {
      outcome = { result = {
        payloads = { { metadata = { encoding = "json/plain" }, data = "7" } } } },
    }))
    assert.equal(7, activity:get(faults.HUNG))
  end)
end)
