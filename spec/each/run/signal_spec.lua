-- Signals, and signal-with-start, on a real server with a Python worker.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local WAIT = 30

describe("workflow:signal", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "signal-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function inbox(...)
    return temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Inbox", ...))
  end

  local function finish(run)
    temporal.assert(run:signal("finish"))
    return temporal.assert(run:get(WAIT))
  end

  local function raised(fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok, "expected an error")
    assert.matches("signal_spec%.lua:%d+: ", message)
    return message
  end

  local function base64_free(values)
    local list = {}
    for i, value in ipairs(values) do
      list[i] = value.metadata.encoding
    end
    return list
  end

  it("delivers a name and any arguments", function()
    local run = inbox()
    assert.is_true(temporal.assert(run:signal("none")))
    assert.is_true(temporal.assert(run:signal("caf\195\169 signal", 1, nil, "a", nil)))
    assert.is_true(temporal.assert(run:signal({ name = "table", timeout = 30 },
      temporal.bytes("\0\255"), { a = 1 })))
    local result = finish(run)
    assert.equal(3, #result.signals)
    assert.same({ "none", "caf\195\169 signal", "table" },
      { result.signals[1].name, result.signals[2].name, result.signals[3].name })
    assert.same({}, base64_free(result.signals[1].values))
    assert.same({ "json/plain", "binary/null", "json/plain", "binary/null" },
      base64_free(result.signals[2].values))
    assert.same({ "binary/plain", "json/plain" }, base64_free(result.signals[3].values))
    assert.equal("AP8=", result.signals[3].values[1].data)
  end)

  it("waits for the acknowledgement of a start first", function()
    local run = client:execute_workflow({ task_queue = env.task_queue }, "Inbox")
    assert.is_true(temporal.assert(run:signal("early", 1)))
    assert.is_string(run.run_id)
    assert.equal(1, #finish(run).signals)
    -- A start that failed is the signal's error.
    local other = client:execute_workflow({ id = run.id, id_reuse_policy = "reject_duplicate",
      task_queue = env.task_queue }, "Inbox")
    local ok, err = other:signal("never")
    assert.same({ nil, "already_started" }, { ok, err.kind })
  end)

  it("need not wait for the server", function()
    local run = inbox()
    local calls = {}
    for i = 1, 20 do
      calls[i] = assert(run:signal({ name = "many", wait = false }, i))
    end
    assert.is_true(temporal.wait_all(calls, WAIT))
    for i = 1, 20 do
      assert.is_table(temporal.assert(calls[i]:get()))
    end
    assert.equal(20, #finish(run).signals)
    local call = run:signal { name = "late", wait = false }
    local answer, err = call:get(WAIT)
    assert.same({ nil, "not_found" }, { answer, err.kind })
  end)

  it("carries a header", function()
    local run = inbox()
    temporal.assert(run:signal({ name = "with", header = { trace = { id = 7 } } }, 1))
    finish(run)
    local found
    for _, event in ipairs(temporal.assert(client:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = run.id } })).history.events) do
      local attributes = event.workflow_execution_signaled_event_attributes
      if attributes and attributes.signal_name == "with" then
        found = attributes
      end
    end
    assert.equal('{"id":7}', found.header.fields.trace.data)
    assert.equal("signal-spec", found.identity)
  end)

  it("acts on the latest run, or on the run its handle was made for", function()
    local run = inbox("kept")
    temporal.assert(run:signal("first"))
    temporal.assert(run:signal("continue"))
    env.wait_until(WAIT, function()
      return temporal.assert(client:call("DescribeWorkflowExecution",
        { execution = { workflow_id = run.id } })).workflow_execution_info.execution.run_id
        ~= run.run_id
    end, "the next run")
    local ok, err = client:workflow(run.id, run.run_id):signal("pinned")
    assert.same({ nil, "not_found" }, { ok, err.kind })
    assert.equal("workflow execution already completed", err.message)
    assert.is_true(temporal.assert(run:signal("latest")))
    assert.is_true(temporal.assert(client:workflow(run.id):signal("latest")))
    assert.equal(2, #finish(run).signals)
  end)

  it("is an error for a workflow that is closed, or is not", function()
    local run = inbox()
    finish(run)
    local ok, err = run:signal("late")
    assert.same({ nil, "not_found", "not_found", "workflow execution already completed" },
      { ok, err.kind, err.code, err.message })
    ok, err = client:workflow("no-such-" .. env.uuid()):signal("x")
    assert.same({ nil, "not_found" }, { ok, err.kind })
    ok, err = client:workflow(run.id, env.uuid()):signal("x")
    assert.same({ nil, "not_found" }, { ok, err.kind })
  end)

  it("is refused by the server when it is too large", function()
    local run = inbox()
    local ok, err = run:signal("big", ("x"):rep(2097152))
    assert.same({ nil, "message_too_large", "invalid_argument" }, { ok, err.kind, err.code })
    assert.matches("exceeds limit", err.message)
    ok, err = run:signal(("n"):rep(1001))
    assert.same({ nil, "invalid_argument" }, { ok, err.kind })
    -- The workflow is unharmed.
    assert.same({}, finish(run).signals)
  end)

  it("raises on misuse", function()
    local run = client:workflow("x")
    assert.matches("workflow:signal takes a name %(a string that is not empty%) or a table of "
      .. "options, got nothing", raised(run.signal, run))
    assert.matches("got an empty string", raised(run.signal, run, ""))
    assert.matches("got 7", raised(run.signal, run, 7))
    assert.matches('the option "name" is missing', raised(run.signal, run, {}))
    assert.matches('unknown option of workflow:signal "nam"; did you mean "name"?',
      raised(run.signal, run, { nam = "x" }), 1, true)
    assert.matches('"wait" must be true or false', raised(run.signal, run,
      { name = "x", wait = "no" }))
    assert.matches('"timeout" must be above 0 s', raised(run.signal, run,
      { name = "x", timeout = 0 }))
    assert.matches('"header" must be a table of values by name, got 7', raised(run.signal, run,
      { name = "x", header = 7 }))
    assert.matches('"header" must have strings as keys, got 1', raised(run.signal, run,
      { name = "x", header = { 1 } }))
    assert.matches("workflow:signal: argument 2", raised(run.signal, run, "x", 1, print))
    assert.matches("header.trace", raised(run.signal, run,
      { name = "x", header = { trace = print } }))
  end)

  it("says closed after the client was", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local run = other:workflow("x")
    assert(other:close())
    local ok, err = run:signal("x")
    assert.same({ nil, "closed" }, { ok, err.kind })
    ok, err = run:signal { name = "x", wait = false }
    assert.same({ nil, "closed" }, { ok, err.kind })
  end)

  it("is refused when the run has had too many", function()
    local server = env.fresh_server { flags = { "--dynamic-config-value",
      "history.maximumSignalsPerExecution=3" } }
    local other = temporal.client { target = server.address, namespace = server.namespace }
    local run = temporal.assert(other:start_workflow({ task_queue = "nobody" }, "Inbox"))
    for _ = 1, 3 do
      assert.is_true(temporal.assert(run:signal("x")))
    end
    local ok, err = run:signal("x")
    assert.same({ nil, "invalid_argument" }, { ok, err.kind })
    assert.matches("limit for signal events", err.message)
    assert(other:close())
    server:kill()
  end)

  it("has one request id for all its attempts", function()
    local peer = fault_peer.start()
    local other = temporal.client { target = peer.address }
    peer:cmd("call 2 SignalWorkflowExecution : only grpc-status=14")
    assert.is_true(temporal.assert(other:workflow("w"):signal("x", 1)))
    local requests = peer:requests("SignalWorkflowExecution")
    assert.equal(3, #requests)
    assert.equal(requests[1], requests[2])
    assert.equal(requests[1], requests[3])
    local request = core.decode("temporal.api.workflowservice.v1.SignalWorkflowExecutionRequest",
      requests[1])
    assert.matches("^%x+%-%x+%-4", request.request_id)
    assert(other:close())
    peer:stop()
  end)
end)

describe("client:signal_with_start", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function finish(run)
    temporal.assert(run:signal("finish"))
    return temporal.assert(run:get(WAIT))
  end

  local function raised(...)
    local ok, message = pcall(client.signal_with_start, client, ...)
    assert.is_false(ok, "expected an error")
    assert.matches("signal_spec%.lua:%d+: ", message)
    return message
  end

  it("starts a workflow that is not running, and signals one that is", function()
    local id = "sws-" .. env.uuid()
    local options = { id = id, task_queue = env.task_queue }
    local run = client:signal_with_start(options,
      { name = "first", args = { 1, nil, n = 2 } }, "Inbox", "argument", nil)
    assert.equal(id, run.id)
    assert.equal("Inbox", run.workflow_type)
    assert.is_true(temporal.assert(run:started(WAIT)))
    assert.is_string(run.run_id)
    assert.is_false(run.attached)
    local second = client:signal_with_start(options, { "second", "a", "b" }, "Inbox", "ignored")
    assert.is_true(temporal.assert(second:started(WAIT)))
    assert.equal(run.run_id, second.run_id)
    assert.is_true(second.attached)
    local result = finish(second)
    assert.equal("argument", result.arguments[1])
    assert.equal("first", result.signals[1].name)
    assert.equal(2, #result.signals[1].values)
    assert.equal("second", result.signals[2].name)
    assert.equal(2, #result.signals[2].values)
    assert.same(result, temporal.assert(run:get(WAIT)))
    -- Closed: a new run.
    local third = client:signal_with_start(options, { "third" }, "Inbox")
    temporal.assert(third:started(WAIT))
    assert.not_equal(run.run_id, third.run_id)
    assert.equal(1, #finish(third).signals)
  end)

  it("takes the options of a start", function()
    local run = client:signal_with_start({ task_queue = env.task_queue, memo = { a = 1 },
      header = { h = "v" }, run_timeout = "1h", id_conflict_policy = "terminate_existing",
      timeout = 10, metadata = { zone = "x" } }, { "s" }, "Inbox")
    assert.matches("^%x+%-%x+%-4", run.id)
    temporal.assert(run:started(WAIT))
    local events = temporal.assert(client:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = run.id } })).history.events
    local started = events[1].workflow_execution_started_event_attributes
    assert.equal("1", started.memo.fields.a.data)
    assert.equal('"v"', started.header.fields.h.data)
    assert.equal(3600, started.workflow_run_timeout.seconds)
    finish(run)
  end)

  it("fails as a future when the id may not be used again", function()
    local options = { id = "sws-" .. env.uuid(), task_queue = env.task_queue }
    local run = client:signal_with_start(options, { "finish" }, "Inbox")
    temporal.assert(run:get(WAIT))
    options.id_reuse_policy = "reject_duplicate"
    local again = client:signal_with_start(options, { "finish" }, "Inbox")
    local value, err = again:get(WAIT)
    assert.same({ nil, "already_started", run.run_id, "not_started" },
      { value, err.kind, err.run_id, err.outcome })
  end)

  it("raises on misuse", function()
    local options = { task_queue = "q" }
    assert.matches("the start options must be a table, got nothing", raised())
    assert.matches('takes the signal as {name=, args={...}} or {"name", args...}, got a string',
      raised(options, "name", "Inbox"), 1, true)
    assert.matches("the name of the signal is missing", raised(options, {}, "Inbox"))
    assert.matches('option of the signal "name" must be a string, got 7',
      raised(options, { 7 }, "Inbox"))
    assert.matches('unknown option of the signal "arg"; did you mean "args"?',
      raised(options, { name = "x", arg = 1 }, "Inbox"), 1, true)
    assert.matches('"args" must be a list of arguments', raised(options,
      { name = "x", args = 1 }, "Inbox"))
    assert.matches("signal_with_start: argument 1", raised(options, { "x", print }, "Inbox"))
    assert.matches("argument 1", raised(options, { "x" }, "Inbox", print))
    assert.matches("got nothing", raised(options, { "x" }))
    assert.matches('"task_queue" is missing', raised({}, { "x" }, "Inbox"))
    assert.matches('id_conflict_policy = "fail" contradicts',
      raised({ task_queue = "q", id_conflict_policy = "fail" }, { "x" }, "Inbox"))
    assert.matches('on_already_started = "attach" contradicts',
      raised({ task_queue = "q", on_already_started = "attach" }, { "x" }, "Inbox"))
    assert.matches('"callbacks" is not possible',
      raised({ task_queue = "q", callbacks = {} }, { "x" }, "Inbox"))
  end)
end)
