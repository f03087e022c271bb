--- What belongs to the Lua state outlives one copy of the modules.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local function is_ours(name)
  return name == "temporal" or (name:match("^temporal%.") and name ~= "temporal.core")
end

local function forget()
  local kept = {}
  for name, module in pairs(package.loaded) do
    if is_ours(name) then kept[name] = module end
  end
  for name in pairs(kept) do package.loaded[name] = nil end
  return kept
end

-- Calls a function with another copy of the package, the only one it can find.
local function with_second_copy(fn)
  local kept = forget()
  finally(function()
    forget()
    for name, module in pairs(kept) do package.loaded[name] = module end
  end)
  fn(require "temporal")
end

describe("temporal.state", function()
  local client, peer

  before_each(function()
    peer = fault_peer.start {
      "call StartWorkflowExecution : await; answer started",
      "call GetWorkflowExecutionHistory : answer completed 7",
    }
    client = temporal.client { target = peer.address, logger = function() end }
  end)

  after_each(function()
    temporal.host.use(nil)
    client:close(0)
    peer:stop()
  end)

  local function execute()
    return client:execute_workflow({ task_queue = "q" }, "Order")
  end

  it("is the same for a package that is loaded a second time", function()
    local first = require "temporal.base.state"
    with_second_copy(function()
      local second = require "temporal.base.state"
      assert.equal(first, second)
      assert.is_table(second.waiters)
      assert.equal("k", getmetatable(second.taken).__mode)
    end)
  end)

  it("ends the waits that another copy has begun", function()
    local late, run = execute(), execute()
    local kind
    temporal.spawn(function() kind = select(2, late:get(0.02)).kind end)
    local task = temporal.spawn(function() return run:get() end)
    with_second_copy(function(second)
      env.wait_until(30, function()
        second.poll(0.01)
        return kind
      end, "the end of the first wait")
      peer:wait_until "StartWorkflowExecution>=2"
      peer:cmd("release")
      env.wait_until(30, function()
        second.poll(0.01)
        return task:ready()
      end, "the end of the second")
    end)
    assert.equal("timeout", kind)
    assert.equal(7, task:get())
  end)

  it("has one luv host, whose waits another copy goes on with", function()
    local uv = require "luv"
    local values = {}
    temporal.host.use "luv"
    coroutine.wrap(function() values[1] = execute():get(10) end)()
    with_second_copy(function(second)
      second.host.use "luv"
      coroutine.wrap(function() values[2] = execute():get(10) end)()
      second.spawn(function() values[3] = select(2, execute():get(0.01)).kind end)
      peer:wait_until "StartWorkflowExecution>=3"
      env.wait_until(30, function()
        uv.run("nowait") -- "once" may sleep on after a timer went off
        return values[3]
      end, "the wait that runs out of time")
      peer:cmd("release")
      uv.run()
    end)
    assert.same({ 7, 7, "timeout" }, values)
  end)
end)
