-- client:call and client:submit on a real server.

local env = require "spec.support.environment"
local temporal = require "temporal"

describe("client:call", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "service-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function raised(fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok, "expected an error")
    assert.matches("service_spec%.lua:%d+: ", message)
    return message
  end

  it("reaches all three services", function()
    local response = temporal.assert(client:call("DescribeNamespace"))
    assert.equal(env.namespace, response.namespace_info.name)
    response = temporal.assert(client:call("GetSystemInfo", {}))
    assert.is_true(response.capabilities.internal_error_differentiation)
    response = temporal.assert(client:call(
      "temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes"))
    assert.is_table(response.custom_attributes)
    response = temporal.assert(client:call("ListSearchAttributes"))
    assert.is_table(response.system_attributes)
    response = temporal.assert(client:call("grpc.health.v1.Health/Check",
      { service = "temporal.api.workflowservice.v1.WorkflowService" }))
    assert.equal("SERVING", response.status)
  end)

  it("fills namespace, identity and request id, and leaves the request alone", function()
    local id = "service-" .. env.uuid()
    local request = {
      workflow_id = id, workflow_type = { name = "Echo" }, task_queue = { name = "nobody" },
      workflow_run_timeout = { seconds = 60 },
    }
    local response = temporal.assert(client:call("StartWorkflowExecution", request))
    assert.is_string(response.run_id)
    assert.same({ nil, nil, nil }, { request.namespace, request.identity, request.request_id })
    local history = temporal.assert(client:call("GetWorkflowExecutionHistory",
      { execution = { workflow_id = id } })).history
    local attributes = history.events[1].workflow_execution_started_event_attributes
    assert.equal("service-spec", attributes.identity)
    assert.same({ seconds = 60, nanos = 0 }, attributes.workflow_run_timeout)
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_STARTED", history.events[1].event_type)
    assert.is_true(history.events[1].event_time.seconds > 1700000000)
    temporal.assert(client:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = id } }))
    -- What is given is kept.
    local _, err = client:call("DescribeNamespace", { namespace = "no-such-namespace" })
    assert.same({ "namespace_not_found", "not_found", "no-such-namespace" },
      { err.kind, err.code, err.namespace })
  end)

  it("gives errors of every sort", function()
    local _, err = client:call("DescribeWorkflowExecution",
      { execution = { workflow_id = "no-such-" .. env.uuid() } })
    assert.equal("not_found", err.kind)
    assert.equal(1, err.attempts)
    _, err = client:call("ListWorkflowExecutions", { query = "this is no query" })
    assert.equal("invalid_argument", err.kind)
    _, err = client:call("PauseWorkflowExecution", { workflow_id = "x" })
    assert.is_truthy(err)
    local run = temporal.assert(client:start_workflow({ task_queue = env.task_queue }, "Wait"))
    _, err = client:call("QueryWorkflow", { execution = { workflow_id = run.id },
      query = { query_type = "no-such-query" } })
    assert.same({ "query_failed", "invalid_argument" }, { err.kind, err.code })
    temporal.assert(client:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
  end)

  it("has a deadline of its own", function()
    local before = env.now()
    local response, err = client:call("PollWorkflowTaskQueue",
      { task_queue = { name = "nobody-" .. env.uuid() } }, { timeout = 0.3, retry = false })
    assert.is_true(env.now() - before < 8)
    -- The server answers empty before the deadline, or the deadline passes.
    assert.is_true(response ~= nil or err.kind == "deadline_exceeded", tostring(err))
  end)

  it("raises on what it does not know", function()
    assert.matches('unknown method "DescribeNamespac"; did you mean "DescribeNamespace"?',
      raised(client.call, client, "DescribeNamespac"), 1, true)
    assert.matches("the method must be a string such as", raised(client.call, client), 1, true)
    assert.matches("DescribeNamespace: .*nam", raised(client.call, client, "DescribeNamespace",
      { nam = "x" }))
    assert.matches("the request of DescribeNamespace must be a table, got a string",
      raised(client.call, client, "DescribeNamespace", "x"), 1, true)
    assert.matches('unknown call option "timeot"; did you mean "timeout"?',
      raised(client.call, client, "DescribeNamespace", {}, { timeot = 1 }), 1, true)
    assert.matches('call option "metadata": the key "te" is reserved',
      raised(client.call, client, "DescribeNamespace", {}, { metadata = { te = "x" } }), 1, true)
    assert.matches('call option "timeout" must be above 0 s',
      raised(client.call, client, "DescribeNamespace", {}, { timeout = 0 }), 1, true)
  end)

  it("submits: the same as a future", function()
    local future = client:submit("DescribeNamespace")
    assert.matches("^temporal%.future %(DescribeNamespace, %a+%)$", tostring(future))
    assert.is_true(future:wait(60))
    assert.is_true(future:ready())
    local response = temporal.assert(future:get())
    assert.equal(env.namespace, response.namespace_info.name)
    assert.equal(response, future:get(0))
    assert.equal("temporal.future (DescribeNamespace, finished)", tostring(future))

    local failing = client:submit("DescribeNamespace", { namespace = "no-such-namespace" })
    for _ = 1, 2 do
      local none, err = failing:get(10)
      assert.same({ nil, "namespace_not_found" }, { none, err.kind })
    end
  end)

  it("can be abandoned", function()
    local future = client:submit("PollWorkflowTaskQueue",
      { task_queue = { name = "nobody-" .. env.uuid() } })
    local none, err = future:get(0.05)
    assert.same({ nil, "timeout" }, { none, err.kind })
    assert.matches("no answer to PollWorkflowTaskQueue after 0.05 s", err.message, 1, true)
    assert.is_false(future:wait(0))
    future:abandon()
    none, err = future:get(10)
    assert.same({ nil, "call_canceled" }, { none, err.kind })
  end)
end)
