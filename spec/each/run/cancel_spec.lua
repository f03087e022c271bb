-- Cancel and terminate on a real server; the retried terminate on a peer that
-- loses answers.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local WAIT = 30

local function start(client, ...)
  return temporal.assert(client:start_workflow({ task_queue = env.task_queue }, ...))
end

local function failed(kind, value, err)
  assert.is_nil(value)
  assert.equal(kind, err and err.kind, tostring(err))
  return err
end

local function events_of(client, run)
  return temporal.assert(client:call("GetWorkflowExecutionHistory",
    { execution = { workflow_id = run.id, run_id = run.run_id } })).history.events
end

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  assert.matches("cancel_spec%.lua:%d+: ", message)
  return message
end

-- Waits for a run to have a successor; its run id.
local function successor(client, run)
  local run_id
  env.wait_until(WAIT, function()
    run_id = temporal.assert(client:call("DescribeWorkflowExecution",
      { execution = { workflow_id = run.id } })).workflow_execution_info.execution.run_id
    return run_id ~= run.run_id
  end, "the next run")
  return run_id
end

describe("workflow:cancel", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "cancel-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  it("asks the workflow to cancel itself, and says why", function()
    local run = client:execute_workflow({ task_queue = env.task_queue }, "Wait")
    assert.is_true(temporal.assert(run:cancel("no longer needed")))
    local err = failed("workflow_failed", run:get(WAIT))
    assert.equal("canceled", err.cause.kind)
    local found
    for _, event in ipairs(events_of(client, run)) do
      found = event.workflow_execution_cancel_requested_event_attributes or found
    end
    assert.same({ "no longer needed", "cancel-spec" }, { found.cause, found.identity })
  end)

  it("takes a reason and options in any form", function()
    for _, arguments in ipairs {
      {}, { "why" }, { "why", { timeout = 30 } }, { nil, { metadata = { a = "b" } } },
      { { reason = "why", timeout = "5s" } }, { "" },
    } do
      local run = start(client, "CleanUp")
      assert.is_true(temporal.assert(run:cancel(arguments[1], arguments[2])))
      assert.equal("cleaned up", temporal.assert(run:get(WAIT)))
    end
  end)

  it("does nothing to a closed workflow, and says so with true", function()
    local run = start(client, "Echo", 1)
    temporal.assert(run:get(WAIT))
    assert.is_true(temporal.assert(run:cancel()))
    assert.is_true(temporal.assert(client:workflow(run.id, run.run_id):cancel()))
    assert.equal(1, temporal.assert(run:get()))
  end)

  it("is an error for a workflow that is not", function()
    failed("not_found", client:workflow("no-such-" .. env.uuid()):cancel())
    local run = start(client, "Wait")
    failed("not_found", client:workflow(run.id, env.uuid()):cancel())
    assert.is_true(temporal.assert(run:terminate()))
  end)

  it("reaches the live run of its own chain, and no other", function()
    local run = start(client, "Inbox")
    temporal.assert(run:signal("continue"))
    successor(client, run)
    -- The run of a pinned handle is closed: nothing happens.
    assert.is_true(temporal.assert(client:workflow(run.id, run.run_id):cancel()))
    local other_chain = client:workflow(run.id, { first_execution_run_id = env.uuid() })
    local err = failed("not_found", other_chain:cancel())
    assert.equal("workflow execution not found", err.message)
    assert.is_true(temporal.assert(run:cancel()))
    assert.equal("canceled", failed("workflow_failed", run:get(WAIT)).cause.kind)
  end)

  it("does not hit a later chain with the same id", function()
    local run = start(client, "Wait")
    temporal.assert(run:terminate())
    local later = temporal.assert(client:start_workflow({ id = run.id,
      task_queue = env.task_queue }, "Wait"))
    failed("not_found", run:cancel())
    failed("not_found", run:terminate())
    assert.is_true(temporal.assert(client:workflow(run.id):cancel()))
    failed("workflow_failed", later:get(WAIT))
  end)

  it("waits for the acknowledgement of a start first", function()
    local first = start(client, "Wait")
    local second = client:execute_workflow({ id = first.id, task_queue = env.task_queue }, "Wait")
    assert.equal("already_started", failed("already_started", second:cancel()).kind)
    failed("already_started", second:terminate())
    assert.is_true(temporal.assert(first:terminate()))
  end)

  it("raises on misuse", function()
    local run = client:workflow("x")
    assert.matches("the reason of workflow:cancel must be a string, got 7",
      raised(run.cancel, run, 7))
    assert.matches('unknown option of workflow:cancel "raeson"; did you mean "reason"?',
      raised(run.cancel, run, { raeson = "x" }), 1, true)
    assert.matches("the options of workflow:cancel must be a table, got 5",
      raised(run.cancel, run, "why", 5))
    assert.matches('"timeout" must be above 0 s', raised(run.cancel, run, nil, { timeout = 0 }))
    assert.matches("the reason of workflow:terminate must be a string, got 7",
      raised(run.terminate, run, 7))
    assert.matches('"details" must be a list of values, got 7',
      raised(run.terminate, run, { details = 7 }))
    assert.matches("details go into the table of options",
      raised(run.terminate, run, { reason = "x" }, 1))
    assert.matches("workflow:terminate: argument 2",
      raised(run.terminate, run, "x", 1, print))
  end)
