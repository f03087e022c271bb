--- client:with: several clients on one connection.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local temporal = require "temporal"

local START, POLL = "StartWorkflowExecution", "GetWorkflowExecutionHistory"
local ANY = "DescribeNamespace"

describe("client:with", function()
  local peer
  local clients = {}

  setup(function() peer = fault_peer.start() end)
  teardown(function() peer:stop() end)
  before_each(function() peer:reset() end)

  after_each(function()
    for _, client in ipairs(clients) do client:close(0) end
    clients = {}
  end)

  local function keep(client)
    clients[#clients + 1] = client
    return client
  end

  local function open(options)
    options = options or {}
    options.target, options.shutdown_timeout = peer.address, 0
    options.logger = options.logger or function() end
    return keep(temporal.client(options))
  end

  local function sent(client, options)
    temporal.assert(client:call(ANY, {}, options))
    return peer:headers(ANY)
  end

  local function start(client, options)
    options = options or {}
    options.task_queue = "q"
    return client:execute_workflow(options, "Order")
  end

  local function all_closed()
    env.wait_until(30, function() return peer:stats().open == 0 end, "the connection to close")
  end

  describe("differs", function()
    it("in its namespace", function()
      local first = open { namespace = "one" }
      local second = keep(first:with { namespace = "two" })
      assert.equal("two", sent(second)["temporal-namespace"])
      assert.equal("one", sent(first)["temporal-namespace"])
      assert.matches("two", tostring(second))
      assert.same({ "one", "two" }, { first.namespace, second.namespace })
      assert.is_true(start(second):started(10))
      assert.equal("two", peer:headers(START)["temporal-namespace"])
      peer:cmd("call %s : answer completed 7", POLL)
      assert.equal(7, second:workflow("x"):get(10))
      assert.equal("two", peer:headers(POLL)["temporal-namespace"])
      assert.equal(1, peer:stats().connections)
    end)

    it("in its identity and its target it does not", function()
      local first = open { identity = "me" }
      local second = keep(first:with { identity = "you" })
      start(second):started(10)
      local request = require("temporal.core").decode(
        "temporal.api.workflowservice.v1.StartWorkflowExecutionRequest", peer:requests(START)[1])
      assert.equal("you", request.identity)
      assert.same({ first.target, "me" }, { second.target, first.identity })
    end)

    it("in metadata above that of the first, and of the one between", function()
      local first = open { metadata = { one = "1", two = "1", three = "1", ["b-bin"] = "\0" } }
      local second = keep(first:with { metadata = { two = "2", three = "2", four = "2" } })
      local third = keep(second:with { metadata = { three = "3", five = "3", ["b-bin"] = "\1" } })
      local headers = sent(third, { metadata = { five = "call" } })
      assert.same({ "1", "2", "3", "2", "call", "AQ" }, { headers.one, headers.two, headers.three,
        headers.four, headers.five, (headers["b-bin"]:gsub("=", "")) })
      headers = sent(second)
      assert.same({ "1", "2", "2", "AA" }, { headers.one, headers.two, headers.three,
        (headers["b-bin"]:gsub("=", "")) })
      assert.is_nil(headers.five)
      headers = sent(first)
      assert.same({ "1", "1", "1" }, { headers.one, headers.two, headers.three })
      assert.is_nil(headers.four)
      -- A key once, not twice.
      local _, count = peer:cmd("last " .. ANY):gsub("three=", "")
      assert.equal(1, count)
    end)

    it("in metadata of starts, signals and polls", function()
      local second = keep(open { metadata = { one = "1" } }:with { metadata = { two = "2" } })
      peer:cmd("call %s : answer completed 7", POLL)
      assert.equal(7, start(second):get(10))
      assert.same({ "1", "2" }, { peer:headers(START).one, peer:headers(START).two })
      assert.same({ "1", "2" }, { peer:headers(POLL).one, peer:headers(POLL).two })
      assert.equal(7, second:workflow("x"):get(10))
      assert.same({ "1", "2" }, { peer:headers(POLL).one, peer:headers(POLL).two })
    end)

    it("in metadata from a function, which stands for all of a client's own", function()
      local first = open { metadata = { one = "1" } }
      local second = keep(first:with { metadata = function() return { two = "f" } end })
      local headers = sent(second)
      assert.same({ "1", "f" }, { headers.one, headers.two })
      local third = keep(second:with { metadata = { three = "3" } })
      headers = sent(third)
      assert.same({ "1", "3" }, { headers.one, headers.three })
      assert.is_nil(headers.two)
      assert.equal("f", sent(second:with { namespace = "n" }).two)
    end)

    it("in its rpc_timeout", function()
      local first = open { rpc_timeout = 60, retry = false }
      temporal.assert(first:connect(30))
      peer:cmd("call : hold")
      local second = keep(first:with { rpc_timeout = 0.5 })
      local third = keep(second:with { namespace = "n" })
      for _, client in ipairs { second, third } do
        local before = env.now()
        assert.equal("deadline_exceeded", select(2, client:call(ANY)).kind)
        local run = start(client)
        assert.equal("deadline_exceeded", select(2, run:started(30)).kind)
        assert.is_true(env.now() - before < 20)
      end
      local future = first:submit(ANY)
      assert.is_false(future:wait(0.3))
      future:abandon()
    end)

    it("in its converter and its logger", function()
      local messages = {}
      local second = keep(open():with {
        converter = { { encoding = "mine", encode = function() return { data = "d" } end,
          decode = function() return "decoded" end } },
        logger = function(_, message) messages[#messages + 1] = message end,
      })
      assert.is_true(second:execute_workflow({ task_queue = "q" }, "Order", 1):started(10))
      assert.matches("mine", peer:requests(START)[1], 1, true)
      peer:cmd("call 1 %s : only grpc-status=3", START)
      start(second)
      collectgarbage()
      env.wait_until(30, function()
        collectgarbage()
        second:submit(ANY)
        return #messages > 0
      end, "the report of a start that nobody waited for")
    end)

    it("not in what belongs to the connection", function()
      local client = open()
      for _, name in ipairs { "target", "tls", "api_key", "proxy", "retry", "keepalive",
        "connect_timeout", "max_message", "max_decoded", "max_pending" } do
        local ok, problem = pcall(client.with, client, { [name] = "x" })
        assert.is_false(ok)
        assert.matches(('"%s" belongs to the connection'):format(name), problem)
      end
      assert.is_false((pcall(client.with, client)))
      assert.is_false((pcall(client.with, client, "x")))
      local _, problem = pcall(client.with, client, { namespac = "x" })
      assert.matches('did you mean "namespace"', problem)
      client:close()
      _, problem = pcall(client.with, client, {})
      assert.matches("closed client", problem)
    end)
  end)

  describe("shares one connection", function()
    it("that is closed with the last of them, in any order", function()
      for _, order in ipairs { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 1, 3 } } do
        peer:reset()
        local first = open()
        temporal.assert(first:connect(30))
        local second = keep(first:with { namespace = "two" })
        local third = keep(second:with { namespace = "three" })
        local all = { first, second, third }
        for i, each in ipairs(order) do
          local before = peer:stats().connections
          assert.is_true(all[each]:close())
          for k = i + 1, 3 do
            temporal.assert(all[order[k]]:call(ANY))
            temporal.assert(all[order[k]]:call(ANY))
          end
          assert.equal(before, peer:stats().connections)
        end
        all_closed()
      end
    end)

    it("also where the others have not called anything yet", function()
      local first = open()
      local second = keep(first:with {})
      local third = keep(first:with {})
      assert.is_true(first:close())
      temporal.assert(second:call(ANY))
      assert.is_true(second:close())
      temporal.assert(third:call(ANY))
      temporal.assert(third:call(ANY))
      assert.equal(1, peer:stats().connections)
      assert.is_true(third:close())
      all_closed()
    end)

    it("which a start of one that is closed does not hold up for the other", function()
      local first = open()
      local second = keep(first:with {})
      peer:cmd("call 1 %s : hold", START)
      local waiting = start(first, { id = "mine" })
      local run = start(second, { id = "yours" })
      assert.is_true(run:started(30))
      local ok, err = first:close(0)
      assert.is_nil(ok)
      assert.equal("unacknowledged", err.kind)
      assert.same({ 1, "mine" }, { #err.details, err.details[1].workflow_id })
      assert.equal("closed", select(2, waiting:get(30)).kind)
      peer:cmd("call %s : answer completed 7", POLL)
      assert.equal(7, run:get(10))
      assert.is_true(second:close())
    end)

    it("and says of each what is unacknowledged of its own", function()
      peer:cmd("call %s : hold", START)
      local first = open()
      local second = keep(first:with {})
      local idle = keep(first:with {})
      for i = 1, 3 do start(second, { id = "s" .. i }) end
      start(first, { id = "f1" })
      assert.is_true(idle:close(0))
      local _, err = second:close(0)
      assert.equal(3, #err.details)
      for _, entry in ipairs(err.details) do assert.matches("^s%d$", entry.workflow_id) end
      _, err = first:close(0)
      assert.same({ 1, "f1" }, { #err.details, err.details[1].workflow_id })
    end)

    it("and closes as soon as its own are acknowledged", function()
      peer:cmd("call 1 %s : hold", START)
      local first = open()
      local second = keep(first:with { shutdown_timeout = 60 })
      start(first)
      peer:wait_until("streams_open>=1")
      assert.is_true(start(second):started(30))
      local before = env.now()
      assert.is_true(second:close())
      assert.is_true(env.now() - before < 20)
    end)

    it("while siblings are collected", function()
      local first = open()
      temporal.assert(first:connect(30))
      growth.apart(function()
        for i = 1, 50 do
          local other = first:with { namespace = "n" .. i }
          temporal.assert(other:call(ANY))
          if i % 10 == 0 then collectgarbage() end
        end
      end)
      growth.collect()
      temporal.assert(first:call(ANY))
      assert.equal(1, peer:stats().connections)
      assert.is_true(first:close())
      all_closed()
    end)

    it("when the first is collected and a future of it lives", function()
      peer:cmd("call %s : await; answer completed 7", POLL)
      local second, run = growth.apart(function()
        local first = temporal.client { target = peer.address }
        return keep(first:with {}),
          temporal.assert(first:start_workflow({ task_queue = "q" }, "Order"))
      end)
      assert.is_false(run:ready())
      growth.collect()
      temporal.assert(second:call(ANY))
      peer:wait_until("polls_open>=1")
      peer:cmd("release")
      assert.equal(7, run:get(10))
      assert.equal(1, peer:stats().connections)
    end)
  end)

  it("works on the real server: one connection, several namespaces", function()
    local first = keep(temporal.client { target = env.address, namespace = env.namespace })
    local second = keep(first:with { namespace = "temporal-system" })
    local nobody = keep(first:with { namespace = "nobody-" .. env.uuid() })
    assert.equal(env.namespace, temporal.assert(first:call(ANY)).namespace_info.name)
    assert.equal("temporal-system", temporal.assert(second:call(ANY)).namespace_info.name)
    assert.equal("namespace_not_found", select(2, nobody:call(ANY)).kind)
    local run = temporal.assert(first:start_workflow({ task_queue = env.task_queue,
      id = "with-" .. env.uuid() }, "Echo", "x"))
    second:close()
    nobody:close()
    assert.equal("x", run:get(30))
  end)
end)
