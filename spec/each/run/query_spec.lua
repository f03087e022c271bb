-- Queries on a real server with a Python worker: what can be asked, and every
-- way in which there is no answer.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local WAIT = 30

local function failed(kind, value, err)
  assert.is_nil(value)
  assert.equal(kind, err and err.kind, tostring(err))
  return err
end

describe("workflow:query", function()
  local client, run

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    run = temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Inbox"))
  end)

  teardown(function()
    temporal.assert(run:terminate())
    assert(client:close())
  end)

  local function raised(...)
    local ok, message = pcall(run.query, run, ...)
    assert.is_false(ok, "expected an error")
    assert.matches("query_spec%.lua:%d+: ", message)
    return message
  end

  it("gives every kind of value, nil and false too", function()
    for _, value in ipairs { "caf\195\169", 7, 0.1, true, false } do
      assert.equal(value, temporal.assert(run:query("echo", value)))
    end
    assert.same({ a = { 1, { b = "c" } } },
      temporal.assert(run:query("echo", { a = { 1, { b = "c" } } })))
    assert.equal("\0\255", temporal.assert(run:query("echo", temporal.bytes("\0\255"))))
    for _, name in ipairs { "nothing", "echo" } do
      local value, err = run:query(name)
      assert.is_nil(err)
      assert.is_nil(value)
    end
    assert.same({}, temporal.assert(run:query { name = "signals", timeout = 10 }))
  end)

  it("waits for the acknowledgement of a start first", function()
    local other = client:execute_workflow({ task_queue = env.task_queue }, "Inbox")
    assert.equal(1, temporal.assert(other:query("echo", 1)))
    temporal.assert(other:terminate())
  end)

  it("knows the built-in queries", function()
    assert.is_string(temporal.assert(run:query("__stack_trace")))
    assert.is_table(temporal.assert(run:query("__temporal_workflow_metadata")))
  end)

  it("is an error of kind query_failed when the worker says so", function()
    local err = failed("query_failed", run:query("no_such_query"))
    assert.matches("no_such_query", err.message)
    assert.equal("invalid_argument", err.code)
    err = failed("query_failed", run:query("raises"))
    assert.matches("no answer today", err.message)
    err = failed("query_failed", run:query("one"))
    assert.matches("argument", err.message)
  end)

  it("has the cause where the worker sent one", function()
    local peer = fault_peer.start()
    local other = temporal.client { target = peer.address }
    local detail = assert(core.encode("temporal.api.errordetails.v1.QueryFailedFailure",
      { failure = { message = "why", application_failure_info = { type = "NoAnswer" } } }))
    peer:cmd("call QueryWorkflow : only %s", fault_peer.status(3, "no",
      "temporal.api.errordetails.v1.QueryFailedFailure", detail))
    local err = failed("query_failed", other:workflow("w"):query("x"))
    assert.same({ "no", "application", "why", "NoAnswer" },
      { err.message, err.cause.kind, err.cause.message, err.cause.type })
    assert(other:close())
    peer:stop()
  end)

  it("is refused by the server when it is too large", function()
    failed("query_failed", run:query("big", 2200000))
    local err = failed("message_too_large", run:query("echo", ("x"):rep(2097152)))
    assert.matches("exceeds limit", err.message)
    -- The workflow is unharmed.
    assert.equal(1, temporal.assert(run:query("echo", 1)))
  end)

  it("is an error for a workflow that is not", function()
    failed("not_found", client:workflow("no-such-" .. env.uuid()):query("x"))
    failed("not_found", client:workflow(run.id, env.uuid()):query("x"))
  end)

  it("asks closed workflows too, unless told to reject", function()
    local done = client:execute_workflow({ task_queue = env.task_queue }, "Closing", false)
    local broken = client:execute_workflow({ task_queue = env.task_queue }, "Closing", true)
    assert.is_true(temporal.wait_all({ done, broken }, WAIT))
    for _, closed in ipairs { done, broken } do
      assert.equal("known", temporal.assert(closed:query("state")))
      assert.equal("known", temporal.assert(closed:query { name = "state", reject = "none" }))
    end
    local err = failed("query_rejected", done:query { name = "state", reject = "not_open" })
    assert.equal("completed", err.status)
    assert.matches("query_rejected %(.*%): .*completed", tostring(err))
    err = failed("query_rejected", broken:query { name = "state", reject = "not_open" })
    assert.equal("failed", err.status)
    err = failed("query_rejected",
      broken:query { name = "state", reject = "not_completed_cleanly" })
    assert.equal("failed", err.status)
    assert.equal("known",
      temporal.assert(done:query { name = "state", reject = "not_completed_cleanly" }))
    -- Open ones pass every condition.
    assert.equal(1, temporal.assert(run:query({ name = "echo", reject = "not_open" }, 1)))
  end)

  it("acts on the latest run, or on the run its handle was made for", function()
    local first = temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Inbox"))
    temporal.assert(first:signal("seen"))
    temporal.assert(first:signal("continue"))
    env.wait_until(WAIT, function()
      return #temporal.assert(first:query("signals")) == 0
    end, "the next run")
    local pinned = client:workflow(first.id, first.run_id)
    assert.equal("seen", temporal.assert(pinned:query("signals"))[1].name)
    temporal.assert(first:terminate())
  end)

  it("says when the workflow is not ready", function()
    local delayed = temporal.assert(client:start_workflow({ task_queue = env.task_queue,
      start_delay = "1h" }, "Inbox"))
    local err = failed("failed_precondition", delayed:query("signals"))
    assert.equal("Workflow task is not scheduled yet.", err.message)
    temporal.assert(delayed:terminate())
    err = failed("failed_precondition", delayed:query("signals"))
    assert.matches("closed before", err.message)
  end)

  it("has a deadline when no worker answers", function()
    local nobody = temporal.assert(client:start_workflow({ task_queue = "nobody-" .. env.uuid() },
      "Inbox"))
    local before = env.now()
    local err = failed("deadline_exceeded", nobody:query { name = "signals", timeout = 0.5 })
    assert.is_true(env.now() - before < 8)
    assert.equal("deadline_exceeded", err.code)
    -- The client's own where the call has none.
    local brief = temporal.client { target = env.address, namespace = env.namespace,
      rpc_timeout = 0.6 }
    temporal.assert(brief:connect(30))
    failed("deadline_exceeded", brief:workflow(nobody.id):query("signals"))
    assert(brief:close())
    temporal.assert(nobody:terminate())
  end)

  it("keeps a result that nobody can read", function()
    local odd = temporal.raw { metadata = { encoding = "binary/odd" }, data = "?" }
    local err = failed("conversion", run:query("echo", odd))
    assert.same({ "binary/odd", "?", run.id }, { err.encoding, err.raw.data, err.workflow_id })
  end)

  it("carries a header", function()
    local peer = fault_peer.start()
    local other = temporal.client { target = peer.address }
    assert.is_nil(select(2, other:workflow("w", "r"):query({ name = "q",
      header = { trace = "x" } }, 1)))
    local request = core.decode("temporal.api.workflowservice.v1.QueryWorkflowRequest",
      peer:requests("QueryWorkflow")[1])
    assert.equal('"x"', request.query.header.fields.trace.data)
    assert.same({ workflow_id = "w", run_id = "r" }, request.execution)
    assert.equal("QUERY_REJECT_CONDITION_UNSPECIFIED", request.query_reject_condition)
    assert(other:close())
    peer:stop()
  end)

  it("raises on misuse", function()
    assert.matches("workflow:query takes a name", raised())
    assert.matches('the option "name" is missing', raised({}))
    assert.matches('"reject" must be one of "none", "not_completed_cleanly", "not_open" '
      .. '(did you mean "not_open"?), got "notopen"', raised({ name = "x", reject = "notopen" }),
      1, true)
    assert.matches('unknown option of workflow:query "wait"', raised({ name = "x", wait = false }))
    assert.matches("workflow:query: argument 1", raised("x", print))
  end)
