-- What the client makes of connections that go wrong: GOAWAY, cuts, silence, slowness, floods,
-- garbage, limits. See faults_spec.lua for single answers, faults_poll_spec.lua for results.

local faults = require "spec.support.faults"

local format = string.format

describe("a connection", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function()
    peer:cmd("listen on")
    peer:reset()
  end)
  after_each(faults.after_each)

  -- Starts `count` workflows, `window` of them at once; all must come through.
  local function start_many(client, count, window)
    local ring = {}
    for i = 1, count do
      local slot = i % window + 1
      if ring[slot] then
        local ok, err = ring[slot]:started(faults.HUNG)
        assert.is_nil(err and tostring(err))
        assert.is_true(ok)
      end
      ring[slot] = faults.submit(client)
    end
    for _, run in pairs(ring) do
      local _, err = run:started(faults.HUNG)
      assert.is_nil(err and tostring(err))
    end
  end

  describe("with GOAWAY", function()
    it("drained by the frontend's two frames loses no call, even without retries", function()
      local client = faults.client()
      faults.must_start(client)
      peer:cmd("conn 5 : received 6000; goaway NO_ERROR all max_age; round-trip; goaway NO_ERROR; "
        .. "drained; wait 20; close")
      peer:cmd("all : goaway NO_ERROR all; round-trip; goaway NO_ERROR; drained; close")
      start_many(client, 600, 20)
      local stats = peer:stats()
      assert.equal(601, stats.StartWorkflowExecution)
      assert.is_true(stats.connections >= 6, stats.connections)
      assert.equal(0, stats.protocol_errors)
    end)

    it("every 3 calls loses no call", function()
      peer:cmd("conn : received 1200; goaway NO_ERROR; drained; close")
      start_many(faults.client{ retry = faults.QUICK }, 100, 10)
      assert.is_true(peer:stats().connections >= 10, peer:stats().connections)
    end)

    it("lets a call that is under way finish", function()
      peer:cmd("call 1 %s : goaway NO_ERROR this; wait 100; answer started OLD", faults.START)
      peer:cmd("call %s : answer started NEW", faults.START)
      local client = faults.client()
      local slow = faults.submit(client)
      peer:wait_until("completed>=1")
      local quick = faults.must_start(client)
      assert.equal("NEW", quick.run_id)
      assert.is_true(slow:started(faults.HUNG))
      assert.equal("OLD", slow.run_id)
      assert.equal(2, peer:stats().connections)
    end)

    it("repeats streams above its last-stream-id, even without retries", function()
      peer:cmd("call 1 %s : goaway NO_ERROR before; wait 50; close", faults.START)
      faults.must_start(faults.client())
      local requests = faults.requests(faults.START)
      assert.equal(2, #requests)
      assert.same(requests[1], requests[2])
    end)

    -- The frontend neither answers nor refuses what comes after its second GOAWAY.
    it("repeats streams that the peer ignores until it closes", function()
      local client = faults.client()
      faults.must_start(client)
      peer:cmd("all : goaway NO_ERROR; wait 100; close")
      start_many(client, 50, 50)
      assert.equal(2, peer:stats().connections)
    end)

    local places = {
      ["before anything was processed"] = { "conn 1 : goaway ENHANCE_YOUR_CALM 0 too_many_pings; "
        .. "close" },
      ["at the request, which it does not count"] = {
        "call 1 StartWorkflowExecution early : goaway ENHANCE_YOUR_CALM before; close" },
      ["of another kind, with nothing processed"] = { "conn 1 : goaway INTERNAL_ERROR 0; close" },
    }
    for place, commands in pairs(places) do
      it(place .. " fails no call, even without retries", function()
        for _, command in ipairs(commands) do peer:cmd(command) end
        faults.must_start(faults.client())
        assert.equal(2, peer:stats().connections)
      end)
    end

    local middles = {
      "headers; goaway INTERNAL_ERROR this; close",
      "headers; message first=20 started; goaway PROTOCOL_ERROR this; abort",
      "headers; message started; goaway NO_ERROR this; close",
      "goaway NO_ERROR this; close",
    }
    for _, script in ipairs(middles) do
      it("in the middle of an answer is an error, mended by a retry: " .. script, function()
        peer:cmd("call 2 %s : %s", faults.START, script)
        local _, err = faults.start(faults.client())
        assert.equal("unavailable", err.kind)
        assert.equal("unknown", err.outcome)
        -- Behind a reset it may be too late to read why.
        if not script:find("abort") then assert.matches("GOAWAY", err.message) end
        faults.must_start(faults.client{ retry = faults.QUICK })
        assert.equal(3, peer:stats().StartWorkflowExecution)
      end)
    end

    it("before SETTINGS, which is not HTTP/2, is mended by a retry", function()
      peer:cmd("conn 1 no-settings : goaway NO_ERROR 0; close")
      faults.must_start(faults.client{ retry = faults.QUICK })
      assert.equal(2, peer:stats().connections)
    end)

    it("after a whole answer is no error", function()
      peer:cmd("call 1 %s : headers; message started RUN; trailers; goaway NO_ERROR this; close",
        faults.START)
      local client = faults.client()
      faults.must_start(client)
      faults.must_start(client)
    end)

    it("says its reason when nothing else helps", function()
      peer:cmd("conn : goaway ENHANCE_YOUR_CALM 0 too_many_pings; close")
      local _, err = faults.start(faults.client{ retry = faults.QUICK, rpc_timeout = 3 })
      assert.equal("unavailable", err.kind)
      assert.equal("not_started", err.outcome)
      assert.matches("ENHANCE_YOUR_CALM", err.message)
      assert.matches("too_many_pings", err.message)
    end)
  end)

  describe("cut by the peer", function()
    local AT_ONCE = { initial = 0.001, factor = 1, max = 0.001, jitter = 0, attempts = 10 }

    -- One client, one start and its result, against a connection that ends at byte k.
    local function whole_exchange(retry)
      local client = faults.client{ retry = retry, rpc_timeout = 5 }
      local run, err = faults.start(client)
      local value, get_err
      if run then value, get_err = run:get(faults.HUNG) end
      client:close(0)
      return run, err, value, get_err
    end

    local function length_of_exchange()
      peer:cmd("call %s : answer completed", faults.POLL)
      whole_exchange(AT_ONCE)
      local stats = peer:stats()
      return stats.bytes_out, stats.bytes_in
    end

    for _, side in ipairs{ "cut-sent", "cut-received" } do
      for _, how in ipairs{ "", " cut-abort" } do
        it(format("at any byte of the first exchange is mended by a retry (%s%s)", side, how),
          function()
            local sent, received = length_of_exchange()
            for k = 0, side == "cut-sent" and sent or received do
              peer:reset(format("conn 1 %s=%d%s", side, k, how),
                format("call %s : answer completed", faults.POLL))
              local run, err, value, get_err = whole_exchange(AT_ONCE)
              assert.is_nil(err and format("byte %d: %s", k, tostring(err)))
              assert.is_truthy(run)
              assert.is_nil(get_err and format("byte %d: %s", k, tostring(get_err)))
              assert.equal("done", value)
            end
          end)

        it(format("at any byte is an error or a success without retries (%s%s)", side, how),
          function()
            local sent, received = length_of_exchange()
            local outcomes = {}
            for k = 0, side == "cut-sent" and sent or received do
              peer:reset(format("conn 1 %s=%d%s", side, k, how), "conn 1 : close", "conn 1 : close",
                format("call %s : answer completed", faults.POLL))
              local run, err = whole_exchange(false)
              local key = run and "started" or err.kind .. " " .. err.outcome
              outcomes[key] = (outcomes[key] or 0) + 1
            end
            assert.is_true(outcomes["unavailable unknown"] > 0)
            for key in pairs(outcomes) do
              assert.is_true(key == "started" or key:match("^unavailable") ~= nil
                or key == "internal unknown", key)
            end
          end)
      end
    end

    it("while 50 calls are under way: all are repeated", function()
      local client = faults.client{ retry = faults.QUICK }
      faults.must_start(client)
      peer:cmd("call 50 %s : hold", faults.START)
      local list = {}
      for i = 1, 50 do list[i] = faults.submit(client) end
      peer:wait_until("streams_open>=50")
      peer:cmd("all : abort")
      for _, run in ipairs(list) do
        local _, err = run:started(faults.HUNG)
        assert.is_nil(err and tostring(err))
      end
      assert.equal(2, peer:stats().connections)
    end)

    it("and not to be had again is dialled until it is", function()
      local client = faults.client{ retry = { initial = 0.02, factor = 1, max = 0.02,
                                              attempts = 1000 } }
      faults.must_start(client)
      peer:cmd("listen off")
      peer:cmd("all : close")
      peer:wait_until("open==0")
      local run = faults.submit(client)
      assert.is_false(select(2, run:started(0.2)) == nil)
      peer:cmd("listen on")
      assert.is_true(run:started(faults.HUNG))
    end)
  end)

  describe("that comes to nothing", function()
    local useless = {
      "conn max-streams=0 : close", "conn max-streams=1 : close", "conn : goaway NO_ERROR 0",
      "conn max-streams=0 : goaway NO_ERROR 0", "conn max-streams=0 : goaway NO_ERROR 0; close",
      "conn max-streams=1 : goaway NO_ERROR 1000; close",
    }
    for _, script in ipairs(useless) do
      it("is dialled ten times a second at most, however many wait: " .. script, function()
        peer:cmd(script)
        local client = faults.client{ retry = true, rpc_timeout = 1 }
        local list, began = {}, faults.now()
        for i = 1, 300 do list[i] = faults.submit(client) end
        for _, run in ipairs(list) do
          local ok, err = run:started(faults.HUNG)
          assert.is_nil(ok)
          assert.equal("unavailable", err.kind)
        end
        local connections = peer:stats().connections
        assert.is_true(connections >= 2, connections)
        assert.is_true(connections <= 3 + (faults.now() - began) / 0.1, connections)
      end)
    end

    it("is dialled less and less often until one gives an answer", function()
      peer:cmd("conn max-streams=0 : close")
      local retry = { initial = 0.05, factor = 2, max = 1.6, jitter = 0, attempts = 100 }
      local client = faults.client{ retry = retry }
      local began = faults.now()
      local run = faults.submit(client)
      -- At 0, 0.05, 0.15, 0.35, 0.75, 1.55 and 3.15 s.
      peer:wait_until("connections>=7")
      assert.is_true(faults.now() - began > 3.1, faults.now() - began)
      peer:reset()
      assert.is_true(run:started(faults.HUNG))
      peer:cmd("conn 1 max-streams=0 : close")
      peer:cmd("all : goaway NO_ERROR; close")
      peer:wait_until("open==0")
      local _, seconds = faults.must_start(client)
      assert.is_true(seconds < 1.6, seconds)
    end)

    it("after one that did not is made again at once, however long the back-off", function()
      local client = faults.client{ retry = { initial = 20, factor = 1, max = 20 } }
      faults.must_start(client)
      peer:cmd("all : goaway NO_ERROR all; round-trip; goaway NO_ERROR; drained; close")
      peer:wait_until("open==0")
      local _, seconds = faults.must_start(client)
      assert.is_true(seconds < 5, seconds)
    end)
  end)

  describe("that cannot be made", function()
    it("is refused: unavailable, nothing was started", function()
      peer:cmd("listen off")
      local _, err, seconds = faults.start(faults.client())
      assert.equal("unavailable", err.kind)
      assert.equal("not_started", err.outcome)
      assert.matches("refused", err.message)
      assert.matches(tostring(peer.port), err.message)
      assert.is_true(seconds < 10)
    end)

    it("gets no answer to its SYN: connect_timeout", function()
      peer:cmd("listen full")
      local _, err, seconds = faults.start(faults.client{ connect_timeout = 0.3 })
      assert.equal("unavailable", err.kind)
      assert.equal("not_started", err.outcome)
      assert.is_true(seconds > 0.25 and seconds < 4, seconds)
    end)

    it("gets no answer to its SYN: rpc_timeout, naming the phase", function()
      peer:cmd("listen full")
      faults.ends_in_time(0.2, function()
        local _, err, seconds = faults.start(faults.client{ rpc_timeout = 0.2 })
        assert.equal("unavailable", err.kind)
        assert.equal("not_started", err.outcome)
        assert.matches("connecting", err.message)
        return seconds
      end)
    end)

    local dumb = {
      { "closed after accept", "conn : close" },
      { "reset after accept", "conn : abort" },
      { "HTTP/1.1", 'conn raw : received 1; say "HTTP/1.1 400 Bad Request\\r\\n'
        .. 'Connection: close\\r\\n\\r\\n"; close', "HTTP/1.1 400 Bad Request" },
      { "HTTP/1.1 that stays open", 'conn raw : received 1; say "HTTP/1.1 400 Bad Request\\r\\n'
        .. 'Content-Length: 0\\r\\n\\r\\n"; hold', "HTTP/1.1 400 Bad Request" },
      { "SSH", 'conn raw : say "SSH-2.0-OpenSSH_9.2\\r\\n"; hold' },
      { "a TLS alert", "conn raw : received 1; bytes 15030100020250; close" },
      { "zeros", "conn raw : bytes " .. ("00"):rep(100) .. "; hold" },
    }
    for _, row in ipairs(dumb) do
      it(row[1] .. ": unavailable", function()
        peer:cmd(row[2])
        local _, err, seconds = faults.start(faults.client())
        assert.equal("unavailable", err.kind)
        if row[3] then assert.matches(row[3], err.message, 1, true) end
        assert.is_true(seconds < 4, seconds)
      end)

      it(row[1] .. ": unavailable after the retries, too", function()
        peer:cmd(row[2])
        local _, err = faults.start(faults.client{ retry = faults.QUICK })
        assert.equal("unavailable", err.kind)
        assert.equal(10, err.attempts)
        -- A dial that is not the call's own does not count as its attempt.
        local connections = peer:stats().connections
        assert.is_true(connections >= 10 and connections <= 30, connections)
      end)
    end

    it("sends no SETTINGS: connect_timeout is the end of that dial", function()
      peer:cmd("conn 1 raw")
      local client = faults.client{ connect_timeout = 0.3, retry = faults.QUICK }
      local _, seconds = faults.must_start(client)
      assert.is_true(seconds > 0.25 and seconds < 4, seconds)
    end)
  end)

  describe("that stalls ends its calls at their deadline:", function()
    local stalls = {
      { "accepts and is silent", "conn raw", kind = "unavailable" },
      { "reads and sends nothing", "conn mute", kind = "unavailable" },
      { "only sends SETTINGS", "conn : mute" },
      { "never answers", "call : hold" },
      { "stops after the headers", "call : headers; hold" },
      { "stops in the middle of the message", "call : headers; message first=20 started; hold" },
      { "stops before the trailers", "call : headers; message started; hold" },
      { "says 1xx for ever", "call : inform; hold" },
      { "takes no request", "conn window=10 no-window-update", size = 100000 },
      { "sends a byte every 50 ms", "conn slow=1/50", kind = "any" },
      { "never ends its headers", "call : frame HEADERS 0 this 88; hold" },
      { "acknowledges no SETTINGS, no PING", "conn no-settings-ack no-ping-ack",
        "call : hold" },
    }
    for _, row in ipairs(stalls) do
      it(row[1], function()
        for i = 2, #row do peer:cmd((row[i]:gsub("^call", "call " .. faults.START))) end
        faults.ends_in_time(1, function()
          local client = faults.client{ retry = faults.QUICK }
          local _, err, seconds = faults.start(client, { timeout = 1 },
            ("x"):rep(row.size or 100))
          if row.kind ~= "any" then
            assert.equal(row.kind or "deadline_exceeded", err.kind)
            assert.equal("unknown", err.outcome)
          end
          return seconds
        end)
      end)
    end

    it("and is cancelled: the peer sees RST CANCEL, and the connection is used again", function()
      local client = faults.client()
      faults.must_start(client)
      peer:cmd("call 1 %s : hold", faults.START)
      local _, err = faults.start(client, { timeout = 0.3 })
      assert.equal("deadline_exceeded", err.kind)
      peer:wait_until("rst>=1")
      assert.equal(8, peer:stats().rst_code)
      faults.must_start(client)
      assert.equal(1, peer:stats().connections)
    end)

    it("while a thousand others wait: each ends at its own", function()
      local client = faults.client()
      faults.must_start(client)
      peer:cmd("call %s : hold", faults.START)
      local list, began = {}, faults.now()
      for i = 1, 1000 do list[i] = faults.submit(client, { timeout = 0.2 + i / 5000 }) end
      for i, run in ipairs(list) do
        local _, err = run:started(faults.HUNG)
        assert.equal("deadline_exceeded", err.kind)
        assert.is_true(faults.now() - began >= 0.2 + i / 5000 - 0.002)
      end
      assert.is_true(faults.now() - began < 10)
      peer:wait_until("streams_open==0")
    end)
  end)

  describe("that is slow", function()
    it("sends byte by byte: the call comes through", function()
      peer:cmd("conn slow=1/0")
      faults.must_start(faults.client())
    end)

    it("sends three bytes a millisecond: the call comes through", function()
      peer:cmd("conn slow=3/1")
      faults.must_start(faults.client())
    end)

    it("takes a request of 200 KB through a window of one byte at first", function()
      peer:cmd("conn window=1 no-window-update")
      local client = faults.client()
      local run = faults.submit(client, nil, ("x"):rep(200000))
      peer:wait_until("requests>=1")
      peer:cmd("all : settings window=100")
      peer:cmd("all : settings window=1000000; window 1000000")
      assert.is_true(run:started(faults.HUNG))
      assert.is_true(#peer:requests(faults.START)[1] > 200000)
    end)

    it("gives a window of one byte: the request comes byte by byte", function()
      peer:cmd("conn window=1")
      faults.must_start(faults.client())
      assert.equal(1, #faults.requests(faults.START))
    end)
  end)

  describe("with a limit of streams", function()
    for _, limit in ipairs{ 1, 2, 7 } do
      it(format("of %d never has more, and all calls come through", limit), function()
        peer:cmd("conn max-streams=%d", limit)
        local client = faults.client()
        faults.must_start(client)
        start_many(client, 200, 100)
        local stats = peer:stats()
        assert.equal(limit, stats.streams_max)
        assert.equal(0, stats.protocol_errors)
        assert.equal(1, stats.connections)
      end)
    end

    it("that comes after the first calls: what was refused is repeated", function()
      peer:cmd("conn max-streams=3")
      start_many(faults.client(), 100, 100)
      assert.equal(0, peer:stats().goaways)
    end)

    it("of none queues until there is one", function()
      local client = faults.client()
      faults.must_start(client)
      peer:cmd("all : settings max-streams=0")
      peer:wait_until("settings_acks>=2")
      local run = faults.submit(client)
      local _, err = run:started(0.1)
      assert.equal("timeout", err.kind)
      peer:cmd("all : settings max-streams=1")
      assert.is_true(run:started(faults.HUNG))
      assert.equal(1, peer:stats().connections)
    end)

    it("of none ends calls at their deadline, saying why", function()
      local client = faults.client()
      faults.must_start(client)
      peer:cmd("all : settings max-streams=0")
      peer:wait_until("settings_acks>=2")
      local _, err, seconds = faults.start(client, { timeout = 0.2 })
      assert.equal("unavailable", err.kind)
      assert.equal("not_started", err.outcome)
      assert.matches("stream", err.message)
      assert.is_true(seconds >= 0.198 and seconds < 10, seconds)
    end)

    it("fails what is beyond max_pending, at once and without sending it", function()
      peer:cmd("listen full")
      local client = faults.client{ max_pending = 10 }
      local list = {}
      for i = 1, 12 do list[i] = faults.submit(client) end
      for i = 11, 12 do
        local _, err = list[i]:started(0)
        assert.equal("resource_exhausted", err.kind)
        assert.equal("local", err.resource_cause)
        assert.equal("not_started", err.outcome)
      end
    end)
  end)

  describe("that is flooded", function()
    local floods = {
      ["with SETTINGS"] = "settings-flood 3000",
      ["with PING"] = "ping 3000",
      ["with unknown frames"] = "random 0; frame 0x77 0 0 00; frame 0x77 0 0 00",
      ["with empty DATA"] = ("frame DATA 0 this; "):rep(200) .. "random 0",
    }
    for name, steps in pairs(floods) do
      it(name .. " still ends every call", function()
        peer:cmd("call 1 %s : headers; %s; message started; trailers", faults.START, steps)
        local client = faults.client{ retry = faults.QUICK }
        faults.must_start(client)
        faults.must_start(client)
      end)
    end
  end)

  describe("of a closed client", function()
    for name, script in pairs {
      ["that never becomes one"] = "conn raw : hold",
      ["that is silent"] = "call : hold",
    } do
      it(name .. " ends what is unacknowledged as closed, when the shutdown is over", function()
        peer:cmd(script)
        local other = faults.submit(faults.client())
        local client = faults.client{ shutdown_timeout = 0.05 }
        local run = faults.submit(client)
        assert.is_false(run:wait(0.05))
        client:close(0)
        assert.is_false(other:wait(0.3)) -- the engine goes on for it, and past the shutdown
        local _, err = run:started(faults.HUNG)
        assert.same({ "closed", "unknown" }, { err.kind, err.outcome })
      end)
    end
  end)

  describe("that sends garbage", function()
    it("instead of SETTINGS: an error each time, never more", function()
      for seed = 1, 40 do
        peer:reset(format("conn 1 raw : received 1; random 400 %d; hold", seed))
        local client = faults.client{ retry = faults.QUICK, connect_timeout = 0.2 }
        faults.must_start(client)
        client:close(0)
      end
    end)

    it("after SETTINGS: an error each time, never more", function()
      for seed = 1, 40 do
        peer:reset(format("call 1 %s : headers; random 400 %d; close", faults.START, seed))
        local client = faults.client{ retry = faults.QUICK, rpc_timeout = 20 }
        faults.must_start(client)
        client:close(0)
      end
    end)

    -- Each must end the connection, and the call must come through on the next.
    local fatal = {
      ["HPACK that cannot be"] = "frame HEADERS 4 this ffffffffffffffffff",
      ["an HPACK index that is not there"] = "frame HEADERS 4 this ff00",
      ["HEADERS on stream 0"] = "frame HEADERS 4 0 88",
      ["DATA on stream 0"] = "frame DATA 0 0 00",
      ["DATA on a stream nobody opened"] = "frame DATA 0 99 00",
      ["DATA on a stream of the server"] = "frame DATA 0 2 00",
      ["HEADERS on a stream of the server"] = "frame HEADERS 4 2 88",
      ["RST_STREAM on stream 0"] = "frame RST_STREAM 0 0 00000000",
      ["RST_STREAM of 3 bytes"] = "frame RST_STREAM 0 this 000000",
      ["SETTINGS on a stream"] = "frame SETTINGS 0 this",
      ["SETTINGS of 5 bytes"] = "frame SETTINGS 0 0 0003000000",
      ["a SETTINGS ack with a payload"] = "frame SETTINGS 1 0 000300000001",
      ["a window above 2^31"] = "frame SETTINGS 0 0 0004ffffffff",
      ["a frame size that cannot be"] = "frame SETTINGS 0 0 000500000001",
      ["PING of 7 bytes"] = "frame PING 0 0 00000000000000",
      ["PING on a stream"] = "frame PING 0 this 0000000000000000",
      ["GOAWAY on a stream"] = "frame GOAWAY 0 this 0000000000000000",
      ["GOAWAY of 7 bytes"] = "frame GOAWAY 0 0 00000000000000",
      ["WINDOW_UPDATE of 0"] = "frame WINDOW_UPDATE 0 0 00000000",
      ["a connection window above 2^31"] = "frame WINDOW_UPDATE 0 0 7fffffff",
      ["CONTINUATION out of nowhere"] = "frame CONTINUATION 4 this 88",
      ["DATA between HEADERS and CONTINUATION"] = "frame HEADERS 0 this 88; frame DATA 0 this 00",
      ["PUSH_PROMISE, which was switched off"] = "frame PUSH_PROMISE 4 this 0000000288",
      ["padding longer than the frame"] = "headers; frame DATA 8 this ff00",
      ["a frame of 16 MB"] = "bytes ffffff000000000001",
    }
    for name, steps in pairs(fatal) do
      it(name .. ": the call is repeated elsewhere", function()
        peer:cmd("call 1 %s : %s; hold", faults.START, steps)
        faults.must_start(faults.client{ retry = faults.QUICK })
        assert.equal(2, peer:stats().connections)
      end)

      it(name .. ": unavailable or internal without retries", function()
        peer:cmd("call 1 %s : %s; hold", faults.START, steps)
        local _, err, seconds = faults.start(faults.client())
        assert.is_true(err.kind == "unavailable" or err.kind == "internal", err.kind)
        assert.equal("unknown", err.outcome)
        assert.is_true(seconds < 10)
      end)
    end

    -- Each breaks one stream at most.
    local harmless = {
      ["a stream's window above 2^31"] = "frame WINDOW_UPDATE 0 this 7fffffff",
      ["WINDOW_UPDATE of 0 on a stream"] = "frame WINDOW_UPDATE 0 this 00000000",
      ["headers twice"] = "headers; frame HEADERS 4 this 88",
      ["DATA before the headers"] = "frame DATA 0 this 00",
      ["headers without a status"] = "frame HEADERS 4 this 0001610162",
      ["an upper-case name"] = "frame HEADERS 4 this 880001410130",
      ["a content-length that is wrong"] = "headers content-length=3; message started; trailers",
    }
    for name, steps in pairs(harmless) do
      it(name .. ": the call ends, and comes through again", function()
        peer:cmd("call 1 %s : %s; wait 50; close", faults.START, steps)
        faults.must_start(faults.client{ retry = faults.QUICK })
      end)
    end
  end)

  describe("on a bad day", function()
    local troubles = {
      "answer started", "answer started", "answer started", "wait 5; answer started",
      "rst REFUSED_STREAM", "rst INTERNAL_ERROR", "only grpc-status=14", "headers; end",
      "headers; message first=9 started; rst INTERNAL_ERROR",
      "goaway NO_ERROR this; answer started",
      "goaway NO_ERROR before; wait 5; close", "headers; abort", "close",
      "headers :status=503 content-type=text/html; text x; end", "headers; random 50 7; close",
      "frame GOAWAY 0 this 00; hold", "inform; ping 3; settings window=70000; answer started",
    }

    for seed = 1, 5 do
      it("brings every start through, each with one request id: seed " .. seed, function()
        -- A generator of our own: the same in every Lua.
        local state = seed
        for _ = 1, 400 do
          state = (state * 1103515245 + 12345) % 2147483648
          local script = troubles[math.floor(state / 65536) % #troubles + 1]
          peer:cmd("call 1 %s : %s", faults.START, script)
        end
        local retry = { initial = 0.005, factor = 1.2, max = 0.05, attempts = 100 }
        start_many(faults.client{ retry = retry, rpc_timeout = 10 }, 300, 30)
        local id_of, count = {}, 0
        for _, request in ipairs(faults.requests(faults.START)) do
          local known = id_of[request.workflow_id]
          assert.is_true(known == nil or known == request.request_id)
          if not known then count = count + 1 end
          id_of[request.workflow_id] = request.request_id
        end
        assert.equal(300, count)
      end)
    end
  end)
end)
