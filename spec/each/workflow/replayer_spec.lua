--- temporal.replayer: the forms of a history, and what a replay says.

local core = require "temporal.core"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local HISTORY = "temporal.api.history.v1.History"

local function Simulated(order)
  local receipt = workflow.execute_activity({ start_to_close_timeout = 30 }, "Charge", order):get()
  workflow.sleep(1)
  return { receipt, order.amount }
end

local function recorded()
  local sim = simulation.new(Simulated, { amount = 3 })
  sim:task()
  sim:complete("1", "receipt")
  sim:task()
  sim:fire "1"
  sim:task()
  return { events = sim.events }
end

local function json(history) return assert(core.protojson_encode(HISTORY, history)) end

local function replayer(fn, options)
  options = options or {}
  options.workflows = { Simulated = fn or Simulated }
  return temporal.replayer(options)
end

-- The error of a replay with this function.
local function error_of(fn, history, options)
  local ok, err = replayer(fn):replay(history or recorded(), options)
  assert.is_nil(ok)
  assert.is_true(temporal.is_error(err))
  return err
end

describe("a replayer", function()
  it("takes what fetch_history returns, its JSON, a list and a file", function()
    local each, history = replayer(), recorded()
    assert.is_true(each:replay(history))
    local text = json(history)
    assert.is_true(each:replay(text))
    assert.is_true(each:replay(("[%s, \n%s]"):format(text, text)))
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    assert.is_true(each:replay { file = path })
    os.remove(path)
    assert.equal("temporal.replayer (Simulated)", tostring(each))
  end)

  it("takes the names of enums as older programs write them", function()
    local history = recorded()
    local text = json(history):gsub('"EVENT_TYPE_([%u_]+)"', function(name)
      return '"' .. name:lower():gsub("_?(%l+)", function(word)
        return word:sub(1, 1):upper() .. word:sub(2)
      end) .. '"'
    end)
    assert.matches('"ActivityTaskScheduled"', text, 1, true)
    assert.is_true(replayer():replay(text))
  end)

  it("says where code and history part", function()
    local err = error_of(function()
      workflow.execute_activity({ start_to_close_timeout = 30 }, "Refund", 1):get()
    end)
    assert.same({ "nondeterminism", 5, 'activity Charge (id "1")', 'activity Refund (id "1")' },
      { err.kind, err.event_id, err.expected, err.actual })
    assert.matches("[TMPRL1100]", err.message, 1, true)
  end)

  it("says what the task failed with", function()
    local err = error_of(function() error "a bug" end)
    assert.equal("task_failed", err.kind)
    assert.matches("replayer_spec.lua:%d+: a bug", err.message)
    assert.matches("traceback", err.stack_trace)
    err = error_of(function() workflow.sleep {} end)
    assert.equal("task_failed", err.kind)
  end)

  it("names the workflows it knows", function()
    local ok, err = temporal.replayer { workflows = { Other = Simulated } }:replay(recorded())
    assert.is_nil(ok)
    assert.equal("task_failed", err.kind)
    assert.equal('no workflow "Simulated" is known to this replayer; known are: Other', err.message)
  end)

  it("says that a history cannot be read", function()
    for words, given in pairs {
      ["it is empty"] = "", ["the history cannot be read"] = "{",
      ["the list has no end"] = "[{", ["history 2 of the list"] = ('[%s, {"events": 1}]'):format(
        json(recorded())),
      ["no such file"] = { file = "/nowhere/history.json" },
      ["does not begin with the start"] = { events = {} },
      ["gap"] = { events = { recorded().events[1], recorded().events[3] } },
      ["element 2 of the list is no object"] = ("[%s, 1]"):format(json(recorded())),
      ["element 1 of the list is no object"] = '["{}"]',
      ["does not say of which type"] = [[{"events":[{"eventId":"1",
        "eventType":"EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
        "workflowExecutionStartedEventAttributes":{}}]}]],
    } do
      local err = error_of(nil, given)
      assert.equal("conversion", err.kind)
      assert.matches(words, err.message:lower(), 1, true)
    end
  end)

  it("goes through many, and goes on where one fails", function()
    local broken, i = recorded(), 0
    table.remove(broken.events, #broken.events)
    local list = { recorded(), "{", broken, json(recorded()) }
    local results = replayer():replay_all(function()
      i = i + 1
      return list[i]
    end)
    assert.same({ "none", "conversion", "nondeterminism", "none" }, {
      results[1].err and results[1].err.kind or "none", results[2].err.kind,
      results[3].err and results[3].err.kind or "none",
      results[4].err and results[4].err.kind or "none" })
    assert.equal("22222222-2222-4222-8222-222222222222", results[1].run_id)
    assert.equal(4, #replayer():replay_all(list))
  end)

  it("compares no ids when it is told so", function()
    local history = recorded()
    for _, event in ipairs(history.events) do
      for name, id in pairs { activity_id = "7", timer_id = "9" } do
        for _, attributes in pairs(event) do
          if type(attributes) == "table" and attributes[name] then attributes[name] = id end
        end
      end
    end
    assert.equal(5, error_of(nil, history).event_id)
    assert.is_true(replayer():replay(history, { match_ids = false }))
    local err = error_of(function()
      workflow.execute_activity({ start_to_close_timeout = 30 }, "Refund"):get()
    end, history, { match_ids = false })
    assert.equal(5, err.event_id)
  end)

  it("goes on with a task that has no answer yet", function()
    local sim = simulation.new(Simulated, { amount = 3 })
    sim:task()
    sim:complete("1", "receipt")
    sim:event "workflow_task_scheduled"
    sim:event "workflow_task_started"
    assert.is_true(replayer():replay { events = sim.events })
    local err = error_of(function(order)
      workflow.execute_activity({ start_to_close_timeout = 30 }, "Charge", order):get()
      error "behind history"
    end, { events = sim.events })
    assert.equal("task_failed", err.kind)
  end)

  it("reads values through codecs, and leaves what it was given as it is", function()
    local function turned(list)
      for _, payload in ipairs(list) do payload.data = payload.data:reverse() end
      return list
    end
    local codecs = { { encode = turned, decode = turned } }
    local history = recorded()
    for _, event in ipairs(history.events) do
      for _, attributes in pairs(event) do
        for _, field in ipairs { "input", "result" } do
          if type(attributes) == "table" and attributes[field] then
            turned(attributes[field].payloads)
          end
        end
      end
    end
    local each = replayer(nil, { codecs = codecs })
    for _ = 1, 2 do assert.is_true(each:replay(history)) end
    assert.equal("conversion", error_of(nil, history).kind)
  end)

  it("refuses what a newer version of this package wrote", function()
    local history = recorded()
    local said = { sdk_name = "temporal-lua", lang_used_flags = { 77 } }
    history.events[4].workflow_task_completed_event_attributes = { sdk_metadata = said }
    assert.matches("event 4 has flag 77: the history was made by a newer version",
      error_of(nil, history).message)
    said.sdk_name = "temporal-go"
    assert.is_true(replayer():replay(history))
  end)

  it("raises on misuse", function()
    local function raises(words, fn, ...)
      local ok, problem = pcall(fn, ...)
      assert.is_false(ok)
      assert.matches(words, problem, 1, true)
      assert.matches("replayer_spec.lua", problem, 1, true)
    end
    local each = replayer()
    raises("takes a table of options", temporal.replayer)
    raises('"workflows" is missing', function() return temporal.replayer {} end)
    raises('did you mean "workflows"', function() temporal.replayer { workflow = {} } end)
    raises("replayer option \"codecs\"", function()
      temporal.replayer { workflows = {}, codecs = 1 }
    end)
    raises("must be what fetch_history returns", function() each:replay(1) end)
    raises("neither events nor file", function() each:replay {} end)
    raises("with a colon", function() each.replay(recorded()) end)
    raises("takes an iterator or a list", function() each:replay_all(1) end)
    raises('did you mean "match_ids"', function() each:replay(recorded(), { match_id = 1 }) end)
  end)

  it("tells what was canceled", function()
    local canceled = { kind = "canceled", message = "" }
    setmetatable(canceled, getmetatable(error_of(function() error "x" end)))
    assert.is_true(temporal.is_canceled(canceled))
    for _, kind in ipairs { "activity", "child_workflow" } do
      local above = setmetatable({ kind = kind, cause = canceled }, getmetatable(canceled))
      assert.is_true(temporal.is_canceled(above))
    end
    assert.is_false(temporal.is_canceled(temporal.application_error "x"))
    assert.is_false(temporal.is_canceled "canceled")
    assert.is_false(temporal.is_canceled(nil))
  end)
end)