end)

-- The server turns to another worker 10 s after the one it knew has died.
describe("the deadline of a query", function()
  local UNITS = { S = 1, m = 1e-3, u = 1e-6 }
  local peer, client

  setup(function()
    peer = fault_peer.start { "call QueryWorkflow : only grpc-status=5" }
  end)

  teardown(function()
    peer:stop()
  end)

  -- In seconds, as the server is told.
  local function told(given, name)
    client = temporal.client(given)
    failed("not_found", client:workflow("w"):query(name))
    local number, unit = peer:headers("QueryWorkflow")["grpc-timeout"]:match "^(%d+)(%a)$"
    return number * UNITS[unit]
  end

  local function between(least, most, seconds)
    assert.is_true(seconds > least and seconds <= most, seconds)
    assert(client:close())
  end

  it("is 30 s", function()
    between(20, 30, told({ target = peer.address }, "x"))
  end)

  it("is the client's rpc_timeout where it was given one", function()
    between(2, 3, told({ target = peer.address, rpc_timeout = 3 }, "x"))
    between(40, 50, told({ target = peer.address, rpc_timeout = 50 }, "x"))
    local first = temporal.client { target = peer.address }
    client = first:with { rpc_timeout = 4 }
    failed("not_found", client:workflow("w"):query "x")
    assert.matches("^[34]", peer:headers("QueryWorkflow")["grpc-timeout"])
    assert(client:close())
    assert(first:close())
  end)

  it("is the query's own", function()
    between(4, 5, told({ target = peer.address }, { name = "x", timeout = 5 }))
  end)
end)

