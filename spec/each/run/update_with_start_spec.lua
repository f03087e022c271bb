-- Update-with-start on a real server with a Python worker.

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

describe("client:update_with_start", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "uws-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function options(changes)
    local given = { id = "uws-" .. env.uuid(), task_queue = env.task_queue,
      id_conflict_policy = "use_existing" }
    for name, value in pairs(changes or {}) do
      given[name] = value
    end
    return given
  end

  local function raised(...)
    local ok, message = pcall(client.update_with_start, client, ...)
    assert.is_false(ok, "expected an error")
    assert.matches("update_with_start_spec%.lua:%d+: ", message)
    return message
  end

  it("starts a workflow that is not running, and updates one that is", function()
    local given = options()
    local update = temporal.assert(client:update_with_start(given,
      { name = "count", id = "u1", args = { 1, nil, n = 2 } }, "Inbox", "argument"))
    assert.equal(2, temporal.assert(update:get(WAIT)))
    assert.equal("u1", update.id)
    assert.equal(given.id, update.workflow_id)
    local run = update.workflow
    assert.same({ given.id, "Inbox", false }, { run.id, run.workflow_type, run.attached })
    assert.same({ update.run_id, update.run_id }, { run.run_id, run.first_execution_run_id })
    assert.is_true(run:started(0))
    local second = temporal.assert(client:update_with_start(given, { "echo", "a" }, "Inbox",
      "ignored"))
    assert.equal("a", temporal.assert(second:get(WAIT)))
    assert.matches("^%x+%-%x+%-4", second.id)
    assert.same({ run.run_id, true }, { second.workflow.run_id, second.workflow.attached })
    assert.is_nil(second.workflow.first_execution_run_id)
    -- The run's future is one like any other.
    assert.is_true(temporal.assert(second.workflow:signal("finish")))
    assert.equal("argument", temporal.assert(run:get(WAIT)).arguments[1])
    assert.equal("argument", temporal.assert(second.workflow:get(WAIT)).arguments[1])
    -- Closed: a new run.
    local third = temporal.assert(client:update_with_start(given,
      { name = "echo", wait = "completed", args = { 3 } }, "Inbox"))
    assert.equal(3, temporal.assert(third:get(0)))
    assert.not_equal(run.run_id, third.run_id)
    temporal.assert(third.workflow:terminate())
  end)

  it("acts on the whole chain of the run it started", function()
    local update = temporal.assert(client:update_with_start(options(), { "echo", 1 }, "Inbox"))
    local run = update.workflow
    temporal.assert(run:signal("continue"))
    env.wait_until(WAIT, function()
      return run:update { name = "echo", timeout = 30 } == nil
        and #temporal.assert(run:query("signals")) == 0
    end, "the next run")
    assert.is_true(temporal.assert(run:terminate()))
  end)

  it("waits for the stage that is asked for", function()
    local given = options()
    local update = temporal.assert(client:update_with_start(given, { "gate", "a" }, "Inbox"))
    assert.is_false(update:ready())
    given.timeout = 2
    local err = failed("timeout", client:update_with_start(given,
      { name = "gate", wait = "completed", id = "slow", args = { "b" } }, "Inbox"))
    assert.same({ "slow", given.id }, { err.update_id, err.workflow_id })
    temporal.assert(update.workflow:signal("open", "a"))
    temporal.assert(update.workflow:signal("open", "b"))
    assert.equal("through a", temporal.assert(update:get(WAIT)))
    assert.equal("through b", temporal.assert(update.workflow:update_handle("slow"):get(WAIT)))
    temporal.assert(update.workflow:terminate())
  end)

  it("leaves the workflow started when the update is rejected or fails", function()
    for _, sent in ipairs { { "positive", -1 }, { "fails", "x" }, { "no_such_update" } } do
      local update = temporal.assert(client:update_with_start(options(), sent, "Inbox"))
      local err = failed("update_failed", update:get(WAIT))
      assert.equal("application", err.cause.kind)
      assert.equal(1, temporal.assert(update.workflow:query("echo", 1)))
      temporal.assert(update.workflow:terminate())
    end
  end)

  it("fails with the error of the start", function()
    local given = options { id_conflict_policy = "fail" }
    local first = temporal.assert(client:update_with_start(given, { name = "echo", id = "u",
      args = { 1 } }, "Inbox"))
    local err = failed("already_started",
      client:update_with_start(given, { name = "echo", id = "v" }, "Inbox"))
    assert.same({ given.id, first.run_id, "v", "not_started", "already_exists" },
      { err.workflow_id, err.run_id, err.update_id, err.outcome, err.code })
    assert.is_string(err.request_id)
    assert.matches("already running", err.message)
    -- The same update again is the same update.
    local again = temporal.assert(client:update_with_start(given, { name = "echo", id = "u" },
      "Inbox"))
    assert.equal(1, temporal.assert(again:get(WAIT)))
    temporal.assert(first.workflow:signal("finish"))
    temporal.assert(first.workflow:get(WAIT))
    given.id_reuse_policy = "reject_duplicate"
    err = failed("already_started", client:update_with_start(given, { "echo" }, "Inbox"))
    assert.matches("already finished", err.message)
  end)

  it("fails with the error of the update", function()
    local given = options()
    local first = temporal.assert(client:update_with_start(given, { "gate", "a" }, "Inbox"))
    for _ = 2, 10 do
      temporal.assert(first.workflow:start_update("gate", "a"))
    end
    local hasty = temporal.client { target = env.address, namespace = env.namespace,
      retry = false }
    local err = failed("resource_exhausted",
      hasty:update_with_start(given, { name = "gate", id = "eleventh", args = { "a" } }, "Inbox"))
    assert.same({ "concurrent_limit", "eleventh" }, { err.resource_cause, err.update_id })
    assert(hasty:close())
    temporal.assert(first.workflow:terminate())
  end)

  it("is refused before anything is sent when it is too large", function()
    local given = options()
    local err = failed("message_too_large", client:update_with_start(given,
      { "echo", ("x"):rep(2097152) }, "Inbox"))
    assert.equal(given.id, err.workflow_id)
    failed("not_found", client:workflow(given.id):cancel())
    err = failed("message_too_large", client:update_with_start(given, { "echo", 1 }, "Inbox",
      ("x"):rep(2097152)))
    assert.matches("exceeds limit", err.message)
  end)

  it("is not lost when no worker has taken it yet", function()
    local given = options { task_queue = "nobody-" .. env.uuid(), timeout = 2 }
    local err = failed("timeout", client:update_with_start(given, { "echo", 1 }, "Inbox"))
    assert.same({ given.id, false, "unknown" },
      { err.workflow_id, err.acknowledged, err.outcome })
    -- The workflow was started.
    assert.is_true(temporal.assert(client:workflow(given.id):terminate()))
  end)

  it("carries one header with both", function()
    local update = temporal.assert(client:update_with_start(options { header = { trace = "x" } },
      { name = "echo", wait = "completed" }, "Inbox"))
    local found, started = nil, nil
    for _, event in ipairs(temporal.assert(client:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = update.workflow_id } })).history.events) do
      found = event.workflow_execution_update_accepted_event_attributes or found
      started = event.workflow_execution_started_event_attributes or started
    end
    assert.equal('"x"', found.accepted_request.input.header.fields.trace.data)
    assert.equal('"x"', started.header.fields.trace.data)
    temporal.assert(update.workflow:terminate())
  end)

  it("raises on misuse", function()
    local given = options()
    assert.matches("the start options must be a table, got nothing", raised())
    assert.matches('"id_conflict_policy" is required by update_with_start',
      raised({ task_queue = "q" }, { "x" }, "Inbox"))
    for name, value in pairs { cron_schedule = "* * * * *", start_delay = 1 } do
      assert.matches(('start option "%s" is not possible with update_with_start'):format(name),
        raised(options { [name] = value }, { "x" }, "Inbox"))
    end
    assert.matches('on_already_started = "attach" is not possible',
      raised(options { on_already_started = "attach" }, { "x" }, "Inbox"))
    assert.matches('"request_eager_start" is not possible with update_with_start',
      raised(options { request_eager_start = true }, { "x" }, "Inbox"))
    assert.matches("takes the update as", raised(given, "x", "Inbox"))
    assert.matches("the name of the update is missing", raised(given, { id = "x" }, "Inbox"))
    assert.matches('unknown option of the update "stage"', raised(given,
      { name = "x", stage = 1 }, "Inbox"))
    assert.matches('option of the update "wait" must be one of "accepted", "completed", '
      .. 'got "admitted"', raised(given, { name = "x", wait = "admitted" }, "Inbox"))
    assert.matches("update_with_start: argument 1", raised(given, { "x", print }, "Inbox"))
    assert.matches("argument 1", raised(given, { "x" }, "Inbox", print))
    assert.matches('"task_queue" is missing',
      raised({ id_conflict_policy = "fail" }, { "x" }, "Inbox"))
  end)
