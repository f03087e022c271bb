-- The network's share of bad input: targets where no Temporal server is. Whatever is done first, a
-- start, a get, a call, a connect, it says what is wrong, in its time, and nothing is left behind.

local env = require "spec.support.environment"
local faults = require "spec.support.faults"
local lfs = require "lfs"
local temporal = require "temporal"

local format = string.format

local RPC_TIMEOUT = 1 -- s; no attempt is to be on its way when it passes

describe("a target where no server is:", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function()
    peer:cmd("listen on")
    peer:reset()
  end)
  after_each(faults.after_each)

  -- What somebody may do first: value or nil, error.
  local first = {
    ["start_workflow"] = function(client)
      return client:start_workflow({ id = "x", task_queue = "q" }, "X")
    end,
    ["execute_workflow and get"] = function(client)
      return client:execute_workflow({ id = "x", task_queue = "q" }, "X"):get()
    end,
    ["get of somebody's workflow"] = function(client) return client:workflow("x"):get() end,
    ["call"] = function(client) return client:call("GetSystemInfo") end,
    ["connect"] = function(client) return client:connect() end,
  }

  -- command: of the peer; target: in place of its address; says: in the message
  local targets = {
    ["a name that does not exist"] = { target = "no-such-host.invalid:7233",
                                       says = "no%-such%-host%.invalid" },
    ["a port nobody listens on"] = { command = "listen off", says = "refused" },
    ["a server of HTTP/1.1"] = { command = 'conn raw : received 1; say '
      .. '"HTTP/1.1 405 Method Not Allowed\\r\\nConnection: close\\r\\n\\r\\n"; close',
      says = "HTTP/1%.1 405 Method Not Allowed" },
    ["one that says nothing"] = { command = "conn raw", says = "SETTINGS" },
    ["one that hangs up"] = { command = "conn : close" },
    ["one that never answers a SYN"] = { command = "listen full", says = "connect" },
    ["a web server of HTTP/2"] = { command = "call : headers :status=404 content-type=text/html; "
      .. 'text "<h1>Not Found</h1>"; end', kind = "unimplemented", says = "404" },
  }

  for name, row in pairs(targets) do
    for doing, act in pairs(first) do
      it(format("%s: %s", name, doing), function()
        if row.command then peer:cmd(row.command) end
        local client = faults.client{ target = row.target or peer.address,
                                      rpc_timeout = RPC_TIMEOUT, retry = faults.QUICK }
        local began = faults.now()
        local value, err = act(client)
        local seconds = faults.now() - began
        assert.is_nil(value)
        assert.equal(row.kind or "unavailable", err.kind)
        assert.equal(row.kind or "unavailable", err.code)
        if row.says then assert.matches(row.says, err.message) end
        -- The resolver of libcurl cannot be hurried; the call still ends in time.
        assert.is_true(seconds < 4, seconds) -- the default: 10; of connect_timeout: 5
      end)
    end
  end

  it("an address of IPv6 without a listener", function()
    local _, err = faults.client{ target = format("[::1]:%d", peer.port) }:connect()
    assert.equal("unavailable", err.kind)
    assert.matches(tostring(peer.port), err.message)
  end)

  it("a name with two addresses, one of which answers, is no bad target", function()
    -- localhost is ::1 and 127.0.0.1 wherever IPv6 is on.
    faults.must_start(faults.client{ target = "localhost:" .. peer.port })
  end)

  it("is gone while a get waits: the get goes on, its own time is honoured", function()
    local run = faults.must_start(faults.client{ retry = faults.QUICK })
    assert.is_false(run:ready())
    peer:wait_until("polls_open>=1")
    peer:cmd("listen off")
    peer:cmd("all : abort")
    local _, err, seconds = faults.get(run, 0.3)
    assert.equal("timeout", err.kind)
    assert.is_true(seconds >= 0.298 and seconds < 10, seconds)
  end)
end)

describe("a thousand clients, opened and closed,", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  -- What is lost by closing at once is reported by whoever comes next.
  local function new_client(options)
    options = options or {}
    options.target, options.logger = peer.address, function() end
    return temporal.client(options)
  end

  local function entries(folder)
    local n = 0
    for _ in lfs.dir("/proc/self/" .. folder) do n = n + 1 end
    return n
  end

  local function descriptors() return entries("fd") end
  local function threads() return entries("task") end

  local function leaves_nothing(use)
    use(1)
    env.wait_until(30, function() return peer:stats().open == 0 end, "the end of connections")
    local fds, tasks = descriptors(), threads()
    for i = 1, 1000 do use(i) end
    env.wait_until(30, function() return peer:stats().open == 0 end, "the end of connections")
    -- The I/O thread closes its own in its own time.
    env.wait_until(30, function() return descriptors() <= fds end, "the end of descriptors")
    assert.equal(tasks, threads())
  end

  it("leave nothing when each has started a workflow", function()
    leaves_nothing(function(i)
      local client = new_client()
      local run, err = client:start_workflow({ id = "w" .. i, task_queue = "q" }, "X")
      assert.is_nil(err and tostring(err))
      assert.is_truthy(run)
      assert.is_true(client:close())
    end)
    assert.equal(1001, peer:stats().StartWorkflowExecution)
    assert.equal(0, peer:stats().protocol_errors)
  end)

  it("leave nothing when each has a call under way", function()
    peer:cmd("call : hold")
    leaves_nothing(function()
      local client = new_client{ shutdown_timeout = 0.05 }
      client:submit("GetSystemInfo", {})
      client:close(0)
    end)
  end)

  it("leave nothing when they are collected, not closed", function()
    leaves_nothing(function(i)
      local client = new_client()
      assert.is_truthy(client:start_workflow({ id = "c" .. i, task_queue = "q" }, "X"))
      client = nil -- luacheck: ignore
      if i % 50 == 0 or i == 1 then
        collectgarbage()
        collectgarbage()
      end
    end)
  end)

  it("leave nothing when none of them was used", function()
    leaves_nothing(function()
      new_client():close()
    end)
    assert.equal(0, peer:stats().connections)
  end)
end)
