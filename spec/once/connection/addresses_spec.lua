--- A name with two addresses, the first of which takes TCP and is of no use: the next dial begins
-- with the other. libcurl knows *.localhost by itself, and localhost is connected to without it.

local certificates = require "spec.support.certificates"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local faults = require "spec.support.faults"

describe("a name with two addresses", function()
  local v4, v6

  setup(function()
    v4 = faults.start_peer()
    v6 = fault_peer.start { host = "::1", port = v4.port }
  end)
  teardown(function()
    v6:stop()
    faults.stop_peer()
  end)
  before_each(function()
    for _, peer in ipairs { v4, v6 } do
      peer:cmd("listen on")
      peer:reset()
    end
  end)
  after_each(faults.after_each)

  local function client_of(name, options)
    options.target = name .. ":" .. v4.port
    return faults.client(options)
  end

  -- The address that a first dial begins with, and the other.
  local function in_order(name)
    faults.must_start(client_of(name, {}))
    local v6_first = v6:stats().connections == 1
    v4:reset()
    v6:reset()
    if v6_first then return v6, v4 end
    return v4, v6
  end

  local useless = {
    ["hangs up"] = "conn : close", ["resets"] = "conn : abort", ["is silent"] = "conn raw",
    ["says 503"] = 'conn raw : received 1; say "HTTP/1.1 503 Service Unavailable\\r\\n'
      .. 'Connection: close\\r\\n\\r\\n"; close',
    ["says SETTINGS and hangs up"] = "conn max-streams=0 : close",
    ["says GOAWAY"] = "conn : goaway NO_ERROR 0; close",
  }
  for _, name in ipairs { "localhost", "two.localhost" } do
    for how, command in pairs(useless) do
      it(("of which the first %s: the second is next (%s)"):format(how, name), function()
        local bad, good = in_order(name)
        bad:cmd(command)
        local client = client_of(name, { retry = faults.QUICK, connect_timeout = 0.3 })
        faults.must_start(client)
        assert.equal(1, bad:stats().connections)
        assert.equal(1, good:stats().connections)
        -- The end of a healthy connection leads there again.
        good:cmd("all : goaway NO_ERROR; close")
        good:wait_until("open==0")
        faults.must_start(client)
        -- A reset may come so early that it is as if it had been refused: no reason to avoid it.
        assert.is_true(bad:stats().connections <= (how == "resets" and 2 or 1))
      end)
    end

    it("that both are useless: each gets its turn (" .. name .. ")", function()
      v4:cmd("conn : close")
      v6:cmd("conn : close")
      local _, err = faults.start(client_of(name, { retry = faults.QUICK }))
      assert.equal("unavailable", err.kind)
      for _, peer in ipairs { v4, v6 } do
        assert.is_true(peer:stats().connections >= 3, peer:stats().connections)
      end
    end)

    it("of which the one that is left is gone: the other gets another chance (" .. name .. ")",
      function()
        local bad, good = in_order(name)
        bad:cmd("conn 1 : close")
        good:cmd("listen off")
        local client = client_of(name, { retry = faults.QUICK })
        faults.must_start(client)
        assert.equal(2, bad:stats().connections)
      end)
  end

  it("of which the first has the wrong certificate: the second is next", function()
    local bad, good = in_order("two.localhost")
    bad:cmd("listen off")
    local made = certificates.new()
    made:authority("ca")
    made:authority("other")
    made:issue("server", { by = "other", names = "DNS:two.localhost" })
    local server = env.spawn { "openssl", "s_server", "-accept", bad.address, "-alpn", "h2",
      "-cert", made:path "server.pem", "-key", made:path "server.key" }
    repeat local line = assert(server:readline(30)) until line == "ACCEPT"
    -- In plaintext the second will not do either, but it is asked.
    local client = client_of("two.localhost",
      { tls = { ca_file = made:path "ca.pem" }, retry = { initial = 0.01, attempts = 2 } })
    local _, err = faults.start(client)
    assert.equal("unavailable", err.kind)
    assert.equal(1, good:stats().connections)
    server:stop()
  end)
end)