end)

describe("client:update_with_start on a server in trouble", function()
  local peer, client

  before_each(function()
    peer = fault_peer.start()
    client = temporal.client { target = peer.address,
      retry = { initial = 0.01, max = 0.05, attempts = 3 } }
  end)

  after_each(function()
    assert(client:close())
    peer:stop()
  end)

  local function answer(method, message)
    local bytes = assert(core.encode("temporal.api.workflowservice.v1." .. method .. "Response",
      message))
    peer:cmd("call %s : answer hex %s", method,
      (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
  end

  local function update_with_start(given)
    given = given or {}
    given.id, given.task_queue, given.id_conflict_policy = "w", "q", "fail"
    return client:update_with_start(given, { name = "x", id = "u" }, "W")
  end

  local SEVEN = { success = { payloads = {
    { metadata = { encoding = "json/plain" }, data = "7" } } } }

  it("goes on with the update alone once the workflow runs", function()
    answer("ExecuteMultiOperation", { responses = {
      { start_workflow = { run_id = "r", started = true } },
      { update_workflow = { stage = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED" } },
    } })
    answer("UpdateWorkflowExecution", { outcome = SEVEN })
    local update = temporal.assert(update_with_start())
    assert.equal(7, temporal.assert(update:get(WAIT)))
    assert.same({ "r", "r", false }, { update.run_id, update.workflow.run_id,
      update.workflow.attached })
    local sent = core.decode("temporal.api.workflowservice.v1.UpdateWorkflowExecutionRequest",
      peer:requests("UpdateWorkflowExecution")[1])
    assert.same({ "w", "r", "u" }, { sent.workflow_execution.workflow_id,
      sent.workflow_execution.run_id, sent.request.meta.update_id })
    local both = core.decode("temporal.api.workflowservice.v1.ExecuteMultiOperationRequest",
      peer:requests("ExecuteMultiOperation")[1])
    assert.same(sent.request, both.operations[2].update_workflow.request)
    assert.equal("w", both.operations[1].start_workflow.workflow_id)
  end)

  it("selects the error of the operation that failed", function()
    local aborted = { code = 10, message = "aborted", details = {
      { type_url = "type.googleapis.com/temporal.api.failure.v1.MultiOperationExecutionAborted",
        value = "" } } }
    local guilty = { code = 5, message = "guilty", details = {} }
    for _, statuses in ipairs { { aborted, guilty }, { guilty, aborted },
      { { code = 0 }, guilty } } do
      local detail = assert(core.encode(
        "temporal.api.errordetails.v1.MultiOperationExecutionFailure", { statuses = statuses }))
      peer:cmd("call ExecuteMultiOperation : only %s", fault_peer.status(5, "both",
        "temporal.api.errordetails.v1.MultiOperationExecutionFailure", detail))
      local err = failed("not_found", update_with_start())
      assert.same({ "guilty", "u", "w" }, { err.message, err.update_id, err.workflow_id })
    end
    peer:cmd("clear")
    -- Without any detail it is the error of both.
    peer:cmd('call ExecuteMultiOperation : only grpc-status=5 "grpc-message=both"')
    assert.equal("both", failed("not_found", update_with_start()).message)
  end)

  it("has no deadline but its own", function()
    local brief = temporal.client { target = peer.address, rpc_timeout = 1 }
    temporal.assert(brief:call("DescribeNamespace"))
    local bytes = assert(core.encode(
      "temporal.api.workflowservice.v1.ExecuteMultiOperationResponse", { responses = {
        { start_workflow = { run_id = "r" } }, { update_workflow = { outcome = SEVEN } } } }))
    peer:cmd("call ExecuteMultiOperation : wait 2000; answer hex %s",
      (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
    local update = temporal.assert(brief:update_with_start({ task_queue = "q",
      id_conflict_policy = "fail" }, { "x" }, "W"))
    assert.equal(7, temporal.assert(update:get(0)))
    assert(brief:close())
  end)

  it("is tried again with the same ids", function()
    answer("UpdateWorkflowExecution", { outcome = SEVEN })
    peer:cmd("call 2 ExecuteMultiOperation : only grpc-status=14")
    answer("ExecuteMultiOperation", { responses = {
      { start_workflow = { run_id = "r" } }, { update_workflow = { outcome = SEVEN } } } })
    local update = temporal.assert(update_with_start())
    assert.is_true(update.workflow.attached)
    local requests = peer:requests("ExecuteMultiOperation")
    assert.same({ 3, requests[1] }, { #requests, requests[3] })
  end)
end)
