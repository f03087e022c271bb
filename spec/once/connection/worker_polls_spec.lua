--- The polls of workers: they stay open for as long as the server holds them, leave streams to the
-- rest, hand on at once what the server says, and lose nothing when they are ended.

local core = require "temporal.core"
local fault_peer = require "spec.support.fault_peer"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"
local temporal = require "temporal"

local POLL, RESULT = "PollWorkflowTaskQueue", "GetWorkflowExecutionHistory"
local HUNG = 30
local TASK = "hex 0a0474616b65" -- task_token = "take"

describe("polls of a worker", function()
  local peer, client

  local function connect(...)
    peer = fault_peer.start { ... }
    client = temporal.client { target = peer.address, shutdown_timeout = 0,
      retry = { initial = 0.02, factor = 1, max = 0.02 }, logger = function() end }
    assert.is_true(client:connect())
  end

  after_each(function()
    client:close(0)
    peer:stop()
  end)

  local function poll()
    return service.start(sessions.of(client), POLL, { task_queue = { name = "q" } },
      { worker_poll = true })
  end

  local function polls(n)
    local list = {}
    for i = 1, n do list[i] = poll() end
    return list
  end

  local function answers()
    for _ = 1, 3 do temporal.assert(client:call "GetSystemInfo") end
  end

  it("are told 70 s, and ask for nothing that only waits for results know", function()
    connect("call " .. POLL .. " : hold")
    poll()
    peer:wait_until(POLL .. ">=1")
    local headers = peer:headers(POLL)
    assert.equal("70000000u", headers["grpc-timeout"])
    assert.is_nil(headers["supported-features"])
  end)

  it("are told so before the server has said anything, too", function()
    connect()
    client:close(0)
    peer:reset("call " .. POLL .. " : hold")
    client = temporal.client { target = peer.address, rpc_timeout = 1, shutdown_timeout = 0 }
    sessions.of(client):open()
    local future = poll()
    peer:wait_until(POLL .. ">=1")
    assert.equal("70000000u", peer:headers(POLL)["grpc-timeout"])
    assert.is_false(future:wait(1.3))
  end)

  for _, script in ipairs { "only grpc-status=14", "only grpc-status=4", "only grpc-status=8",
    "only grpc-status=2", "only grpc-status=7" } do
    it("hand on at once: " .. script, function()
      connect(("call %s : %s"):format(POLL, script))
      local _, err = poll():get(HUNG)
      assert.equal(1, err.attempts)
      assert.equal(1, peer:stats()[POLL])
    end)
  end

  it("hand on an empty answer at once", function()
    connect("call " .. POLL .. " : answer none")
    assert.equal("", temporal.assert(poll():get(HUNG)).task_token)
    assert.equal(1, peer:stats()[POLL])
  end)

  for _, script in ipairs { "abort", "rst INTERNAL_ERROR", "headers; close",
    "goaway NO_ERROR this; close" } do
    it("wait out, however often: " .. script, function()
      connect(("call 15 %s : %s"):format(POLL, script), "call " .. POLL .. " : answer " .. TASK)
      assert.equal("take", temporal.assert(poll():get(HUNG)).task_token)
      assert.equal(16, peer:stats()[POLL])
    end)
  end

  it("leave streams to calls, and one to polls for results", function()
    connect("conn max-streams=4", "call " .. POLL .. " : hold", "call " .. RESULT .. " : hold")
    local list = polls(8)
    peer:wait_until(POLL .. ">=2")
    answers()
    for i = 1, 3 do list[#list + 1] = client:workflow("x" .. i):ready() end
    peer:wait_until(RESULT .. ">=3", 20) -- which take turns
    answers()
    assert.equal(2, peer:stats()[POLL])
    -- The next has its turn once one has ended.
    peer:cmd("streams %s : answer none", POLL)
    peer:wait_until(POLL .. ">=4")
  end)

  it("leave streams to calls that follow before the peer has said how many there are", function()
    connect()
    client:close(0)
    peer:reset("conn max-streams=4", "call " .. POLL .. " : hold")
    client = temporal.client { target = peer.address, rpc_timeout = 3, shutdown_timeout = 0 }
    sessions.of(client):open()
    polls(8)
    answers()
    peer:wait_until(POLL .. ">=2")
    answers()
    assert.equal(2, peer:stats()[POLL])
  end)

  it("are not given up where the peer allows fewer from now on", function()
    connect("call " .. POLL .. " : hold")
    local list = polls(6)
    peer:wait_until(POLL .. ">=6")
    peer:cmd "all : settings max-streams=2; round-trip"
    peer:cmd("streams %s : answer %s", POLL, TASK)
    for i = 1, 6 do assert.equal("take", temporal.assert(list[i]:get(HUNG)).task_token) end
    assert.equal(6, peer:stats()[POLL])
  end)

  describe("that are the last", function()
    it("go on while they are on the wire", function()
      connect("call " .. POLL .. " : hold")
      local future = poll()
      peer:wait_until(POLL .. ">=1")
      core.end_poll(future, false)
      assert.is_false(future:wait(0.1))
      peer:cmd("streams %s : answer %s", POLL, TASK)
      assert.equal("take", temporal.assert(future:get(HUNG)).task_token)
    end)

    it("are not tried again", function()
      connect("call " .. POLL .. " : hold")
      local future = poll()
      peer:wait_until(POLL .. ">=1")
      core.end_poll(future, false)
      peer:cmd "all : abort"
      local _, err = future:get(HUNG) -- told before the loss, or after it
      assert.is_true(err.kind == "unavailable" or err.kind == "call_canceled")
      answers()
      assert.equal(1, peer:stats()[POLL])
    end)

    it("end at once when they wait for a stream, or for the next attempt", function()
      connect("conn max-streams=4", "call " .. POLL .. " : hold")
      local list = polls(3)
      peer:wait_until(POLL .. ">=2")
      core.end_poll(list[3], false)
      local _, err = list[3]:get(HUNG)
      assert.equal("call_canceled", err.kind)
      peer:cmd "listen off"
      peer:cmd "all : abort"
      core.end_poll(list[1], false)
      _, err = list[1]:get(HUNG)
      assert.is_true(err.kind == "unavailable" or err.kind == "call_canceled")
    end)
  end)

  describe("that are cut", function()
    it("end, and their streams with them", function()
      connect("call " .. POLL .. " : hold")
      local future = poll()
      peer:wait_until(POLL .. ">=1")
      core.end_poll(future, true)
      local _, err = future:get(HUNG)
      assert.equal("call_canceled", err.kind)
      assert.is_nil(err.outcome)
      peer:wait_until "rst>=1"
    end)

    it("hand over the answer that has come before", function()
      connect("call " .. POLL .. " : answer " .. TASK)
      local future = poll()
      assert.is_true(future:wait(HUNG))
      core.end_poll(future, true)
      assert.equal("take", temporal.assert(future:get(HUNG)).task_token)
    end)

    it("wait for an answer that has begun to come", function()
      connect("call " .. POLL .. " : headers; message first=7 " .. TASK .. "; hold")
      local future = poll()
      peer:wait_until(POLL .. ">=1")
      temporal.assert(client:call "GetSystemInfo") -- what was sent before has arrived
      core.end_poll(future, true)
      assert.is_false(future:wait(0.1))
      peer:cmd("streams %s : data 74616b65; trailers", POLL)
      assert.equal("take", temporal.assert(future:get(HUNG)).task_token)
    end)
  end)
end)
