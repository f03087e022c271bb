--- What the features of deployments (spec/features/deployment_versioning) have in common: two
-- versions of a workflow that waits for a signal, on one task queue, the second of which upgrades.
-- The deployment has the name of the queue.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local deployments = {}

local function waits(suffix)
  return function()
    local value
    workflow.on_signal("start-signal", function(given) value = given end)
    workflow.wait_condition(function() return value end)
    return value .. suffix
  end
end

local WORKFLOWS = { ["1.0"] = waits "_v1", ["2.0"] = waits "_v2" }

-- What a worker of a version has.
local function worker(queue, build_id, behavior)
  return { workflows = { Workflow = WORKFLOWS[build_id] }, deployment = { name = queue,
    build_id = build_id, default_behavior = behavior } }
end

-- Deployments are workflows of the server's own, and slow.
local PACE = 0.1

-- Waits for what `ask` returns, asking at that pace.
local function wait_until(t, what, ask)
  t:wait_until(what, function()
    local answer = ask()
    if not answer then t:sleep(PACE) end
    return answer
  end)
end

-- A version is known once the server has seen its polls; then the task queue has to hear of it.
local function route(t, method, request, field)
  request.deployment_name, request.identity = t.queue, "features"
  wait_until(t, "version " .. request.build_id, function()
    return (t.client:call(method, request))
  end)
  wait_until(t, "its route", function()
    local info = temporal.assert(t.client:call("DescribeTaskQueue", { task_queue = {
      name = t.queue }, task_queue_type = "TASK_QUEUE_TYPE_WORKFLOW" })).versioning_info
    local version = info and info[field]
    return version and version.build_id == request.build_id
  end)
end

--- The version that new runs get.
function deployments.set_current(t, build_id)
  route(t, "SetWorkerDeploymentCurrentVersion", { build_id = build_id },
    "current_deployment_version")
end

--- The version that so many of them get, in percent.
function deployments.set_ramp(t, build_id, percentage)
  route(t, "SetWorkerDeploymentRampingVersion", { build_id = build_id, percentage = percentage },
    "ramping_deployment_version")
end

--- Waits until the run has had its first task, on that version.
function deployments.wait_for_version(t, run, build_id)
  local version = t:wait_until("the first task", function()
    local versioning = temporal.assert(run:describe()).versioning
    return versioning and versioning.version
  end)
  t:equal(build_id, version.build_id)
end

--- The signal, and what comes of it.
function deployments.finish(t, run, result)
  temporal.assert(run:signal("start-signal", "prefix"))
  t:equal(result, t:result(run))
end

--- A feature: both workers run, and version 1.0 is current where the run is started.
-- @param behavior of version 1.0
-- @param check as in each feature
-- @param start `start(t)`, where that is more than `t:start()`
function deployments.feature(behavior, check, start)
  return {
    workflows = worker("", "1.0").workflows,
    worker = function(queue) return worker(queue, "1.0", behavior) end,
    start = function(t)
      t:start_beside(worker(t.queue, "2.0", "auto_upgrade"))
      deployments.set_current(t, "1.0")
      if start then return start(t) end
      return t:start()
    end,
    check = check,
  }
end

return deployments
