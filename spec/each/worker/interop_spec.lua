--- Workflows in Lua with activities and children in Python, and the reverse: every kind of payload,
-- failures, signals, cancellation.

local env = require "spec.support.environment"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workers = require "spec.support.worker"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HUNG = 60
local MESSAGE = "temporal.api.common.v1.WorkflowExecution"

-- By name: what is sent, and what comes back where it is decoded on the way.
local VALUES = {
  ["nothing"] = { send = function() return nil end },
  ["a boolean"] = { send = function() return false end },
  ["an integer"] = { send = function() return 9007199254740993 end },
  ["a float"] = { send = function() return 0.1 end },
  ["text"] = { send = function() return "\195\188 \240\159\140\141" end },
  ["an object"] = { send = function() return { a = { 1, 2, { b = "c" } }, d = true } end },
  ["an empty list"] = { send = function() return temporal.array {} end },
  ["bytes"] = { send = function() return temporal.bytes "\0\255" end, get = "\0\255" },
  ["a message as JSON"] = {
    send = function() return temporal.proto(MESSAGE, { workflow_id = "w" }) end,
    get = { workflow_id = "w", run_id = "" },
  },
  ["a message in binary"] = {
    send = function()
      return temporal.proto(MESSAGE, { workflow_id = "w" }, { encoding = "binary/protobuf" })
    end,
    get = { workflow_id = "w", run_id = "" },
  },
}

local function expected(name)
  local value = VALUES[name]
  if value.get ~= nil then return value.get end
  return value.send()
end

-- As JSON has it: strings that are no text by their bytes, nil as null.
local function shown(value)
  if type(value) == "string" then return { value:byte(1, -1) } end
  if value == nil then return temporal.null end
  return value
end

-- Workflows in Lua.

local function given(python)
  return { task_queue = python, start_to_close_timeout = 30,
    retry_policy = { maximum_attempts = 1 } }
end

-- What of each kind comes back from an activity and from a child, decoded, and its encoding.
local function EchoThere(python)
  local got = {}
  for name, value in pairs(VALUES) do
    local activity = workflow.execute_activity(given(python), "EchoActivity", value.send())
    local child = workflow.execute_child_workflow({ task_queue = python }, "Echo", value.send())
    got[name] = { shown(activity:get()), shown(child:get()),
      activity:get({ raw = true }).metadata.encoding }
  end
  return got
end

