-- What the client makes of answers that a healthy server does not give. The peer says one thing on
-- one stream; the connection stays good. See faults_connection_spec.lua for the rest.

local core = require "temporal.core"
local fault_peer = require "spec.support.fault_peer"
local faults = require "spec.support.faults"
local temporal = require "temporal"

local format = string.format

describe("an answer", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  -- One start against one script, without retries; then the same connection must still serve.
  local function refused(script, options)
    local client = faults.client(options)
    faults.must_start(client)
    peer:cmd("call 1 %s : %s", faults.START, script)
    local run, err = faults.start(client)
    assert.is_nil(run)
    assert.is_true(temporal.is_error(err))
    faults.must_start(client)
    assert.equal(1, peer:stats().connections)
    return err
  end

  describe("with a grpc-status", function()
    -- code: its name, the kind where it has another, whether the server has surely refused
    local codes = {
      { 1, "cancelled", "call_canceled" }, { 2, "unknown" },
      { 3, "invalid_argument", refusal = true }, { 4, "deadline_exceeded" },
      { 5, "not_found", refusal = true }, { 6, "already_exists", refusal = true },
      { 7, "permission_denied", refusal = true }, { 8, "resource_exhausted", refusal = true },
      { 9, "failed_precondition", refusal = true }, { 10, "aborted" },
      { 11, "out_of_range", refusal = true }, { 12, "unimplemented", refusal = true },
      { 13, "internal" }, { 14, "unavailable" }, { 15, "data_loss" },
      { 16, "unauthenticated", refusal = true },
    }
    for _, row in ipairs(codes) do
      local number, code, kind = row[1], row[2], row[3] or row[2]
      local function check(err)
        assert.equal(kind, err.kind)
        assert.equal(code, err.code)
        assert.equal("it says so", err.message)
        assert.equal(1, err.attempts)
        assert.equal(row.refusal and "not_started" or "unknown", err.outcome)
      end

      it(format("%d alone is %s", number, kind), function()
        check(refused(format('only grpc-status=%d "grpc-message=it says so"', number)))
      end)

      it(format("%d in trailers is %s", number, kind), function()
        check(refused(format('headers; trailers grpc-status=%d "grpc-message=it%%20says%%20so"',
          number)))
      end)
    end

    it("after a whole message is still an error", function()
      local err = refused("headers; message started; trailers grpc-status=9")
      assert.equal("failed_precondition", err.kind)
    end)

    for _, status in ipairs{ "17", "99", "-1", "x", "", "4294967296" } do
      it(format("%q is unknown", status), function()
        local err = refused(format('only "grpc-status=%s"', status))
        assert.equal("unknown", err.kind)
        assert.equal("unknown", err.code)
      end)
    end

    it("that is there wins over the HTTP status", function()
      local err = refused("only :status=415 grpc-status=3 content-type=text/plain")
      assert.equal("invalid_argument", err.kind)
    end)
  end)

  describe("with a grpc-message", function()
    it("is percent-decoded", function()
      local err = refused("only grpc-status=3 grpc-message=Caf%C3%A9%20100%25%0Azwei")
      assert.equal("Caf\195\169 100%\nzwei", err.message)
    end)

    it("that is badly encoded is kept", function()
      local err = refused("only grpc-status=3 grpc-message=50%zz%2")
      assert.equal("50%zz%2", err.message)
    end)

    it("of 20,000 bytes is kept", function()
      local text = ("m"):rep(20000)
      local err = refused("only grpc-status=3 grpc-message=" .. text)
      assert.equal(text, err.message)
    end)

    it("of two lines is one line in tostring", function()
      local err = refused("only grpc-status=3 grpc-message=a%0Ab")
      assert.is_nil(tostring(err):find("\n", 1, true))
    end)
  end)

  describe("with details", function()
    it("names the run that holds the id", function()
      local detail = core.encode(
        "temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure",
        { run_id = "the-run", start_request_id = "other", first_execution_run_id = "the-first" })
      local err = refused("only " .. fault_peer.status(6, "running",
        "temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure", detail))
      assert.equal("already_started", err.kind)
      assert.equal("already_exists", err.code)
      assert.equal("the-run", err.run_id)
      assert.equal("the-first", err.first_execution_run_id)
      assert.equal("not_started", err.outcome)
    end)

    it("names the cause of resource_exhausted", function()
      local err = refused("only " .. fault_peer.status(8, "poller limit",
        "temporal.api.errordetails.v1.ResourceExhaustedFailure", "\8\2\16\1"))
      assert.equal("concurrent_limit", err.resource_cause)
      assert.equal("namespace", err.scope)
    end)

    it("of a type nobody knows falls back on the code", function()
      local err = refused("only " .. fault_peer.status(5, "gone", "some.other.Type", "\255\255"))
      assert.equal("not_found", err.kind)
      assert.equal("gone", err.message)
    end)

    for _, junk in ipairs{ "!!!!", "A", "////", "CAU=====", "" } do
      it(format("%q falls back on the code", junk), function()
        local err = refused(format('only grpc-status=5 "grpc-status-details-bin=%s"', junk))
        assert.equal("not_found", err.kind)
      end)
    end

    it("tells a message that is too large from a busy server", function()
      local err = refused('only grpc-status=8 "grpc-message='
        .. 'grpc: received message larger than max (4194327 vs. 4194304)"')
      assert.equal("message_too_large", err.kind)
      assert.equal(4194327, err.size)
      assert.equal(4194304, err.limit)
      assert.equal("not_started", err.outcome)
    end)
  end)

  describe("without grpc-status", function()
    local http = {
      [400] = "internal", [401] = "unauthenticated", [403] = "permission_denied",
      [404] = "unimplemented", [429] = "unavailable", [502] = "unavailable",
      [503] = "unavailable", [504] = "unavailable", [418] = "unknown", [500] = "unknown",
      [302] = "unknown", [204] = "unknown",
    }
    for status, kind in pairs(http) do
      it(format("but HTTP %d and a page is %s", status, kind), function()
        local err = refused(format('headers :status=%d content-type=text/html; '
          .. 'text "<html>an error page</html>"; end', status))
        assert.equal(kind, err.kind)
        assert.matches(tostring(status), err.message)
      end)

      it(format("but HTTP %d alone is %s", status, kind), function()
        local err = refused(format("only :status=%d !grpc-status !content-type", status))
        assert.equal(kind, err.kind)
      end)
    end

    it("and not gRPC at all is unknown and says so", function()
      local err = refused('headers content-type=text/html; text "<html>hello</html>"; end')
      assert.equal("unknown", err.kind)
      assert.matches("content%-type", err.message)
    end)

    it("after a whole message is an error", function()
      local err = refused("headers; message started; end")
      assert.equal("internal", err.kind)
      assert.equal("unknown", err.outcome)
    end)

    it("but other trailers is an error", function()
      local err = refused("headers; message started; trailers !grpc-status x=y")
      assert.equal("internal", err.kind)
    end)

    it("and nothing else is an error", function()
      local err = refused("headers; end")
      assert.equal("internal", err.kind)
    end)
  end)

  describe("that ends before the request is out", function()
    local early = {
      { "headers :status=413 content-type=text/plain; text no; end", "unknown", "413" },
      { "headers :status=503 content-type=text/html; frame DATA 1 this 6e6f", "unavailable",
        "503" },
      { "headers :status=503 content-type=text/html; end", "unavailable", "503" },
      { "only :status=503 !grpc-status !content-type", "unavailable", "503" },
      { "headers; message none; end", "internal", "without grpc%-status" },
      { "headers; trailers grpc-status=8 grpc-message=busy", "resource_exhausted", "busy" },
    }
    for _, row in ipairs(early) do
      it("is taken at once, and the rest is not sent: " .. row[1], function()
        peer:cmd("conn 1 window=10 no-window-update")
        peer:cmd("call 1 %s early : %s", faults.START, row[1])
        local client = faults.client()
        local _, err, seconds = faults.start(client, nil, ("x"):rep(100000))
        assert.equal(row[2], err.kind)
        assert.matches(row[3], err.message)
        assert.is_true(seconds < 10, seconds)
        peer:wait_until("rst>=1")
        peer:cmd("all : settings window=1000000; window 1000000")
        faults.must_start(client)
        assert.equal(1, peer:stats().connections)
      end)
    end
  end)

  describe("that is good but odd is taken:", function()
    local odd = {
      ["1xx headers first"] = "inform; inform :status=100; answer started RUN",
      ["bytes one by one"] = "headers; data 00; data 00; data 00; data 00; data 05; data 0a; "
        .. "data 03; data 52; data 55; data 4e; trailers",
      ["the prefix in two"] = "headers; data 0000; wait 1; data 000005; wait 1; "
        .. "data 0a0352554e; trailers",
      ["a content-type with a suffix"] = "headers content-type=application/grpc+proto; "
        .. "message started RUN; trailers",
      ["a content-type with a parameter"] = 'headers "content-type=application/grpc;charset=x"; '
        .. "message started RUN; trailers",
      ["headers nobody knows"] = "headers x-a=b server=nginx; message started RUN; "
        .. "trailers grpc-status=0 grpc-message= x-b=c",
      ["empty DATA frames"] = "headers; frame DATA 0 this; message started RUN; "
        .. "frame DATA 0 this; trailers",
      ["padding"] = "headers; frame DATA 8 this 0300000000050a0352554e000000; trailers",
      ["unknown frames and PRIORITY"] = "frame 0x42 0 this 0102; frame PRIORITY 0 this 0000000010; "
        .. "frame 0xfa 0 0; answer started RUN",
      ["unknown fields"] = "answer hex 0a0352554e7a03616263f8ff0701",
      ["a server PING and SETTINGS in between"] = "headers; ping 3; settings window=100000; "
        .. "message started RUN; trailers",
    }
    for name, script in pairs(odd) do
      it(name, function()
        peer:cmd("call 1 %s : %s", faults.START, script)
        local run = faults.must_start(faults.client())
        assert.equal("RUN", run.run_id)
      end)
    end
  end)

  describe("whose message is wrong", function()
    local wrong = {
      { "no message at all", "headers; trailers", "internal", "no message" },
      { "status 0 alone", "only", "internal", "no message" },
      { "half a prefix", "headers; data 0000; trailers", "internal" },
      { "half a message", "headers; message first=20 started; trailers", "internal", "middle" },
      { "half a message and no trailers", "headers; message first=20 started; end", "internal" },
      { "two messages", "headers; message started; message started; trailers", "internal",
        "more than one message" },
      { "bytes behind the message", "headers; message started; data 00; trailers", "internal" },
      { "compressed, which nobody asked for", "headers; message flag=1 started; trailers",
        "internal", "compressed" },
      { "gzip by its name only", "headers grpc-encoding=gzip; message flag=1 started; trailers",
        "internal", "gzip" },
      { "not protobuf", "answer hex ffffffffffffffffffffffff", "internal" },
      { "a field that is cut off", "answer hex 0a7f61", "internal" },
    }
    for _, row in ipairs(wrong) do
      it(row[1] .. " is " .. row[3], function()
        local err = refused(row[2])
        assert.equal(row[3], err.kind)
        assert.equal("unknown", err.outcome)
        if row[4] then assert.matches(row[4], err.message) end
      end)
    end

    it("announces 3 GB: message_too_large, and the connection lives", function()
      local err = refused("headers; message length=3000000000 started; hold")
      assert.equal("message_too_large", err.kind)
      assert.equal(3000000000, err.size)
      assert.equal(128 * 1024 * 1024, err.limit)
    end)

    it("is one byte above max_message: message_too_large; exactly that: taken", function()
      local client = faults.client{ max_message = 1000 }
      peer:cmd("call 1 %s : answer fill 1000", faults.START)
      faults.must_start(client)
      peer:cmd("call 1 %s : answer fill 1001", faults.START)
      local _, err = faults.start(client)
      assert.equal("message_too_large", err.kind)
      assert.equal(1001, err.size)
      assert.equal(1000, err.limit)
      assert.equal("unknown", err.outcome)
      faults.must_start(client)
      assert.equal(1, peer:stats().connections)
    end)

    it("is 20 MB: taken", function()
      peer:cmd("call 1 %s : answer fill 20000000", faults.START)
      faults.must_start(faults.client())
    end)
  end)

  describe("whose headers are too much", function()
    it("is an error of that call: more than 64 KiB", function()
      local text = ("h"):rep(9000)
      local words = {}
      for i = 1, 8 do words[i] = format("x-%d=%s", i, text) end
      local client = faults.client()
      peer:cmd("call 1 %s : headers %s; message started; trailers", faults.START,
        table.concat(words, " "))
      local _, err = faults.start(client)
      assert.equal("internal", err.kind)
      faults.must_start(client)
    end)

    it("is an error in bounded memory: HEADERS that never end", function()
      local function peak()
        local status = io.open("/proc/self/status"):read("*a")
        return tonumber(status:match("VmHWM:%s*(%d+)"))
      end
      local client = faults.client{ retry = faults.QUICK }
      local before = peak()
      peer:cmd("call 1 %s : header-flood 4000; hold", faults.START)
      local _, err = faults.start(client) -- or the connection is lost first, and it is retried
      if err then assert.equal("internal", err.kind) end
      faults.must_start(client)
      local grown = peak() - before -- of 64 MB that were sent
      assert.is_true(grown < 30000, grown)
    end)

    it("is an error of that call, though its headers never end and break the connection next",
       function()
      local client = faults.client{ retry = faults.QUICK }
      peer:cmd("call 1 %s : slow 16000 2; header-flood 4000; hold", faults.START)
      local _, err = faults.start(client)
      assert.equal("internal", err.kind)
      -- Whether it is sent on the connection that still lives, or on the next one.
      faults.must_start(client)
    end)
  end)

  describe("by RST_STREAM", function()
    -- As grpc-go maps them.
    local codes = {
      { "NO_ERROR", "internal" }, { "PROTOCOL_ERROR", "internal" },
      { "INTERNAL_ERROR", "internal" }, { "FLOW_CONTROL_ERROR", "internal" },
      { "SETTINGS_TIMEOUT", "internal" }, { "STREAM_CLOSED", "internal" },
      { "FRAME_SIZE_ERROR", "internal" }, { "CANCEL", "call_canceled" },
      { "COMPRESSION_ERROR", "internal" }, { "CONNECT_ERROR", "internal" },
      { "ENHANCE_YOUR_CALM", "resource_exhausted" },
      { "INADEQUATE_SECURITY", "permission_denied" }, { "HTTP_1_1_REQUIRED", "unknown" },
      { "0xffff", "unknown" },
    }
    local places = {
      ["before the headers"] = "", ["after the headers"] = "headers; ",
      ["in the middle of the message"] = "headers; message first=20 started; ",
      ["after the message, without trailers"] = "headers; message started; ",
    }
    for _, row in ipairs(codes) do
      for place, steps in pairs(places) do
        it(format("%s %s is %s", row[1], place, row[2]), function()
          local err = refused(steps .. "rst " .. row[1])
          assert.equal(row[2], err.kind)
          assert.equal("unknown", err.outcome)
          -- NO_ERROR is how a stream ends well, too: there grpc-status is what is missing.
          if row[1] ~= "NO_ERROR" then assert.matches("reset", err.message) end
        end)
      end
    end

    it("REFUSED_STREAM is repeated, even without retries", function()
      peer:cmd("call 3 %s : rst REFUSED_STREAM", faults.START)
      local client = faults.client()
      faults.must_start(client)
      assert.equal(4, peer:stats().StartWorkflowExecution)
      assert.equal(1, peer:stats().connections)
    end)

    it("REFUSED_STREAM for ever is unavailable, and nothing was started", function()
      peer:cmd("call %s : rst REFUSED_STREAM", faults.START)
      local _, err = faults.start(faults.client())
      assert.equal("unavailable", err.kind)
      assert.equal("not_started", err.outcome)
    end)

    for _, script in ipairs { "rst CANCEL", "only grpc-status=1 grpc-message=canceled" } do
      it("at the deadline is deadline_exceeded: the server's way to say it: " .. script, function()
        local client = faults.client{ retry = faults.QUICK }
        faults.must_start(client)
        peer:reset(("call %s : wait 900; %s"):format(faults.START, script))
        local _, err = faults.start(client, { timeout = 1 })
        assert.equal("deadline_exceeded", err.kind)
        assert.equal("unknown", err.outcome)
        assert.equal(1, peer:stats().StartWorkflowExecution)
      end)
    end

    it("NO_ERROR after a complete answer is no error", function()
      peer:cmd("call 1 %s early : answer started RUN; rst NO_ERROR", faults.START)
      local run = faults.must_start(faults.client())
      assert.equal("RUN", run.run_id)
    end)
  end)

  describe("is asked for again", function()
    local again = {
      "only grpc-status=2", "only grpc-status=10", "only grpc-status=14",
      "headers :status=502 content-type=text/html; text x; end",
      "headers :status=503 content-type=text/html; text x; end", "only :status=504 !grpc-status",
      "headers; end", "headers; message started; end",
      "headers; message first=20 started; trailers",
      "rst INTERNAL_ERROR", "rst PROTOCOL_ERROR", "headers; message started; rst INTERNAL_ERROR",
      "abort", "close", "headers; message first=20 started; abort",
      "goaway INTERNAL_ERROR 0; close",
    }
    for _, script in ipairs(again) do
      it("with the same request id after: " .. script, function()
        peer:cmd("call 2 %s : %s", faults.START, script)
        faults.must_start(faults.client{ retry = faults.QUICK })
        local requests = faults.requests(faults.START)
        assert.equal(3, #requests)
        assert.matches("^%x+%-%x+%-4%x+%-%x+%-%x+$", requests[1].request_id)
        for i = 2, 3 do assert.same(requests[1], requests[i]) end
      end)
    end

    it("a second later when the server is exhausted", function()
      peer:cmd("call 1 %s : only grpc-status=8", faults.START)
      local _, seconds = faults.must_start(faults.client{ retry = faults.QUICK })
      assert.is_true(seconds > 0.75 and seconds < 8, seconds)
    end)

    it("until the attempts are used up; the last error counts them", function()
      peer:cmd("call %s : only grpc-status=14 grpc-message=busy", faults.START)
      local retry = { initial = 0.01, factor = 1, max = 0.01, attempts = 4 }
      local _, err = faults.start(faults.client{ retry = retry })
      assert.equal("unavailable", err.kind)
      assert.equal("busy", err.message)
      assert.equal(4, err.attempts)
      assert.equal(4, peer:stats().StartWorkflowExecution)
    end)

    it("until rpc_timeout; the last error is told, not later than that", function()
      peer:cmd("call %s : only grpc-status=14 grpc-message=busy", faults.START)
      -- At 0, 0.02, 0.06, 0.14, 0.3, 0.62 and 1.26 s; none is on its way when the time is over.
      local retry = { initial = 0.02, factor = 2, max = 10, attempts = 1000, jitter = 0 }
      local _, err, seconds = faults.start(faults.client{ retry = retry, rpc_timeout = 2.5 })
      assert.equal("unavailable", err.kind)
      assert.equal("busy", err.message)
      assert.equal(7, err.attempts)
      assert.is_true(seconds > 1.2 and seconds < 2.5, seconds)
    end)

    it("and is not answered by the deadline: the error names what the attempt before ended with",
      function()
        for _, case in ipairs {
          { "only grpc-status=14 grpc-message=shutting%20down",
            "attempt 1 ended with unavailable: shutting down" },
          { "only grpc-status=14", "attempt 1 ended with unavailable" },
          { "close", "attempt 1 ended with unavailable: connection lost" },
        } do
          for _, late in ipairs { "hold", "wait 900; rst CANCEL" } do
            peer:reset(("call 1 %s : %s"):format(faults.START, case[1]))
            peer:cmd("call %s : %s", faults.START, late)
            local _, err = faults.start(faults.client { retry = faults.QUICK, rpc_timeout = 1 })
            assert.same({ "deadline_exceeded", 2, "unknown" },
              { err.kind, err.attempts, err.outcome })
            assert.matches("the deadline passed while .*; " .. case[2], err.message)
          end
        end
      end)

    it("telling the server less time each time", function()
      -- None is answered, and none follows, until its headers were looked at.
      peer:cmd("call 2 %s : await; only grpc-status=14", faults.START)
      peer:cmd("call 1 %s : await; answer started", faults.START)
      local client = faults.client{ retry = faults.QUICK }
      local run = faults.submit(client, { timeout = 20 })
      local last = math.huge
      local units = { H = 3600, M = 60, S = 1, m = 1e-3, u = 1e-6, n = 1e-9 }
      for i = 1, 3 do
        peer:wait_until("completed>=" .. i)
        local number, unit = peer:headers(faults.START)["grpc-timeout"]:match("^(%d+)(%a)$")
        local seconds = number * units[unit]
        assert.is_true(#number <= 8)
        assert.is_true(seconds > 0 and seconds <= 20 and seconds < last, seconds)
        last = seconds
        peer:release(1)
      end
      assert.is_true(run:started(faults.HUNG))
    end)
  end)

  describe("is final", function()
    local final = { 1, 3, 4, 5, 6, 7, 9, 11, 12, 13, 15, 16 }
    for _, code in ipairs(final) do
      it("with grpc-status " .. code, function()
        peer:cmd("call %s : only grpc-status=%d", faults.START, code)
        local _, err = faults.start(faults.client{ retry = faults.QUICK })
        assert.equal(1, err.attempts)
        assert.equal(1, peer:stats().StartWorkflowExecution)
      end)
    end

    it("when the message was too large for the server", function()
      peer:cmd('call %s : only grpc-status=8 "grpc-message=grpc: received message larger than max '
        .. '(5 vs. 4)"', faults.START)
      local _, err = faults.start(faults.client{ retry = faults.QUICK })
      assert.equal("message_too_large", err.kind)
      assert.equal(1, peer:stats().StartWorkflowExecution)
    end)

    it("when it is too large for us", function()
      peer:cmd("call %s : headers; message length=4000000000 started; hold", faults.START)
      local _, err = faults.start(faults.client{ retry = faults.QUICK })
      assert.equal("message_too_large", err.kind)
      assert.equal(1, peer:stats().StartWorkflowExecution)
    end)
  end)

  it("holds the error of a start that nobody waits for until somebody asks", function()
    peer:cmd("call %s : only grpc-status=7 grpc-message=no", faults.START)
    local client = faults.client()
    local run = faults.submit(client)
    peer:wait_until("completed>=1")
    local value, err = run:get(faults.HUNG)
    assert.is_nil(value)
    assert.equal("permission_denied", err.kind)
    local _, again = run:get(faults.HUNG)
    assert.equal("permission_denied", again.kind)
  end)
end)
