--- API keys and computed metadata: at a peer that shows what it is sent, and at the real server
-- behind nginx that asks for a key over TLS.

local env = require "spec.support.environment"
local certificates = require "spec.support.certificates"
local fault_peer = require "spec.support.fault_peer"
local loop = require "spec.support.loop"
local nginx = require "spec.support.nginx"
local temporal = require "temporal"

local START, POLL = "StartWorkflowExecution", "GetWorkflowExecutionHistory"
local ANY = "DescribeNamespace"
local REFUSE = "only grpc-status=16 grpc-message=expired"
local QUICK = { initial = 0.02, factor = 1.2, max = 0.1, attempts = 50 }

local function raised(f, ...)
  local ok, problem = pcall(f, ...)
  assert.is_false(ok)
  return problem
end

-- Every string that can be had from a value.
local function everything(value, seen)
  seen = seen or {}
  if type(value) ~= "table" then return tostring(value) end
  if seen[value] then return "" end
  seen[value] = true
  local parts = { tostring(value) }
  for name, field in pairs(value) do
    parts[#parts + 1] = tostring(name) .. "=" .. everything(field, seen)
  end
  return table.concat(parts, " ")
end

describe("an API key", function()
  local peer
  local clients, logged = {}, {}

  setup(function() peer = fault_peer.start() end)
  teardown(function() peer:stop() end)

  before_each(function()
    peer:reset()
    logged = {}
  end)

  after_each(function()
    for _, client in ipairs(clients) do client:close(0) end
    clients = {}
  end)

  local function open(options)
    local given = { target = peer.address, tls = false, shutdown_timeout = 0, retry = QUICK,
      logger = function(_, ...) logged[#logged + 1] = everything { ... } end }
    for name, value in pairs(options) do given[name] = value end
    local client = temporal.client(given)
    clients[#clients + 1] = client
    return client
  end

  local function sent(method)
    return peer:headers(method or ANY).authorization
  end

  local function start(client, options)
    options = options or {}
    options.task_queue = "q"
    return client:execute_workflow(options, "Order")
  end

  local function count(method)
    return peer:stats()[method or ANY]
  end

  describe("as a string", function()
    it("is on every call", function()
      local client = open { api_key = "k1" }
      temporal.assert(client:call(ANY))
      assert.equal("Bearer k1", sent())
      peer:cmd("call %s : answer completed 7", POLL)
      assert.equal(7, start(client):get(10))
      assert.equal("Bearer k1", sent(START))
      assert.equal("Bearer k1", sent(POLL))
    end)

    it("that is refused is refused at once", function()
      peer:cmd("call : %s", REFUSE)
      local _, err = open { api_key = "k1" }:call(ANY)
      assert.same({ "unauthenticated", "unauthenticated", "expired", "not_started", 1 },
        { err.kind, err.code, err.message, err.outcome, err.attempts })
      assert.equal(1, count())
    end)

    it("switches TLS on, unless that is off", function()
      local client = open { api_key = "k1", retry = false }
      assert.is_true(client:connect(30))
      client = temporal.client { target = peer.address, api_key = "k1", retry = false,
        shutdown_timeout = 0 }
      clients[#clients + 1] = client
      local _, err = client:connect(30)
      assert.equal("unavailable", err.kind)
      assert.matches("SSL", err.message)
      assert.equal(0, count())
    end)
  end)

  describe("of the user's own", function()
    it("wins: the client's, the call's, and the function's", function()
      local client = open { api_key = "k1", metadata = { authorization = "Basic a" } }
      temporal.assert(client:call(ANY))
      assert.equal("Basic a", sent())
      temporal.assert(client:call(ANY, {}, { metadata = { authorization = "Basic b" } }))
      assert.equal("Basic b", sent())
      client:set_api_key "k2"
      temporal.assert(client:call(ANY))
      assert.equal("Basic a", sent())
      local other = open { api_key = "k1", metadata = function()
        return { authorization = "Basic c" }
      end }
      temporal.assert(other:call(ANY))
      assert.equal("Basic c", sent())
      temporal.assert(other:with { metadata = { authorization = "Basic d" } }:call(ANY))
      assert.equal("Basic d", sent())
    end)
  end)

  describe("from a file", function()
    local path

    before_each(function() path = env.tmp .. "/api-key-" .. env.uuid() end)

    local function write(text)
      local file = assert(io.open(path, "wb"))
      file:write(text)
      file:close()
    end

    it("is read again when that changes", function()
      write "first\n"
      local client = open { api_key = { file = path } }
      temporal.assert(client:call(ANY))
      assert.equal("Bearer first", sent())
      write "second, of another size\n"
      assert.equal("config", select(2, client:call(ANY)).kind)
      write "second-of-another-size\r\n"
      temporal.assert(client:call(ANY))
      assert.equal("Bearer second-of-another-size", sent())
      write "third"
      temporal.assert(client:with { namespace = "n" }:call(ANY))
      assert.equal("Bearer third", sent())
    end)

    it("replaced by a file of the same size is read again", function()
      write "first"
      local client = open { api_key = { file = path } }
      temporal.assert(client:call(ANY))
      local old = path
      path = path .. ".new"
      write "other"
      assert(os.rename(path, old))
      temporal.assert(client:call(ANY))
      assert.equal("Bearer other", sent())
    end)

    it("is read again after a refusal", function()
      write "first"
      local client = open { api_key = { file = path } }
      peer:cmd("call 1 : hold")
      local future = client:submit(ANY)
      peer:wait_until("streams_open>=1")
      write "second"
      peer:cmd("streams : %s", REFUSE)
      assert.is_truthy(future:get(10))
      assert.equal("Bearer second", sent())
    end)

    it("that is none is a config error of the call, which nothing was sent of", function()
      local client = open { api_key = { file = path } }
      local cases = {
        { nil, "cannot be read" }, { "", "must not be empty" }, { " \n", "must not be empty" },
        { "two keys", "printable ASCII" }, { "a\nb", "printable ASCII" },
      }
      for _, case in ipairs(cases) do
        if case[1] then write(case[1]) end
        local _, err = client:call(ANY)
        assert.same({ "config", "not_started" }, { err.kind, err.outcome })
        assert.matches(case[2], err.message)
        assert.matches("api%-key%-", err.message)
        assert.not_matches("two keys", everything(err))
        local _, start_err = start(client):get(1)
        assert.same({ "config", "not_started" }, { start_err.kind, start_err.outcome })
      end
      write "k"
      temporal.assert(client:call(ANY))
      os.remove(path)
      assert.equal("config", select(2, client:call(ANY)).kind)
      assert.equal(0, count(START))
      assert.equal(1, count())
    end)

    it("is no pipe, no device, no folder and no large file", function()
      local pipe, large = path .. ".pipe", path .. ".large"
      assert(os.execute("mkfifo " .. pipe))
      assert(os.execute("head -c 1048577 /dev/zero >" .. large))
      for _, case in ipairs { { large, "more than 1 MiB" }, { pipe, "no regular file" },
                              { "/dev/zero", "no regular file" }, { env.tmp, "directory" } } do
        local _, err = open { api_key = { file = case[1] } }:call(ANY)
        assert.equal("config", err.kind)
        assert.matches("cannot be read: .*" .. case[2], err.message)
      end
      os.remove(pipe)
      os.remove(large)
    end)
  end)

  describe("from a function", function()
    it("is asked for once for each call that is submitted, whatever its attempts", function()
      local asked = 0
      local client = open { api_key = function()
        asked = asked + 1
        return "k" .. asked
      end }
      assert.equal(0, asked)
      peer:cmd("call 2 %s : only grpc-status=14", ANY)
      temporal.assert(client:call(ANY))
      assert.same({ 1, 3, "Bearer k1" }, { asked, count(), sent() })
      start(client)
      assert.equal(2, asked)
      local future = client:submit(ANY)
      assert.equal(3, asked)
      future:get(10)
      assert.same({ 3, "Bearer k3" }, { asked, sent() })
    end)

    it("is asked for once more when it was refused", function()
      local asked = 0
      local client = open { api_key = function()
        asked = asked + 1
        return "k" .. asked
      end }
      peer:cmd("call 1 : %s", REFUSE)
      temporal.assert(client:call(ANY))
      assert.same({ 2, 2, "Bearer k2" }, { asked, count(), sent() })
      peer:cmd("call : %s", REFUSE)
      local _, err = client:call(ANY)
      assert.equal("unauthenticated", err.kind)
      assert.same({ 4, 4 }, { asked, count() })
      local run = start(client)
      local _, start_err = run:started(10)
      assert.same({ "unauthenticated", "not_started" }, { start_err.kind, start_err.outcome })
      assert.same({ 6, 2 }, { asked, count(START) })
    end)

    it("is asked again where a start is waited for", function()
      local asked = 0
      local client = open { api_key = function()
        asked = asked + 1
        return "k" .. asked
      end }
      peer:cmd("call 1 %s : %s", START, REFUSE)
      peer:cmd("call %s : answer completed 7", POLL)
      -- Once for the start, once for the poll of get, once because of the refusal.
      assert.equal(7, start(client):get(10))
      assert.is_true(asked <= 3, asked)
      peer:cmd("clear")
      peer:cmd("call 1 %s : %s", START, REFUSE)
      temporal.assert(client:start_workflow({ task_queue = "q" }, "Order"))
      assert.equal(2, count(START))
    end)

    it("that says no fails the call as unauthenticated, with the cause", function()
      local why
      local client = open { api_key = function() return nil, why end }
      why = "the vault is shut"
      local _, err = client:call(ANY)
      assert.same({ "unauthenticated", "not_started" }, { err.kind, err.outcome })
      assert.matches("vault is shut", err.cause.message)
      why = select(2, temporal.client { target = "127.0.0.1:1", retry = false }:connect(1))
      local run = start(client, { id = "x" })
      local _, start_err = run:get(1)
      assert.same({ "unauthenticated", "not_started", "x" },
        { start_err.kind, start_err.outcome, start_err.workflow_id })
      assert.equal(why, start_err.cause)
      assert.same({ 0, 0 }, { count(), count(START) })
    end)

    it("that raises raises, at the submission and at get", function()
      local asked = 0
      local client = open { api_key = function()
        asked = asked + 1
        if asked ~= 3 then error({ "mine" }, 0) end
        return "k"
      end }
      assert.same({ "mine" }, raised(client.call, client, ANY))
      assert.same({ "mine" }, raised(start, client))
      local run = start(client)
      assert.same({ "mine" }, raised(run.get, run, 1))
      assert.equal(0, count())
    end)

    it("that returns what is no key raises, without the key", function()
      for _, wrong in ipairs { "", "s3cret s3cret", 7, true } do
        local client = open { api_key = function() return wrong end }
        local problem = raised(client.call, client, ANY)
        assert.matches("what the api_key function returns", problem)
        assert.not_matches("s3cret", problem)
      end
    end)

    it("may wait: here for a call of another client", function()
      local vault = open {}
      local keys = 0
      local client = open { api_key = function()
        local answer = temporal.assert(vault:call("GetSystemInfo"))
        assert.is_table(answer)
        keys = keys + 1
        return "k" .. keys
      end }
      temporal.assert(client:call(ANY))
      assert.equal("Bearer k1", sent())
      -- The same in coroutines of a loop, which others of its coroutines go on beside.
      local host = loop.new()
      local order = {}
      peer:cmd("call 1 GetSystemInfo : await; answer none")
      for i = 1, 2 do
        host:spawn(function()
          temporal.assert(client:call(ANY))
          order[#order + 1] = i
          peer:cmd("release")
        end)
      end
      host:run(10)
      temporal.host.use(nil)
      assert.same({ 2, 1 }, order)
      assert.equal(3, keys)
    end)

    it("is asked for by get, for the polls that follow; those of the background rest", function()
      local asked = 0
      local client = open { api_key = function()
        asked = asked + 1
        return "k" .. asked
      end }
      peer:cmd("call 1 %s : %s", POLL, REFUSE)
      peer:cmd("call %s : answer completed 7", POLL)
      local run = temporal.assert(client:start_workflow({ task_queue = "q" }, "Order"))
      assert.equal(1, asked)
      env.wait_until(30, function() return run:ready() end, "the poll to be refused")
      assert.same({ 1, 1, "Bearer k1" }, { asked, count(POLL), sent(POLL) })
      assert.equal(7, run:get(10))
      assert.same({ 2, 2, "Bearer k2" }, { asked, count(POLL), sent(POLL) })
      -- The value is there: nobody is asked.
      assert.equal(7, run:get(10))
      assert.equal(2, asked)
    end)

    it("that is refused twice in a row ends a get, and the next one asks again", function()
      local asked = 0
      local client = open { api_key = function()
        asked = asked + 1
        return "k" .. asked
      end }
      peer:cmd("call 2 %s : %s", POLL, REFUSE)
      peer:cmd("call %s : answer completed 7", POLL)
      local run = temporal.assert(client:start_workflow({ task_queue = "q" }, "Order"))
      local _, err = run:get(10)
      assert.equal("unauthenticated", err.kind)
      assert.same({ 3, 2 }, { asked, count(POLL) })
      assert.equal(7, run:get(10))
      assert.equal("Bearer k4", sent(POLL))
    end)
  end)

  describe("set anew", function()
    it("is on every later attempt, of calls under way too", function()
      local client = open { api_key = "k1" }
      peer:cmd("call 1 : hold")
      local future = client:submit(ANY)
      peer:wait_until("streams_open>=1")
      assert.equal("Bearer k1", sent())
      client:set_api_key "k2"
      peer:cmd("streams : only grpc-status=14")
      assert.is_truthy(future:get(10))
      assert.equal("Bearer k2", sent())
    end)

    it("mends what was refused meanwhile", function()
      local client = open { api_key = "k1" }
      peer:cmd("call 1 : hold")
      local future = client:submit(ANY)
      peer:wait_until("streams_open>=1")
      client:set_api_key "k2"
      peer:cmd("streams : %s", REFUSE)
      assert.is_truthy(future:get(10))
      assert.equal("Bearer k2", sent())
      assert.equal(2, count())
    end)

    it("is the siblings' too, of whatever form", function()
      local first = open {}
      local second = first:with { namespace = "two" }
      clients[#clients + 1] = second
      temporal.assert(second:call(ANY))
      assert.is_nil(sent())
      first:set_api_key "k1"
      temporal.assert(second:call(ANY))
      assert.equal("Bearer k1", sent())
      local asked = 0
      second:set_api_key(function()
        asked = asked + 1
        return "f" .. asked
      end)
      temporal.assert(first:call(ANY))
      assert.equal("Bearer f1", sent())
      first:set_api_key "k2"
      temporal.assert(second:call(ANY))
      assert.same({ "Bearer k2", 1 }, { sent(), asked })
      local third = second:with {}
      clients[#clients + 1] = third
      temporal.assert(third:call(ANY))
      assert.equal("Bearer k2", sent())
      local path = env.tmp .. "/api-key-" .. env.uuid()
      local file = assert(io.open(path, "w"))
      file:write "from-file\n"
      file:close()
      third:set_api_key { file = path }
      temporal.assert(first:call(ANY))
      assert.equal("Bearer from-file", sent())
    end)

    it("is not undone by a function that waited meanwhile", function()
      local vault = open {}
      peer:cmd("call 1 GetSystemInfo : await; answer none")
      local client = open { api_key = function()
        temporal.assert(vault:call("GetSystemInfo"))
        return "old"
      end }
      local host = loop.new()
      host:spawn(function() temporal.assert(client:call(ANY)) end)
      host:spawn(function()
        client:set_api_key "new"
        peer:wait_until("streams_open>=1")
        peer:cmd("release")
      end)
      host:run(10)
      temporal.host.use(nil)
      assert.equal("Bearer new", sent())
      temporal.assert(client:call(ANY))
      assert.equal("Bearer new", sent())
    end)

    it("before the first call is on that", function()
      local client = open { api_key = "k1" }
      client:set_api_key "k2"
      temporal.assert(client:call(ANY))
      assert.equal("Bearer k2", sent())
    end)

    it("must be a key", function()
      local client = open { api_key = "k1" }
      for _, wrong in ipairs { 7, true, "", "s3cret s3cret", { path = "x" }, {} } do
        local problem = raised(client.set_api_key, client, wrong)
        assert.matches("api_key", problem)
        assert.not_matches("s3cret", problem)
      end
      assert.matches("api_key", raised(client.set_api_key, client, nil))
      client:close()
      assert.matches("closed client", raised(client.set_api_key, client, "k"))
    end)
  end)

  it("is in no string", function()
    local secret = "s3cret-k3y"
    for _, source in ipairs { secret, function() return secret end } do
      peer:reset("call : " .. REFUSE)
      local client = open { api_key = source, metadata = { token = secret } }
      local run = start(client)
      local seen = { tostring(client), tostring(run), everything { client:call(ANY) },
        everything { run:get(9) }, everything { client:connect(9) }, everything { client:close() } }
      seen[#seen + 1] = table.concat(logged, "\n")
      for _, text in ipairs(seen) do
        assert.is_nil(text:find(secret, 1, true))
      end
      assert.equal("Bearer " .. secret, sent(START))
    end
  end)

  describe("behind TLS", function()
    local made, front

    setup(function()
      made = certificates.new()
      made:authority "ca"
      made:issue "server"
      front = nginx.start(made, {
        guarded = "ssl_certificate server.pem; ssl_certificate_key server.key;",
      }, { guarded = { guarded = true }, keys = { "right" } })
    end)

    teardown(function() front:stop() end)

    local function open_guarded(api_key, options)
      options = options or {}
      options.target, options.namespace = "localhost:" .. front.ports.guarded, env.namespace
      options.tls, options.api_key = { ca_file = made:path "ca.pem" }, api_key
      return open(options)
    end

    it("opens the real server, or not", function()
      front:reload { "right" }
      temporal.assert(open_guarded("right"):connect(10))
      for _, wrong in ipairs { "wrong", false } do
        local _, err = open_guarded(wrong or nil):connect(10)
        assert.same({ "unauthenticated", "no such key", "unauthenticated" },
          { err.kind, err.message, err.code })
      end
    end)

    it("that expires while a workflow runs is renewed by get", function()
      front:reload { "right" }
      local asked, current = 0, "right"
      local client = open_guarded(function()
        asked = asked + 1
        return current
      end)
      local run = temporal.assert(client:start_workflow({ task_queue = env.task_queue,
        id = "key-" .. env.uuid() }, "Wait", 0))
      assert.is_false(run:ready())
      front:reload { "next" }
      current = "next"
      -- The poll goes on: keys are looked at when it begins. The next one is refused.
      temporal.assert(client:call("SignalWorkflowExecution", {
        workflow_execution = { workflow_id = run.id }, signal_name = "finish",
      }))
      local _, err = run:get(20)
      assert.is_nil(err and tostring(err))
      assert.is_true(asked >= 2)
    end)
  end)
end)

describe("metadata from a function", function()
  local peer, client

  before_each(function() peer = fault_peer.start() end)

  after_each(function()
    client:close(0)
    peer:stop()
  end)

  local function open(metadata, options)
    options = options or {}
    options.target, options.metadata, options.shutdown_timeout = peer.address, metadata, 0
    options.retry = options.retry or QUICK
    client = temporal.client(options)
  end

  it("is made once for each call, and bytes stay bytes", function()
    local calls = 0
    open(function()
      calls = calls + 1
      return { tenant = "t" .. calls, ["trace-bin"] = "\0\1\255", constant = "c" }
    end)
    peer:cmd("call 2 %s : only grpc-status=14", ANY)
    temporal.assert(client:call(ANY, {}, { metadata = { constant = "d" } }))
    local headers = peer:headers(ANY)
    assert.same({ 1, "t1", "AAH/", "d" },
      { calls, headers.tenant, (headers["trace-bin"]:gsub("=", "")), headers.constant })
    client:execute_workflow({ task_queue = "q" }, "Order"):started(10)
    assert.same({ 2, "t2" }, { calls, peer:headers(START).tenant })
  end)

  it("may give none", function()
    open(function() return nil end)
    temporal.assert(client:call(ANY, {}, { metadata = { mine = "1" } }))
    assert.equal("1", peer:headers(ANY).mine)
  end)

  it("that says no fails the call", function()
    open(function() return nil, "no token today" end)
    local _, err = client:call(ANY)
    assert.same({ "unauthenticated", "not_started" }, { err.kind, err.outcome })
    assert.matches("no token today", tostring(err))
    assert.equal(0, peer:stats()[ANY])
  end)

  it("that returns what is none raises, and what it raises passes", function()
    for _, wrong in ipairs { 7, "x", { Upper = "x" }, { key = 7 }, { key = "ü" },
      { ["grpc-timeout"] = "1S" } } do
      open(function() return wrong end)
      assert.matches("what the metadata function returns", raised(client.call, client, ANY))
      client:close()
    end
    open(function() error({ "mine" }, 0) end)
    assert.same({ "mine" }, raised(client.call, client, ANY))
  end)

  it("is made for the polls of a get, too", function()
    local calls = 0
    open(function()
      calls = calls + 1
      return { tenant = "t" .. calls }
    end)
    peer:cmd("call %s : answer completed 7", POLL)
    assert.equal(7, client:workflow("x"):get(10))
    assert.equal("t" .. calls, peer:headers(POLL).tenant)
  end)
end)
