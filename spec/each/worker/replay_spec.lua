--- What a worker has done on the real server, fetched and replayed.

local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60

local function Order(amount)
  local approved
  workflow.on_signal("approve", function(who) approved = who end)
  workflow.wait_condition(function() return approved end, "1h")
  return workflow.execute_activity({ start_to_close_timeout = 30 }, "Charge", amount,
    approved):get()
end

local function Charge(amount, who) return ("%d by %s"):format(amount, who) end

describe("the histories of a worker", function()
  it("replay as fetch_history gives them, also of runs that are open, and all of a list", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local queue = "lua-" .. env.uuid()
    local worker = workers.new { client = client, task_queue = queue,
      workflows = { Order = Order }, activities = { Charge = Charge } }
    local replayer = temporal.replayer { workflows = { Order = Order } }
    local changed = temporal.replayer { workflows = { Order = function() return 1 end } }
    local closed, open, results
    worker:run(function()
      closed = temporal.assert(client:start_workflow({ task_queue = queue }, "Order", 3))
      temporal.assert(closed:signal("approve", "ann"))
      assert.equal("3 by ann", temporal.assert(closed:get(HUNG)))
      open = temporal.assert(client:start_workflow({ task_queue = queue }, "Order", 4))
      temporal.assert(open:query "__stack_trace") -- its first task is done
      local found = ("TaskQueue = %q"):format(queue)
      env.wait_until(HUNG, function()
        temporal.poll(0.05)
        return client:count_workflows(found) == 2
      end, "two runs to be listed")
      -- As docs/workers.md has it.
      local listed = client:list_workflows(found)
      results = replayer:replay_all(function()
        local run = listed()
        return run and temporal.assert(client:workflow(run.id, run.run_id):fetch_history())
      end)
    end)
    for _, run in ipairs { closed, open } do
      local history = temporal.assert(run:fetch_history())
      local text = temporal.assert(run:fetch_history { json = true })
      for _, each in ipairs { history, text } do
        assert.is_true(temporal.assert(replayer:replay(each)))
        assert.equal("nondeterminism", select(2, changed:replay(each)).kind)
      end
    end
    assert.equal(2, #results)
    local ids = {}
    for _, each in ipairs(results) do
      assert.is_nil(each.err)
      ids[each.id] = each.run_id
    end
    assert.same({ [closed.id] = closed.run_id, [open.id] = open.run_id }, ids)
    temporal.assert(open:terminate())
    client:close()
  end)
end)
