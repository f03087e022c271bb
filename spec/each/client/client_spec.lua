-- The client: its options, connecting, closing.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

-- Nothing listens there.
local REFUSED = "127.0.0.1:1"

local function silent()
end

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  assert.is_string(message)
  assert.matches("client_spec%.lua:%d+: ", message)
  return message
end

describe("temporal.client", function()
  it("takes defaults for everything", function()
    local client = temporal.client()
    assert.equal("localhost:7233", client.target)
    assert.equal("default", client.namespace)
    assert.equal("temporal.client (localhost:7233, default)", tostring(client))
    assert.is_true(client:close())
    assert.equal("temporal.client (localhost:7233, default, closed)", tostring(client))
    assert.is_true(temporal.client({}):close())
    assert.matches("temporal.client takes a table of options, got nothing",
      raised(temporal.client, nil), 1, true)
  end)

  it("takes every option", function()
    local client = temporal.client {
      target = "dns:///localhost", namespace = "n", identity = "me", metadata = { a = "b" },
      connect_timeout = "1s", rpc_timeout = 2.5, shutdown_timeout = 0, max_message = 1000,
      max_decoded = 1000, max_pending = 1, logger = silent,
      retry = { initial = "50ms", factor = 2, max = 1, attempts = 3, jitter = 0 },
      keepalive = { interval = 10, timeout = "5s" },
      converter = { { encoding = "x/y", encode = silent, decode = silent } },
    }
    assert.same({ "dns:///localhost", "n", "me" },
      { client.target, client.namespace, client.identity })
    assert.is_true(client:close())
    assert.is_true(temporal.client({ retry = false, keepalive = false }):close())
    assert.is_true(temporal.client({ retry = {}, keepalive = {} }):close())
  end)

  it("says what is wrong with an option", function()
    local cases = {
      { { traget = "x" }, 'unknown client option "traget"; did you mean "target"?' },
      { { api_key = 7 }, '"api_key" must be a string, {file="path"} or a function, got 7' },
      { { api_key = "" }, '"api_key" must not be empty' },
      { { api_key = "a b" }, '"api_key" may have printable ASCII without blanks only' },
      { { api_key = ("k"):rep(16385) }, '"api_key" must have at most 16384 bytes, got 16385' },
      { { api_key = { path = "x" } }, 'unknown client option "api_key.path"' },
      { { tls = 1 }, '"tls" must be true, false or a table, got 1' },
      { { tls = { ca_fil = "x" } }, '"tls.ca_fil"; did you mean "tls.ca_file"?' },
      { { tls = { ca_pem = "/etc/ca.pem" } }, '"tls.ca_pem" must be PEM text' },
      { { tls = { ca_file = "-----BEGIN CERTIFICATE-----" } }, '"tls.ca_file" must be a path' },
      { { tls = { cert_file = "x" } }, 'a client certificate needs its key' },
      { { tls = { key_file = "x" } }, 'a key needs its client certificate' },
      { { tls = { ca_file = "x", ca_pem = "-----BEGIN X" } }, "exclude each other" },
      { { tls = { server_name = "a:1" } }, '"tls.server_name" must be a host name' },
      { { proxy = "example.com:3128" }, '"proxy": it has no scheme' },
      { { proxy = "ftp://x" }, '"proxy": the scheme "ftp" is not known' },
      { { proxy = "http://u:s3cret@" }, '"proxy": it has no host' },
      { { codecs = { {} } }, 'client option "codecs"' },
      { { failure_converter = {} }, '"failure_converter" must be made with' },
      { { interceptors = { { sginal = print } } }, 'client option "interceptors"' },
      { { target = "http://x" }, 'client option "target" target "http://x" has a scheme' },
      { { target = 7233 }, 'client option "target" must be a string' },
      { { namespace = "" }, 'client option "namespace" must not be empty' },
      { { identity = 7 }, 'client option "identity" must be a string' },
      { { metadata = { te = "x" } }, 'client option "metadata": the key "te" is reserved' },
      { { connect_timeout = 0 }, '"connect_timeout" must be above 0 s' },
      { { rpc_timeout = "x" }, '"rpc_timeout" must be a number of seconds' },
      { { retry = 3 }, '"retry" must be a table, or false for none, got 3' },
      { { retry = { attempts = 0 } }, '"retry.attempts" must be a whole number from 1' },
      { { retry = { factor = 0.5 } }, '"retry.factor" must be a number of at least 1' },
      { { retry = { jitter = 2 } }, '"retry.jitter" must be a number from 0 to 1' },
      { { keepalive = { interval = 9 } }, '"keepalive.interval" must be at least 10 s' },
      { { max_message = 0 }, '"max_message" must be a whole number from 1' },
      { { max_decoded = 0 }, '"max_decoded" must be a whole number from 1' },
      { { max_pending = 0.5 }, '"max_pending" must be a whole number from 1' },
      { { converter = "json" }, '"converter" must be a list' },
      { { converter = { 7 } }, '"converter[1]" must be a table' },
      { { logger = "stderr" }, '"logger" must be a function' },
      { { shutdown_timeout = -1 }, '"shutdown_timeout" must not be negative' },
    }
    for _, case in ipairs(cases) do
      assert.matches(case[2], raised(temporal.client, case[1]), 1, true)
    end
    assert.not_matches("s3cret", raised(temporal.client, { metadata = { a = "s3cret\n" } }))
    assert.not_matches("s3cret", raised(temporal.client, { proxy = "http://u:s3cret@" }))
    assert.not_matches("s3cret", raised(temporal.client, { api_key = "s3cret s3cret" }))
  end)

  it("connects, or says why not", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    assert.is_true(temporal.assert(client:connect()))
    assert.is_true(temporal.assert(client:connect(10)))
    assert.is_true(temporal.assert(client:connect { timeout = "10s" }))
    assert.is_true(client:close())

    client = temporal.client { target = REFUSED, retry = false }
    local ok, err = client:connect(30)
    assert.is_nil(ok)
    assert.same({ "unavailable", "unavailable" }, { err.kind, err.code })
    assert.matches("refused", err.message)
    client:close()

    client = temporal.client { target = "no-such-host.invalid", retry = false }
    ok, err = client:connect(10)
    assert.is_nil(ok)
    assert.equal("unavailable", err.kind)
    assert.matches("no%-such%-host%.invalid", err.message)
    client:close()
  end)

  it("tells a namespace that does not exist", function()
    local client = temporal.client { target = env.address, namespace = "no-such-namespace" }
    assert.is_true(temporal.assert(client:connect()))
    local run, err = client:start_workflow({ task_queue = "q" }, "Order")
    assert.is_nil(run)
    assert.same({ "namespace_not_found", "not_started", "no-such-namespace" },
      { err.kind, err.outcome, err.namespace })
    client:close()
  end)

  it("tells arguments that are too large, without trying again", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local run, err = client:start_workflow({ task_queue = "q" }, "Echo", ("x"):rep(5000000))
    assert.is_nil(run)
    assert.same({ "message_too_large", "resource_exhausted", "not_started", 1, 4194304 },
      { err.kind, err.code, err.outcome, err.attempts, err.limit })
    assert.is_true(err.size > 5000000)
    run, err = client:start_workflow({ task_queue = "q" }, "Echo", ("x"):rep(3000000))
    assert.is_nil(run)
    assert.same({ "message_too_large", "invalid_argument", "not_started", 2097152 },
      { err.kind, err.code, err.outcome, err.limit })
    client:close()
  end)

  it("gives way to Ctrl-C while it waits", function()
    local process = env.spawn { env.lua, "-e", ([[
      io.stdout:setvbuf "no"
      local temporal = require "temporal"
      local client = temporal.client { target = "%s", namespace = "%s" }
      local run = temporal.assert(client:start_workflow({ task_queue = "nobody" }, "Order"))
      print(run.id)
      print(pcall(run.get, run))
      print(pcall(coroutine.wrap(function() return run:get(0.2) end)))
      client:call("TerminateWorkflowExecution", { workflow_execution = { workflow_id = run.id } })
      client:close()
    ]]):format(env.address, env.namespace) }
    assert.is_string(process:readline(60))
    local before = env.now()
    process:kill("INT")
    assert.matches("^false\t.*interrupted!", process:readline(60))
    assert.is_true(env.now() - before < 5)
    -- And waits again afterwards.
    assert.matches("timeout", process:readline(60))
    assert.same({ "exit", 0 }, { process:wait(60) })
  end)

  it("sends its identity: given, or pid@host", function()
    for given, expected in pairs { [false] = "^%d+@.+$", ["my worker"] = "^my worker$" } do
      local client = temporal.client { target = env.address, namespace = env.namespace,
        identity = given or nil }
      local run = temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Echo"))
      local response = temporal.assert(client:call("GetWorkflowExecutionHistory",
        { execution = { workflow_id = run.id }, maximum_page_size = 1 }))
      local attributes = response.history.events[1].workflow_execution_started_event_attributes
      assert.matches(expected, attributes.identity)
      assert.matches(expected, client.identity)
      temporal.assert(run:get(30))
      assert.is_true(client:close())
    end
  end)

  it("uses its own converter, for arguments and results", function()
    local client = temporal.client { target = env.address, namespace = env.namespace, converter = {
      { encoding = "text/upper",
        encode = function(value)
          if type(value) == "string" then
            return { metadata = { encoding = "text/upper" }, data = value:upper() }
          end
        end,
        decode = function(payload)
          return "decoded " .. payload.data
        end },
    } }
    local function echo(value)
      return temporal.assert(client:execute_workflow({ task_queue = env.task_queue }, "Echo",
        value):get(30))
    end
    assert.equal("decoded ABC", echo("abc"))
    assert.equal(7, echo(7))
    assert.is_true(client:close())
  end)

  it("passes on what a converter raises, and decodes again", function()
    local broken = true
    local client = temporal.client { target = env.address, namespace = env.namespace, converter = {
      { encoding = "json/plain", encode = silent,
        decode = function(payload)
          if broken then error({ "not today" }) end
          return "repaired " .. payload.data
        end },
    } }
    local run = client:execute_workflow({ task_queue = env.task_queue }, "Echo", 7)
    local ok, err = pcall(run.get, run, 30)
    assert.is_false(ok)
    assert.same({ "not today" }, err)
    broken = false
    assert.equal("repaired 7", temporal.assert(run:get(30)))
    assert.is_true(client:close())

    client = temporal.client { target = env.address, converter = { { encoding = "x/y",
      encode = function() error({ "cannot" }) end, decode = silent } } }
    ok, err = pcall(client.execute_workflow, client, { task_queue = "q" }, "Echo", 7)
    assert.is_false(ok)
    assert.same({ "cannot" }, err)
    assert.is_true(client:close())
  end)

  it("raises in every method once it is closed", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local finished = client:execute_workflow({ task_queue = env.task_queue }, "Echo", 1)
    assert.equal(1, temporal.assert(finished:get(30)))
    local never = client:execute_workflow({ task_queue = "nobody" }, "Order")
    temporal.assert(never:started(30))
    local handle = client:workflow(finished.id)
    assert.is_true(client:close())
    assert.is_true(client:close())
    for _, method in ipairs { "execute_workflow", "start_workflow", "workflow", "call", "submit",
      "connect" } do
      assert.matches("attempt to use a closed client", raised(client[method], client, {}, "x"), 1,
        true)
    end
    -- Futures and handles say so; what is finished keeps its value.
    assert.equal(1, finished:get())
    for _, run in ipairs { never, handle } do
      local value, err = run:get(30)
      assert.is_nil(value)
      assert.equal("closed", err.kind)
    end
    assert.is_true(never:started())
    local cleaner = temporal.client { target = env.address, namespace = env.namespace }
    temporal.assert(cleaner:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = never.id } }))
    assert.is_true(cleaner:close())
  end)

  it("raises when a method is called with a dot", function()
    local client = temporal.client()
    assert.matches("write client:method(...)", raised(client.execute_workflow, {}, "x"), 1, true)
    client:close()
  end)

  it("can be opened and closed a thousand times", function()
    for _ = 1, 1000 do
      local client = temporal.client { target = env.address, namespace = env.namespace }
      client:submit("GetSystemInfo")
      client:close(0)
    end
    local client = temporal.client { target = env.address, namespace = env.namespace }
    assert.is_true(temporal.assert(client:connect(10)))
    assert.is_true(client:close())
  end)

  it("finds the same engine when the package is loaded a second time", function()
    local process = env.spawn { env.lua, "-e", ([[
      io.stdout:setvbuf "no"
      local temporal = require "temporal"
      local client = temporal.client { target = "%s", namespace = "%s" }
      local function echo(x)
        return client:execute_workflow({ task_queue = "%s" }, "Echo", x)
      end
      local before, taken = echo "before", echo "taken"
      local value = taken:get()
      for name in pairs(package.loaded) do
        if name:match "^temporal" then package.loaded[name] = nil end
      end
      collectgarbage()
      local again = require "temporal"
      assert(again ~= temporal)
      assert(again.wait_all { before, taken, echo "after" })
      print(before:get(), taken:get(), echo("after"):get())
      print(again.is_error(select(2, before.get(client:workflow "no such id"))))
      client:close()
    ]]):format(env.address, env.namespace, env.task_queue) }
    assert.equal("before\ttaken\tafter", process:readline(20), process:errors())
    assert.equal("true", process:readline(20))
    assert.same({ "exit", 0 }, { process:wait(60) })
  end)

  it("closes at the end of its scope, where Lua has that", function()
    local chunk = (loadstring or load)([[
      local temporal = ...
      local outside
      do
        local client <close> = temporal.client()
        outside = client
      end
      return tostring(outside)
    ]])
    -- Lua before 5.4 does not know the syntax.
    if chunk then
      assert.matches("closed%)$", chunk(temporal))
    end
  end)

  it("shuts down with all others of the Lua state", function()
    local clients = {}
    for i = 1, 3 do
      clients[i] = temporal.client { target = env.address, namespace = env.namespace }
      temporal.assert(clients[i]:connect(10))
    end
    assert.is_true(temporal.shutdown(5))
    for i = 1, 3 do
      assert.matches("closed%)$", tostring(clients[i]))
    end
    local client = temporal.client { target = env.address, namespace = env.namespace }
    assert.is_true(temporal.assert(client:connect(10)))
    assert.is_true(client:close())
  end)
