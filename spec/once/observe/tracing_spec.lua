--- The trace that examples/tracing.lua sends is the one that the Python SDK's OpenTelemetry
-- interceptor takes up: read by its own code, in a worker of its own.

local env = require "spec.support.environment"
local temporal = require "temporal"
local tracing = require "examples.tracing"

local TRACE_ID, SPAN_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
local PARENT = "00-" .. TRACE_ID .. "-" .. SPAN_ID .. "-01"

describe("a traceparent in the header _tracer-data", function()
  local peer, client, sent
  local queue = "orders"

  -- By the name of its workflow's span, what the worker has printed.
  local function next_span(name)
    while true do
      local line = assert(peer:readline(20), "no span " .. name .. ": " .. peer:errors())
      local got, trace_id, parent_id, links = line:match("^span (%S+) (%x+) (%x+)(.*)$")
      if got == name then return { trace_id = trace_id, parent_id = parent_id, links = links } end
    end
  end

  setup(function()
    peer = env.spawn { env.python, "spec/support/tracing_peer.py", env.address, env.namespace,
                       queue }
    assert.equal("ready", peer:readline(60))
    client = temporal.client {
      target = env.address, namespace = env.namespace,
      interceptors = { tracing.interceptor(function() return PARENT end, function(span, err)
        span.err = err
        sent[#sent + 1] = span
      end) },
    }
  end)

  before_each(function() sent = {} end)

  teardown(function()
    assert(client:close())
    peer:stop(1)
  end)

  local function start()
    local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Traced"))
    local span = next_span("RunWorkflow:Traced")
    assert.same({ TRACE_ID, sent[1].span_id }, { span.trace_id, span.parent_id })
    return run
  end

  it("is the parent of the workflow's span, and the child of the one in hand", function()
    local run = client:execute_workflow({ task_queue = queue }, "YourWorkflowDefinition",
      { amount = 3 })
    assert.equal("ordered 3", temporal.assert(run:get()))
    assert.equal(2, #sent)
    assert.equal("GetWorkflowResult:" .. run.id, sent[2].name)
    assert.same({ "StartWorkflow:YourWorkflowDefinition", TRACE_ID, SPAN_ID },
      { sent[1].name, sent[1].trace_id, sent[1].parent_id })
    assert.not_equal(SPAN_ID, sent[1].span_id)
    local span = next_span("RunWorkflow:YourWorkflowDefinition")
    assert.same({ TRACE_ID, sent[1].span_id }, { span.trace_id, span.parent_id })
  end)

  it("goes with signals, queries and updates", function()
    local run = start()
    assert.is_false(temporal.assert(run:query("state")))
    assert.equal(5, temporal.assert(run:update("add", 4)))
    temporal.assert(run:signal("finish"))
    assert.equal("finished", temporal.assert(run:get()))
    assert.same({ "QueryWorkflow:state", "StartWorkflowUpdate:add", "SignalWorkflow:finish" },
      { sent[2].name, sent[3].name, sent[4].name })
    local query = next_span("HandleQuery:state")
    assert.same({ TRACE_ID, sent[2].span_id }, { query.trace_id, query.parent_id })
    assert.equal((" link %s %s"):format(TRACE_ID, sent[3].span_id),
      next_span("HandleUpdate:add").links)
    assert.equal((" link %s %s"):format(TRACE_ID, sent[4].span_id),
      next_span("HandleSignal:finish").links)
  end)

  it("goes with the start and its signal", function()
    local run = client:signal_with_start({ task_queue = queue }, { name = "finish" }, "Traced")
    assert.equal("finished", temporal.assert(run:get()))
    assert.equal("SignalWithStartWorkflow:Traced", sent[1].name)
    local span = next_span("RunWorkflow:Traced")
    assert.equal(sent[1].span_id, span.parent_id)
  end)

  it("has a span of every operation", function()
    local interceptor = tracing.interceptor(function() end, function() end)
    for _, operation in ipairs(require("temporal.observe.interceptor").names) do
      if operation ~= "start_workflow" then
        assert.is_function(interceptor[operation], operation)
      end
    end
  end)

  local function span_of(name, act)
    local before = #sent
    local value, err = act()
    assert.equal(name, sent[before + 1].name)
    assert.equal(before + 1, #sent)
    assert.same({ TRACE_ID, SPAN_ID }, { sent[#sent].trace_id, sent[#sent].parent_id })
    assert.is_nil(err)
    return value
  end

  it("traces what carries no header, too", function()
    local id = "traced-" .. env.uuid()
    local run = span_of("StartWorkflow:T", function()
      return client:start_workflow({ id = id, task_queue = id }, "T")
    end)
    span_of("DescribeWorkflow:" .. id, function() return run:describe() end)
    span_of("FetchWorkflowHistory:" .. id, function() return run:fetch_history() end)
    span_of("CancelWorkflow:" .. id, function() return run:cancel() end)
    span_of("TerminateWorkflow:" .. id, function() return run:terminate() end)
    span_of("ListWorkflows", function() return client:list_workflows "WorkflowType = 'T'" end)
    local _, groups = client:count_workflows "WorkflowType = 'T'"
    assert.is_table(groups)
    assert.is_nil(sent[#sent].err)
    assert.is_nil(client:call("DescribeNamespace", { namespace = "none-" .. id }))
    assert.equal("namespace_not_found", sent[#sent].err.kind)
    span_of("Call:GetSystemInfo", function() return client:call "GetSystemInfo" end)
    local submitted = span_of("Submit:GetSystemInfo", function()
      return client:submit "GetSystemInfo"
    end)
    temporal.assert(submitted:get(30))
  end)

  it("goes with activities and the starts of schedules", function()
    local id = "traced-" .. env.uuid()
    local activity = span_of("StartActivity:A", function()
      return client:execute_activity({ task_queue = id, id = id, start_to_close_timeout = 60 }, "A")
    end)
    local traceparent = sent[#sent].traceparent
    temporal.assert(activity:started(30))
    local answer = temporal.assert(client:call("DescribeActivityExecution", { activity_id = id }))
    assert.matches(traceparent, answer.info.header.fields["_tracer-data"].data, 1, true)
    span_of("TerminateActivity:" .. id, function() return activity:terminate() end)
    local schedule = span_of("CreateSchedule:" .. id, function()
      return client:create_schedule(id, { action = { workflow = "T", task_queue = id },
        paused = true })
    end)
    traceparent = sent[#sent].traceparent
    local description = span_of("DescribeSchedule:" .. id, function()
      return schedule:describe()
    end)
    assert.same({ traceparent = traceparent }, description.action.header["_tracer-data"])
    span_of("DeleteSchedule:" .. id, function() return schedule:delete() end)
  end)

  it("begins a trace where there is none in hand", function()
    local program = env.spawn { env.lua, "examples/tracing.lua",
      env = { TEMPORAL_ADDRESS = env.address, TEMPORAL_NAMESPACE = env.namespace } }
    assert.same({ "exit", 0 }, { program:wait(30) })
    assert.equal("", program:errors())
    local trace_id, span_id =
      program:output():match("^StartWorkflow:YourWorkflowDefinition\t(%x+)\t(%x+)\tno parent\n")
    assert.same({ 32, 16 }, { #trace_id, #span_id })
    local span = next_span("RunWorkflow:YourWorkflowDefinition")
    assert.same({ trace_id, span_id }, { span.trace_id, span.parent_id })
  end)
end)
