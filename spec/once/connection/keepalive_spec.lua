-- PINGs on a connection on which nothing else comes. Below the client, which does not let the
-- interval be shorter than 10 s.

local core = require "temporal.core"
local env = require "spec.support.environment"
local faults = require "spec.support.faults"

describe("a connection with keepalive", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)

  local function channel(interval, timeout)
    return core.channel{
      host = "127.0.0.1", port = peer.port, authority = peer.address, connect_timeout = 5,
      rpc_timeout = 5, shutdown_timeout = 0, keepalive_interval = interval,
      keepalive_timeout = timeout, max_message = 1000000, max_decoded = 1000,
      max_pending = 100,
      retry_initial = 0.01, retry_factor = 1, retry_max = 0.01, retry_attempts = 5,
      retry_jitter = 0,
    }
  end

  local function call(chan)
    local rpc = assert(core.rpc("GetSystemInfo"))
    return assert(chan:call(rpc.path, rpc.request, {}, { timeout = 60, retry = true,
                                                         response_type = rpc.response }))
  end

  local function wait(future)
    local deadline = faults.now() + faults.HUNG
    core.want(future, "result")
    core.subscribe(future, "result")
    while not core.ready(future, "result") and faults.now() < deadline do
      core.park(0.1)
      core.drain()
    end
    return core.take(future, "result")
  end

  it("answered: the connection stays", function()
    local chan = channel(0.05, 10)
    peer:cmd("call 1 : wait 600; answer none")
    local future = call(chan)
    peer:wait_until("pings>=5")
    assert.is_truthy(wait(future))
    assert.equal(1, peer:stats().connections)
    chan:finish()
    chan:close()
  end)

  it("not answered: the connection is given up and the call repeated", function()
    local chan = channel(0.1, 0.5)
    peer:cmd("conn 1 no-ping-ack")
    peer:cmd("call 1 : hold")
    local began = faults.now()
    assert.is_truthy(wait(call(chan)))
    assert.is_true(faults.now() - began < 20)
    assert.equal(2, peer:stats().connections)
    chan:finish()
    chan:close()
  end)

  it("is not too frequent: none while answers come", function()
    local chan = channel(0.5, 10)
    assert.is_truthy(wait(call(chan)))
    -- A ping is due only after a pause, which a busy machine makes by itself.
    env.wait_until(60, function()
      local pings, longest, began = peer:stats().pings, 0, faults.now()
      local last, now = began, began
      while now < began + 1 do
        assert.is_truthy(wait(call(chan)))
        now = faults.now()
        longest, last = math.max(longest, now - last), now
      end
      if longest >= 0.4 then return false end
      assert.equal(pings, peer:stats().pings)
      return true
    end, "a second without a pause")
    chan:finish()
    chan:close()
  end)
end)