describe("workflow:query of a workflow in trouble", function()
  local server, worker, client

  setup(function()
    server = env.fresh_server { flags = { "--dynamic-config-value",
      "frontend.WorkflowPauseEnabled=true" } }
    worker = env.spawn { env.python, "spec/support/worker.py", server.address, server.namespace,
      "trouble" }
    assert.equal("ready", worker:readline(60))
    client = temporal.client { target = server.address, namespace = server.namespace }
  end)

  teardown(function()
    assert(client:close())
    worker:stop(1)
    server:kill()
  end)

  it("is rejected while it is paused", function()
    local run = temporal.assert(client:start_workflow({ task_queue = "trouble" }, "Inbox"))
    assert.is_same({}, temporal.assert(run:query("signals")))
    temporal.assert(client:call("PauseWorkflowExecution", { workflow_id = run.id,
      reason = "a test" }))
    local value, err = run:query("signals")
    assert.same({ nil, "query_rejected", "paused" }, { value, err.kind, err.status })
    -- Signals and cancels are taken, updates are not.
    assert.is_true(temporal.assert(run:signal("while paused")))
    assert.is_true(temporal.assert(run:cancel()))
    value, err = run:update("count")
    assert.same({ nil, "failed_precondition" }, { value, err.kind })
    assert.matches("paused", err.message)
    assert.is_true(temporal.assert(run:terminate()))
  end)

  it("says that its tasks fail", function()
    local run = temporal.assert(client:start_workflow({ task_queue = "trouble" }, "Stuck"))
    local query_error, update_error
    env.wait_until(60, function()
      query_error = select(2, run:query { name = "state", timeout = 2 })
      return query_error.kind == "failed_precondition"
    end, "the third failed task")
    assert.matches("Workflow Task in failed state", query_error.message)
    update_error = select(2, run:update { name = "touch", timeout = 30 })
    assert.equal("failed_precondition", update_error.kind)
    assert.matches("Workflow Task in failed state", update_error.message)
    assert.is_string(update_error.update_id)
    temporal.assert(run:terminate())
  end)
end)
