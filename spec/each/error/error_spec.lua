local core = require "temporal.core"
local errors = require "temporal.error.error"

local DETAILS = "temporal.api.errordetails.v1."

-- The bytes of a google.rpc.Status with typed details.
local function status(code, message, ...)
  local details = {}
  for i, detail in ipairs { ... } do
    details[i] = {
      type_url = "type.googleapis.com/" .. detail[1],
      value = detail.bytes or assert(core.encode(detail[1], detail[2])),
    }
  end
  return assert(core.encode("google.rpc.Status",
    { code = code, message = message, details = details }))
end

local function from(code, message, ...)
  return errors.from_record {
    code = code, message = message, attempts = 1,
    details = select("#", ...) > 0 and status(code, message, ...) or nil,
  }
end

describe("temporal.error", function()
  it("is one class", function()
    local err = errors.new { kind = "timeout", message = "m" }
    assert.is_true(errors.is_error(err))
    for _, other in ipairs { "x", 7, {}, setmetatable({}, { __name = "x" }), io.stdout } do
      assert.is_false(errors.is_error(other))
    end
    assert.is_false(errors.is_error(nil))
  end)

  it("finds the first of a kind down the chain", function()
    local inner = errors.new { kind = "application", message = "inner" }
    local middle = errors.new { kind = "activity", message = "middle", cause = inner }
    local outer = errors.new { kind = "workflow_failed", message = "outer", cause = middle }
    assert.equal(outer, outer:find("workflow_failed"))
    assert.equal(middle, outer:find("activity"))
    assert.equal(inner, outer:find("application"))
    assert.is_nil(outer:find("timeout"))
    assert.is_nil(inner:find("activity"))
    -- A cycle ends.
    inner.cause = outer
    assert.is_nil(outer:find("timeout"))
  end)

  it("is one line as a string, outermost first, with type, id and run id", function()
    local err = errors.new {
      kind = "workflow_failed", message = "workflow execution failed", workflow_type = "Order",
      workflow_id = "order-42", run_id = "r-1",
      cause = errors.new {
        kind = "activity", message = "activity error", activity_type = "Charge",
        activity_id = "5",
        cause = errors.new { kind = "application", type = "Declined", message = "no\nmoney" },
      },
    }
    assert.equal("workflow_failed (Order, order-42, run r-1): workflow execution failed: "
      .. "activity (Charge, 5): activity error: application (Declined): no money", tostring(err))
    assert.equal("unavailable (o-1): connection refused [3 attempts]", tostring(errors.new {
      kind = "unavailable", message = "connection refused", workflow_id = "o-1", attempts = 3,
    }))
    assert.equal("closed", tostring(errors.new { kind = "closed", message = "" }))
    assert.equal("unauthenticated: key: broken", tostring(errors.new {
      kind = "unauthenticated", message = "key", cause = "broken",
    }))
    err.cause.cause.cause = err
    assert.is_nil(tostring(err):find("\n"))
  end)

  it("maps every gRPC code to a kind", function()
    local kinds = {
      "call_canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found",
      "already_exists", "permission_denied", "resource_exhausted", "failed_precondition",
      "aborted", "out_of_range", "unimplemented", "internal", "unavailable", "data_loss",
      "unauthenticated",
    }
    for code, kind in ipairs(kinds) do
      local err = from(code, "text")
      assert.equal(kind, err.kind)
      assert.equal(kind == "call_canceled" and "cancelled" or kind, err.code)
      assert.equal("text", err.message)
      assert.equal(1, err.attempts)
    end
    local err = from(99, "text")
    assert.equal("unknown", err.kind)
  end)

  it("keeps the kind of calls that ended here", function()
    local err = errors.from_record { kind = "unavailable", message = "refused", attempts = 10 }
    assert.same({ "unavailable", "unavailable", 10 }, { err.kind, err.code, err.attempts })
    err = errors.from_record { kind = "call_canceled", message = "abandoned" }
    assert.same({ "call_canceled" }, { err.kind, err.code })
    err = errors.from_record { kind = "resource_exhausted", message = "too many submissions",
      outcome = "not_started" }
    assert.same({ "resource_exhausted", "local", "not_started" },
      { err.kind, err.resource_cause, err.outcome })
    err = errors.from_record { kind = "message_too_large", message = "m", size = 7, limit = 5 }
    assert.same({ 7, 5 }, { err.size, err.limit })
    err = errors.from_record({ kind = "fork", message = "m" },
      { fields = { workflow_id = "w", request_id = "q" } })
    assert.same({ "w", "q" }, { err.workflow_id, err.request_id })
  end)

  it("reads who holds a workflow id", function()
    local err = from(6, "already running", { DETAILS .. "WorkflowExecutionAlreadyStartedFailure",
      { start_request_id = "q", run_id = "r", first_execution_run_id = "f" } })
    assert.equal("already_started", err.kind)
    assert.equal("already_exists", err.code)
    assert.same({ "q", "r", "f" }, { err.start_request_id, err.run_id, err.first_execution_run_id })
    assert.equal("r", err.details[1].run_id)
    assert.equal(6, err.raw.code)
    -- Schedules send the detail with nothing in it.
    err = from(6, "registered", { DETAILS .. "WorkflowExecutionAlreadyStartedFailure", {} })
    assert.equal("already_started", err.kind)
    assert.is_nil(err.run_id)
    err = from(6, "x", { DETAILS .. "ActivityExecutionAlreadyStartedFailure", { run_id = "r" } })
    assert.same({ "already_started", "r" }, { err.kind, err.run_id })
  end)

  it("reads the other details of the server", function()
    local err = from(5, "Namespace x is not found.",
      { DETAILS .. "NamespaceNotFoundFailure", { namespace = "x" } })
    assert.same({ "namespace_not_found", "not_found", "x" }, { err.kind, err.code, err.namespace })

    err = from(5, "gone", { DETAILS .. "NotFoundFailure",
      { current_cluster = "a", active_cluster = "b" } })
    assert.same({ "not_found", "a", "b" }, { err.kind, err.current_cluster, err.active_cluster })

    err = from(8, "slow down", { DETAILS .. "ResourceExhaustedFailure", {
      cause = "RESOURCE_EXHAUSTED_CAUSE_RPS_LIMIT", scope = "RESOURCE_EXHAUSTED_SCOPE_NAMESPACE",
    } })
    assert.same({ "resource_exhausted", "rps_limit", "namespace" },
      { err.kind, err.resource_cause, err.scope })
    assert.is_nil(err.cause)
    assert.equal("resource_exhausted (rps_limit, namespace): slow down", tostring(err))

    err = from(7, "no", { DETAILS .. "PermissionDeniedFailure", { reason = "role" } })
    assert.same({ "permission_denied", "role" }, { err.kind, err.reason })

    err = from(9, "state", { DETAILS .. "NamespaceInvalidStateFailure", {
      namespace = "x", state = "NAMESPACE_STATE_DELETED",
      allowed_states = { "NAMESPACE_STATE_REGISTERED" },
    } })
    assert.same({ "failed_precondition", "deleted", { "registered" } },
      { err.kind, err.state, err.allowed_states })

    err = from(9, "v", { DETAILS .. "ClientVersionNotSupportedFailure",
      { client_version = "3", client_name = "n", supported_versions = "<2" } })
    assert.same({ "3", "n", "<2" }, { err.client_version, err.client_name,
      err.supported_versions })
  end)

  it("tells a failed query", function()
    local record = { code = 3, message = "boom", details = status(3, "boom",
      { DETAILS .. "QueryFailedFailure", { failure = { message = "inner" } } }) }
    local err = errors.from_record(record, {
      method = "QueryWorkflow",
      failure_to_error = function(failure)
        return errors.new { kind = "application", message = failure.message }
      end,
    })
    assert.same({ "query_failed", "invalid_argument", "boom" },
      { err.kind, err.code, err.message })
    assert.equal("inner", err.cause.message)
    -- ListScheduleMatchingTimes sends it too.
    assert.equal("invalid_argument", errors.from_record(record, { method = "Other" }).kind)
  end)

  it("tells payloads above the server's limits from other bad arguments", function()
    for _, message in ipairs { "Blob data size exceeds limit.", "Memo size exceeds limit." } do
      local err = from(3, message)
      assert.same({ "message_too_large", "invalid_argument", message },
        { err.kind, err.code, err.message })
    end
    assert.equal("invalid_argument", from(3, "SignalName length exceeds limit.").kind)
  end)

  it("tells messages that are too large from other exhaustion", function()
    local err = from(8, "grpc: received message larger than max (4194327 vs. 4194304)")
    assert.same({ "message_too_large", "resource_exhausted", 4194327, 4194304 },
      { err.kind, err.code, err.size, err.limit })
    err = from(8, "grpc: received message larger than max (9 vs. 4)",
      { DETAILS .. "ResourceExhaustedFailure", { cause = 1 } })
    assert.equal("resource_exhausted", err.kind)
  end)

  it("keeps details it cannot read", function()
    local err = from(13, "odd", { "example.Unknown", bytes = "\1\2" },
      { DETAILS .. "NotFoundFailure", bytes = "\255" })
    assert.equal("internal", err.kind)
    assert.equal("type.googleapis.com/example.Unknown", err.details[1].type_url)
    assert.equal("\1\2", err.details[1].value)
    assert.equal("\255", err.details[2].value)
    -- A status nobody can decode.
    err = errors.from_record { code = 13, message = "odd", details = "\255\255" }
    assert.same({}, err.details)
    assert.equal("\255\255", err.raw)
  end)

  it("knows whether a failed start can have started something", function()
    local function outcome(kind, code)
      return errors.start_outcome(errors.new { kind = kind, code = code, message = "" })
    end
    assert.equal("not_started", outcome("already_started", "already_exists"))
    assert.equal("not_started", outcome("invalid_argument", "invalid_argument"))
    assert.equal("not_started", outcome("fork"))
    assert.equal("unknown", outcome("unavailable", "unavailable"))
    assert.equal("unknown", outcome("deadline_exceeded", "deadline_exceeded"))
    assert.equal("unknown", outcome("internal", "internal"))
  end)

  it("asserts", function()
    local err = errors.new { kind = "timeout", message = "m" }
    local ok, raised = pcall(errors.assert, nil, err)
    assert.is_false(ok)
    assert.equal(err, raised)
    assert.same({ n = 3, [1] = 1, [2] = nil, [3] = 3 },
      (function(...) return { n = select("#", ...), ... } end)(errors.assert(1, nil, 3)))
    assert.equal(0, select("#", errors.assert()))
    assert.equal(1, select("#", errors.assert(nil)))
    assert.equal(1, select("#", errors.assert(1)))
    assert.equal(2, select("#", errors.assert(nil, nil)))
    assert.is_false((errors.assert(false, err)))
  end)
end)
