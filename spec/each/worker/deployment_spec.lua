--- Versions of workers on the real server: what they are told of, and which runs they get.

local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60

local Pinned = temporal.define_workflow("Pinned", function()
  local go
  workflow.on_signal("go", function() go = true end)
  local first = workflow.info().deployment.build_id
  workflow.wait_condition(function() return go end)
  return { first, workflow.info().deployment.build_id,
    workflow.execute_activity({ start_to_close_timeout = 30 }, "Back", "x"):get() }
end, { versioning_behavior = "pinned" })

local function Upgraded() return workflow.info().deployment end

local function Back(value) return value end

describe("a worker of a deployment", function()
  local client, queue, name

  before_each(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    queue, name = "lua-" .. env.uuid(), "deployment-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function worker(build_id, cached)
    return workers.new { client = client, task_queue = queue, max_cached_workflows = cached,
      workflows = { Pinned, Upgraded = Upgraded }, activities = { Back = Back },
      deployment = { name = name, build_id = build_id, default_behavior = "auto_upgrade" } }
  end

  -- Makes a version the one that new runs get: once the server has seen its polls.
  local function set_current(build_id)
    env.wait_until(HUNG, function()
      temporal.poll(0.05)
      return (client:call("SetWorkerDeploymentCurrentVersion", { namespace = env.namespace,
        deployment_name = name, build_id = build_id }))
    end, "the deployment " .. build_id)
  end

  for _, cached in ipairs { 1000, 0 } do
    it(("gets its runs, and says whose they are; max_cached_workflows = %d"):format(cached),
      function()
        local result, upgraded, described
        worker("1.0", cached):run(function()
          set_current "1.0"
          local run = temporal.assert(client:start_workflow({ task_queue = queue }, "Pinned"))
          upgraded = temporal.assert(client:execute_workflow({ task_queue = queue },
            "Upgraded"):get(HUNG))
          env.wait_until(HUNG, function()
            temporal.poll(0.05)
            described = temporal.assert(run:describe())
            return described.versioning and described.versioning.version
          end, "the version of the run")
          temporal.assert(run:signal "go")
          result = temporal.assert(run:get(HUNG))
        end)
        assert.same({ name = name, build_id = "1.0" }, upgraded)
        assert.same({ "1.0", "1.0", "x" }, result)
        assert.same({ behavior = "pinned", version = { deployment = name, build_id = "1.0" } },
          { behavior = described.versioning.behavior, version = described.versioning.version })
      end)
  end

  it("may tell its build id alone", function()
    local seen
    workers.new({ client = client, task_queue = queue, workflows = { W = function()
      return workflow.info().deployment
    end }, deployment = { build_id = "7" } }):run(function()
      seen = temporal.assert(client:execute_workflow({ task_queue = queue }, "W"):get(HUNG))
    end)
    assert.same({ build_id = "7" }, seen)
  end)

  it("is misused at the caller's line", function()
    local function raises(words, deployment)
      local ok, problem = pcall(temporal.worker, { client = client, task_queue = "q",
        workflows = { Upgraded = Upgraded }, deployment = deployment })
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
    end
    raises('"deployment.build_id" is missing', { name = "n" })
    raises('"deployment.name" is missing', { build_id = "1", versioned = true })
    raises('"deployment.default_behavior" is for versioned workers only',
      { build_id = "1", default_behavior = "pinned" })
    raises('"deployment.default_behavior" must be one of "auto_upgrade", "pinned"',
      { name = "n", build_id = "1", default_behavior = "pin" })
    raises("the workflow Upgraded has no versioning behavior", { name = "n", build_id = "1" })
  end)
end)
