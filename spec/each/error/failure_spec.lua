local close_event = require "temporal.run.close_event"
local converter = require("temporal.value.converter").new()
local core = require "temporal.core"
local errors = require "temporal.error.error"
local failure = require "temporal.error.failure"

local FAILURE = "temporal.api.failure.v1.Failure"
local EVENT = "temporal.api.history.v1.HistoryEvent"
local RUN = { workflow_id = "order-42", run_id = "r-1", workflow_type = "Order" }

local function payloads(...)
  return { payloads = { ... } }
end

local function json(value)
  return assert(converter:payload(value, "value"))
end

-- As the engine hands messages out: encoded and decoded.
local function received(type_name, message)
  return assert(core.decode(type_name, assert(core.encode(type_name, message, true))))
end

local function to_error(message)
  return failure.to_error(received(FAILURE, message), converter)
end

local function close(event_type, attributes)
  local field = event_type:lower() .. "_event_attributes"
  local event = received(EVENT, { event_type = "EVENT_TYPE_" .. event_type, [field] = attributes })
  return close_event.read(event, RUN, converter)
end

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  return message
end

describe("temporal.failure", function()
  it("reads every kind of failure", function()
    local err = to_error { message = "declined", source = "PythonSDK", stack_trace = "line 1",
      application_failure_info = {
        type = "Declined", non_retryable = true, details = payloads(json(7), json({ a = 1 })),
        next_retry_delay = { seconds = 1, nanos = 500000000 },
        category = "APPLICATION_ERROR_CATEGORY_BENIGN",
      } }
    assert.is_true(errors.is_error(err))
    assert.same({ "application", "declined", "Declined", true, 1.5, "benign" }, { err.kind,
      err.message, err.type, err.non_retryable, err.next_retry_delay, err.category })
    assert.same({ "PythonSDK", "line 1" }, { err.source, err.stack_trace })
    assert.equal(2, err.details.n)
    assert.equal(7, err.details[1])
    assert.equal(1, err.details[2].a)
    assert.equal("declined", err.raw.message)

    err = to_error { message = "plain" }
    assert.same({ "application", false, 0 }, { err.kind, err.non_retryable, err.details.n })
    assert.is_nil(err.type)

    err = to_error { message = "late", timeout_failure_info = {
      timeout_type = "TIMEOUT_TYPE_HEARTBEAT", last_heartbeat_details = payloads(json("at 3")) } }
    assert.same({ "timed_out", "heartbeat", "at 3" },
      { err.kind, err.timeout_type, err.last_heartbeat_details[1] })

    err = to_error { message = "c", canceled_failure_info = { details = payloads(json(1)),
      identity = "me" } }
    assert.same({ "canceled", 1, "me" }, { err.kind, err.details[1], err.identity })

    err = to_error { message = "t", terminated_failure_info = { identity = "op" } }
    assert.same({ "terminated", "op" }, { err.kind, err.identity })

    err = to_error { message = "s", server_failure_info = { non_retryable = true } }
    assert.same({ "server", true }, { err.kind, err.non_retryable })

    err = to_error { message = "r", reset_workflow_failure_info = {
      last_heartbeat_details = payloads(json(2)) } }
    assert.same({ "reset", 2 }, { err.kind, err.last_heartbeat_details[1] })

    err = to_error { message = "a", activity_failure_info = { scheduled_event_id = 5,
      started_event_id = 6, identity = "w", activity_type = { name = "Charge" },
      activity_id = "5", retry_state = "RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED" } }
    assert.same({ "activity", 5, 6, "w", "Charge", "5", "maximum_attempts_reached" },
      { err.kind, err.scheduled_event_id, err.started_event_id, err.identity, err.activity_type,
        err.activity_id, err.retry_state })

    err = to_error { message = "ch", child_workflow_execution_failure_info = { namespace = "n",
      workflow_execution = { workflow_id = "w", run_id = "r" }, workflow_type = { name = "T" },
      initiated_event_id = 1, started_event_id = 2,
      retry_state = "RETRY_STATE_RETRY_POLICY_NOT_SET" } }
    assert.same({ "child_workflow", "n", "w", "r", "T", 1, 2, "retry_policy_not_set" },
      { err.kind, err.namespace, err.workflow_id, err.run_id, err.workflow_type,
        err.initiated_event_id, err.started_event_id, err.retry_state })

    err = to_error { message = "n", nexus_operation_execution_failure_info = {
      scheduled_event_id = 4, endpoint = "e", service = "s", operation = "o",
      operation_id = "old" } }
    assert.same({ "nexus_operation", 4, "e", "s", "o", "old" }, { err.kind,
      err.scheduled_event_id, err.endpoint, err.service, err.operation, err.operation_token })

    err = to_error { message = "h", nexus_handler_failure_info = { type = "BAD_REQUEST",
      retry_behavior = "NEXUS_HANDLER_ERROR_RETRY_BEHAVIOR_NON_RETRYABLE" } }
    assert.same({ "nexus_handler", "BAD_REQUEST", "non_retryable" },
      { err.kind, err.type, err.retry_behavior })
  end)

  it("reads the chain of causes", function()
    local err = to_error { message = "activity error", activity_failure_info = {},
      cause = { message = "outer", application_failure_info = { type = "A" },
        cause = { message = "inner", application_failure_info = { type = "B" } } } }
    assert.equal("activity", err.kind)
    assert.equal("A", err.cause.type)
    assert.equal("B", err.cause.cause.type)
    assert.is_nil(err.cause.cause.cause)
    assert.equal("outer", err:find("application").message)
  end)

  it("cuts chains nobody reads, without recursion", function()
    local message = { message = "1" }
    for i = 2, 100000 do
      message = { message = tostring(i), cause = message }
    end
    local err = failure.to_error(message, converter)
    local count = 0
    while err do
      count = count + 1
      err = err.cause
    end
    assert.equal(100, count)
  end)

  it("takes message and stack trace from a payload when it can read it", function()
    local encoded = json({ message = "secret", stack_trace = "trace" })
    local err = to_error { message = "Encoded failure", encoded_attributes = encoded,
      cause = { message = "Encoded failure", encoded_attributes = encoded } }
    assert.same({ "secret", "trace" }, { err.message, err.stack_trace })
    assert.equal("secret", err.cause.message)
    for _, unreadable in ipairs {
      { metadata = { encoding = "binary/unknown" }, data = "x" }, json("text"),
    } do
      err = to_error { message = "Encoded failure", encoded_attributes = unreadable }
      assert.equal("Encoded failure", err.message)
    end
  end)

  it("puts a conversion error in the place of a detail nobody can read", function()
    local err = to_error { message = "x", application_failure_info = {
      details = payloads(json(1), { metadata = { encoding = "binary/odd" }, data = "?" },
        json(3)) } }
    assert.same({ 3, 1, 3 }, { err.details.n, err.details[1], err.details[3] })
    assert.equal("conversion", err.details[2].kind)
    assert.equal("binary/odd", err.details[2].encoding)
    assert.equal("?", err.details[2].raw.data)
  end)

  it("gives the payloads of a completed workflow", function()
    local list = close("WORKFLOW_EXECUTION_COMPLETED", { result = payloads(json(1), json(2)) })
    assert.equal(2, #list)
    assert.same({}, (close("WORKFLOW_EXECUTION_COMPLETED", {})))
    assert.same({}, (close("WORKFLOW_EXECUTION_COMPLETED", { result = {} })))
  end)

  it("gives a failed workflow's error its cause", function()
    local list, err = close("WORKFLOW_EXECUTION_FAILED", {
      failure = { message = "no", application_failure_info = { type = "Declined" } },
      retry_state = "RETRY_STATE_NON_RETRYABLE_FAILURE" })
    assert.is_nil(list)
    assert.same({ "workflow_failed", "order-42", "r-1", "Order", "non_retryable_failure" },
      { err.kind, err.workflow_id, err.run_id, err.workflow_type, err.retry_state })
    assert.same({ "application", "Declined" }, { err.cause.kind, err.cause.type })
    assert.equal("workflow_failed (Order, order-42, run r-1): workflow execution failed: "
      .. "application (Declined): no", tostring(err))
    assert.equal("EVENT_TYPE_WORKFLOW_EXECUTION_FAILED", err.raw.event_type)
  end)

  it("keeps all of canceled, terminated and timed out", function()
    local _, err = close("WORKFLOW_EXECUTION_CANCELED", { details = payloads(json("d")) })
    assert.same({ "workflow_failed", "canceled", "d" },
      { err.kind, err.cause.kind, err.cause.details[1] })

    _, err = close("WORKFLOW_EXECUTION_TERMINATED",
      { reason = "stop", details = payloads(json(1), json(2)), identity = "op" })
    assert.same({ "terminated", "stop", "stop", 2, "op" }, { err.cause.kind, err.cause.message,
      err.cause.reason, err.cause.details[2], err.cause.identity })

    _, err = close("WORKFLOW_EXECUTION_TIMED_OUT", { retry_state = "RETRY_STATE_TIMEOUT" })
    assert.same({ "workflow_failed", "timeout", "timed_out", "start_to_close" },
      { err.kind, err.retry_state, err.cause.kind, err.cause.timeout_type })
  end)

  it("names the run a workflow continues in, also in a rewritten event", function()
    local _, err = close("WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
      { new_execution_run_id = "r-2", workflow_type = { name = "Order" } })
    assert.same({ "continued_as_new", "r-2", "order-42", "r-1" },
      { err.kind, err.new_run_id, err.workflow_id, err.run_id })
    assert.is_nil(err.cause)
    _, err = close("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", { new_execution_run_id = "r-2",
      failure = { message = "first try", application_failure_info = { type = "T" } } })
    assert.same({ "continued_as_new", "r-2", "first try" },
      { err.kind, err.new_run_id, err.cause.message })
  end)

  it("does not take other events for the end", function()
    local _, err = close("WORKFLOW_EXECUTION_SIGNALED", {})
    assert.equal("internal", err.kind)
    assert.matches("EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED", err.message)
  end)

  it("makes application errors, and sends them", function()
    local err = failure.application_error("no money", { type = "Declined", non_retryable = true,
      details = { 1, nil, 3, n = 3 }, category = "benign", next_retry_delay = "90s",
      cause = failure.application_error("bank said no") })
    assert.same({ "application", "no money", "Declined", true, 90 },
      { err.kind, err.message, err.type, err.non_retryable, err.next_retry_delay })
    local message = received(FAILURE, failure.from_error(err, converter))
    local back = failure.to_error(message, converter)
    assert.same({ "application", "no money", "Declined", true, 90, "benign" }, { back.kind,
      back.message, back.type, back.non_retryable, back.next_retry_delay, back.category })
    assert.equal(3, back.details.n)
    assert.is_nil(back.details[2])
    assert.equal(3, back.details[3])
    assert.equal("bank said no", back.cause.message)
    assert.is_nil(back.cause.type)
  end)

  it("sends back what it received, unchanged", function()
    local message = received(FAILURE, { message = "x", source = "PythonSDK", stack_trace = "s",
      activity_failure_info = { activity_id = "5" }, cause = { message = "y" } })
    local err = failure.to_error(message, converter)
    assert.equal(message, failure.from_error(err, converter))
    -- Also as the cause of an error made here.
    local wrapped = failure.application_error("outer", { cause = err })
    assert.equal(message, failure.from_error(wrapped, converter).cause)
  end)

  it("sends anything else as an application failure", function()
    assert.equal("boom", failure.from_error("boom", converter).message)
    local sent = failure.from_error(errors.new { kind = "unavailable", code = "unavailable",
      message = "refused" }, converter)
    assert.equal("unavailable", sent.application_failure_info.type)
    sent = failure.from_error(errors.new { kind = "canceled", message = "c",
      details = { "d", n = 1 } }, converter)
    assert.equal(1, #sent.canceled_failure_info.details.payloads)
    local none, why = failure.from_error(
      failure.application_error("x", { details = { 0 / 0 } }), converter)
    assert.is_nil(none)
    assert.matches("detail 1", why)
  end)

  it("keeps every field of the errors that close events make", function()
    local function sent_on(err)
      return failure.to_error(received(FAILURE, failure.from_error(err, converter)), converter)
    end
    local back = sent_on(errors.new { kind = "canceled", message = "stop", identity = "me",
      details = { 1, nil, n = 2 } })
    assert.same({ "canceled", "stop", "me", 1, 2, "LuaSDK" }, { back.kind, back.message,
      back.identity, back.details[1], back.details.n, back.source })
    back = sent_on(errors.new { kind = "timed_out", message = "late", timeout_type = "heartbeat",
      last_heartbeat_details = { "at 3" }, stack_trace = "line 1" })
    assert.same({ "timed_out", "late", "heartbeat", "at 3", "line 1" }, { back.kind, back.message,
      back.timeout_type, back.last_heartbeat_details[1], back.stack_trace })
    -- A failure has no place for the details of a termination: they are in its cause.
    back = sent_on(errors.new { kind = "terminated", message = "enough", identity = "boss",
      details = { 7, n = 1 }, cause = errors.new { kind = "application", message = "why" } })
    assert.same({ "terminated", "enough", "enough", "boss", 7, "why" }, { back.kind, back.message,
      back.reason, back.identity, back.cause.details[1], back.cause.cause.message })
    back = sent_on(errors.new { kind = "terminated", message = "enough", details = { n = 0 } })
    assert.is_nil(back.cause)
    -- What has no form of its own is an application failure with what it knows.
    back = sent_on(errors.new { kind = "workflow_failed", message = "failed", workflow_id = "w",
      run_id = "r", attempts = 2, raw = { event_type = "X" }, odd = 0 / 0, binary = "\255",
      cause = errors.new { kind = "application", message = "why", type = "T" } })
    assert.same({ "application", "workflow_failed", "failed", "T" },
      { back.kind, back.type, back.message, back.cause.type })
    assert.same({ workflow_id = "w", run_id = "r", attempts = 2 }, back.details[1])
    -- Also where the Failure of its cause is at hand.
    local known = received(FAILURE, { message = "no" })
    back = sent_on(errors.new { kind = "update_failed", message = "failed", update_id = "u",
      raw = known, cause = failure.to_error(known, converter) })
    assert.same({ "update_failed", "u", "no" },
      { back.type, back.details[1].update_id, back.cause.message })
  end)

  it("sends any value", function()
    local function sent(value)
      return failure.to_error(received(FAILURE, failure.from_error(value, converter)), converter)
    end
    assert.same({ "boom", 0 }, { sent("boom").message, sent("boom").details.n })
    assert.same({ "42", 42 }, { sent(42).message, sent(42).details[1] })
    assert.same({ "false", false }, { sent(false).message, sent(false).details[1] })
    local named = setmetatable({ code = 7 }, { __tostring = function() return "code 7" end })
    assert.same({ "code 7", 7 }, { sent(named).message, sent(named).details[1].code })
    -- An address says nothing.
    assert.same({ '{"code":404}', 404 }, { sent({ code = 404 }).message,
      sent({ code = 404 }).details[1].code })
    assert.matches("^table: ", sent({ ("x"):rep(1000) }).message)
    -- What does not convert is at least named.
    assert.matches("^function: ", sent(print).message)
    assert.equal(0, sent(print).details.n)
    -- Bytes that no proto string can hold are shown.
    assert.equal("a\\xFF\\xC3b", sent("a\255\195b").message)
    assert.equal("grün", sent("grün").message)
  end)

  it("hides message and stack trace where the converter says so", function()
    local hiding = setmetatable({ encode_common_attributes = true }, { __index = converter })
    local known = received(FAILURE, { message = "from the server", source = "PythonSDK" })
    local err = failure.application_error("secret", { type = "T", cause =
      failure.application_error("inner secret", { cause = failure.to_error(known, converter) }) })
    err.stack_trace = "at 1"
    local message = received(FAILURE, failure.from_error(err, hiding))
    assert.same({ "Encoded failure", "", "Encoded failure" },
      { message.message, message.stack_trace, message.cause.message })
    assert.equal("T", message.application_failure_info.type)
    assert.equal('{"message":"secret","stack_trace":"at 1"}',
      (message.encoded_attributes.data:gsub('^{("stack_trace":"at 1"),("message":"secret")}$',
        "{%2,%1}")))
    local back = failure.to_error(message, converter)
    assert.same({ "secret", "at 1", "inner secret" },
      { back.message, back.stack_trace, back.cause.message })
    assert.is_nil(back.cause.stack_trace)
    -- What came from the server goes back as it came.
    assert.same({ "from the server", "PythonSDK" },
      { message.cause.cause.message, message.cause.cause.source })
    -- Also the failure that holds the details of a termination.
    message = failure.from_error(errors.new { kind = "terminated", message = "m",
      details = { 1 } }, hiding)
    assert.same({ "Encoded failure", "Encoded failure" },
      { message.message, message.cause.message })
  end)

  it("hands on what a codec says", function()
    local broken = errors.new { kind = "codec", message = "no key" }
    local codec = setmetatable({ payload = function() return nil, broken end },
      { __index = converter })
    local none, why = failure.from_error({ code = 7 }, codec)
    assert.same({ nil, broken }, { none, why })
    none, why = failure.from_error(failure.application_error("x", { details = { 1 } }), codec)
    assert.same({ nil, broken }, { none, why })
    codec.encode_common_attributes = true
    none, why = failure.from_error("x", codec)
    assert.same({ nil, broken }, { none, why })
  end)

  it("checks what an application error is made of", function()
    local make = failure.application_error
    assert.matches("the message must be a string, got nothing", raised(make), 1, true)
    assert.matches("the second argument must be a table", raised(make, "x", "y"), 1, true)
    assert.matches('unknown option of temporal.application_error "typ"; did you mean "type"?',
      raised(make, "x", { typ = "y" }), 1, true)
    assert.matches('must be one of "benign"', raised(make, "x", { category = "bad" }), 1, true)
    assert.matches("must be a list of values", raised(make, "x", { details = "d" }), 1, true)
    assert.equal("text", make("x", { cause = "text" }).cause.message)
  end)
end)
