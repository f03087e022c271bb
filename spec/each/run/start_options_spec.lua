-- Every start option, read back from a real server.

local core = require "temporal.core"
local env = require "spec.support.environment"
local start = require "temporal.run.start"
local temporal = require "temporal"

local REQUEST = "temporal.api.workflowservice.v1.StartWorkflowExecutionRequest"
local CLOSED = "WORKFLOW_EXECUTION_STATUS_"

describe("a start option", function()
  local client, nobody, open

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    -- A task queue without a worker: what is started there stays as it is.
    nobody = "nobody-" .. env.uuid()
    open = {}
  end)

  teardown(function()
    for _, run in ipairs(open) do
      client:call("TerminateWorkflowExecution",
        { workflow_execution = { workflow_id = run.id } })
    end
    local ok, err = client:close()
    assert.is_nil(err and err.details[1] and err.details[1].workflow_id .. ": "
      .. err.details[1].method .. ": " .. tostring(err.details[1].cause))
    assert.is_true(ok)
  end)

  local function begin(options, workflow, ...)
    options.task_queue = options.task_queue or nobody
    local run = temporal.assert(client:start_workflow(options, workflow or "Order", ...))
    open[#open + 1] = run
    return run
  end

  local function refused(options, ...)
    options.task_queue = options.task_queue or nobody
    local run, err = client:start_workflow(options, "Order", ...)
    assert.is_nil(run)
    return err
  end

  local function started(run)
    local response = temporal.assert(client:call("GetWorkflowExecutionHistory", {
      execution = { workflow_id = run.id, run_id = run.run_id }, maximum_page_size = 1,
    }))
    local event = response.history.events[1]
    return event.workflow_execution_started_event_attributes, event
  end

  local function describe_run(run)
    return temporal.assert(client:call("DescribeWorkflowExecution",
      { execution = { workflow_id = run.id, run_id = run.run_id } }))
  end

  local function status(run)
    return describe_run(run).workflow_execution_info.status
  end

  local function raised(options, workflow, ...)
    local ok, message = pcall(client.execute_workflow, client, options, workflow or "Order", ...)
    assert.is_false(ok, "expected an error")
    assert.is_string(message)
    assert.matches("start_options_spec%.lua:%d+: ", message)
    return message
  end

  local function encoded(options, ...)
    options.task_queue = options.task_queue or nobody
    local request = start.build(client, options, "Order", select("#", ...), ...)
    return assert(core.decode(REQUEST, assert(core.encode(REQUEST, request, true))))
  end

  it("id: is the workflow's id, and a UUIDv4 when absent", function()
    local id = "id-" .. env.uuid()
    local run = begin { id = id }
    assert.equal(id, run.id)
    assert.equal(id, describe_run(run).workflow_execution_info.execution.workflow_id)
    run = begin {}
    assert.matches("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$", run.id)
    local longest = ("x"):rep(964) .. env.uuid()
    assert.equal(1000, #longest)
    assert.equal(longest, started(begin { id = longest }).workflow_id)
    assert.matches('start option "id" must have at most 1000 bytes, got 1001',
      raised { task_queue = "q", id = longest .. "x" }, 1, true)
    assert.matches('"id" must not be empty', raised { task_queue = "q", id = "" }, 1, true)
    assert.matches("not valid UTF%-8", raised { task_queue = "q", id = "a\255" })
  end)

  it("task_queue: is required, and where the task waits", function()
    assert.equal(nobody, started(begin {}).task_queue.name)
    assert.matches('start option "task_queue" is missing', raised {}, 1, true)
    assert.matches('"task_queue" must be a string that is not empty', raised { task_queue = "" },
      1, true)
    assert.matches('"task_queue" must be a string that is not empty, got 7',
      raised { task_queue = 7 }, 1, true)
    assert.matches("not valid UTF%-8", raised { task_queue = "\255" })
  end)

  it("execution_timeout, run_timeout, task_timeout: durations, exactly", function()
    local attributes = started(begin {
      execution_timeout = "1h30m", run_timeout = 60.25, task_timeout = "5s250ms" })
    assert.same({ seconds = 5400, nanos = 0 }, attributes.workflow_execution_timeout)
    assert.same({ seconds = 60, nanos = 250000000 }, attributes.workflow_run_timeout)
    assert.same({ seconds = 5, nanos = 250000000 }, attributes.workflow_task_timeout)
    assert.matches('"run_timeout" must not be negative', raised { task_queue = "q",
      run_timeout = -1 }, 1, true)
    assert.matches('"task_timeout" must be a number of seconds or a string such as "90s"',
      raised { task_queue = "q", task_timeout = "soon" }, 1, true)
  end)

  it("id_reuse_policy: what becomes of a closed workflow's id", function()
    local id = "reuse-" .. env.uuid()
    local first = begin({ id = id, task_queue = env.task_queue }, "Echo", 1)
    assert.equal(1, temporal.assert(first:get(30)))
    local err = refused { id = id, id_reuse_policy = "reject_duplicate" }
    assert.same({ "already_started", id, first.run_id, "not_started" },
      { err.kind, err.workflow_id, err.run_id, err.outcome })
    assert.matches('; on_already_started = "attach" gives the future of run ' .. first.run_id,
      err.message, 1, true)
    err = refused { id = id, id_reuse_policy = "allow_duplicate_failed_only" }
    assert.equal("already_started", err.kind)
    local second = begin { id = id, id_reuse_policy = "allow_duplicate" }
    assert.not_equal(first.run_id, second.run_id)
    assert.matches('use id_conflict_policy = "terminate_existing"', raised {
      task_queue = "q", id_reuse_policy = "terminate_if_running" }, 1, true)
    assert.matches('must be one of "allow_duplicate", "allow_duplicate_failed_only", '
      .. '"reject_duplicate" (did you mean "reject_duplicate"?)',
      raised { task_queue = "q", id_reuse_policy = "reject_duplicates" }, 1, true)
  end)

  it("id_conflict_policy: what becomes of a running workflow's id", function()
    local id = "conflict-" .. env.uuid()
    local first = begin { id = id }
    assert.is_false(first.attached)
    local err = refused { id = id, id_conflict_policy = "fail" }
    assert.same({ "already_started", "already_exists", first.run_id, first.run_id },
      { err.kind, err.code, err.run_id, err.first_execution_run_id })
    local second = begin { id = id, id_conflict_policy = "use_existing" }
    assert.same({ first.run_id, true, not env.older and first.run_id or nil },
      { second.run_id, second.attached, second.first_execution_run_id })
    local third = begin { id = id, id_conflict_policy = "terminate_existing" }
    assert.not_equal(first.run_id, third.run_id)
    assert.is_false(third.attached)
    assert.equal(CLOSED .. "TERMINATED", status(first))
    assert.matches("exclude each other", raised { task_queue = "q",
      id_reuse_policy = "reject_duplicate", id_conflict_policy = "terminate_existing" })
  end)

  it("retry_policy: with its defaults", function()
    assert.same({
      initial_interval = { seconds = 1, nanos = 0 }, backoff_coefficient = 2,
      maximum_interval = { seconds = 100, nanos = 0 }, maximum_attempts = 3,
      non_retryable_error_types = {},
    }, started(begin { retry_policy = { maximum_attempts = 3 } }).retry_policy)
    assert.same({
      initial_interval = { seconds = 0, nanos = 500000000 }, backoff_coefficient = 1.5,
      maximum_interval = { seconds = 60, nanos = 0 }, maximum_attempts = 0,
      non_retryable_error_types = { "Declined", "Broken" },
    }, started(begin { retry_policy = { initial_interval = "500ms", backoff_coefficient = 1.5,
      maximum_interval = "1m", non_retryable_error_types = { "Declined", "Broken" } },
    }).retry_policy)
    assert.matches('"retry_policy.backoff_coefficient" must be a number of at least 1, got 0.5',
      raised { task_queue = "q", retry_policy = { backoff_coefficient = 0.5 } }, 1, true)
    assert.matches('"retry_policy.maximum_interval" must not be below initial_interval',
      raised { task_queue = "q", retry_policy = { maximum_interval = "1ms" } }, 1, true)
    assert.matches('unknown start option "retry_policy.max_attempts"',
      raised { task_queue = "q", retry_policy = { max_attempts = 1 } }, 1, true)
  end)

  it("cron_schedule: and not together with start_delay", function()
    assert.equal("0 12 * * *", started(begin { cron_schedule = "0 12 * * *" }).cron_schedule)
    assert.equal("invalid_argument", refused { cron_schedule = "often" }.kind)
    assert.matches('"cron_schedule" and "start_delay" exclude each other',
      raised { task_queue = "q", cron_schedule = "@daily", start_delay = 1 }, 1, true)
  end)

  it("start_delay: when the first task comes", function()
    local attributes = started(begin { start_delay = "1h" })
    assert.same({ seconds = 3600, nanos = 0 }, attributes.first_workflow_task_backoff)
  end)

  it("memo: converted value by value", function()
    local run = begin { memo = { text = "hi", list = { 1, 2 }, bytes = temporal.bytes("\0\255") } }
    local fields = describe_run(run).workflow_execution_info.memo.fields
    assert.same({ '"hi"', "[1,2]", "\0\255" },
      { fields.text.data, fields.list.data, fields.bytes.data })
    assert.equal("json/plain", fields.text.metadata.encoding)
    assert.equal("binary/plain", fields.bytes.metadata.encoding)
    local message = raised { task_queue = "q", memo = { broken = { a = print } } }
    assert.matches('start option "memo": memo.broken.a', message, 1, true)
    assert.matches('"memo" must be a table of values by name', raised { task_queue = "q",
      memo = "x" }, 1, true)
    assert.matches('"memo" must have strings as keys, got 1', raised { task_queue = "q",
      memo = { "x" } }, 1, true)
  end)

  it("search_attributes: typed by the server", function()
    local run = begin { search_attributes = { BuildIds = temporal.keyword_list { "a", "b" } } }
    local fields = describe_run(run).workflow_execution_info.search_attributes.indexed_fields
    assert.equal('["a","b"]', fields.BuildIds.data)
    local err = refused { search_attributes = { NoSuchAttribute = "x" } }
    assert.equal("invalid_argument", err.kind)
    assert.matches("NoSuchAttribute", err.message)
    assert.matches('"search_attributes"', raised { task_queue = "q",
      search_attributes = { X = print } }, 1, true)
  end)

  it("static_summary, static_details: Markdown for people", function()
    local run = begin { static_summary = "**one** line", static_details = "many\nlines" }
    local metadata = describe_run(run).execution_config.user_metadata
    assert.equal('"**one** line"', metadata.summary.data)
    assert.equal("json/plain", metadata.summary.metadata.encoding)
    assert.equal('"many\\nlines"', metadata.details.data)
    assert.matches('"static_summary" must be a string, got 7', raised { task_queue = "q",
      static_summary = 7 }, 1, true)
  end)

  it("priority: key, fairness key and weight", function()
    local priority = started(begin { priority = { key = 2, fairness_key = "tenant",
      fairness_weight = 1.5 } }).priority
    assert.same({ 2, "tenant", 1.5 },
      { priority.priority_key, priority.fairness_key, priority.fairness_weight })
    assert.matches('"priority.key" must be a whole number from 1 to 5, got 6',
      raised { task_queue = "q", priority = { key = 6 } }, 1, true)
    assert.matches('"priority.fairness_key" must have at most 64 bytes, got 65',
      raised { task_queue = "q", priority = { fairness_key = ("x"):rep(65) } }, 1, true)
  end)

  it("versioning_override: its three forms", function()
    local override = started(begin { versioning_override = "auto_upgrade" }).versioning_override
    assert.is_true(override.auto_upgrade)
    override = encoded { versioning_override = { pinned = { deployment = "d", build_id = "b" } } }
      .versioning_override
    assert.same({ "PINNED_OVERRIDE_BEHAVIOR_PINNED", "d", "b" }, { override.pinned.behavior,
      override.pinned.version.deployment_name, override.pinned.version.build_id })
    override = encoded { versioning_override = { one_time = { deployment = "d", build_id = "b" } } }
      .versioning_override
    assert.same({ deployment_name = "d", build_id = "b" },
      override.one_time.target_deployment_version)
    for _, wrong in ipairs { "pinned", {}, { pinned = { deployment = "d", build_id = "b" },
      one_time = { deployment = "d", build_id = "b" } } } do
      assert.matches('"versioning_override" must be "auto_upgrade", {pinned={deployment=, '
        .. "build_id=}} or {one_time=", raised { task_queue = "q", versioning_override = wrong },
        1, true)
    end
    assert.matches('"versioning_override.pinned.build_id" is missing', raised { task_queue = "q",
      versioning_override = { pinned = { deployment = "d" } } }, 1, true)
  end)

  it("versioning_override: pinned, on the server", function()
    -- A server that knows no such deployment version says so; either way the
    -- override has arrived.
    local run, err = client:start_workflow({ task_queue = nobody,
      versioning_override = { pinned = { deployment = "d", build_id = "b" } } }, "Order")
    if run then
      open[#open + 1] = run
      local pinned = started(run).versioning_override.pinned
      assert.same({ "d", "b" }, { pinned.version.deployment_name, pinned.version.build_id })
    else
      assert.matches("'d:b'", err.message, 1, true)
    end
  end)

  it("request_eager_start: is dropped where no worker of the client takes the task", function()
    for _, given in ipairs { true, false } do
      assert.is_false(encoded { request_eager_start = given }.request_eager_execution)
    end
    assert.matches('"request_eager_start" must be true or false, got 1',
      raised { task_queue = "q", request_eager_start = 1 }, 1, true)
  end)

  it('on_already_started: "attach" gives the future of the run that holds the id', function()
    local id = "attach-" .. env.uuid()
    local first = begin({ id = id, task_queue = env.task_queue }, "Echo", "first")
    assert.equal("first", temporal.assert(first:get(30)))
    -- Closed: the run cannot be had from the conflict policy.
    local second = begin({ id = id, id_reuse_policy = "reject_duplicate",
      on_already_started = "attach" }, "Echo", "second")
    assert.same({ first.run_id, true }, { second.run_id, second.attached })
    assert.equal("first", temporal.assert(second:get(30)))
    -- Open.
    local other = begin({}, "Order")
    local attached = begin({ id = other.id, on_already_started = "attach" }, "Order")
    assert.same({ other.run_id, true }, { attached.run_id, attached.attached })
    -- Nothing to attach to: a start like any other.
    assert.is_false(begin({ on_already_started = "attach" }).attached)
    assert.equal("already_started", refused { id = other.id, on_already_started = "error" }.kind)
    assert.matches('must be one of "attach", "error", got "ignore"', raised { task_queue = "q",
      on_already_started = "ignore" }, 1, true)
  end)

  it("timeout: bounds the start with its retries", function()
    local silent = temporal.client { target = "127.0.0.1:1", logger = function() end }
    local before = env.now()
    local run, err = silent:start_workflow({ task_queue = "q", timeout = 0.3 }, "Order")
    assert.is_nil(run)
    assert.same({ "unavailable", "not_started" }, { err.kind, err.outcome })
    assert.is_true(env.now() - before < 8)
    silent:close(0)
    assert.matches('"timeout" must be above 0 s', raised { task_queue = "q", timeout = 0 }, 1,
      true)
  end)

  it("header: converted value by value", function()
    local fields = started(begin { header = { trace = "t-1",
      raw = temporal.raw { metadata = { encoding = "x/y" }, data = "z" } } }).header.fields
    assert.same({ '"t-1"', "z", "x/y" },
      { fields.trace.data, fields.raw.data, fields.raw.metadata.encoding })
  end)

  it("links and callbacks: on the encoded request", function()
    local request = encoded {
      links = { { workflow_event = { namespace = "n", workflow_id = "w", run_id = "r",
        event_ref = { event_id = 1, event_type = "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED" } } } },
      callbacks = { { nexus = { url = "http://localhost/x", header = { a = "b" } } } },
    }
    assert.equal(1, #request.links)
    assert.same({ "w", 1 }, { request.links[1].workflow_event.workflow_id,
      request.links[1].workflow_event.event_ref.event_id })
    assert.same({ "http://localhost/x", "b" }, { request.completion_callbacks[1].nexus.url,
      request.completion_callbacks[1].nexus.header.a })
    assert.matches('"links[1]" must be a table (temporal.api.common.v1.Link), got a string',
      raised { task_queue = "q", links = { "x" } }, 1, true)
    assert.matches("workflow_evnt", raised { task_queue = "q", links = { { workflow_evnt = {} } } })
  end)

  it("links: on the server", function()
    local origin = begin {}
    local run = begin { links = { { workflow_event = { namespace = env.namespace,
      workflow_id = origin.id, run_id = origin.run_id,
      event_ref = { event_id = 1, event_type = "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED" } } } } }
    local _, event = started(run)
    assert.equal(origin.id, event.links[1].workflow_event.workflow_id)
  end)

  it("request_id: the same one starts once", function()
    local id, request_id = "once-" .. env.uuid(), env.uuid()
    local first = begin { id = id, request_id = request_id }
    assert.equal(request_id, first.request_id)
    local second = begin { id = id, request_id = request_id }
    assert.same({ first.run_id, request_id }, { second.run_id, second.request_id })
    -- Absent: a UUIDv4.
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", begin({}).request_id)
  end)

  it("metadata: is checked", function()
    begin { metadata = { ["x-tenant"] = "a", ["x-bytes-bin"] = "\0\1" } }
    assert.matches('start option "metadata": the key "te" is reserved',
      raised { task_queue = "q", metadata = { te = "x" } }, 1, true)
  end)

  it("that is unknown raises, with the nearest name", function()
    assert.matches('unknown start option "taskqueue"; did you mean "task_queue"?',
      raised { taskqueue = "q" }, 1, true)
    assert.matches('unknown start option "interceptors"', raised { task_queue = "q",
      interceptors = {} }, 1, true)
    assert.matches("the start options must be a table, got a string", raised("q"), 1, true)
  end)

  it("arguments that cannot be converted raise, naming the argument and the path", function()
    local options = { task_queue = "q" }
    assert.matches("argument 2", raised(options, "Order", 1, 0 / 0), 1, true)
    assert.matches("argument 1.a", raised(options, "Order", { a = print }), 1, true)
    local cycle = {}
    cycle.self = cycle
    assert.matches("argument 1", raised(options, "Order", cycle), 1, true)
    assert.matches("temporal.bytes", raised(options, "Order", "\255"), 1, true)
    assert.matches("workflow type", raised(options, ""), 1, true)
    assert.matches("the workflow must be a type name or a definition", raised(options, 7), 1, true)
  end)

  it("start: a definition instead of the name", function()
    local function order(_) end
    temporal.define_workflow("Echo", order)
    local run = begin({ task_queue = env.task_queue }, order, "by definition")
    assert.equal("Echo", run.workflow_type)
    assert.equal("by definition", temporal.assert(run:get(30)))
    assert.equal("Echo", started(run).workflow_type.name)
    if debug.getinfo(order, "u").nparams then
      assert.matches("workflow Echo takes 1 argument, got 2", raised({ task_queue = "q" }, order,
        1, 2), 1, true)
    end
  end)

  it("start: nil arguments survive", function()
    local attributes = started(begin({}, "Order", nil, 2, nil))
    local list = attributes.input.payloads
    assert.equal(3, #list)
    assert.same({ "binary/null", "json/plain", "binary/null" }, { list[1].metadata.encoding,
      list[2].metadata.encoding, list[3].metadata.encoding })
    assert.is_nil(started(begin({}, "Order")).input)
  end)
end)
