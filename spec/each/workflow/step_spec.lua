--- A step of a run that does not wait: it is ended from outside, whatever its code catches.

local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end



local function forever() while true do end end

-- Does the task fail, and in time?
local function ends(definition, ...)
  local sim = simulation.new(definition, ...)
  sim.run.deadlock_timeout = 0.05
  local commands, problem = sim:task()
  assert.is_nil(commands)
  assert.matches("ran for 0.05 s without waiting", tostring(problem), 1, true)
  return tostring(problem), sim
end

describe("a step that does not wait", function()
  for name, definition in pairs {
    ["a loop"] = forever,
    ["a loop that catches all"] = function() while true do pcall(forever) end end,
    ["a loop of waits that raise"] = function()
      while true do pcall(workflow.sleep, "no duration") end
    end,
    ["a callback of string.gsub"] = function() ("x"):gsub("x", forever) end,
    ["a callback of string.gsub that catches all"] = function()
      ("x"):gsub("x", function() while true do pcall(forever) end end)
    end,
    ["a comparison of table.sort"] = function() table.sort({ 3, 2, 1 }, forever) end,
    ["a metamethod"] = function() return setmetatable({}, { __index = forever }).x end,
    ["__tostring"] = function() return tostring(setmetatable({}, { __tostring = forever })) end,
    ["an iterator"] = function() for _ in forever do forever() end end,
    ["a coroutine"] = function() coroutine.resume(coroutine.create(forever)) return "after" end,
    ["an iterator that is a coroutine"] = function()
      for _ in coroutine.wrap(forever) do forever() end
      return "after"
    end,
    ["coroutines in coroutines"] = function()
      local function deep(n)
        while true do
          if n == 0 then pcall(forever) else pcall(coroutine.wrap(deep), n - 1) end
        end
      end
      deep(3)
    end,
    ["a condition"] = function() workflow.wait_condition(forever) end,
    ["what was spawned"] = function() workflow.spawn(forever):get() end,
    ["the handler of a signal that came first"] = function()
      workflow.on_signal("s", forever)
      workflow.sleep(1)
    end,
    ["fibers that wake each other"] = function()
      local turn = 0
      local function play(mine)
        while true do
          workflow.wait_condition(function() return turn % 2 == mine end)
          turn = turn + 1
        end
      end
      workflow.spawn(play, 0)
      play(1)
    end,
  } do
    it("is ended: " .. name, function()
      local sim = simulation.new(definition)
      sim.run.deadlock_timeout = 0.05
      sim:signal "s"
      local commands, problem = sim:task()
      assert.is_nil(commands)
      assert.matches("[TMPRL1101] the workflow's code ran for 0.05 s", tostring(problem), 1, true)
    end)
  end

  it("is ended in a condition that is tried later", function()
    local sim = simulation.new(function()
      local bad = false
      workflow.on_signal("s", function() bad = true end)
      workflow.wait_condition(function() while bad do end end)
    end)
    sim:task()
    sim.run.deadlock_timeout = 0.05
    sim:signal "s"
    local commands, problem = sim:task()
    assert.is_nil(commands)
    assert.matches("ran for 0.05 s", tostring(problem), 1, true)
  end)

  it("is told that a canceled scope may be why", function()
    local problem = ends(function()
      workflow.scope(function(scope)
        scope:cancel()
        while true do pcall(workflow.sleep, 1) end
      end)
    end)
    assert.matches("scope is canceled, where every further wait raises at once", problem, 1, true)
  end)

  it("fails the workflow where fail_workflow_on says so", function()
    local sim = simulation.new(forever)
    sim.run.deadlock_timeout, sim.run.fail_on = 0.05, { error = true }
    assert.equal("fail_workflow_execution", sim:task())
    assert.matches("ran for 0.05 s without waiting", sim:failure().message, 1, true)
  end)

  it("fails a query alone", function()
    local sim = simulation.new(function()
      workflow.on_query("hangs", forever)
      workflow.on_query("works", function() return "yes" end)
      workflow.sleep(1)
      return "done"
    end)
    assert.equal("start_timer", sim:task())
    sim.run.deadlock_timeout = 0.05
    local value, why = sim:query "hangs"
    assert.is_nil(value)
    assert.matches("ran for 0.05 s", why, 1, true)
    sim.run.deadlock_timeout = 60
    assert.equal("yes", sim:query "works")
    sim:fire "1"
    assert.equal("complete_workflow_execution", sim:task())
  end)

  it("has a limit that the worker's options set, or the environment takes away", function()
    local client = temporal.client()
    local function limit(value)
      return temporal.worker { client = client, task_queue = "q", workflows = { W = forever },
        deadlock_timeout = value }.code.deadlock_timeout
    end
    assert.equal(2, limit())
    assert.equal(0.5, limit "500ms")
    assert.is_nil(limit(false))
    for _, bad in ipairs { 0, "soon", true } do
      local ok, problem = pcall(limit, bad)
      assert.is_false(ok)
      assert.matches('worker option "deadlock_timeout"', problem, 1, true)
    end
    client:close(0)
    local program = [[local temporal = require "temporal"
      print(temporal.worker { client = temporal.client(), task_queue = "q",
        workflows = { W = function() end }, deadlock_timeout = 1 }.code.deadlock_timeout)]]
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(program)
    file:close()
    local pipe = io.popen(("TEMPORAL_DEBUG=1 LUA_PATH='%s' LUA_CPATH='%s' %s %s 2>&1"):format(
      package.path, package.cpath, os.getenv "TEMPORAL_TEST_LUA" or "lua5.4", path))
    assert.equal("nil\n", pipe:read "*a")
    pipe:close()
    os.remove(path)
  end)

  it("leaves other runs, and the program, alone", function()
    ends(forever)
    for _ = 1, 100000 do assert(true) end
    local sim = simulation.new(function() workflow.sleep(1) return "fine" end)
    sim.run.deadlock_timeout = 60
    assert.equal("start_timer", sim:task())
    sim:fire "1"
    sim:task()
    assert.equal("fine", sim:result())
    sim:verify()
  end)
end)