local function FailThere(python)
  local function chain(future)
    local _, err = pcall(future.get, future)
    local seen = {}
    while err do
      local of = err.type or err.activity_type or err.workflow_type or false
      seen[#seen + 1] = { err.kind, of, err.message, err.details and err.details[1] or false }
      err = err.cause
    end
    return seen
  end
  return { chain(workflow.execute_activity(given(python), "BadActivity", "declined")),
    chain(workflow.execute_child_workflow({ task_queue = python }, "Fail", "broken",
      { type = "Odd", details = { 3 }, cause = { message = "deeper" } })) }
end

local function TalkThere(python)
  local child = workflow.start_child_workflow({ task_queue = python }, "Wait")
  child:signal("finish", { "told", 1 })
  local told = child:get()
  local other = workflow.start_child_workflow({ task_queue = python }, "Wait")
  workflow.external(other.id):signal("finish", "from outside")
  local doomed = workflow.start_child_workflow({ task_queue = python }, "Sleep", 600)
  doomed:cancel()
  local _, err = pcall(doomed.get, doomed)
  return { told, other:get(), err.kind, err.cause.kind }
end

local Same = temporal.define_workflow("Same", function(value) return value end,
  { args = { "raw" } })
local SameActivity = temporal.define_activity("SameActivity", function(value) return value end,
  { args = { "raw" } })

local function Decoded(value) return { type = type(value), value = value,
  memo = workflow.info().memo.of, parent = workflow.info().parent ~= nil } end

local function Listens()
  local told = {}
  workflow.on_signal("tell", function(...) told[#told + 1] = { ... } end)
  workflow.wait_condition(function() return #told > 0 end)
  return told
end

local function Fails()
  error(temporal.application_error("no stock", { type = "Empty", details = { "a", 2 },
    cause = temporal.application_error("sold", { type = "Sold" }) }))
end

local function FailsToo() return nil, "declined" end

describe("Lua and Python", function()
  local client, queue

  before_each(function()
    client = workers.client()
    queue = "lua-" .. env.uuid()
  end)
  after_each(function() client:close(0) end)

  local function beside(fn)
    return workers.new({ client = client, task_queue = queue,
      workflows = { EchoThere = EchoThere, FailThere = FailThere, TalkThere = TalkThere, Same,
        Decoded = Decoded, Listens = Listens, Fails = Fails },
      activities = { SameActivity, FailsToo = FailsToo } }):run(fn)
  end

  local function result_of(where, name, ...)
    return temporal.assert(client:execute_workflow({ task_queue = where }, name, ...):get(HUNG))
  end

  it("activities and children in Python give back every kind of payload", function()
    local got = beside(function() return result_of(queue, "EchoThere", env.task_queue) end)
    local encodings = { ["nothing"] = "binary/null", ["bytes"] = "binary/plain",
      ["a message as JSON"] = "json/protobuf", ["a message in binary"] = "binary/protobuf" }
    for name in pairs(VALUES) do
      local value = shown(expected(name))
      assert.same({ value, value, encodings[name] or "json/plain" }, got[name], name)
    end
  end)

  it("a workflow in Lua sees how those in Python fail", function()
    local got = beside(function() return result_of(queue, "FailThere", env.task_queue) end)
    assert.same({ "activity", "application", "application" },
      { got[1][1][1], got[1][2][1], got[1][3][1] })
    assert.same({ "BadActivity", "Declined", "declined", { card = 7 }, "Bank", "no money" },
      { got[1][1][2], got[1][2][2], got[1][2][3], got[1][2][4], got[1][3][2], got[1][3][3] })
    assert.same({ "child_workflow", "Fail" }, { got[2][1][1], got[2][1][2] })
    assert.same({ "application", "Odd", "broken", 3 }, got[2][2])
    assert.equal("deeper", got[2][3][3])
  end)

  it("a workflow in Lua signals and cancels those in Python", function()
    assert.same({ { "told", 1 }, "from outside", "child_workflow", "canceled" },
      beside(function() return result_of(queue, "TalkThere", env.task_queue) end))
  end)

  it("workflows in Python get every kind of payload back from Lua, byte for byte", function()
    beside(function()
      for name, value in pairs(VALUES) do
        for _, way in ipairs { { "OneActivity", "SameActivity" }, { "ChildElsewhere", "Same" } } do
          local run = client:execute_workflow({ task_queue = env.task_queue }, way[1], way[2],
            queue, value.send())
          local got, err = run:get(HUNG)
          assert.is_nil(err)
          assert.same(expected(name), got, name)
        end
      end
      local odd = temporal.raw { metadata = { encoding = "x/odd", mark = "1" }, data = "\1\2" }
      local run = client:execute_workflow({ task_queue = env.task_queue }, "ChildElsewhere", "Same",
        queue, odd)
      local raw = temporal.assert(run:get { timeout = HUNG, raw = true })
      assert.same({ "x/odd", "1", "\1\2" }, { raw.metadata.encoding, raw.metadata.mark, raw.data })
      assert.same({ type = "table", value = { 1, "a" }, memo = "Python", parent = true },
        result_of(env.task_queue, "ChildElsewhere", "Decoded", queue, { 1, "a" }))
    end)
  end)

  it("a workflow in Python sees how those in Lua fail", function()
    local got = beside(function()
      return result_of(env.task_queue, "FailureElsewhere", "FailsToo", "Fails", queue)
    end)
    assert.same({ "ActivityError", "ApplicationError" }, { got[1][1][1], got[1][2][1] })
    assert.same({ "LuaError", "LuaError: declined" }, { got[1][2][2], got[1][2][3] })
    assert.equal("ChildWorkflowError", got[2][1][1])
    assert.same({ "ApplicationError", "Empty", "Empty: no stock", { "a", 2 } }, got[2][2])
    assert.same({ "ApplicationError", "Sold", "Sold: sold", {} }, got[2][3])
  end)

  it("a workflow in Python signals and cancels those in Lua", function()
    beside(function()
      local other = temporal.assert(client:start_workflow({ task_queue = queue }, "Listens"))
      assert.same({ { { "from the parent", { n = 1 } } },
        { "ChildWorkflowError", "CancelledError" } },
        result_of(env.task_queue, "TalkElsewhere", "Listens", queue, other.id))
      assert.same({ { "from outside" } }, temporal.assert(other:get(HUNG)))
    end)
  end)
end)
