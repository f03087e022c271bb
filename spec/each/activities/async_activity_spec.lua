-- Activities finished from outside: by token, by ids, standalone ones. The spec itself plays the
-- worker that got the task (PollActivityTaskQueue), unless a Python worker does.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local faults = require "spec.support.faults"
local temporal = require "temporal"

local FAILURE = "temporal.api.failure.v1.Failure"

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  return message
end

describe("client:async_activity", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "async-spec" }
  end)

  teardown(function()
    assert(client:close())
  end)

  -- A workflow that waits for its activity, and the task of that activity.
  local function begin(arg, attempts)
    local queue = "async-" .. env.uuid()
    local run = temporal.assert(client:start_workflow({ id = queue, task_queue = env.task_queue },
      "OneActivity", "Anything", queue, arg or 1, attempts or 1))
    local task = temporal.assert(client:call("PollActivityTaskQueue",
      { task_queue = { name = queue } }, { timeout = 30 }))
    assert.is_true(#task.task_token > 0)
    return run, task, queue
  end

  local function by_token(task)
    return client:async_activity { task_token = task.task_token }
  end

  local function by_id(run)
    return client:async_activity { workflow_id = run.id, activity_id = "one" }
  end

  it("completes by token and by ids, with any value", function()
    local run, task = begin()
    assert.is_true(temporal.assert(by_token(task):complete({ approved = true })))
    assert.same({ approved = true }, temporal.assert(run:get(20)))

    run = begin()
    assert.is_true(temporal.assert(by_id(run):complete(temporal.int64 "9007199254740993")))
    assert.matches("^9007199254740993", tostring(temporal.assert(run:get(20))))

    run = begin()
    local both = client:async_activity { workflow_id = run.id, run_id = run.run_id,
      activity_id = "one", timeout = 5, metadata = { ["x-test"] = "1" } }
    assert.is_true(temporal.assert(both:complete(nil)))
    local value, err = run:get(20)
    assert.same({ nil, nil }, { value, err })
  end)

  it("completes what a Python worker left to others", function()
    local id = "later-" .. env.uuid()
    local run = temporal.assert(client:start_workflow({ id = id, task_queue = env.task_queue },
      "OneActivity", "LaterActivity", env.task_queue, 1))
    local activity = by_id(run)
    -- Also before its worker has begun: the server takes it.
    env.wait_until(30, function() return activity:heartbeat() end)
    assert.is_true(temporal.assert(activity:complete("by Lua")))
    assert.equal("by Lua", temporal.assert(run:get(20)))
  end)

  it("says that it is finished already", function()
    local run, task = begin()
    local activity = by_token(task)
    temporal.assert(activity:complete(1))
    temporal.assert(run:get(20))
    for _, name in ipairs { "complete", "heartbeat", "report_canceled", "fail" } do
      local ok, err = activity[name](activity, "again")
      assert.is_nil(ok)
      assert.same({ "not_found", "not_found", "not_started" }, { err.kind, err.code, err.outcome })
    end
    local _, err = by_id(run):complete(2)
    assert.same({ "not_found", run.id, "one" }, { err.kind, err.workflow_id, err.activity_id })
    _, err = client:async_activity({ task_token = "junk" }):complete()
    assert.equal("invalid_argument", err.kind)
  end)

  it("fails with a string, with any value, with an application error", function()
    local run, task = begin()
    assert.is_true(temporal.assert(by_token(task):fail("out of \255 paper")))
    local _, err = run:get(20)
    assert.same({ "workflow_failed", "activity", "application" },
      { err.kind, err.cause.kind, err.cause.cause.kind })
    assert.same({ "Anything", "one", "out of \\xFF paper", "LuaSDK" }, { err.cause.activity_type,
      err.cause.activity_id, err.cause.cause.message, err.cause.cause.source })

    run, task = begin()
    temporal.assert(by_token(task):fail({ code = 7 }))
    _, err = run:get(20)
    assert.equal('{"code":7}', err.cause.cause.message)
    assert.same({ { code = 7 }, n = 1 }, err.cause.cause.details)

    run = begin(1, 5)
    temporal.assert(by_id(run):fail(temporal.application_error("declined", {
      type = "Declined", non_retryable = true, details = { 1, nil, "x", n = 3 },
      cause = temporal.application_error("no money", { type = "Bank" }),
    })))
    _, err = run:get(20)
    local cause = err:find("application")
    assert.same({ "declined", "Declined", true, "non_retryable_failure" },
      { cause.message, cause.type, cause.non_retryable, err.cause.retry_state })
    assert.same({ 1, nil, "x", n = 3 }, cause.details)
    assert.same({ "no money", "Bank" }, { cause.cause.message, cause.cause.type })
  end)

  it("is tried again, and the next attempt knows the heartbeat", function()
    local run, task, queue = begin(1, 2)
    local activity = by_token(task)
    assert.is_true(temporal.assert(activity:heartbeat("page", 3)))
    temporal.assert(activity:fail("try again"))
    task = temporal.assert(client:call("PollActivityTaskQueue",
      { task_queue = { name = queue } }, { timeout = 30 }))
    assert.same({ 2, 2 }, { task.attempt, #task.heartbeat_details.payloads })
    -- The old attempt's token is of no use any more.
    local _, err = activity:complete()
    assert.equal("not_found", err.kind)
    temporal.assert(by_token(task):fail("no", { last_heartbeat_details = { "page", 4 } }))
    _, err = run:get(20)
    assert.equal("maximum_attempts_reached", err.cause.retry_state)
  end)

  it("sends an error of the server back as the same message", function()
    local function failure_of(message)
      return assert(core.encode(FAILURE, message))
    end
    local failing = client:execute_workflow({ task_queue = env.task_queue }, "ActivityFail",
      "declined", { type = "Declined", details = { 1, "two" }, category = "benign",
        next_retry_delay = 2, cause = { message = "no money", type = "Bank" } })
    local _, err = failing:get(20)
    -- What the second workflow's activity has failed of, when it is failed with an error.
    local function sent_on(sent)
      local run, task = begin()
      temporal.assert(by_token(task):fail(sent))
      local _, received = run:get(20)
      return received.cause.cause
    end
    -- An application failure is the very same one.
    local cause = err:find("application")
    assert.equal(failure_of(cause.raw), failure_of(sent_on(cause).raw))
    -- The server takes no other: they come as its cause.
    assert.equal("activity", err.cause.kind)
    local outer = sent_on(err.cause)
    assert.same({ "application", "activity", err.cause.message },
      { outer.kind, outer.type, outer.message })
    assert.equal(failure_of(err.cause.raw), failure_of(outer.cause.raw))
    -- The error of `get` itself is ours; its causes are the server's.
    outer = sent_on(err)
    assert.same({ "application", "workflow_failed", failing.id, failing.run_id },
      { outer.kind, outer.type, outer.details[1].workflow_id, outer.details[1].run_id })
    assert.equal(failure_of(err.cause.raw), failure_of(outer.cause.raw))
  end)

  it("keeps what a termination said, also on its way back", function()
    local waiting = client:execute_workflow({ task_queue = env.task_queue }, "Wait")
    assert(waiting:started(10))
    temporal.assert(client:call("TerminateWorkflowExecution", {
      workflow_execution = { workflow_id = waiting.id }, reason = "enough", identity = "the boss",
      details = { payloads = { { metadata = { encoding = "json/plain" }, data = "7" } } } }))
    local _, err = waiting:get(10)
    assert.same({ "terminated", "enough", "the boss", 7 }, { err.cause.kind, err.cause.reason,
      err.cause.identity, err.cause.details[1] })
    local run, task = begin()
    temporal.assert(by_token(task):fail(err.cause))
    local _, received = run:get(20)
    local outer, cause = received.cause.cause, received.cause.cause.cause
    assert.same({ "application", "terminated" }, { outer.kind, outer.type })
    assert.same({ "terminated", "enough", "the boss" }, { cause.kind, cause.reason,
      cause.identity })
    assert.equal(7, cause.cause.details[1])
  end)

  it("hears of a cancellation, and reports it", function()
    local run, task = begin()
    local activity = by_token(task)
    assert.is_true(temporal.assert(activity:heartbeat(1)))
    local _, err = activity:report_canceled()
    assert.equal("invalid_argument", err.kind)
    temporal.assert(client:call("RequestCancelWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
    env.wait_until(30, function()
      _, err = activity:heartbeat(2)
      return err
    end)
    assert.same({ "activity_canceled", true }, { err.kind, err.raw.cancel_requested })
    assert.is_true(temporal.assert(activity:report_canceled("stopped at", 2)))
    _, err = run:get(20)
    assert.same({ "canceled" }, { err.cause.kind })
  end)

  it("hears of a pause and of a reset; a cancellation weighs more", function()
    local run, task = begin(1, 3)
    local activity = by_id(run)
    local execution = { workflow_id = run.id }
    temporal.assert(client:call("PauseActivity", { execution = execution, id = "one" }))
    local ok, err = activity:heartbeat()
    assert.same({ nil, "activity_paused", run.id, "one" },
      { ok, err.kind, err.workflow_id, err.activity_id })
    temporal.assert(client:call("ResetActivity",
      { execution = execution, id = "one", keep_paused = true }))
    ok, err = by_token(task):heartbeat()
    assert.same({ nil, "activity_reset" }, { ok, err.kind })
    temporal.assert(client:call("RequestCancelWorkflowExecution",
      { workflow_execution = execution }))
    env.wait_until(30, function()
      ok, err = activity:heartbeat()
      return not ok and err.kind == "activity_canceled"
    end)
    temporal.assert(activity:complete("all the same"))
    assert.equal("all the same", temporal.assert(run:get(20)))
  end)

  it("works on standalone activities", function()
    local queue = "alone-" .. env.uuid()
    local run = client:execute_activity({ id = queue, task_queue = queue,
      start_to_close_timeout = 60, heartbeat_timeout = 30 }, "Alone", 1)
    temporal.assert(run:started(10))
    local task = temporal.assert(client:call("PollActivityTaskQueue",
      { task_queue = { name = queue } }, { timeout = 30 }))
    local activity = client:async_activity { activity_id = queue, run_id = run.run_id }
    assert.is_true(temporal.assert(activity:heartbeat("half")))
    temporal.assert(by_token(task):complete("done"))
    assert.equal("done", temporal.assert(run:get(20)))
    local _, err = client:async_activity({ activity_id = queue }):complete("again")
    assert.is_not_nil(err)
    assert.equal(queue, err.activity_id)
  end)

  it("says what it is", function()
    assert.equal("temporal.async_activity (w, a)",
      tostring(client:async_activity { workflow_id = "w", activity_id = "a" }))
    assert.equal("temporal.async_activity (a)",
      tostring(client:async_activity { activity_id = "a" }))
    assert.equal("temporal.async_activity (a task token of 3 bytes)",
      tostring(client:async_activity { task_token = "abc" }))
  end)

  it("refuses what makes no sense, at the user's line", function()
    local function refused(pattern, fn, ...)
      local message = raised(fn, ...)
      assert.matches("async_activity_spec%.lua:%d+: ", message)
      assert.matches(pattern, message, 1, true)
    end
    local function make(given)
      return function() return client:async_activity(given) end
    end
    refused("takes {task_token=}, {workflow_id=, run_id=, activity_id=}, or", make(nil))
    refused("got a string", make("token"))
    refused("activity_id is missing", make { workflow_id = "w" })
    refused("got a task_token and ids", make { task_token = "t", activity_id = "a" })
    refused('did you mean "task_token"?', make { tasktoken = "t" })
    refused('"activity_id" must not be empty', make { activity_id = "" })
    refused('"timeout" must be above', make { activity_id = "a", timeout = 0 })
    refused('"metadata', make { activity_id = "a", metadata = { [1] = 2 } })
    local activity = client:async_activity { activity_id = "a" }
    refused("takes the error", function() activity:fail() end)
    refused("the options of async_activity:fail must be a table", function()
      activity:fail("x", 1)
    end)
    refused("must be a list of values", function()
      activity:fail("x", { last_heartbeat_details = 1 })
    end)
    refused("argument 2", function() activity:complete(1, print) end)
    refused("argument 1", function() activity:heartbeat("\255") end)
    refused("detail 1", function()
      activity:fail(temporal.application_error("x", { details = { 0 / 0 } }))
    end)
  end)

  it("is closed with its client", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local activity = other:async_activity { activity_id = "a" }
    assert(other:close())
    local ok, err = activity:complete()
    assert.same({ nil, "closed" }, { ok, err.kind })
    assert.matches("closed client", raised(other.async_activity, other, { activity_id = "a" }))
  end)
end)

describe("finishing an activity over a bad network", function()
  local peer

  setup(function() peer = faults.start_peer() end)
  teardown(faults.stop_peer)
  before_each(function() peer:reset() end)
  after_each(faults.after_each)

  local gone = fault_peer.status(5, "gone", "temporal.api.errordetails.v1.NotFoundFailure", "")

  it("does not know whether it was itself, when an earlier attempt may have arrived", function()
    local client = faults.client { retry = faults.QUICK }
    local activity = client:async_activity { workflow_id = "w", activity_id = "a" }
    for name, method in pairs { complete = "Completed", fail = "Failed",
                                report_canceled = "Canceled" } do
      method = ("RespondActivityTask%sById"):format(method)
      peer:cmd("call 1 %s : rst INTERNAL_ERROR", method)
      peer:cmd("call 1 %s : only %s", method, gone)
      local ok, err = activity[name](activity, "x")
      assert.is_nil(ok)
      assert.same({ "not_found", "unknown", 2 }, { err.kind, err.outcome, err.attempts })
      -- At the first attempt the server's word is final.
      peer:cmd("call 1 %s : only %s", method, gone)
      ok, err = activity[name](activity, "x")
      assert.is_nil(ok)
      assert.same({ "not_found", "not_started", 1 }, { err.kind, err.outcome, err.attempts })
    end
  end)

  it("names the activity to the server and to routers", function()
    local client = faults.client { identity = "me" }
    peer:cmd("call 1 RecordActivityTaskHeartbeatById : answer hex 080110011801")
    local activity = client:async_activity { workflow_id = "w", run_id = "r", activity_id = "a",
      metadata = { ["x-trace"] = "7" } }
    local ok, err = activity:heartbeat("d")
    assert.same({ nil, "activity_canceled" }, { ok, err.kind })
    local request = faults.requests("RecordActivityTaskHeartbeatById")[1]
    assert.same({ "default", "w", "r", "a", "me", "workflow:w", 1 }, { request.namespace,
      request.workflow_id, request.run_id, request.activity_id, request.identity,
      request.resource_id, #request.details.payloads })
    assert.equal("7", peer:headers("RecordActivityTaskHeartbeatById")["x-trace"])
    peer:cmd("call 1 RecordActivityTaskHeartbeatById : answer hex 10011801")
    ok, err = activity:heartbeat()
    assert.same({ nil, "activity_reset" }, { ok, err.kind })
    assert(client:async_activity({ activity_id = "s" }):complete())
    request = faults.requests("RespondActivityTaskCompletedById")[1]
    assert.same({ "", "s", "activity:s" },
      { request.workflow_id, request.activity_id, request.resource_id })
    assert.is_nil(request.result)
  end)

  it("sends a failure on byte for byte", function()
    local inner = assert(core.encode(FAILURE, { message = "inner", timeout_failure_info = {
      timeout_type = 4, last_heartbeat_details = { payloads = {
        { metadata = { encoding = "binary/odd" }, data = "\255" } } } } }))
    -- In the order of a canonical encoding; 127 is a field that nobody knows.
    local bytes = assert(core.encode(FAILURE, { message = "outer", source = "PythonSDK",
      stack_trace = "at 1", cause = inner, application_failure_info = { type = "T",
        non_retryable = true }, encoded_attributes = { data = "\0" } }, true)) .. "\250\7\3new"
    local function field(number, s)
      return string.char(number * 8 + 2) .. string.char(#s) .. s
    end
    assert.is_true(#bytes < 120)
    local outcome = field(1, "r") .. field(2, field(2, bytes) .. "\24\4")
    local hex = outcome:gsub(".", function(c) return ("%02X"):format(c:byte()) end)
    peer:cmd("call 1 PollActivityExecution : answer hex %s", hex)
    local client = faults.client()
    local value, err = client:activity("x"):get(10)
    assert.is_nil(value)
    assert.same({ "activity_failed", "maximum_attempts_reached", "T", "timed_out" },
      { err.kind, err.retry_state, err.cause.type, err.cause.cause.kind })
    assert(client:async_activity({ task_token = "t" }):fail(err.cause))
    assert.is_truthy(peer:requests("RespondActivityTaskFailed")[1]:find(field(2, bytes), 1, true))
    -- The server takes application failures only: any other is the cause of one.
    assert(client:async_activity({ task_token = "t" }):fail(err.cause.cause))
    assert.is_truthy(peer:requests("RespondActivityTaskFailed")[2]:find(field(4, inner), 1, true))
  end)

  it("warns when the server failed the activity for another reason", function()
    local logged = {}
    local client = faults.client { logger = function(level, message)
      logged[#logged + 1] = level .. ": " .. message
    end }
    -- failures = [{message = "too big"}]
    peer:cmd("call 1 RespondActivityTaskFailed : answer hex 0A090A07746F6F20626967")
    assert.is_true(client:async_activity({ task_token = "t" }):fail("x"))
    assert.same({ "warn: the server did not take the failure as it was: too big" }, logged)
  end)
end)
