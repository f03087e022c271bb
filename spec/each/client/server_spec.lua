--- What the server says of itself.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

describe("client:", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function raised(method, ...)
    local ok, message = pcall(client[method], client, ...)
    assert.is_false(ok)
    assert.matches("server_spec%.lua:%d+: ", message)
    return message
  end

  it("describe_task_queue: pollers and backlog", function()
    local found
    env.wait_until(30, function()
      found = temporal.assert(client:describe_task_queue(env.task_queue))
      return #found.pollers > 0
    end, "a poller")
    assert.equal(env.task_queue, found.name)
    assert.is_string(found.pollers[1].identity)
    assert.is_true(found.pollers[1].last_access_time > 1700000000)
    assert.is_nil(found.pollers[1].deployment)
    assert.is_number(found.stats.backlog_count)
    assert.is_number(found.stats.backlog_age)
    assert.is_table(found.raw.pollers)
    found = temporal.assert(client:describe_task_queue(env.task_queue, { type = "activity" }))
    assert.is_true(#found.pollers > 0)
    local queue = "nobody-" .. env.uuid()
    local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Order"))
    env.wait_until(30, function()
      found = temporal.assert(client:describe_task_queue { name = queue, type = "workflow" })
      return found.stats.backlog_count == 1
    end, "the task in the backlog")
    assert.same({}, found.pollers)
    found = temporal.assert(client:describe_task_queue(queue, { stats = false, timeout = 30 }))
    assert.is_nil(found.stats)
    temporal.assert(client:call("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }))
    assert.matches("client:describe_task_queue takes a name", raised "describe_task_queue", 1,
      true)
    assert.matches('client:describe_task_queue: the option "name" is missing',
      raised("describe_task_queue", {}), 1, true)
    assert.matches('"type" must be one of "activity", "nexus", "workflow"',
      raised("describe_task_queue", "q", { type = "both" }), 1, true)
    assert.matches("got an empty string", raised("describe_task_queue", ""), 1, true)
  end)

  it("describe_namespace: ours, another, none", function()
    local found = temporal.assert(client:describe_namespace())
    assert.same({ env.namespace, "registered", false },
      { found.name, found.state, found.is_global })
    assert.is_true(found.retention > 0)
    assert.equal("disabled", found.history_archival)
    assert.is_true(found.capabilities.sync_update)
    assert.equal(not env.older and 2 * 1024 * 1024 or nil, found.limits.blob_size_limit_error)
    assert.equal(found.name, found.raw.namespace_info.name)
    assert.is_string(found.active_cluster)
    assert.equal("temporal-system",
      temporal.assert(client:describe_namespace("temporal-system")).name)
    assert.equal(env.namespace, temporal.assert(client:describe_namespace { timeout = 30 }).name)
    assert.equal("default", temporal.assert(client:describe_namespace { name = "default" }).name)
    local none, err = client:describe_namespace("no-such-namespace")
    assert.is_nil(none)
    assert.equal("namespace_not_found", err.kind)
    assert.matches("takes a name", raised("describe_namespace", 7), 1, true)
  end)

  it("system_info: version and capabilities", function()
    local found = temporal.assert(client:system_info())
    assert.matches("^%d+%.%d+", found.server_version)
    assert.is_true(found.capabilities.supports_schedules)
    assert.equal(found.server_version, found.raw.server_version)
    assert.equal(found.server_version,
      temporal.assert(client:system_info { timeout = 30 }).server_version)
    assert.matches("must be a table, got a string", raised("system_info", "x"), 1, true)
  end)

  it("check_health: true, or what the server says", function()
    assert.is_true(temporal.assert(client:check_health()))
    assert.is_true(temporal.assert(client:check_health(
      "temporal.api.workflowservice.v1.WorkflowService")))
    assert.is_true(temporal.assert(client:check_health { timeout = 30 }))
    local healthy, err = client:check_health("no.such.Service")
    assert.is_nil(healthy)
    assert.equal("not_found", err.kind)
    local nowhere = temporal.client { target = "127.0.0.1:1", logger = function() end }
    healthy, err = nowhere:check_health { timeout = 0.2 }
    assert.is_nil(healthy)
    assert.equal("unavailable", err.kind)
    nowhere:close(0)
    local peer = fault_peer.start()
    local ill = temporal.client { target = peer.address, logger = function() end }
    -- NOT_SERVING, and a status of a newer protocol.
    peer:cmd("call 1 Check : answer hex 0802")
    peer:cmd("call 1 Check : answer hex 0863")
    assert.is_false(ill:check_health())
    assert.is_false(ill:check_health())
    ill:close(0)
    peer:stop()
  end)
end)
