--- What of the package a worker loads before its first polls, and what behind them.

local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"

if simulation.impossible(describe, it) then return end

local PROGRAM = [[
  local temporal = require "temporal"
  local workflow = require "temporal.workflow"
  local client = temporal.client { target = "%s", namespace = "%s" }
  local worker = temporal.worker { client = client, task_queue = "%s",
    workflows = { Now = function() return workflow.now() > 0 end },
    activities = { Nothing = function() end } }
  local NAMES = { "workflow.api", "workflow.run", "workflow.sandbox.instance",
    "worker.workflow_task", "worker.activity_task" }
  local function count()
    local found = 0
    for _, name in ipairs(NAMES) do
      found = found + (package.loaded["temporal." .. name] and 1 or 0)
    end
    return found
  end
  debug, package.loaded.debug = nil, nil
  print(count())
  temporal.assert(worker:start())
  local deadline = os.time() + 30
  while count() < #NAMES and os.time() < deadline do temporal.poll(0.1) end
  print(count() == #NAMES, next(workflow) ~= nil)
  local future = client:execute_workflow({ task_queue = "%s" }, "Now")
  print(future:get(60))
  print(next(workflow) ~= nil, workflow.sleep ~= nil)
  temporal.assert(worker:stop(60))
]]

describe("a worker", function()
  it("loads what its tasks need behind its first polls, in a host without debug, too", function()
    local queue = "lua-" .. env.uuid()
    local process = env.spawn { env.lua, "-e",
      PROGRAM:format(env.address, env.namespace, queue, queue) }
    local how, code = process:wait(120)
    assert.equal("", process:errors())
    assert.equal("0\ntrue\tfalse\ntrue\ntrue\ttrue\n", process:output())
    assert.same({ "exit", 0 }, { how, code })
  end)
end)
