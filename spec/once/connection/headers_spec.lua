--- What becomes a header: values that none may have are refused before anything is sent, each name
-- goes out once, and a block that is too large is said to be ours.

local core = require "temporal.core"
local faults = require "spec.support.faults"

local ANY = "DescribeNamespace"

describe("a header", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  it(":authority is the target's, or what is given", function()
    local function sent(options)
      faults.must_start(faults.client(options))
      return peer:headers()[":authority"]
    end
    assert.equal(peer.address, sent {})
    assert.equal("temporal.internal", sent { authority = "temporal.internal" })
    assert.equal("[::1]:7", sent { authority = "[::1]:7" })
    local ok, message = pcall(faults.client, { authority = "a b" })
    assert.is_false(ok)
    assert.matches('client option "authority" must be a name with or without a port', message, 1,
      true)
    ok, message = pcall(function() return faults.client():with { authority = "a" } end)
    assert.is_false(ok)
    assert.matches("belongs to the connection", message, 1, true)
  end)

  local bad = {
    ["CR LF"] = "a\r\nauthorization: evil", ["LF"] = "a\nb", ["NUL"] = "a\0b", ["ESC"] = "a\27[2J",
    ["DEL"] = "\127", ["a blank before"] = " a", ["a blank behind"] = "a ", ["a blank"] = " ",
    ["a tab behind"] = "a\t",
  }
  for name, value in pairs(bad) do
    it("with " .. name .. " in the namespace is refused where it is given", function()
      for _, make in ipairs {
        function() return faults.client { namespace = value } end,
        function() return faults.client():with { namespace = value } end,
      } do
        local ok, message = pcall(make)
        assert.is_false(ok)
        assert.matches('client option "namespace" must ', message, 1, true)
      end
    end)

    it("with " .. name .. " in a request's namespace is invalid, and nothing is sent", function()
      local client = faults.client { retry = faults.QUICK }
      faults.must_start(client)
      local ok, answer, err = pcall(client.call, client, ANY, { namespace = value })
      if ok then -- an embedded zero is misuse
        assert.is_nil(answer)
        assert.same({ "invalid_argument", "not_started", 0 },
          { err.kind, err.outcome, err.attempts })
        assert.matches('the header "temporal-namespace" must ', err.message, 1, true)
      else
        assert.matches("namespace", answer)
      end
      faults.must_start(client)
      assert.equal(0, peer:stats()[ANY])
      assert.equal(1, peer:stats().connections)
    end)

    it("with " .. name .. " in metadata is refused where it is given", function()
      local client = faults.client()
      for _, try in ipairs {
        function() faults.client { metadata = { ["x-a"] = value } } end,
        function() client:call(ANY, {}, { metadata = { ["x-a"] = value } }) end,
        function()
          client:with { metadata = function() return { ["x-a"] = value } end }:call(ANY)
        end,
      } do
        local ok, message = pcall(try)
        assert.is_false(ok)
        assert.matches('the value of "x-a" m', message, 1, true)
      end
      assert.equal(0, peer:stats()[ANY])
    end)

    it("with " .. name .. " of another HTTP request is refused", function()
      local channel = core.channel {
        host = "localhost", port = 0, authority = "localhost", secure = false, metadata = {},
        rpc_timeout = 1, shutdown_timeout = 0, max_pending = 1, keepalive_interval = 0,
        keepalive_timeout = 0, retry_initial = 1, retry_factor = 1, retry_max = 1,
        retry_attempts = 1, retry_jitter = 0, connect_timeout = 1, max_message = 100,
        max_decoded = 100,
      }
      local future, problem = channel:post("http://" .. peer.address, { "X-Namespace: " .. value },
        "", 1)
      assert.is_nil(future)
      assert.matches('the header "X-Namespace" must ', problem, 1, true)
      assert.equal(0, peer:stats().connections)
    end)
  end

  it("of bytes under a -bin key may have any", function()
    local client = faults.client { metadata = { ["x-bin"] = " \0\r\n\127 " } }
    assert.is_truthy(client:call(ANY))
    assert.equal("IAANCn8g", peer:headers(ANY)["x-bin"])
  end)

  it("that the metadata has, too, goes out once, and the metadata wins", function()
    local client = faults.client {
      namespace = "mine",
      metadata = { ["temporal-namespace"] = "other", ["client-name"] = "wrapper" },
    }
    assert.is_truthy(client:call(ANY, {}, { metadata = { ["client-version"] = "7" } }))
    local sent, seen = peer:cmd("last " .. ANY), {}
    for name in sent:gmatch("(%S[^= ]*)=") do
      assert.is_nil(seen[name], name .. " is there twice")
      seen[name] = true
    end
    local headers = peer:headers(ANY)
    assert.same({ "other", "wrapper", "7" }, { headers["temporal-namespace"],
      headers["client-name"], headers["client-version"] })
  end)

  describe("block that is too large", function()
    local function too_large(err)
      assert.same({ "message_too_large", 65536, 0 }, { err.kind, err.limit, err.attempts })
      assert.is_true(err.size > err.limit)
      assert.matches("headers of the request", err.message)
    end

    it("by its namespace is our error, said at once and not repeated", function()
      local client = faults.client { retry = faults.QUICK }
      faults.must_start(client)
      local large = client:with { namespace = ("n"):rep(70000) }
      local _, err = faults.start(large)
      too_large(err)
      too_large(select(2, large:workflow("w"):get(faults.HUNG)))
      faults.must_start(client)
      assert.equal(2, peer:stats()[faults.START])
      assert.equal(1, peer:stats().connections)
    end)

    it("by key and metadata together, each of which may be, is our error, too", function()
      local key, binary = ("k"):rep(16384), ("b"):rep(40000)
      local client = faults.client { api_key = key, tls = false }
      assert.is_truthy(client:call(ANY))
      too_large(select(2, client:call(ANY, {}, { metadata = { ["x-bin"] = binary } })))
      assert.is_truthy(faults.client():call(ANY, {}, { metadata = { ["x-bin"] = binary } }))
    end)

    it("by one byte is our error; one that just fits is sent", function()
      local client = faults.client { retry = faults.QUICK }
      local fits = { namespace = ("n"):rep(65000) }
      local _, err = client:call(ANY, fits)
      assert.is_nil(err and tostring(err))
      too_large(select(2, client:call(ANY, { namespace = ("n"):rep(66000) })))
      local low, high = 65000, 66000
      while high - low > 1 do
        local middle = math.floor((low + high) / 2)
        _, err = client:call(ANY, { namespace = ("n"):rep(middle) })
        if err then
          too_large(err)
          high = middle
        else
          low = middle
        end
      end
      assert.is_true(high > low)
    end)
  end)
end)
