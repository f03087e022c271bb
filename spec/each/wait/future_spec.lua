-- Futures and handles on a real server: results, errors, waits.

local env = require "spec.support.environment"
local growth = require "spec.support.growth"
local temporal = require "temporal"

local CLOSE_WAIT = 30

describe("a future", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function execute(workflow, ...)
    return client:execute_workflow({ task_queue = env.task_queue }, workflow, ...)
  end

  local function execute_with(options, workflow, ...)
    options.task_queue = env.task_queue
    return client:execute_workflow(options, workflow, ...)
  end

  local function call(method, run, request)
    request.workflow_execution = { workflow_id = run.id }
    return temporal.assert(client:call(method, request))
  end

  local function signal(run, name, value)
    call("SignalWorkflowExecution", run, { signal_name = name,
      input = { payloads = { { metadata = { encoding = "json/plain" }, data = value } } } })
  end

  local function failed(run)
    local value, err = run:get(CLOSE_WAIT)
    assert.is_nil(value)
    assert.equal("workflow_failed", err.kind, tostring(err))
    return err
  end

  local function raised(fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok, "expected an error")
    assert.matches("future_spec%.lua:%d+: ", message)
    return message
  end

  it("has the fields of its start", function()
    local run = execute_with({ id = "fields-" .. env.uuid() }, "Echo", 1)
    assert.matches("^fields%-", run.id)
    assert.equal(env.namespace, run.namespace)
    assert.equal("Echo", run.workflow_type)
    assert.matches("^%x+%-%x+%-4", run.request_id)
    assert.is_true(temporal.assert(run:started(CLOSE_WAIT)))
    local run_id = run.run_id
    assert.matches("^%x+%-%x+%-%x+%-%x+%-%x+$", run_id)
    assert.equal(run_id, run.first_execution_run_id)
    assert.is_false(run.attached)
    assert.is_nil(run.raw_result)
    assert.is_nil(run.no_such_field)
    assert.equal(1, temporal.assert(run:get(CLOSE_WAIT)))
    assert.equal(run_id, run.run_id)
    assert.equal(run_id, run.result_run_id)
    assert.equal("1", run.raw_result[1].data)
    -- Nothing can be set.
    assert.is_false(pcall(function() run.id = "x" end))
  end)

  it("gives every kind of value, nil and false too", function()
    local null = execute("Echo", temporal.null)
    local none = execute("Echo", nil)
    local no = execute("Echo", false)
    local text = execute("Echo", "caf\195\169")
    local number = execute("Echo", 0.1)
    local object = execute("Echo", { a = { 1, 2, { b = "c" } } })
    local empty = execute("Echo", temporal.array {})
    local bytes = execute("Echo", temporal.bytes("\0\255"))
    local function get(run)
      local value, err = run:get(CLOSE_WAIT)
      assert.is_nil(err)
      return value
    end
    assert.is_nil(get(null))
    assert.is_nil(get(none))
    assert.is_false(get(no))
    assert.equal("caf\195\169", get(text))
    assert.equal(0.1, get(number))
    assert.same({ a = { 1, 2, { b = "c" } } }, get(object))
    assert.same({}, get(empty))
    assert.equal("\0\255", get(bytes))
  end)

  it("gives the same value to any number of callers", function()
    local run = execute("Echo", { a = 1 })
    local value = temporal.assert(run:get(CLOSE_WAIT))
    assert.equal(value, run:get())
    assert.equal(value, run:get(0))
    assert.equal(value, run:get { timeout = 0 })
    assert.is_true(run:ready())
    assert.is_true(run:wait(0))
    local raw = temporal.assert(run:get { raw = true })
    assert.equal('{"a":1}', raw.data)
    assert.equal("json/plain", raw.metadata.encoding)
    -- What came raw goes out raw.
    assert.same({ a = 1 }, temporal.assert(execute("Echo", raw):get(CLOSE_WAIT)))
    assert.equal(run.raw_result, run.raw_result)
    local none, err = execute("Echo", nil):get { raw = true, timeout = CLOSE_WAIT }
    assert.is_nil(err)
    assert.equal("binary/null", none.metadata.encoding)
  end)

  it("keeps a result nobody can read, and decodes it again", function()
    local run = execute("Echo", temporal.raw { metadata = { encoding = "binary/odd" }, data = "?" })
    for _ = 1, 2 do
      local value, err = run:get(CLOSE_WAIT)
      assert.is_nil(value)
      assert.same({ "conversion", "binary/odd", "?", run.id },
        { err.kind, err.encoding, err.raw.data, err.workflow_id })
    end
    assert.equal("?", temporal.assert(run:get { raw = true }).data)
  end)

  it("tells apart what is acknowledged and what has a result", function()
    local run = execute("Wait")
    assert.is_false(run:ready())
    assert.is_true(temporal.assert(run:started(CLOSE_WAIT)))
    assert.is_false(run:wait(0.05))
    local before = env.now()
    local value, err = run:get(0.2)
    local waited = env.now() - before
    assert.is_nil(value)
    assert.same({ "timeout", true, run.id, run.run_id },
      { err.kind, err.acknowledged, err.workflow_id, err.run_id })
    assert.matches("no result after 0.2 s; the workflow goes on", tostring(err), 1, true)
    assert.is_true(waited >= 0.2 and waited < 10, waited)
    before = env.now()
    value, err = run:get(0)
    assert.same({ nil, "timeout" }, { value, err.kind })
    assert.is_true(env.now() - before < 10)
    signal(run, "finish", '"done"')
    assert.is_true(run:wait(CLOSE_WAIT))
    assert.is_true(run:ready())
    assert.equal("done", temporal.assert(run:get()))
  end)

  it("becomes ready in the background once it was asked", function()
    local run = execute("Wait")
    assert.is_false(run:ready())
    temporal.assert(run:started(CLOSE_WAIT))
    signal(run, "finish", "1")
    env.wait_until(CLOSE_WAIT, function() return run:ready() end, "the result")
    assert.equal(1, run:get(0))
  end)

  it("says what it is", function()
    local nowhere = temporal.client { target = "127.0.0.1:1", logger = function() end }
    local early = nowhere:execute_workflow(
      { id = "early", task_queue = "q", timeout = 0.2 }, "Wait")
    assert.equal("temporal.future (early, starting)", tostring(early))
    assert.equal("unavailable", select(2, early:get(10)).kind)
    nowhere:close()
    local run = execute_with({ id = "s-" .. env.uuid() }, "Wait")
    temporal.assert(run:started(CLOSE_WAIT))
    assert.equal(("temporal.future (%s, running)"):format(run.id), tostring(run))
    signal(run, "finish", "1")
    temporal.assert(run:get(CLOSE_WAIT))
    assert.equal(("temporal.future (%s, completed)"):format(run.id), tostring(run))
  end)

  it("gives a failed workflow's chain of causes", function()
    local err = failed(execute("Fail", "declined", { type = "Declined", details = { 1, { a = 2 } },
      non_retryable = true, category = "benign", next_retry_delay = 1.5,
      cause = { message = "no money", type = "Bank" } }))
    assert.same({ "Fail", "workflow execution failed" }, { err.workflow_type, err.message })
    assert.is_string(err.workflow_id)
    assert.is_string(err.run_id)
    local cause = err.cause
    assert.same({ "application", "declined", "Declined", true, "benign", 1.5 }, { cause.kind,
      cause.message, cause.type, cause.non_retryable, cause.category, cause.next_retry_delay })
    assert.equal(2, cause.details.n)
    assert.equal(1, cause.details[1])
    assert.equal(2, cause.details[2].a)
    assert.same({ "application", "Bank" }, { cause.cause.kind, cause.cause.type })
    assert.equal(cause, err:find("application"))
    assert.equal(("workflow_failed (Fail, %s, run %s): workflow execution failed: "
      .. "application (Declined): declined: application (Bank): no money")
      :format(err.workflow_id, err.run_id), tostring(err))
  end)

  it("gives the same error to any number of callers", function()
    local run = execute("Fail", "x")
    local err = failed(run)
    local value, again = run:get()
    assert.is_nil(value)
    assert.equal(err, again)
    assert.is_true(run:ready())
    assert.matches("failed%)$", tostring(run))
    local ok, raised_error = pcall(temporal.assert, run:get())
    assert.is_false(ok)
    assert.equal(err, raised_error)
  end)

  it("gives failed activities, their timeouts, and failed children", function()
    local activity = execute("ActivityFail", "broken", { type = "Broken" })
    local timeout = execute("ActivityTimeout", "at 3")
    local child = execute("ChildFail", "broken", { type = "Broken" })

    local err = failed(activity)
    assert.same({ "activity", "FailActivity", "failing" },
      { err.cause.kind, err.cause.activity_type, err.cause.activity_id })
    assert.equal("maximum_attempts_reached", err.cause.retry_state)
    assert.same({ "application", "Broken", "broken" },
      { err.cause.cause.kind, err.cause.cause.type, err.cause.cause.message })

    err = failed(child)
    assert.same({ "child_workflow", "Fail", child.id .. "/child" },
      { err.cause.kind, err.cause.workflow_type, err.cause.workflow_id })
    assert.equal("Broken", err.cause.cause.type)

    err = failed(timeout)
    local timed_out = err:find("timed_out")
    assert.same({ "heartbeat", "at 3" },
      { timed_out.timeout_type, timed_out.last_heartbeat_details[1] })
  end)

  it("loses nothing of a termination", function()
    local run = execute("Wait")
    temporal.assert(run:started(CLOSE_WAIT))
    call("TerminateWorkflowExecution", run, { reason = "by hand", identity = "operator",
      details = { payloads = { { metadata = { encoding = "json/plain" }, data = "7" } } } })
    local err = failed(run)
    assert.same({ "terminated", "by hand", "operator", 7 },
      { err.cause.kind, err.cause.reason, err.cause.identity, err.cause.details[1] })
  end)

  it("tells a cancel and a time-out", function()
    local canceled = execute("Wait")
    temporal.assert(canceled:started(CLOSE_WAIT))
    local late = execute_with({ run_timeout = 1 }, "Wait")
    call("RequestCancelWorkflowExecution", canceled, {})
    assert.equal("canceled", failed(canceled).cause.kind)
    local err = failed(late)
    assert.same({ "timed_out", "start_to_close" }, { err.cause.kind, err.cause.timeout_type })
    assert.equal("retry_policy_not_set", err.retry_state)
  end)

  it("follows the runs of a chain, or does not", function()
    local run = execute("ContinueAsNew", 3)
    assert.equal(3, temporal.assert(run:get(CLOSE_WAIT)))
    assert.not_equal(run.run_id, run.result_run_id)
    local value, err = run:get { follow_runs = false, timeout = CLOSE_WAIT }
    assert.is_nil(value)
    assert.same({ "continued_as_new", run.id }, { err.kind, err.workflow_id })
    assert.is_string(err.new_run_id)
    assert.not_equal(run.run_id, err.new_run_id)
    -- The result is still there.
    assert.equal(3, temporal.assert(run:get()))
  end)

  it("gives a retried workflow's own first failure when it does not follow", function()
    local run = execute_with({ retry_policy = { initial_interval = 0.05, maximum_attempts = 5 } },
      "RetryUntil", 3)
    local value, err = run:get { follow_runs = false, timeout = CLOSE_WAIT }
    assert.is_nil(value)
    assert.same({ "workflow_failed", "in_progress", "TooEarly", run.run_id },
      { err.kind, err.retry_state, err.cause.type, err.run_id })
    assert.equal(3, temporal.assert(run:get(CLOSE_WAIT)))
  end)

  it("gives a cron workflow's first result when it does not follow", function()
    local run = execute_with({ cron_schedule = "@every 1s" }, "CronCount")
    assert.equal(1, temporal.assert(run:get { follow_runs = false, timeout = CLOSE_WAIT }))
    call("TerminateWorkflowExecution", run, { reason = "seen enough" })
    local err = failed(run)
    assert.same({ "terminated", run.result_run_id }, { err.cause.kind, err.run_id })
  end)

  it("is also the handle of an execution started elsewhere", function()
    local run = execute("Echo", "found")
    assert.equal("found", temporal.assert(run:get(CLOSE_WAIT)))
    for _, handle in ipairs {
      client:workflow(run.id, run.run_id), client:workflow(run.id, { run_id = run.run_id }),
      client:workflow(run.id, { first_execution_run_id = run.run_id }), client:workflow(run.id),
    } do
      assert.equal(run.id, handle.id)
      assert.is_true(handle:started())
      assert.equal("found", temporal.assert(handle:get(CLOSE_WAIT)))
      -- The close event of a closed run does not say which run it was: asked separately.
      assert.equal(run.run_id, handle.result_run_id)
      assert.is_nil(handle.request_id)
    end
    assert.equal(run.run_id, client:workflow(run.id, run.run_id).run_id)
    assert.is_nil(client:workflow(run.id).run_id)
  end)

  it("starts at the run it is pinned to, and follows", function()
    local run = execute("ContinueAsNew", 2)
    assert.equal(2, temporal.assert(run:get(CLOSE_WAIT)))
    local pinned = client:workflow(run.id, run.run_id)
    local _, err = pinned:get { follow_runs = false, timeout = CLOSE_WAIT }
    assert.equal("continued_as_new", err.kind)
    assert.equal(2, temporal.assert(pinned:get(CLOSE_WAIT)))
    -- The latest run has nothing to follow.
    assert.equal(2, temporal.assert(client:workflow(run.id):get {
      follow_runs = false, timeout = CLOSE_WAIT }))
  end)

  it("says that an execution does not exist", function()
    local value, err = client:workflow("no-such-" .. env.uuid()):get(CLOSE_WAIT)
    assert.is_nil(value)
    assert.same({ "not_found", "not_found" }, { err.kind, err.code })
    assert.is_nil(err.outcome)
    local run = execute("Echo", 1)
    temporal.assert(run:get(CLOSE_WAIT))
    value, err = client:workflow(run.id, env.uuid()):get(CLOSE_WAIT)
    assert.same({ nil, "not_found" }, { value, err.kind })
    value, err = client:workflow(run.id, "not-a-uuid"):get(CLOSE_WAIT)
    assert.same({ nil, "invalid_argument" }, { value, err.kind })
  end)

  it("asks again after an error of the wait", function()
    local handle = client:workflow("later-" .. env.uuid())
    assert.equal("not_found", select(2, handle:get(CLOSE_WAIT)).kind)
    temporal.assert(client:start_workflow({ id = handle.id, task_queue = env.task_queue }, "Echo",
      "now"))
    assert.equal("now", temporal.assert(handle:get(CLOSE_WAIT)))
  end)

  it("can be abandoned, while the workflow goes on", function()
    local run = execute("Wait")
    temporal.assert(run:started(CLOSE_WAIT))
    run:abandon()
    local value, err = run:get(CLOSE_WAIT)
    assert.is_nil(value)
    assert.equal("call_canceled", err.kind)
    assert.is_nil(err.code)
    signal(run, "finish", '"alive"')
    assert.equal("alive", temporal.assert(client:workflow(run.id):get(CLOSE_WAIT)))
  end)

  it("is one of many in flight", function()
    local runs = {}
    for i = 1, 200 do
      runs[i] = execute_with({ timeout = 60 }, "Echo", i)
    end
    assert.is_true(temporal.assert(temporal.wait_all(runs, 120)))
    for i = 1, 200 do
      assert.is_true(runs[i]:ready())
      assert.equal(i, temporal.assert(runs[i]:get(0)))
    end
  end)

  it("can be waited for with others: the first that is ready", function()
    local runs = { execute("Wait"), execute("Wait"), execute("Wait") }
    for i = 1, #runs do temporal.assert(runs[i]:started()) end
    local first, err = temporal.wait(runs, 0.1)
    assert.is_nil(first)
    assert.equal("timeout", err.kind)
    signal(runs[2], "finish", "2")
    local index
    first, index = temporal.wait(runs, CLOSE_WAIT)
    assert.equal(runs[2], first)
    assert.equal(2, index)
    assert.equal(2, temporal.assert(first:get(0)))
    local all
    all, err = temporal.wait_all(runs, "100ms")
    assert.same({ nil, "timeout" }, { all, err.kind })
    -- RPCs wait in the same list.
    local rpc = client:submit("GetSystemInfo")
    first, index = temporal.wait({ runs[1], rpc, runs[3] }, CLOSE_WAIT)
    assert.equal(rpc, first)
    assert.equal(2, index)
    signal(runs[1], "finish", "1")
    signal(runs[3], "finish", "3")
    assert.is_true(temporal.assert(temporal.wait_all(runs, CLOSE_WAIT)))
    -- The same one twice.
    assert.is_true(temporal.assert(temporal.wait_all({ runs[1], runs[1] }, 0)))
  end)

  it("counts as ready when it has failed", function()
    local runs = { execute("Fail", "x"), execute("Echo", 1) }
    assert.is_true(temporal.assert(temporal.wait_all(runs, CLOSE_WAIT)))
    assert.equal("workflow_failed", select(2, runs[1]:get(0)).kind)
  end)

  it("takes nothing else in a list", function()
    assert.matches("temporal.wait: the list is empty", raised(temporal.wait, {}), 1, true)
    assert.matches("temporal.wait_all takes a list of futures, got nothing",
      raised(temporal.wait_all), 1, true)
    assert.matches("temporal.wait: element 2 must be a future, got a string",
      raised(temporal.wait, { execute("Echo", 1), "x" }), 1, true)
  end)

  it("raises on wrong arguments of its methods", function()
    local run = execute("Echo", 1)
    assert.matches("the timeout of future:get must be a number of seconds",
      raised(run.get, run, "soon"), 1, true)
    assert.matches('unknown option of future:get "timout"; did you mean "timeout"?',
      raised(run.get, run, { timout = 1 }), 1, true)
    assert.matches("the timeout of future:started must not be negative",
      raised(run.started, run, -1), 1, true)
    assert.matches('"follow_runs" must be true or false',
      raised(run.get, run, { follow_runs = 1 }), 1, true)
    assert.matches("the workflow id must be a string that is not empty, got nothing",
      raised(client.workflow, client), 1, true)
    assert.matches('unknown option of client:workflow "run"; did you mean "run_id"?',
      raised(client.workflow, client, "x", { run = 1 }), 1, true)
    temporal.assert(run:get(CLOSE_WAIT))
  end)

  it("survives its client's collection", function()
    local run = growth.apart(function()
      local own = temporal.client { target = env.address, namespace = env.namespace }
      return own:execute_workflow({ task_queue = env.task_queue }, "Sleep", 0.3)
    end)
    growth.collect()
    assert.equal(0.3, temporal.assert(run:get(CLOSE_WAIT)))
  end)
end)
