-- Standalone activities on the real server, with the Python worker, or with the spec as worker.

local env = require "spec.support.environment"
local faults = require "spec.support.faults"
local temporal = require "temporal"

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  return message
end

describe("a standalone activity", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "alone-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function execute(given, name, ...)
    local start_options = { task_queue = env.task_queue, start_to_close_timeout = 60 }
    for key, value in pairs(given) do start_options[key] = value end
    return client:execute_activity(start_options, name, ...)
  end

  -- One that no worker takes until the spec does.
  local function alone(given, ...)
    local id = "alone-" .. env.uuid()
    given = given or {}
    given.id, given.task_queue = id, id
    return execute(given, "Alone", ...), id
  end

  local function task_of(queue)
    return temporal.assert(client:call("PollActivityTaskQueue",
      { task_queue = { name = queue } }, { timeout = 30 }))
  end

  it("is started at once, and gives its result", function()
    local run = execute({}, "EchoActivity", { amount = 3 })
    assert.matches("^%x+%-%x+%-4", run.id)
    assert.is_true(temporal.assert(run:started(10)))
    assert.is_string(run.run_id)
    assert.is_false(run.attached)
    assert.same({ "EchoActivity", env.namespace }, { run.activity_type, run.namespace })
    assert.same({ amount = 3 }, temporal.assert(run:get(20)))
    -- Any number of times, and as it came.
    assert.same({ amount = 3 }, run:get())
    assert.equal('{"amount":3}', run:get({ raw = true }).data)
    assert.equal(1, #run.raw_result)
    assert.same({ true, true, run.run_id }, { run:ready(), run:wait(), run.result_run_id })
    assert.equal(("temporal.activity (%s, completed)"):format(run.id), tostring(run))
  end)

  it("gives nil and exact numbers back", function()
    local nothing, exact = execute({}, "EchoActivity", nil), execute({}, "EchoActivity", 2 ^ -1074)
    local value, err = nothing:get(20)
    assert.same({ nil, nil }, { value, err })
    assert.equal(2 ^ -1074, temporal.assert(exact:get(20)))
  end)

  it("tells the worker what was asked for", function()
    local told = temporal.assert(execute({ id = "tell-" .. env.uuid(), heartbeat_timeout = "30s",
      priority = { key = 2 } }, "TellActivity", temporal.bytes "\1"):get(20))
    assert.same({ "TellActivity", 1, env.task_queue, 2, 30, "binary/plain" },
      { told.activity_type, told.attempt, told.task_queue, told.priority, told.heartbeat_timeout,
        told.encoding })
  end)

  it("fails with all its causes", function()
    local run = execute({}, "BadActivity", "declined")
    local value, err = run:get(20)
    assert.is_nil(value)
    assert.same({ "activity_failed", "activity execution failed", run.id, run.run_id,
      "BadActivity", "non_retryable_failure" }, { err.kind, err.message, err.activity_id,
      err.run_id, err.activity_type, err.retry_state })
    local cause = err:find("application")
    assert.same({ "declined", "Declined", true, 7 }, { cause.message, cause.type,
      cause.non_retryable, cause.details[1].card })
    assert.equal("Bank", cause.cause.type)
    assert.is_string(cause.stack_trace)
    assert.equal(err, select(2, run:get()))
    assert.matches("failed)", tostring(run), 1, true)
  end)

  it("has all start options, and describe tells them", function()
    local run, id = alone { schedule_to_close_timeout = "2h", schedule_to_start_timeout = "1h",
      start_to_close_timeout = 90, heartbeat_timeout = 30, static_summary = "in short",
      static_details = "at *length*", priority = { key = 4, fairness_key = "f" },
      retry_policy = { initial_interval = 2, backoff_coefficient = 3, maximum_interval = 10,
        maximum_attempts = 4, non_retryable_error_types = { "Bad" } },
      search_attributes = { CustomKeyword = "alone" }, header = { trace = "abc" } }
    local description = temporal.assert(run:describe())
    assert.same({ id, run.run_id, "Alone", id, "running", "scheduled", 1 }, { description.id,
      description.run_id, description.activity_type, description.task_queue, description.status,
      description.state, description.attempt })
    assert.same({ 7200, 3600, 90, 30 }, { description.schedule_to_close_timeout,
      description.schedule_to_start_timeout, description.start_to_close_timeout,
      description.heartbeat_timeout })
    assert.same({ initial_interval = 2, backoff_coefficient = 3, maximum_interval = 10,
      maximum_attempts = 4, non_retryable_error_types = { "Bad" } }, description.retry_policy)
    assert.same({ "in short", "at *length*", 4, "f", "alone" }, { description.static_summary,
      description.static_details, description.priority.key, description.priority.fairness_key,
      description.search_attributes.CustomKeyword })
    assert.is_true(math.abs(description.schedule_time - os.time()) < 60)
    assert.is_nil(description.close_time)

    local task = task_of(id)
    assert.equal('"abc"', task.header.fields.trace.data)
    local activity = client:async_activity { task_token = task.task_token }
    temporal.assert(activity:heartbeat("page", 3))
    temporal.assert(activity:fail(temporal.application_error("no", { next_retry_delay = 600 })))
    description = temporal.assert(client:activity(id):describe({ timeout = 30 }))
    assert.same({ "page", 3, n = 2 }, description.heartbeat_details)
    assert.same({ 2, "application", "no", 1 }, { description.attempt,
      description.last_failure.kind, description.last_failure.message,
      description.heartbeat_count })
    assert.is_true(description.next_attempt_schedule_time > description.schedule_time + 500)
    assert.equal(("temporal.activity_description (%s, running)"):format(id),
      tostring(description))
    temporal.assert(run:terminate())
  end)

  it("waits with a timeout, and loses nothing", function()
    local run, id = alone(nil, 7)
    assert.is_false(run:ready())
    assert(run:started(10))
    local value, err = run:get(0.05)
    assert.is_nil(value)
    assert.same({ "timeout", true, id }, { err.kind, err.acknowledged, err.activity_id })
    assert.is_false(run:wait(0))
    assert.is_false(run:wait(0.01))
    assert.matches("running)", tostring(run), 1, true)
    local task = task_of(id)
    temporal.assert(client:async_activity({ task_token = task.task_token }):complete("now"))
    assert.is_true(run:wait(20))
    assert.is_true(run:ready())
    assert.equal("now", run:get(0))
  end)

  it("is found again by its id", function()
    local run, id = alone()
    assert(run:started(10))
    local by_id, by_run = client:activity(id), client:activity(id, run.run_id)
    assert.matches("state not asked for", tostring(by_id))
    assert.is_false(by_id:ready())
    temporal.assert(client:async_activity({ activity_id = id }):complete(1))
    assert.same({ 1, 1, 1 }, { by_id:get(20), by_run:get(20), run:get(20) })
    assert.same({ nil, run.run_id }, { by_id.run_id, by_id.result_run_id })
    assert.equal("completed", temporal.assert(by_run:describe()).status)
    local value, err = client:activity("no-such-activity"):get(10)
    assert.same({ nil, "not_found", "no-such-activity" }, { value, err.kind, err.activity_id })
    value, err = client:activity(id, { run_id = env.uuid() }):describe()
    assert.same({ nil, "not_found" }, { value, err.kind })
  end)

  it("is one of the futures that temporal.wait takes", function()
    local slow = alone()
    local quick = execute({}, "EchoActivity", 1)
    local first, index = temporal.wait({ slow, quick }, 20)
    assert.equal(quick, first)
    assert.equal(2, index)
    local all, err = temporal.wait_all({ slow, quick }, 0.05)
    assert.same({ nil, "timeout" }, { all, err.kind })
    temporal.assert(client:async_activity({ activity_id = slow.id }):complete(2))
    assert.is_true(temporal.wait_all({ slow, quick }, 20))
    assert.same({ 2, 1 }, { slow:get(0), quick:get(0) })
  end)

  it("minds the policies for its id", function()
    local run, id = alone()
    assert(run:started(10))
    local second = execute({ id = id, request_id = env.uuid() }, "Alone")
    local ok, err = second:started(10)
    assert.is_nil(ok)
    assert.same({ "already_started", id, run.run_id, "not_started", "already_exists" },
      { err.kind, err.activity_id, err.run_id, err.outcome, err.code })
    assert.is_string(err.request_id)
    -- It stays so.
    assert.equal(err, select(2, second:get(10)))
    assert.equal(err, select(2, second:describe()))
    assert.is_true(second:ready())
    assert.matches("not started)", tostring(second), 1, true)

    local attached = execute({ id = id, id_conflict_policy = "use_existing" }, "Alone")
    assert(attached:started(10))
    assert.same({ true, run.run_id }, { attached.attached, attached.run_id })
    -- The same request once more is no second start.
    local repeated = execute({ id = id, request_id = run.request_id }, "Alone")
    assert(repeated:started(10))
    assert.same({ false, run.run_id }, { repeated.attached, repeated.run_id })
    temporal.assert(run:terminate("over"))
    second = execute({ id = id, id_reuse_policy = "reject_duplicate" }, "Alone")
    assert.equal("already_started", select(2, second:started(10)).kind)
    second = execute({ id = id, id_reuse_policy = "allow_duplicate_failed_only" }, "Alone")
    assert(second:started(10))
    assert.is_true(second.run_id ~= run.run_id)
    temporal.assert(second:terminate())
  end)

  it("is canceled", function()
    local run = execute({ heartbeat_timeout = 3 }, "BeatActivity")
    env.wait_until(30, function() return run:describe().state == "started" end)
    assert.is_true(temporal.assert(run:cancel("no longer needed")))
    local value, err = run:get(20)
    assert.is_nil(value)
    assert.same({ "activity_failed", "activity execution was canceled", "canceled" },
      { err.kind, err.message, err.cause.kind })
    assert.matches("canceled)", tostring(run), 1, true)
    local description = temporal.assert(run:describe())
    assert.same({ "canceled", "no longer needed" },
      { description.status, description.canceled_reason })
    local ok
    ok, err = run:cancel()
    assert.same({ nil, "failed_precondition", run.id }, { ok, err.kind, err.activity_id })
  end)

  it("is terminated, with reason and identity", function()
    local run = alone()
    assert.is_true(temporal.assert(run:terminate({ reason = "enough", timeout = 30 })))
    local _, err = run:get(20)
    assert.same({ "activity execution was terminated", "terminated", "enough", "alone-spec", 0 },
      { err.message, err.cause.kind, err.cause.reason, err.cause.identity, err.cause.details.n })
  end)

  it("times out", function()
    local run = alone { start_to_close_timeout = 1, schedule_to_start_timeout = 0.2 }
    local _, err = run:get(20)
    assert.same({ "activity execution timed out", "timed_out", "schedule_to_start" },
      { err.message, err.cause.kind, err.cause.timeout_type })
  end)

  it("is deleted", function()
    local run, id = alone()
    assert.is_true(temporal.assert(run:delete()))
    env.wait_until(30, function()
      local _, err = client:activity(id):describe()
      return err and err.kind == "not_found"
    end)
  end)

  it("is listed and counted", function()
    local queue = "list-" .. env.uuid()
    local runs = {}
    for i = 1, 5 do
      runs[i] = execute({ task_queue = queue, id = queue .. i }, "Listed")
      assert(runs[i]:started(10))
    end
    local query = ('TaskQueue = "%s"'):format(queue)
    env.wait_until(30, function() return client:count_activities(query) == 5 end)
    local ids = {}
    for item in client:list_activities { query = query, page_size = 2 } do
      assert.same({ "Listed", queue, "running" },
        { item.activity_type, item.task_queue, item.status })
      assert.is_true(item.schedule_time > 1700000000)
      ids[#ids + 1] = item.id
    end
    table.sort(ids)
    assert.same({ queue .. 1, queue .. 2, queue .. 3, queue .. 4, queue .. 5 }, ids)
    local count = 0
    for _ in client:list_activities { query = query, limit = 3, timeout = 10 } do
      count = count + 1
    end
    assert.equal(3, count)
    temporal.assert(runs[1]:terminate())
    local total, groups
    env.wait_until(30, function()
      total, groups = client:count_activities(query .. " GROUP BY ExecutionStatus")
      return #groups == 2
    end)
    assert.equal(5, total)
    table.sort(groups, function(a, b) return a.count < b.count end)
    assert.same({ { values = { "Terminated" }, count = 1 }, { values = { "Running" }, count = 4 } },
      groups)
    local ok, err = pcall(client:list_activities("nonsense"))
    assert.is_false(ok)
    assert.equal("invalid_argument", err.kind)
    count, err = client:count_activities { query = "nonsense" }
    assert.same({ nil, "invalid_argument" }, { count, err.kind })
  end)

  it("goes through the interceptors of its operations", function()
    local seen, layer = {}, {}
    local names = { "execute_activity", "get_activity_result", "describe_activity",
      "cancel_activity", "terminate_activity", "delete_activity", "list_activities",
      "count_activities", "complete_activity", "fail_activity", "heartbeat_activity",
      "report_canceled_activity" }
    for _, name in ipairs(names) do
      layer[name] = function(input, next)
        seen[#seen + 1] = name
        assert(input.client and input.options)
        return next(input)
      end
    end
    function layer.execute_activity(input, next)
      seen[#seen + 1] = "execute_activity"
      input.args[1], input.header.trace = { input.args[1], input.name }, "t-1"
      return next(input)
    end
    local other = temporal.client { target = env.address, namespace = env.namespace,
      interceptors = { layer } }
    local id = "seen-" .. env.uuid()
    local header = { user = 7 }
    local run = other:execute_activity({ id = id, task_queue = id, header = header,
      start_to_close_timeout = 60 }, "Seen", 1)
    assert.same({ user = 7 }, header)
    temporal.assert(run:started())
    local task = task_of(id)
    assert.equal('[1,"Seen"]', task.input.payloads[1].data)
    assert.equal('"t-1"', task.header.fields.trace.data)
    assert.equal("7", task.header.fields.user.data)
    run:describe()
    run:cancel()
    run:terminate()
    run:get(10)
    run:delete()
    assert.is_function(other:list_activities())
    other:count_activities()
    local activity = other:async_activity { activity_id = id }
    activity:complete()
    activity:fail("x")
    activity:heartbeat()
    activity:report_canceled()
    table.sort(names)
    table.sort(seen)
    assert.same(names, seen)
    assert(other:close())
  end)

  it("refuses what makes no sense, at the user's line", function()
    local function refused(pattern, fn, ...)
      local message = raised(fn, ...)
      assert.matches("standalone_activity_spec%.lua:%d+: ", message)
      assert.matches(pattern, message, 1, true)
    end
    local function starting(given, ...)
      local arguments = { ... }
      return function() return client:execute_activity(given, "A", arguments[1]) end
    end
    refused("the start options must be a table, got nothing", starting(nil))
    refused("the activity must be its type name", function()
      client:execute_activity({ task_queue = "q" }, print)
    end)
    refused("got an empty one", function() client:execute_activity({ task_queue = "q" }, "") end)
    refused('"task_queue" is missing', starting { start_to_close_timeout = 1 })
    refused('"start_to_close_timeout" is missing', starting { task_queue = "q" })
    refused('did you mean "task_queue"?', starting { taskqueue = "q" })
    refused('"id" must be a string, got 5', starting { id = 5, task_queue = "q" })
    refused('"heartbeat_timeout" must not be negative', starting { heartbeat_timeout = -1 })
    refused('"id_conflict_policy" must be one of "fail", "use_existing"',
      starting { id_conflict_policy = "terminate_existing" })
    refused('"retry_policy.maximum_attempts"',
      starting { retry_policy = { maximum_attempts = 0.5 } })
    refused('"timeout" must be above', starting { timeout = 0 })
    refused('"header" must have strings as keys', starting { header = { 1 } })
    local whole = { task_queue = "q", start_to_close_timeout = 1 }
    refused("argument 1", starting(whole, print))
    whole.header = { x = print }
    refused("header.x", starting(whole))
    refused("client:activity: the activity id must be a string", function() client:activity() end)
    refused('"run_id" must be a string', function() client:activity("a", 1) end)
    local handle = client:activity("a")
    refused("the timeout of activity:get", function() handle:get("soon") end)
    refused('unknown option of activity:get "follow_runs"', function()
      handle:get { follow_runs = true }
    end)
    refused("the reason of activity:cancel must be a string", function() handle:cancel(1) end)
    refused("unknown option of activity:terminate", function() handle:terminate { why = 1 } end)
    refused("the options of activity:describe must be a table", function() handle:describe(1) end)
    refused("takes a query (a string) or a table of options", function()
      client:list_activities(1)
    end)
    refused('"limit" must be a whole number', function()
      client:list_activities { limit = -1 }
    end)
    refused('did you mean "query"?', function() client:count_activities { qery = "" } end)
  end)
end)

describe("the future of a standalone activity", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  local whole = { id = "a", task_queue = "q", start_to_close_timeout = 1 }
  -- {run_id = "r", outcome = {result = {payloads = [{"encoding": "json/plain"}, 7]}}}
  local seven = "0A0172121F0A1D0A1B0A160A08656E636F64696E67120A6A736F6E2F706C"
    .. "61696E120137"

  it("asks again after an empty answer, and for the run that was started", function()
    local client = faults.client()
    peer:cmd("call StartActivityExecution : answer hex 0A01721001")
    peer:cmd("call 2 PollActivityExecution : answer none")
    peer:cmd("call 1 PollActivityExecution : answer hex %s", seven)
    local run = client:execute_activity(whole, "A")
    assert.equal(7, temporal.assert(run:get(10)))
    local requests = faults.requests("PollActivityExecution")
    assert.same({ 3, "a", "r" }, { #requests, requests[3].activity_id, requests[3].run_id })
    assert.equal("A", faults.requests("StartActivityExecution")[1].activity_type.name)
  end)

  it("has an error of the poll once, and asks anew", function()
    local client = faults.client()
    peer:cmd("call 1 PollActivityExecution : only grpc-status=7 grpc-message=no")
    peer:cmd("call 1 PollActivityExecution : answer hex %s", seven)
    local run = client:activity("a")
    assert.is_true(run:wait(60))
    local value, err = run:get(10)
    assert.same({ nil, "permission_denied", "a" }, { value, err.kind, err.activity_id })
    assert.equal(7, temporal.assert(run:get(10)))
  end)

  it("does not know whether a lost start has arrived", function()
    local client = faults.client()
    peer:cmd("call 1 StartActivityExecution : rst INTERNAL_ERROR")
    local run = client:execute_activity(whole, "A")
    local ok, err = run:started(10)
    assert.is_nil(ok)
    assert.same({ "unknown", "a", run.request_id },
      { err.outcome, err.activity_id, err.request_id })
  end)

  it("says which wait ran out", function()
    local client = faults.client()
    peer:cmd("call StartActivityExecution : await; answer hex 0A01721001")
    local run = client:execute_activity(whole, "A")
    assert.matches("starting)", tostring(run), 1, true)
    for _, name in ipairs { "started", "get" } do
      local value, err = run[name](run, 0.02)
      assert.is_nil(value)
      assert.same({ "timeout", false }, { err.kind, err.acknowledged })
      assert.matches("the start goes on", err.message)
    end
    local _, err = run:cancel({ timeout = 0.02 })
    assert.equal("timeout", err.kind)
    peer:cmd("release")
    assert.is_true(temporal.assert(run:started(10)))
  end)

  it("is abandoned, and closed with its client", function()
    local client = faults.client()
    peer:cmd("call PollActivityExecution : hold")
    local run = client:activity("a")
    assert.is_false(run:ready())
    run:abandon()
    local value, err = run:get(10)
    assert.same({ nil, "call_canceled" }, { value, err.kind })
    assert.is_false(run:ready())
    client:close(0)
    for _, name in ipairs { "get", "describe", "cancel" } do
      value, err = run[name](run)
      assert.same({ nil, "closed" }, { value, err.kind })
    end
    assert.is_true(run:ready())
  end)

  it("tells the value that no converter reads", function()
    local client = faults.client { converter = { { encoding = "json/plain", decode = function()
      return nil, "not today"
    end } } }
    peer:cmd("call PollActivityExecution : answer hex %s", seven)
    local run = client:activity("a")
    local value, err = run:get(10)
    assert.same({ nil, "conversion", "a" }, { value, err.kind, err.activity_id })
    assert.equal("7", run:get({ raw = true }).data)
  end)
end)
