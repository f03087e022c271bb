--- Long polls of updates and activities take turns, as those of runs do: they never have all the
-- streams that a peer allows.

local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local UPDATE, ACTIVITY = "PollWorkflowExecutionUpdate", "PollActivityExecution"

describe("long polls beside those of runs", function()
  local peer, client

  before_each(function()
    peer = fault_peer.start { "conn max-streams=4" }
    client = temporal.client { target = peer.address, rpc_timeout = 20, shutdown_timeout = 0,
      logger = function() end }
    assert.is_true(client:connect())
  end)

  after_each(function()
    client:close(0)
    peer:stop()
  end)

  it("leave streams free for the rest", function()
    peer:cmd("call %s : hold", UPDATE)
    peer:cmd("call %s : hold", ACTIVITY)
    local list = {}
    for i = 1, 4 do
      list[i] = client:workflow("x"):update_handle("u" .. i)
      list[i + 4] = client:activity("a" .. i)
      list[i + 8] = client:workflow("x" .. i)
    end
    for i = 1, #list do assert.is_false(list[i]:ready()) end
    peer:wait_until("streams_open>=3")
    temporal.assert(client:call("GetSystemInfo"))
    -- Each has its turn.
    peer:wait_until(UPDATE .. ">=4", 20)
    peer:wait_until(ACTIVITY .. ">=4", 20)
    list[1]._poll:abandon()
    local _, err = list[1]:get(1)
    assert.equal("call_canceled", err.kind)
    client:close(0)
    _, err = list[2]:get(1)
    assert.equal("closed", err.kind)
  end)

  -- What a peer allows is not known before its SETTINGS, and may shrink later: polls that are open
  -- by then make way. Each call would wait for its deadline for a stream.
  local function some_polls(n)
    local list = {}
    for i = 1, n do
      list[i] = i % 2 == 0 and client:workflow("x"):update_handle("u" .. i)
        or client:workflow("x" .. i)
      list[i]:ready()
    end
    peer:wait_until(("streams_open>=%d"):format(n))
    return list
  end

  local function answers()
    for _ = 1, 3 do temporal.assert(client:call("GetSystemInfo")) end
  end

  for _, left in ipairs { 1, 2, 3, 4, 7 } do
    it("make way where the peer says later that it allows " .. left, function()
      client:close(0)
      peer:reset("conn no-settings no-settings-ack no-window-update",
        "call " .. UPDATE .. " : hold")
      client = temporal.client { target = peer.address, rpc_timeout = 20, shutdown_timeout = 0,
        logger = function() end }
      some_polls(8)
      peer:cmd("all : settings max-streams=" .. left)
      answers()
    end)

    it("make way where the peer allows only " .. left .. " from now on", function()
      peer:cmd "all : settings max-streams=100; round-trip"
      peer:cmd("call %s : hold", UPDATE)
      some_polls(8)
      peer:cmd("all : settings max-streams=" .. left)
      answers()
      -- And they take what they may have again.
      peer:cmd "all : settings max-streams=100"
      peer:wait_until "streams_open>=8"
      answers()
    end)
  end

  it("leave the only stream to others, and come back to it", function()
    client:close(0)
    peer:reset("conn max-streams=1", "call 1 " .. UPDATE .. " : hold")
    client = temporal.client { target = peer.address, rpc_timeout = 20, shutdown_timeout = 0,
      logger = function() end }
    local update = client:workflow("x"):update_handle "u"
    assert.is_false(update:ready())
    peer:wait_until(UPDATE .. ">=1")
    peer:cmd("call 1 %s : hold", UPDATE)
    answers()
    peer:cmd("call %s : only grpc-status=5 grpc-message=gone", UPDATE)
    client:workflow "x":signal "s"
    local _, err = update:get(20)
    assert.equal("not_found", err.kind)
  end)

  it("are asked again until they say more", function()
    peer:cmd("call 2 %s : answer none", UPDATE)
    peer:cmd("call %s : only grpc-status=5 grpc-message=gone", UPDATE)
    local _, err = client:workflow("x"):update_handle("u"):get(10)
    assert.same({ "not_found", 3 }, { err.kind, peer:stats()[UPDATE] })
  end)
end)
