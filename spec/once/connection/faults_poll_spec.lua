-- How the wait for a result gets through a peer that is not well: the long poll is asked again, in
-- the right way, until the close event is there, or the caller's own time is over.

local faults = require "spec.support.faults"
local growth = require "spec.support.growth"
local temporal = require "temporal"

local format = string.format

describe("waiting for a result", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function()
    peer:cmd("listen on")
    peer:reset()
  end)
  after_each(faults.after_each)

  local function poll_rule(count, script)
    peer:cmd("call %s %s : %s", count or "", faults.POLL, script)
  end

  -- A started workflow whose result is asked for.
  local function result(options)
    local client = faults.client(options or { retry = faults.QUICK })
    local run = faults.must_start(client)
    local value, err = run:get(faults.HUNG)
    return value, err, run
  end

  describe("asks again", function()
    it("with the token after an empty answer", function()
      poll_rule(1, "wait 30; answer empty first-token")
      poll_rule(1, "wait 30; answer empty second-token")
      poll_rule(nil, "answer completed 42")
      local value, err = result()
      assert.is_nil(err)
      assert.equal(42, value)
      local polls = faults.requests(faults.POLL)
      assert.equal(3, #polls)
      assert.equal("", polls[1].next_page_token)
      assert.equal("first-token", polls[2].next_page_token)
      assert.equal("second-token", polls[3].next_page_token)
      for _, poll in ipairs(polls) do
        assert.is_true(poll.wait_new_event)
        assert.is_true(poll.skip_archival)
        assert.equal("HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT", poll.history_event_filter_type)
      end
    end)

    it("in no hurry when answers are empty at once", function()
      poll_rule(nil, "answer empty token")
      local run = faults.must_start(faults.client())
      local _, err = run:get(1.2)
      assert.equal("timeout", err.kind)
      assert.is_true(err.acknowledged)
      local polls = peer:stats()[faults.POLL]
      assert.is_true(polls >= 2 and polls <= 8, polls)
    end)

    local mended = {
      "only grpc-status=14", "only grpc-status=2", "only grpc-status=4", "only grpc-status=1",
      "rst CANCEL", "rst INTERNAL_ERROR", "rst REFUSED_STREAM", "abort", "close",
      "headers; close", "headers; message first=20 completed; abort",
      "goaway NO_ERROR before; close", "goaway NO_ERROR this; close",
      "headers :status=502 content-type=text/html; text x; end",
      "headers :status=504 content-type=text/html; text x; end", "headers; end",
    }
    for _, script in ipairs(mended) do
      it("after: " .. script, function()
        poll_rule(2, script)
        poll_rule(nil, "answer completed true")
        local value, err = result()
        assert.is_nil(err and tostring(err))
        assert.is_true(value)
        assert.equal(3, peer:stats()[faults.POLL])
        assert.equal(1, peer:stats()[faults.START])
      end)
    end

    it("for the same run, with the same token, after a failure", function()
      poll_rule(1, "wait 20; answer empty the-token")
      poll_rule(2, "abort")
      poll_rule(nil, "answer completed")
      local value, _, run = result()
      assert.equal("done", value)
      local polls = faults.requests(faults.POLL)
      assert.equal(4, #polls)
      for i = 2, 4 do
        assert.equal("the-token", polls[i].next_page_token)
        assert.equal(run.run_id, polls[i].execution.run_id)
      end
    end)

    it("a second later when the server has too many polls", function()
      poll_rule(1, 'only grpc-status=8 "grpc-message=namespace concurrent poller limit exceeded"')
      poll_rule(nil, "answer completed")
      local began = faults.now()
      assert.equal("done", (result()))
      assert.is_true(faults.now() - began > 0.75)
    end)

    it("without an attempt limit, once the server has answered", function()
      poll_rule(30, "only grpc-status=14")
      poll_rule(nil, "answer completed")
      local retry = { initial = 0.05, factor = 1, max = 0.05, attempts = 3 }
      assert.equal("done", (result{ retry = retry, rpc_timeout = 1 }))
      assert.equal(31, peer:stats()[faults.POLL])
    end)

    it("and says so once, when that fails for long", function()
      local entries = {}
      poll_rule(nil, "only grpc-status=14")
      local run = faults.must_start(faults.client{ retry = { initial = 0.2, factor = 1 },
        logger = function(level, message) entries[#entries + 1] = { level, message } end })
      local began = faults.now()
      repeat
        local value, err = run:get(1)
        assert.same({ nil, "timeout", true }, { value, err.kind, err.acknowledged })
      until #entries > 0 or faults.now() > began + 30
      assert.is_true(faults.now() - began > 9)
      assert.equal("timeout", select(2, run:get(1)).kind)
      assert.equal(1, #entries)
      assert.equal("warn", entries[1][1])
      assert.matches("GetWorkflowExecutionHistory has failed for more than 10 s", entries[1][2])
    end)

    it("while the server is away, once it has answered", function()
      local retry = { initial = 0.02, factor = 1, max = 0.02, attempts = 3 }
      local run = faults.must_start(faults.client{ retry = retry, rpc_timeout = 1 })
      assert.is_false(run:ready())
      peer:wait_until("polls_open>=1")
      peer:cmd("listen off")
      peer:cmd("all : close")
      assert.is_false(run:wait(1.5))
      peer:cmd("listen on")
      peer:wait_until("polls_open>=1")
      peer:cmd("release")
      assert.equal("done", (run:get(faults.HUNG)))
    end)

    it("through a drained connection without losing a beat", function()
      local client = faults.client()
      local run = faults.must_start(client)
      run:ready()
      peer:wait_until("polls_open>=1")
      peer:cmd("all : goaway NO_ERROR all; round-trip; goaway NO_ERROR; drained; close")
      peer:wait_until("ping_acks>=1")
      faults.must_start(client)
      assert.equal(2, peer:stats().connections)
      peer:cmd("release")
      assert.equal("done", (run:get(faults.HUNG)))
      assert.equal(1, peer:stats()[faults.POLL])
    end)
  end)

  describe("gives up", function()
    it("at the first failure when there are no retries", function()
      poll_rule(nil, "only grpc-status=14 grpc-message=busy")
      local _, err = result{ retry = false }
      assert.equal("unavailable", err.kind)
      assert.equal("busy", err.message)
      assert.equal(1, peer:stats()[faults.POLL])
    end)

    it("and starts over when asked again", function()
      poll_rule(1, "only grpc-status=14 grpc-message=busy")
      local client = faults.client{ retry = false }
      local run = faults.must_start(client)
      local _, err = run:get(faults.HUNG)
      assert.equal("unavailable", err.kind)
      poll_rule(nil, "answer completed")
      assert.equal("done", (run:get(faults.HUNG)))
    end)

    for code, kind in pairs{ [3] = "invalid_argument", [5] = "not_found",
                             [7] = "permission_denied", [12] = "unimplemented",
                             [16] = "unauthenticated" } do
      it("when the server says " .. kind, function()
        poll_rule(nil, format("only grpc-status=%d grpc-message=no", code))
        local _, err, run = result()
        assert.equal(kind, err.kind)
        assert.equal(run.id, err.workflow_id)
        assert.equal(1, peer:stats()[faults.POLL])
      end)
    end

    it("when the answer cannot be read", function()
      poll_rule(nil, "answer hex 0affffffffff7f")
      local _, err = result()
      assert.equal("internal", err.kind)
    end)

    it("at the caller's own time, which loses nothing", function()
      local client = faults.client()
      local run = faults.must_start(client)
      faults.ends_in_time(0.2, function()
        local _, err, seconds = faults.get(run, 0.2)
        assert.equal("timeout", err.kind)
        assert.is_true(err.acknowledged)
        return seconds
      end)
      peer:cmd("release")
      assert.equal("done", (run:get(faults.HUNG)))
      assert.equal(1, peer:stats()[faults.POLL])
    end)

    it("at the caller's own time while nothing can be reached", function()
      local run = faults.must_start(faults.client{ retry = faults.QUICK })
      peer:cmd("listen off")
      peer:cmd("all : abort")
      peer:wait_until("open==0")
      faults.ends_in_time(0.3, function()
        local _, err, seconds = faults.get(run, 0.3)
        assert.equal("timeout", err.kind)
        return seconds
      end)
    end)

    -- Nothing of the server was ever seen: a get must not wait in silence for ever.
    for name, command in pairs{ ["is refused"] = "listen off", ["is silent"] = "conn raw",
                                ["speaks HTTP/1.1"] = 'conn raw : received 1; say '
                                  .. '"HTTP/1.1 400 Bad Request\\r\\n\\r\\n"; close',
                                ["never answers"] = "call : hold",
                                ["hangs up"] = "conn : close" } do
      it("like an ordinary call when it is the first one and the peer " .. name, function()
        peer:cmd(command)
        local client = faults.client{ retry = faults.QUICK, rpc_timeout = 0.4 }
        local run = client:workflow("somebody-elses", "11111111-1111-4111-8111-111111111111")
        local value, err, seconds = faults.get(run)
        assert.is_nil(value)
        assert.is_true(err.kind == "unavailable" or err.kind == "deadline_exceeded", err.kind)
        assert.equal("somebody-elses", err.workflow_id)
        assert.is_true(seconds < 4, seconds)
      end)
    end
  end)

  describe("understands", function()
    it("raw_history", function()
      poll_rule(nil, 'answer raw completed "{\\"a\\":[1,2]}"')
      local value, err = result()
      assert.is_nil(err)
      assert.same({ a = { 1, 2 } }, value)
    end)

    it("a failure", function()
      poll_rule(nil, 'answer failed "no stock left"')
      local _, err = result()
      assert.equal("workflow_failed", err.kind)
      assert.equal("application", err.cause.kind)
      assert.equal("no stock left", err.cause.message)
      assert.equal("Broken", err.cause.type)
      assert.equal(1, peer:stats()[faults.POLL])
    end)

    for _, kind in ipairs{ "timed-out", "canceled", "terminated" } do
      it(kind, function()
        poll_rule(nil, "answer " .. kind)
        local _, err = result()
        assert.equal("workflow_failed", err.kind)
        assert.equal((kind:gsub("-", "_")), err.cause.kind)
      end)
    end

    it("a chain that never ends, but not as fast as the peer answers", function()
      poll_rule(nil, "answer continued auto")
      local run = faults.must_start(faults.client())
      local _, err = run:get(2)
      assert.equal("timeout", err.kind)
      local asked = peer:stats()[faults.POLL]
      assert.is_true(asked > 20 and asked < 600, asked)
    end)

    it("no run that is named as its own successor: that is an error", function()
      peer:cmd("call 1 %s : answer started the-run", faults.START)
      poll_rule(1, "answer continued next-run")
      poll_rule(nil, "answer continued next-run")
      local _, err, run = result()
      assert.equal("internal", err.kind)
      assert.matches("the run as its own successor", err.message)
      assert.equal(2, peer:stats()[faults.POLL])
      peer:reset("call 1 GetWorkflowExecutionHistory : answer continued the-run")
      assert.equal("continued_as_new", select(2, run:get { follow_runs = false }).kind)
      _, err = faults.client():workflow("w", "the-run"):get(faults.HUNG)
      assert.equal("internal", err.kind)
    end)

    it("a chain of continued runs, one poll each, each for the new run without a token", function()
      for i = 1, 5 do poll_rule(1, "answer continued run-" .. i) end
      poll_rule(nil, 'answer completed "\\"the end\\""')
      local value, err, run = result()
      assert.is_nil(err)
      assert.equal("the end", value)
      assert.equal("run-5", run.result_run_id)
      local polls = faults.requests(faults.POLL)
      assert.equal(6, #polls)
      assert.equal(run.run_id, polls[1].execution.run_id)
      for i = 2, 6 do
        assert.equal("run-" .. i - 1, polls[i].execution.run_id)
        assert.equal("", polls[i].next_page_token)
      end
    end)

    for event, rest in pairs{ completed = " 1", failed = " x", ["timed-out"] = "" } do
      it(event .. " with a next run as not the end", function()
        poll_rule(1, format("answer %s%s next=the-next", event, rest))
        poll_rule(1, format("answer raw %s%s next=the-last", event, rest))
        poll_rule(nil, 'answer completed "\\"the end\\""')
        local value, err, run = result()
        assert.is_nil(err)
        assert.equal("the end", value)
        assert.equal("the-last", run.result_run_id)
      end)
    end

    it("the first run alone, when asked so", function()
      poll_rule(1, "answer continued the-next")
      poll_rule(nil, 'answer completed "\\"the end\\""')
      local run = faults.must_start(faults.client())
      local _, err = run:get{ timeout = faults.HUNG, follow_runs = false }
      assert.equal("continued_as_new", err.kind)
      assert.equal("the-next", err.new_run_id)
      assert.equal("the end", (run:get(faults.HUNG)))
    end)

    it("that the request tells it follows the next run", function()
      poll_rule(nil, "answer completed")
      result()
      assert.equal("follows-next-run-id", peer:headers(faults.POLL)["supported-features"])
    end)
  end)

  describe("for many", function()
    it("asks nothing before somebody wants to know", function()
      local client = faults.client()
      for _ = 1, 20 do faults.must_start(client) end
      assert.equal(0, peer:stats()[faults.POLL])
    end)

    it("never has more than 1,000 polls open, and every one knows its result", function()
      local client = faults.client{ rpc_timeout = 10, retry = faults.QUICK }
      local list = {}
      for i = 1, 2500 do
        list[i] = client:workflow("many-" .. i, "11111111-1111-4111-8111-111111111111")
        list[i]:ready()
      end
      peer:wait_until("polls_open>=1000")
      assert.equal(1000, peer:stats().polls_max)
      poll_rule(nil, "answer completed")
      local released = peer:cmd("release")
      local all, problem = temporal.wait_all(list, faults.HUNG)
      local missing = 0
      for _, run in ipairs(list) do missing = missing + (run:ready() and 0 or 1) end
      local stats = peer:stats()
      assert.same({ true, 0 }, { all, missing }, format("%s; polls: %d, open: %d, %s",
        tostring(problem), stats[faults.POLL], stats.polls_open, released))
      for _, run in ipairs(list) do assert.equal("done", (run:get(0))) end
      assert.equal(1000, peer:stats().polls_max)
    end)

    it("takes turns, so that a result is not stuck behind those who wait", function()
      local client = faults.client{ rpc_timeout = 10 }
      local list = {}
      for i = 1, 1001 do
        list[i] = client:workflow("turn-" .. i, "11111111-1111-4111-8111-111111111111")
        list[i]:ready()
      end
      peer:wait_until("polls_open>=1000")
      -- The last one closes; the others go on.
      poll_rule(nil, "answer completed")
      assert.equal("done", (list[1001]:get(faults.HUNG)))
      for _, run in ipairs(list) do run:abandon() end
    end)

    it("lets go of the poll when nobody is interested any more", function()
      local client = faults.client()
      local run = faults.must_start(client)
      run:ready()
      peer:wait_until("polls_open>=1")
      run:abandon()
      peer:wait_until("polls_open==0")
      assert.equal(8, peer:stats().rst_code)
      local _, err = run:get(faults.HUNG)
      assert.equal("call_canceled", err.kind)
    end)

    it("lets go of the poll when the future is collected", function()
      local client = faults.client()
      growth.apart(function()
        faults.must_start(client):ready()
        peer:wait_until("polls_open>=1")
      end)
      growth.collect()
      peer:wait_until("polls_open==0")
    end)

    it("tells everybody who waits that the client was closed", function()
      local client = faults.client()
      local list = {}
      for i = 1, 50 do
        list[i] = faults.must_start(client)
        list[i]:ready()
      end
      assert.is_true(client:close(30))
      for _, run in ipairs(list) do
        local _, err = run:get(faults.HUNG)
        assert.equal("closed", err.kind)
      end
      peer:wait_until("open==0")
    end)
  end)
end)
