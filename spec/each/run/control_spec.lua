--- reset, delete, pause, unpause and update_options on the real server.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

describe("workflow:", function()
  local client, nobody

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace,
      identity = "control-spec" }
    nobody = "nobody-" .. env.uuid()
  end)

  teardown(function()
    assert(client:close())
  end)

  local function begin(options, workflow, ...)
    options.task_queue = options.task_queue or nobody
    return temporal.assert(client:start_workflow(options, workflow or "Order", ...))
  end

  local function finish(run)
    temporal.assert(client:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
  end

  local function signal(run, name, ...)
    temporal.assert(client:call("SignalWorkflowExecution",
      { workflow_execution = { workflow_id = run.id }, signal_name = name,
        input = { payloads = { ... } } }))
  end

  local function json(text)
    return { metadata = { encoding = "json/plain" }, data = text }
  end

  local function raised(handle, method, ...)
    local ok, message = pcall(handle[method], handle, ...)
    assert.is_false(ok)
    assert.matches("control_spec%.lua:%d+: ", message)
    return message
  end

  local function first_task(run)
    for event in run:history() do
      if event.event_type == "EVENT_TYPE_WORKFLOW_TASK_COMPLETED" then
        return event.event_id
      end
    end
    return nil
  end

  it("reset: a new run from a point of the history", function()
    local run = begin({ task_queue = env.task_queue }, "LookLong", 3)
    assert.equal(0, temporal.assert(run:get(30)))
    local again = temporal.assert(run:reset { event_id = first_task(run), reason = "größer" })
    assert.equal(run.id, again.id)
    assert.not_equal(run.run_id, again.run_id)
    assert.equal(0, temporal.assert(again:get(30)))
    local found = temporal.assert(again:describe())
    assert.same({ again.run_id, "completed" }, { found.run_id, found.status })
    local reasons = {}
    for event in again:history() do
      local failed = event.workflow_task_failed_event_attributes
      if failed then
        reasons[#reasons + 1] = failed.failure.message
      end
    end
    assert.same({ "größer" }, reasons)
    -- The first run is as it was.
    assert.equal("completed",
      temporal.assert(client:workflow(run.id, run.run_id):describe()).status)
  end)

  it("reset: what comes after the point is applied again, or excluded", function()
    local function reset_with(exclude)
      local run = begin({ task_queue = env.task_queue }, "Wait")
      env.wait_until(60, function()
        return first_task(run)
      end, "the first task")
      signal(run, "other", json '"x"')
      signal(run, "finish", json '"from the signal"')
      assert.equal("from the signal", temporal.assert(run:get(60)))
      return temporal.assert(run:reset { event_id = first_task(run), exclude = exclude })
    end
    local again = reset_with(nil)
    assert.equal("from the signal", temporal.assert(again:get(60)))
    again = reset_with { "signal", "update", "nexus", "cancel_request" }
    local value, err = again:get(1)
    assert.is_nil(value)
    assert.equal("timeout", err.kind)
    finish(again)
  end)

  it("reset: a running run is terminated, with the reason", function()
    local run = begin({ task_queue = env.task_queue }, "Wait")
    env.wait_until(60, function()
      return first_task(run)
    end, "the first task")
    local request_id = env.uuid()
    local again = temporal.assert(run:reset { event_id = first_task(run), reason = "anew",
      request_id = request_id })
    local _, err = client:workflow(run.id, run.run_id):get { timeout = 20, follow_runs = false }
    assert.equal("anew", err:find("terminated").reason)
    assert.equal("running", temporal.assert(again:describe()).status)
    env.wait_until(60, function()
      return first_task(again)
    end, "the first task of the new run")
    -- Not deduplicated by the server (1.29 does), which is why it is never sent twice by itself.
    local third = temporal.assert(again:reset { event_id = first_task(again),
      request_id = request_id })
    assert.equal(env.older, again.run_id == third.run_id)
    finish(third)
  end)

  it("reset: never repeated, whatever the answer", function()
    local peer = fault_peer.start()
    local broken = temporal.client { target = peer.address, logger = function() end }
    peer:cmd("call 1 ResetWorkflowExecution : only grpc-status=14 grpc-message=gone")
    local again, err = broken:workflow("w"):reset { event_id = 4 }
    assert.is_nil(again)
    assert.same({ "unavailable", 1, "unknown" }, { err.kind, err.attempts, err.outcome })
    assert.equal(1, peer:stats().ResetWorkflowExecution)
    broken:close(0)
    peer:stop()
  end)

  it("delete: a not_found after an attempt that may have done it is of unknown outcome", function()
    local peer = fault_peer.start()
    local broken = temporal.client { target = peer.address, logger = function() end,
      retry = { initial = 0.01 } }
    peer:cmd("call 1 DeleteWorkflowExecution : only grpc-status=14 grpc-message=gone")
    peer:cmd("call 2 DeleteWorkflowExecution : only grpc-status=5 grpc-message=none")
    local done, err = broken:workflow("w"):delete()
    assert.is_nil(done)
    assert.same({ "not_found", 2, "unknown" }, { err.kind, err.attempts, err.outcome })
    done, err = broken:workflow("w"):delete()
    assert.is_nil(done)
    assert.same({ "not_found", 1, "not_started" }, { err.kind, err.attempts, err.outcome })
    broken:close(0)
    peer:stop()
  end)

  it("reset: what the server refuses, and misuse", function()
    local run = begin({})
    local again, err = run:reset { event_id = 99 }
    assert.is_nil(again)
    assert.equal("invalid_argument", err.kind)
    local missing = client:workflow("no-such-" .. env.uuid())
    assert.equal("not_found", select(2, missing:reset { event_id = 4 }).kind)
    finish(run)
    assert.matches('option "event_id" of workflow:reset is missing', raised(run, "reset"), 1, true)
    assert.matches('"event_id" must be a whole number from 2', raised(run, "reset",
      { event_id = 1 }), 1, true)
    assert.matches('"exclude[2]" must be one of "signal", "update", "nexus", "cancel_request"',
      raised(run, "reset", { event_id = 4, exclude = { "signal", "signals" } }), 1, true)
    assert.matches("must be a table, got 4", raised(run, "reset", 4), 1, true)
    assert.matches('unknown option of workflow:reset "eventid"; did you mean "event_id"?',
      raised(run, "reset", { eventid = 4 }), 1, true)
  end)

  it("delete: a closed run, and a running one", function()
    local run = begin({ task_queue = env.task_queue }, "Echo", 1)
    assert.equal(1, temporal.assert(run:get(60)))
    -- When it is done is the server's affair: up to a minute later.
    assert.is_true(temporal.assert(run:delete()))
    run = begin({})
    assert.is_true(temporal.assert(run:delete { timeout = 30 }))
    env.wait_until(60, function()
      local _, err = client:workflow(run.id):describe()
      return err and err.kind == "not_found"
    end, "the deletion")
    local done, err = client:workflow("no-such-" .. env.uuid()):delete()
    assert.is_nil(done)
    assert.equal("not_found", err.kind)
    assert.not_equal("unknown", err.outcome)
    assert.matches("must be a table, got a string", raised(run, "delete", "x"), 1, true)
  end)

  it("delete: the run of the future, not a later one of the id", function()
    local id = "delete-" .. env.uuid()
    local run = begin({ id = id, task_queue = env.task_queue }, "Echo", 1)
    assert.equal(1, temporal.assert(run:get(60)))
    local later = begin { id = id }
    assert.is_true(temporal.assert(run:delete()))
    -- A deleted open run is gone at once.
    assert.equal("running", temporal.assert(later:describe()).status)
    assert.is_true(temporal.assert(later:delete()))
    env.wait_until(60, function()
      local _, err = client:workflow(id):describe()
      return err and err.kind == "not_found"
    end, "the deletion")
  end)

  it("pause, unpause: unimplemented where the server has it off", function()
    local run = begin({})
    local done, err = run:pause("later")
    assert.is_nil(done)
    assert.equal("unimplemented", err.kind)
    done, err = run:unpause()
    assert.is_nil(done)
    assert.equal("failed_precondition", err.kind)
    finish(run)
    assert.matches("the reason of workflow:pause must be a string, got 7", raised(run, "pause", 7),
      1, true)
    assert.matches('unknown option of workflow:unpause "request"', raised(run, "unpause", "x",
      { request = "x" }), 1, true)
    assert.matches("the options of workflow:pause must be a table", raised(run, "pause", "x", "y"),
      1, true)
  end)

  it("pause, unpause", function()
    local server = env.fresh_server {
      flags = { "--dynamic-config-value", "frontend.WorkflowPauseEnabled=true" } }
    local other = temporal.client { target = server.address, namespace = server.namespace,
      identity = "pauser" }
    local run = temporal.assert(other:start_workflow({ task_queue = "q" }, "Order"))
    assert.is_true(temporal.assert(run:pause("wegen Umbau")))
    local found = temporal.assert(run:describe())
    assert.equal("paused", found.status)
    local info = found.raw.workflow_extended_info.pause_info
    assert.same({ "wegen Umbau", "pauser" }, { info.reason, info.identity })
    local _, err = run:pause()
    assert.equal("failed_precondition", err.kind)
    assert.is_true(temporal.assert(run:unpause("fertig", { timeout = 30 })))
    assert.equal("running", temporal.assert(run:describe()).status)
    assert.is_true(temporal.assert(run:pause { reason = "again", timeout = 30 }))
    assert.is_true(temporal.assert(run:unpause { timeout = 30 }))
    other:close(0)
    server:kill()
  end)

  it("update_options: changes what is named, and null clears it", function()
    local run = begin { priority = { key = 2, fairness_key = "a" } }
    local function kept()
      local found = temporal.assert(run:describe())
      return found.priority, found.versioning and found.versioning.override
    end
    assert.is_true(temporal.assert(run:update_options { versioning_override = "auto_upgrade" }))
    local priority, override = kept()
    assert.same({ key = 2, fairness_key = "a" }, priority)
    assert.equal("auto_upgrade", override)
    assert.is_true(temporal.assert(run:update_options {
      priority = { key = 4, fairness_key = "ü", fairness_weight = 2.5 }, timeout = 30 }))
    priority, override = kept()
    assert.same({ key = 4, fairness_key = "ü", fairness_weight = 2.5 }, priority)
    assert.equal("auto_upgrade", override)
    -- Given back as it was described.
    assert.is_true(temporal.assert(run:update_options { priority = priority,
      versioning_override = override }))
    assert.same({ priority, override }, { kept() })
    assert.is_true(temporal.assert(run:update_options { versioning_override = temporal.null }))
    priority, override = kept()
    assert.equal(4, priority.key)
    assert.is_nil(override)
    assert.is_true(temporal.assert(run:update_options { priority = temporal.null }))
    assert.is_nil((kept()))
    finish(run)
  end)

  it("update_options: pinned, one_time, and what is refused", function()
    local run = begin {}
    -- No such deployment: the server says so, so the override has arrived.
    local version = { deployment = "d", build_id = "b" }
    local done, err = run:update_options { versioning_override = { pinned = version } }
    assert.is_true(done or err.message:find("d:b", 1, true) ~= nil, tostring(err))
    done, err = run:update_options { versioning_override = { one_time = version } }
    assert.is_true(done or temporal.is_error(err))
    finish(run)
    done, err = client:workflow("no-such-" .. env.uuid()):update_options { priority = { key = 1 } }
    assert.is_nil(done)
    assert.equal("not_found", err.kind)
    assert.matches("workflow:update_options: nothing to change", raised(run, "update_options", {}),
      1, true)
    assert.matches("workflow:update_options: nothing to change", raised(run, "update_options"),
      1, true)
    assert.matches('option of workflow:update_options "priority.key" must be a whole number from '
      .. "1 to 5, got 6", raised(run, "update_options", { priority = { key = 6 } }), 1, true)
    assert.matches('"versioning_override" must be "auto_upgrade", {pinned=', raised(run,
      "update_options", { versioning_override = "pinned" }), 1, true)
    assert.matches('"versioning_override.pinned.build_id" is missing', raised(run,
      "update_options", { versioning_override = { pinned = { deployment = "d" } } }), 1, true)
  end)

  it("of a closed client are errors of kind closed", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local handle = other:workflow("x")
    assert(other:close())
    for method, argument in pairs { reset = { event_id = 4 }, delete = {}, pause = {},
      unpause = {}, update_options = { priority = { key = 1 } } } do
      local done, err = handle[method](handle, argument)
      assert.is_nil(done)
      assert.equal("closed", err.kind, method)
    end
  end)
end)