end)

describe("workflow:terminate", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "terminate-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  it("ends a workflow with reason and details, nothing lost", function()
    local run = client:execute_workflow({ task_queue = env.task_queue }, "Wait")
    assert.is_true(temporal.assert(run:terminate("enough", 1, nil, { a = "b" }, nil)))
    local cause = failed("workflow_failed", run:get(WAIT)).cause
    assert.same({ "terminated", "enough", "terminate-spec" },
      { cause.kind, cause.reason, cause.identity })
    assert.equal(4, cause.details.n)
    assert.same({ 1, nil, { a = "b" }, nil }, { cause.details[1], nil, cause.details[3], nil })
  end)

  it("takes a table in place of its arguments, and no reason at all", function()
    local run = start(client, "Wait")
    assert.is_true(temporal.assert(run:terminate { reason = "why", details = { nil, 2, n = 3 },
      timeout = 5, metadata = { a = "b" } }))
    local cause = failed("workflow_failed", run:get(WAIT)).cause
    assert.same({ "why", 3, 2 }, { cause.reason, cause.details.n, cause.details[2] })
    run = start(client, "Wait")
    assert.is_true(temporal.assert(run:terminate()))
    cause = failed("workflow_failed", run:get(WAIT)).cause
    assert.same({ "terminated by user via frontend", 0 }, { cause.reason, cause.details.n })
  end)

  it("is an error for a workflow that is closed, or is not", function()
    local run = start(client, "Wait")
    assert.is_true(temporal.assert(run:terminate()))
    local err = failed("not_found", run:terminate())
    assert.equal("workflow execution already completed", err.message)
    assert.is_nil(err.outcome)
    failed("not_found", client:workflow(run.id, run.run_id):terminate())
    failed("not_found", client:workflow("no-such-" .. env.uuid()):terminate())
  end)

  it("reaches the live run of its own chain, and no other", function()
    local run = start(client, "Inbox")
    temporal.assert(run:signal("continue"))
    local latest = successor(client, run)
    failed("not_found", client:workflow(run.id, run.run_id):terminate())
    failed("not_found",
      client:workflow(run.id, { first_execution_run_id = env.uuid() }):terminate())
    assert.is_true(temporal.assert(run:terminate("chain")))
    failed("workflow_failed", run:get(WAIT))
    assert.equal(latest, run.result_run_id)
  end)
end)

