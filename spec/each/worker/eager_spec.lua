--- Eager activities, and the rates of activities, on the real server.

local env = require "spec.support.environment"
local support = require "spec.support.worker"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

local HUNG = 60
local LUA_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("eager activities", function()
  local client, queue

  before_each(function() queue = "lua-" .. env.uuid() end)

  -- How many polls have brought an activity so far, or nothing.
  local function polls() return support.polls(client, "PollActivityTaskQueue") end

  local function Calls(n, eager)
    local list = {}
    for i = 1, n do
      list[i] = workflow.execute_activity({ start_to_close_timeout = 30, eager = eager }, "Double",
        i)
    end
    local sum = 0
    for i = 1, n do sum = sum + list[i]:get() end
    return sum
  end

  -- The sum of a workflow, and how many polls it took until then.
  local function run(options, ...)
    local arguments = { ... }
    client = temporal.client { target = env.address, namespace = env.namespace }
    options.client, options.task_queue = client, queue
    options.workflows = { Calls = Calls }
    options.activities = { Double = function(n) return 2 * n end }
    local running = support.new(options)
    local sum, count = running:run(function()
      local sum = client:execute_workflow({ task_queue = queue }, "Calls",
        (table.unpack or unpack)(arguments)):get(HUNG)
      return sum, polls()
    end)
    assert.equal(0, running:status().slots.activity)
    client:close(0)
    return { sum, count }
  end

  if LUA_51 then
    it("need workflows, which PUC Lua 5.1 cannot run", function()
      assert.is_false((pcall(run, {}, 1)))
    end)
    return
  end

  it("come with the answer that asked for them: one in a plain script", function()
    assert.same({ 2, 0 }, run({}, 1))
    assert.same({ 6, 1 }, run({}, 2))
  end)

  it("are as many as wanted, and none where there is no slot", function()
    assert.same({ 12, 0 }, run({ eager_activities = 3 }, 3))
    assert.same({ 30, 2 }, run({ eager_activities = 3 }, 5))
  end)

  it("need a slot that nobody has", function()
    assert.same({ 2, 1 }, run({ slots = { activity = 1 } }, 1))
  end)

  it("are none where the worker, the call or the rate of the queue says so", function()
    assert.same({ 2, 1 }, run({ eager_activities = 0 }, 1))
    assert.same({ 2, 1 }, run({}, 1, false))
    assert.same({ 2, 1 }, run({ max_task_queue_activities_per_second = 1000 }, 1))
  end)

  it("replay where each task replays the whole history", function()
    assert.same({ 6, 0 }, run({ eager_activities = 3, max_cached_workflows = 0 }, 2))
  end)

  it("keep to the rate of the worker", function()
    local began = env.now()
    assert.same({ 30, 5 }, run({ max_activities_per_second = 10, eager_activities = 0 }, 5))
    assert.is_true(env.now() - began >= 0.4)
  end)

  it("are not polled for by a worker of local activities only", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local busy = support.new { client = other, task_queue = queue,
      activities = { Double = function() return 50 end } }
    temporal.assert(busy:start())
    assert.same({ 50, 0 }, run({ local_activities_only = true }, 1))
    assert.is_true(busy:stop(HUNG))
    other:close(0)
  end)
end)