end)

describe("an option of the client", function()
  local START = "StartWorkflowExecution"
  local peer, client

  before_each(function()
    peer = fault_peer.start()
  end)

  after_each(function()
    client:close(0)
    peer:stop()
  end)

  local function open(options)
    options.target, options.logger = peer.address, options.logger or silent
    client = temporal.client(options)
  end

  local function start(options)
    options = options or {}
    options.task_queue = "q"
    return client:start_workflow(options, "Order")
  end

  local function start_error(options)
    local run, err = start(options)
    assert.is_nil(run)
    return err
  end

  it("metadata: on every call, with the call's own above it", function()
    open { namespace = "orders", metadata = { tenant = "a", ["trace-bin"] = "\0\255", zone = "z" } }
    temporal.assert(start { metadata = { tenant = "b", extra = "1" } })
    local headers = peer:headers(START)
    assert.same({ "b", "AP8", "z", "1", "orders" }, { headers.tenant,
      (headers["trace-bin"]:gsub("=", "")), headers.zone, headers.extra,
      headers["temporal-namespace"] })
    -- Above it, not beside it.
    local _, count = peer:cmd("last " .. START):gsub("tenant=", "")
    assert.equal(1, count)
    temporal.assert(client:call("DescribeNamespace", {}, { metadata = { zone = "y" } }))
    headers = peer:headers("DescribeNamespace")
    assert.same({ "a", "y" }, { headers.tenant, headers.zone })
    peer:cmd("call GetWorkflowExecutionHistory : answer completed 7")
    temporal.assert(client:workflow("x"):get(10))
    assert.equal("a", peer:headers("GetWorkflowExecutionHistory").tenant)
  end)

  it("rpc_timeout: ends a call nobody answers", function()
    open { rpc_timeout = 0.5 }
    temporal.assert(client:connect(30))
    peer:cmd("call : hold")
    local before = env.now()
    local err = start_error()
    assert.same({ "deadline_exceeded", "unknown" }, { err.kind, err.outcome })
    assert.is_true(env.now() - before < 8) -- 10: the default
  end)

  it("rpc_timeout: the call's own timeout wins", function()
    open { rpc_timeout = 60 }
    temporal.assert(client:connect(30))
    peer:cmd("call : hold")
    local before = env.now()
    local err = select(2, client:call("DescribeNamespace", {}, { timeout = 0.5 }))
    assert.equal("deadline_exceeded", err.kind)
    assert.is_true(env.now() - before < 20)
  end)

  it("connect_timeout: ends one dial", function()
    peer:cmd("listen full")
    open { connect_timeout = 0.2, rpc_timeout = 60, retry = false }
    local before = env.now()
    local err = start_error()
    assert.same({ "unavailable", "not_started", 1 }, { err.kind, err.outcome, err.attempts })
    assert.is_true(env.now() - before < 4) -- 5: the default
  end)

  it("retry: attempts and pauses, or none at all", function()
    peer:cmd("call : only grpc-status=14")
    open { retry = { initial = 0.01, factor = 1, attempts = 4 } }
    assert.equal(4, start_error().attempts)
    assert.equal(4, peer:stats()[START])
    client:close(0)
    open { retry = false }
    assert.equal(1, start_error().attempts)
    assert.equal(5, peer:stats()[START])
    -- One call can do without, too.
    client:close(0)
    open {}
    assert.equal(1, select(2, client:call("DescribeNamespace", {}, { retry = false })).attempts)
  end)

  it("retry: a reset is never repeated", function()
    peer:cmd("call : only grpc-status=14")
    open {}
    local _, err = client:call("ResetWorkflowExecution",
      { workflow_execution = { workflow_id = "x" }, workflow_task_finish_event_id = 3 },
      { retry = true })
    assert.same({ "unavailable", 1 }, { err.kind, err.attempts })
    assert.equal(1, peer:stats().ResetWorkflowExecution)
  end)

  it("max_pending: bounds the submissions that wait", function()
    peer:cmd("listen off")
    open { max_pending = 3 }
    local runs = {}
    for i = 1, 5 do
      runs[i] = client:execute_workflow({ task_queue = "q" }, "Order")
    end
    for i = 4, 5 do
      local ok, err = runs[i]:started()
      assert.is_nil(ok)
      assert.same({ "resource_exhausted", "local", "not_started", runs[i].id },
        { err.kind, err.resource_cause, err.outcome, err.workflow_id })
    end
    peer:cmd("listen on")
    for i = 1, 3 do
      assert.is_true(temporal.assert(runs[i]:started(10)))
    end
  end)

  it("logger: its errors are swallowed", function()
    peer:cmd("call %s : only grpc-status=3", START)
    local called = false
    open { logger = function()
      called = true
      error("broken")
    end }
    client:execute_workflow({ task_queue = "q" }, "Order")
    peer:wait_until(START .. ">=1")
    env.wait_until(30, function()
      collectgarbage()
      client:workflow("x")
      return called
    end, "the report")
  end)
end)

describe("a client whose server does not speak gRPC", function()
  -- `answer` is what the port says once a client has connected.
  local function check(answer, expected)
    local peer = fault_peer.start {
      ("conn raw : %s"):format(answer),
    }
    local client = temporal.client { target = peer.address, rpc_timeout = 1, connect_timeout = 1,
      logger = silent }
    -- A wait for a result as the very first call must not hang either.
    local before = env.now()
    local value, err = client:workflow("x"):get(60)
    local waited = env.now() - before
    assert.is_nil(value)
    assert.is_true(expected[err.kind], tostring(err))
    assert.is_true(waited < 30, waited)
    local run
    run, err = client:start_workflow({ task_queue = "q" }, "Order")
    assert.is_nil(run)
    assert.is_true(expected[err.kind], tostring(err))
    client:close(0)
    peer:stop()
  end

  it("speaks HTTP/1.1", function()
    check('say "HTTP/1.1 400 Bad Request\\r\\nContent-Length: 0\\r\\n\\r\\n"; close',
      { unavailable = true })
  end)

  it("says nothing", function()
    check("hold", { unavailable = true, deadline_exceeded = true })
  end)

  it("hangs up", function()
    check("close", { unavailable = true })
  end)
end)