describe("a retried terminate", function()
  local peer, client

  before_each(function()
    peer = fault_peer.start()
    client = temporal.client { target = peer.address, identity = "me",
      retry = { initial = 0.01, max = 0.05 } }
    -- The first attempt is lost on the way back, the second finds it closed.
    peer:cmd("call 1 TerminateWorkflowExecution : rst INTERNAL_ERROR")
    peer:cmd('call TerminateWorkflowExecution : only grpc-status=5 '
      .. '"grpc-message=workflow execution already completed"')
  end)

  after_each(function()
    assert(client:close())
    peer:stop()
  end)

  -- The last event of the run, as the peer tells it.
  local function last_event(event)
    local bytes = assert(core.encode(
      "temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryReverseResponse",
      { history = { events = { event } } }))
    peer:cmd("call GetWorkflowExecutionHistoryReverse : answer hex %s",
      (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
  end

  local function terminated(changes)
    local attributes = { reason = "why", identity = "me", details = { payloads = {
      { metadata = { encoding = "json/plain" }, data = "1" },
      { metadata = { encoding = "json/plain" }, data = '"two"' },
    } } }
    for name, value in pairs(changes or {}) do
      attributes[name] = value
    end
    return {
      event_type = "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED",
      event_time = { seconds = os.time() + 1 },
      workflow_execution_terminated_event_attributes = attributes,
    }
  end

  local function terminate()
    return client:workflow("w"):terminate("why", 1, "two")
  end

  it("is true when the close event is its own", function()
    last_event(terminated())
    assert.is_true(temporal.assert(terminate()))
    assert.equal(2, peer:stats().TerminateWorkflowExecution)
    -- The same for one without reason and details, and for encoders of the user's.
    peer:cmd("clear")
    peer:cmd("call 1 TerminateWorkflowExecution : rst INTERNAL_ERROR")
    peer:cmd("call TerminateWorkflowExecution : only grpc-status=5")
    last_event(terminated { reason = "terminated by user via frontend", details = {} })
    assert.is_true(temporal.assert(client:workflow("w"):terminate()))
  end)

  it("is not_found of unknown outcome when it is not", function()
    local old = terminated()
    old.event_time.seconds = os.time() - 60
    for _, event in ipairs {
      terminated { reason = "another" }, terminated { identity = "you" },
      terminated { details = {} }, old,
      { event_type = "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED",
        workflow_execution_completed_event_attributes = {} },
    } do
      peer:cmd("clear")
      peer:cmd("call 1 TerminateWorkflowExecution : rst INTERNAL_ERROR")
      peer:cmd("call TerminateWorkflowExecution : only grpc-status=5")
      last_event(event)
      local err = failed("not_found", terminate())
      assert.equal("unknown", err.outcome)
    end
  end)

  it("is not_found of unknown outcome when the event cannot be read", function()
    peer:cmd("call GetWorkflowExecutionHistoryReverse : only grpc-status=7")
    assert.equal("unknown", failed("not_found", terminate()).outcome)
  end)

  it("looks at the run it knows when the id was started again", function()
    peer:cmd("call StartWorkflowExecution : answer started first-run")
    local run = temporal.assert(client:start_workflow({ id = "w", task_queue = "q" }, "W"))
    local started = { event_type = "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED" }
    local bytes = assert(core.encode(
      "temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryReverseResponse",
      { history = { events = { started } } }))
    peer:cmd("call 1 GetWorkflowExecutionHistoryReverse : answer hex %s",
      (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
    last_event(terminated())
    assert.is_true(temporal.assert(run:terminate("why", 1, "two")))
    local requests = peer:requests("GetWorkflowExecutionHistoryReverse")
    assert.equal(2, #requests)
    local last = core.decode(
      "temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryReverseRequest", requests[2])
    assert.same({ workflow_id = "w", run_id = "first-run" }, last.execution)
  end)
end)

describe("a server that does not name first runs", function()
  local SERVICE = "temporal.api.workflowservice.v1."
  local peer, client

  before_each(function()
    peer = fault_peer.start()
    client = temporal.client { target = peer.address, retry = false, shutdown_timeout = 0 }
  end)

  after_each(function()
    assert(client:close())
    peer:stop()
  end)

  local function answer(method, message)
    local bytes = assert(core.encode(SERVICE .. method .. "Response", message))
    peer:cmd("call %s : answer %s", method, bytes == "" and "none" or "hex "
      .. bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
  end

  local function described(first)
    answer("DescribeWorkflowExecution", { workflow_execution_info = {
      execution = { workflow_id = "w", run_id = "later" }, first_run_id = first } })
  end

  local function begin(given)
    local all = { id = "w", task_queue = "q" }
    for name, value in pairs(given or {}) do
      all[name] = value
    end
    return temporal.assert(client:start_workflow(all, "W"))
  end

  -- Cancel, terminate and update of a run.
  local function operate(run)
    assert.is_true(temporal.assert(run:cancel()))
    assert.is_true(temporal.assert(run:terminate()))
    temporal.assert(run:start_update("u"))
  end

  -- The chain each of them was for.
  local function chains()
    local list = {}
    for _, method in ipairs { "RequestCancelWorkflowExecution", "TerminateWorkflowExecution",
      "UpdateWorkflowExecution" } do
      for _, bytes in ipairs(peer:requests(method)) do
        list[#list + 1] = core.decode(SERVICE .. method .. "Request", bytes)
          .first_execution_run_id
      end
    end
    return list
  end

  local function attached()
    answer("StartWorkflowExecution", { run_id = "the-run" })
    answer("UpdateWorkflowExecution", { stage = 2 })
    return begin { id_conflict_policy = "use_existing" }
  end

  it("is known to start them", function()
    answer("StartWorkflowExecution", { run_id = "the-run", started = true })
    answer("SignalWithStartWorkflowExecution", { run_id = "signaled", started = true })
    answer("UpdateWorkflowExecution", { stage = 2 })
    local run = begin()
    assert.same({ "the-run", false }, { run.first_execution_run_id, run.attached })
    operate(run)
    run = client:signal_with_start({ id = "w", task_queue = "q" }, { "s" }, "W")
    temporal.assert(run:started())
    operate(run)
    assert.same({ "the-run", "signaled", "the-run", "signaled", "the-run", "signaled" }, chains())
    assert.equal(0, peer:stats().DescribeWorkflowExecution)
  end)

  it("is asked once for that of a run that was there before", function()
    described("the-first")
    local run = attached()
    assert.same({ run.attached }, { true })
    operate(run)
    assert.same({ "the-first", "the-first", "the-first" }, chains())
    assert.equal("the-first", run.first_execution_run_id)
    local requests = peer:requests("DescribeWorkflowExecution")
    assert.equal(1, #requests)
    assert.same({ workflow_id = "w", run_id = "the-run" }, core.decode(
      SERVICE .. "DescribeWorkflowExecutionRequest", requests[1]).execution)
  end)

  it("is asked after a signal that cannot tell whether it started the run", function()
    client:close()
    client = temporal.client { target = peer.address, shutdown_timeout = 0,
      retry = { initial = 0.01, max = 0.05 } }
    described("the-first")
    peer:cmd("call 1 SignalWithStartWorkflowExecution : rst INTERNAL_ERROR")
    answer("SignalWithStartWorkflowExecution", { run_id = "the-run" })
    local run = client:signal_with_start({ id = "w", task_queue = "q" }, { "s" }, "W")
    temporal.assert(run:started())
    assert.is_nil(run.first_execution_run_id)
    assert.is_true(temporal.assert(run:terminate()))
    assert.same({ "the-first" }, chains())
  end)

  it("is asked to do nothing where the chain cannot be learnt", function()
    local run = attached()
    local methods = { "cancel", "terminate", "update", "start_update" }
    peer:cmd('call 4 DescribeWorkflowExecution : only grpc-status=5 grpc-message=gone')
    for _, method in ipairs(methods) do
      local err = failed("not_found", run[method](run, "x"))
      assert.matches("first run .*the%-run.*: gone", err.message)
      assert.is_nil(err.outcome)
    end
    peer:cmd('call 4 DescribeWorkflowExecution : only grpc-status=14 grpc-message=down')
    for _, method in ipairs(methods) do
      failed("unavailable", run[method](run, "x"))
    end
    described(nil)
    for _, method in ipairs(methods) do
      assert.matches("client:workflow%(id, run_id%)",
        failed("unimplemented", run[method](run, "x")).message)
    end
    assert.same({}, chains())
  end)

  it("is asked for the chain that holds an id", function()
    local detail = core.encode(
      "temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure",
      { run_id = "the-run", start_request_id = "other" })
    peer:cmd("call StartWorkflowExecution : only " .. fault_peer.status(6, "running",
      "temporal.api.errordetails.v1.WorkflowExecutionAlreadyStartedFailure", detail))
    described("the-first")
    local run = client:execute_workflow({ id = "w", task_queue = "q" }, "W")
    local err = failed("already_started", run:started())
    assert.same({ "the-run", "the-first" }, { err.run_id, err.first_execution_run_id })
    assert.equal("the-first", failed("already_started", run:get()).first_execution_run_id)
    assert.is_nil(run.first_execution_run_id)
    assert.equal(1, peer:stats().DescribeWorkflowExecution)
  end)
end)
