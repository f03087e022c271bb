--- Updates of a run, without a server. Every test replays what it has written in three ways.

local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local ACTIVITY = { start_to_close_timeout = 10 }

describe("a run, updated:", function()
  describe("an update", function()
    it("is accepted, does its work and has a result", function()
      local sim = simulation.new(function()
        local total = 0
        workflow.on_update("add", function(n)
          total = total + workflow.execute_activity(ACTIVITY, "Fee", n):get()
          return { total = total, id = workflow.update_info().id }
        end)
        workflow.wait_condition(function()
          return total > 5 and workflow.all_handlers_finished()
        end)
        return total
      end)
      sim:task()
      sim:update("u1", "add", 3)
      assert.equal("protocol_message schedule_activity_task", sim:task())
      assert.equal("accept", (sim:answered "u1"))
      sim:complete("1", 7)
      assert.equal("protocol_message complete_workflow_execution", sim:task())
      assert.same({ "complete", { total = 7, id = "u1" } }, { sim:answered "u1" })
      sim:verify()
    end)

    it("keeps its place among many of one task", function()
      local sim = simulation.new(function()
        local order = {}
        workflow.on_update("u", function(n)
          order[#order + 1] = n
          workflow.execute_activity(ACTIVITY, "A" .. n)
        end)
        workflow.wait_condition(function() return #order == 30 end)
        return order
      end)
      sim:task()
      local expected = {}
      for n = 1, 30 do
        expected[n] = n
        sim:update("u" .. n, "u", n)
      end
      sim:task()
      assert.same(expected, sim:result())
      sim:verify()
    end)

    it("is rejected by its validator, for its name, and leaves no trace", function()
      local looked = 0
      local sim = simulation.new(function()
        workflow.on_update("set", function(n) return n end, { validator = function(n)
          if n == 1 then error "not one" end
          if n == 2 then return false, "not two" end
          if n == 3 then return nil, "not three" end
        end })
        workflow.wait_condition(function()
          looked = looked + 1
          return false
        end)
      end)
      sim:task()
      local before = looked
      for n = 1, 3 do sim:update("u" .. n, "set", n) end
      sim:update("u4", "unknown")
      assert.equal("", sim:task())
      assert.equal(before, looked)
      local words, why = sim:answered "u1"
      assert.equal("reject", words)
      assert.matches("not one", why)
      assert.same({ "reject", "not two" }, { sim:answered "u2" })
      assert.same({ "reject", "not three" }, { sim:answered "u3" })
      words, why = sim:answered "u4"
      assert.equal("reject", words)
      assert.matches('unknown update "unknown"; known are: set', why)
      sim:verify()
    end)

    it("fails by nil and why and by an error object; a bug fails the task", function()
      local sim = simulation.new(function()
        workflow.on_update("fail", function(how)
          if how == "returned" then return nil, "no" end
          if how == "raised" then error(temporal.application_error "never") end
          error "a bug"
        end)
        workflow.sleep(60)
      end)
      sim:task()
      sim:update("u1", "fail", "returned")
      sim:update("u2", "fail", "raised")
      assert.equal(("protocol_message "):rep(4):sub(1, -2), sim:task())
      assert.same({ "accept complete", "no" }, { sim:answered "u1" })
      assert.same({ "accept complete", "never" }, { sim:answered "u2" })
      sim:verify()
      sim:update("u3", "fail", "bug")
      local ok, problem = sim:task()
      assert.is_nil(ok)
      assert.matches("a bug", problem)
    end)

    it("that comes first is handled before main does anything", function()
      local sim = simulation.new(function()
        local order = {}
        workflow.on_update("u", function()
          order[#order + 1] = "update"
          return #order
        end)
        order[#order + 1] = "main"
        workflow.sleep(1)
        return order
      end)
      sim:update("u1", "u")
      assert.equal("protocol_message protocol_message start_timer", sim:task())
      sim:fire "1"
      sim:task()
      assert.same({ "main", "update" }, sim:result())
      sim:verify()
    end)

    it("whose handler is gone does not match its history", function()
      local sim = simulation.new(function()
        workflow.on_update("u", function() return 1 end)
        workflow.sleep(1)
      end)
      sim:update("u1", "u")
      sim:task()
      local ok, problem = sim:replay(function() workflow.sleep(1) end)
      assert.is_nil(ok)
      assert.equal("nondeterminism", problem.kind)
    end)

    it("whose handler has not ended is told of when the run ends", function()
      local sim = simulation.new(function()
        workflow.on_update("slow", function() workflow.sleep(60) end)
        workflow.on_signal(temporal.any, function(name)
          if name == "quiet" then workflow.sleep(60) end
        end, { unfinished = "abandon" })
        workflow.wait_condition(function() return not workflow.all_handlers_finished() end)
      end)
      sim:update("u1", "slow")
      sim:signal "quiet"
      sim:task()
      assert.equal(1, #sim.log)
      assert.matches("TMPRL1102.*: update slow;", sim.log[1])
      sim:verify()
    end)
  end)

  it("takes those that a reset left in the order in which they came", function()
    local sim = simulation.new(function()
      local order = {}
      workflow.on_update("add", function(n) order[#order + 1] = n end)
      workflow.wait_condition(function() return #order == 8 end)
      return order
    end)
    for i = 1, 8 do
      sim:event("workflow_execution_update_admitted", { request = {
        meta = { update_id = ("update %d"):format(i * 37 % 11) },
        input = { name = "add", args = { payloads = {
          { metadata = { encoding = "json/plain" }, data = tostring(i) } } } },
      } })
    end
    sim:task()
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, sim:result())
    sim:verify()
  end)
end)
