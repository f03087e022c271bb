--- The code of workflows on the real server: it is ended where it does not wait, and leaves nothing
-- from run to run.

local env = require "spec.support.environment"
local promise = require "temporal.wait.promise"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60

describe("the code of a worker", function()
  local client, queue

  before_each(function()
    client = workers.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function worker(options)
    options.client, options.task_queue = client, queue
    return workers.new(options)
  end

  local function start(name, ...)
    return temporal.assert(client:start_workflow({ task_queue = queue }, name, ...))
  end

  it("is ended where it runs on without waiting, and the worker goes on", function()
    local function Endless()
      while true do pcall(error, "caught") end
    end
    local running = worker { deadlock_timeout = 0.3, workflows = { Endless = Endless,
      Echo = function(value) return value end } }
    local failed, echo = running:run(function()
      local endless, found = start "Endless", nil
      for event in endless:history { wait = true } do
        if event.event_type == "EVENT_TYPE_WORKFLOW_TASK_FAILED" then
          found = event.workflow_task_failed_event_attributes
          break
        end
      end
      local result = start("Echo", "goes on"):get(HUNG)
      endless:terminate()
      return found, result
    end)
    assert.equal("goes on", echo)
    assert.equal("WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE", failed.cause)
    assert.matches("[TMPRL1101] the workflow's code ran for 0.3 s without waiting",
      failed.failure.message, 1, true)
  end)

  for _, cached in ipairs { 1000, 0 } do
    it(("leaves nothing from run to run; max_cached_workflows = %d"):format(cached), function()
      local seen, mark = {}, { count = 0 }
      local function Leaves(name)
        mark.count = mark.count + 1
        seen[#seen + 1] = name
        _G.leaves_spec = (_G.leaves_spec or 0) + 1
        string.leaves = (rawget(string, "leaves") or 0) + 1 -- luacheck: ignore
        workflow.sleep(0.01)
        local order = {}
        for key in pairs { zebra = 1, yak = 2, ant = 3, [1] = 4 } do order[#order + 1] = key end
        return { mark.count, #seen, _G.leaves_spec, rawget(string, "leaves"), order,
          math.random(1000000), tostring(mark) }
      end
      local results = worker { max_cached_workflows = cached, workflows = { Leaves = Leaves } }
        :run(function()
          local runs, list = {}, {}
          for i = 1, 3 do runs[i] = start("Leaves", "run " .. i) end
          for i = 1, 3 do list[i] = temporal.assert(runs[i]:get(HUNG)) end
          return list
        end)
      for i = 1, 3 do
        results[i][6] = results[i][6] > 0
        assert.same({ 1, 1, 1, 1, { 1, "ant", "yak", "zebra" }, true, "table: 1" }, results[i])
      end
      assert.same({ 0, 0 }, { mark.count, #seen })
      assert.is_nil(rawget(_G, "leaves_spec"))
    end)
  end

  it("is not run any more by a run that is evicted: it closes nothing", function()
    if _VERSION ~= "Lua 5.4" then return end -- which alone has variables that are closed
    local log = { began = 0, closed = 0 }
    package.loaded["evicted log"] = log
    finally(function() package.loaded["evicted log"] = nil end)
    local Guards = load([[
      local workflow, log = ...
      return function()
        local function close() log.closed = log.closed + 1 end
        local guard <close> = setmetatable({}, { __close = close })
        log.began = log.began + 1
        local go
        workflow.on_signal("go", function() go = true end)
        workflow.wait_condition(function() return go end)
      end]])(workflow, log)
    local running = worker { max_cached_workflows = 1, passthrough = { "evicted log" },
      workflows = { Guards = Guards } }
    running:run(function()
      local first = start "Guards"
      env.wait_until(HUNG, function()
        promise.pause(0.01)
        return log.began == 1
      end, "the first run")
      local second = start "Guards"
      env.wait_until(HUNG, function()
        promise.pause(0.01)
        return log.began == 2 and running:status().cached == 1
      end, "its eviction")
      collectgarbage()
      collectgarbage()
      assert.equal(0, log.closed)
      for _, run in ipairs { first, second } do
        temporal.assert(run:signal "go")
        temporal.assert(run:get(HUNG))
      end
    end)
    -- Each was replayed, since the other had its place.
    assert.same({ began = 4, closed = 2 }, log)
  end)
end)
