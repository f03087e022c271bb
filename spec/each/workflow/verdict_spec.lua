--- Who fails when something does: the workflow or its task, and with which words.

local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local verdict = require "temporal.workflow.verdict"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local ACTIVITY = { start_to_close_timeout = 10 }

-- The failure of a workflow.
local function failed(fn, ...)
  local sim = simulation.new(fn, ...)
  local commands, problem = sim:task()
  assert.matches("fail_workflow_execution$", commands or tostring(problem))
  local failure = sim:failure()
  sim:verify()
  return failure, sim
end

local function application(fn, ...)
  local failure = failed(fn, ...)
  return failure.application_failure_info.type, failure.message, failure
end

local function words(fn)
  local kind, message = application(fn)
  return kind, message
end

-- What failed the task of a workflow.
local function task_of(fn, ...)
  local commands, problem = simulation.new(fn, ...):task()
  assert.is_nil(commands)
  return problem
end

local function strange(name, text)
  return setmetatable({ code = 7 }, { __name = name, __tostring = function() return text end })
end

describe("the workflow fails", function()
  it("with `nil, err`, whatever err is", function()
    assert.same({ "LuaError", "no stock" }, { words(function() return nil, "no stock" end) })
    local kind, message, failure = application(function()
      return nil, strange("shop.Empty", "it is empty")
    end)
    assert.same({ "shop.Empty", "it is empty", '{"code":7}' },
      { kind, message, failure.application_failure_info.details.payloads[1].data })
    assert.same({ "Own", "mine" }, { words(function()
      return nil, temporal.application_error("mine", { type = "Own" })
    end) })
  end)

  it("with an error object that is raised, its causes and what it was made of", function()
    local kind, message, failure = application(function()
      error(temporal.application_error("outer", { type = "Outer", non_retryable = true,
        details = { 1 }, cause = temporal.application_error("inner", { type = "Inner" }) }))
    end)
    assert.same({ "Outer", "outer", true, "inner", "Inner" }, { kind, message,
      failure.application_failure_info.non_retryable, failure.cause.message,
      failure.cause.application_failure_info.type })
    local sim = simulation.new(function() workflow.execute_activity(ACTIVITY, "A"):get() end)
    sim:task()
    sim:fail("1", "sold out")
    assert.equal("fail_workflow_execution", sim:task())
    failure = sim:failure()
    assert.same({ "activity task failed", "A", "sold out", "Broken" }, { failure.message,
      failure.activity_failure_info.activity_type.name, failure.cause.message,
      failure.cause.application_failure_info.type })
    sim:verify()
  end)

  it("with a kind that the protocol has no failure for, as its type", function()
    assert.same({ "timeout", "not done after 0.001 s" }, { (function()
      local sim = simulation.new(function()
        workflow.scope({ timeout = 0.001 }, function() workflow.sleep(9) end)
      end)
      sim:task()
      sim:fire "1"
      sim:task()
      sim:verify()
      return sim:failure().application_failure_info.type, sim:failure().message
    end)() })
  end)

  it("with `canceled` that nobody asked for, and is canceled after a request", function()
    local function Cancels()
      local timer = workflow.timer(9)
      timer:cancel()
      timer:get()
    end
    local failure = failed(Cancels)
    assert.is_truthy(failure.canceled_failure_info)
    local sim = simulation.new(function() workflow.sleep(9) end)
    sim:task()
    sim:cancel "enough"
    assert.equal("cancel_timer cancel_workflow_execution", sim:task())
    sim:verify()
  end)

  it("with the error of a signal's handler", function()
    local sim = simulation.new(function()
      workflow.on_signal("s", function(how)
        if how == "returned" then return nil, "from the handler" end
        error(temporal.application_error("raised in the handler", { type = "T" }))
      end)
      workflow.sleep(9)
    end)
    sim:task()
    sim:signal("s", "returned")
    assert.equal("fail_workflow_execution", sim:task())
    assert.equal("from the handler", sim:failure().message)
    sim:verify()
  end)
end)

describe("the task fails", function()
  it("with what is raised and is no error object", function()
    assert.matches("verdict_spec.lua:%d+: a bug$", task_of(function() error "a bug" end))
    assert.matches("attempt to index", task_of(function() local x = nil; return x.y end), 1, true)
    assert.matches("verdict_spec.lua:%d+: unknown option", task_of(function()
      workflow.sleep(1, { sumary = "x" })
    end))
    local problem = task_of(function() error(strange("Strange", "odd")) end)
    assert.same({ 7, "odd" }, { problem.code, tostring(problem) })
    assert.equal("false", tostring(task_of(function() error(false) end)))
  end)

  it("with what cannot be read or written", function()
    local fn = temporal.define_workflow("Args", function() end, { args = { "string" } })
    assert.equal("conversion", task_of(fn, 1).kind)
    assert.matches("the result of the workflow", tostring(task_of(function() return print end)), 1,
      true)
    local sim = simulation.new(function()
      return workflow.execute_activity(ACTIVITY, "A"):get()
    end)
    sim:task()
    sim:complete("1", temporal.raw { metadata = { encoding = "x/y" }, data = "" })
    local _, problem = sim:task()
    assert.equal("conversion", problem.kind)
    assert.matches('the result of activity A (id "1") cannot be read', problem.message, 1, true)
  end)

  it("with a condition that raises", function()
    local ready = false
    assert.matches("a bad look", task_of(function()
      workflow.spawn(function() ready = true end)
      workflow.wait_condition(function()
        if ready then error("a bad look") end
      end)
    end), 1, true)
  end)

  it("with commands that are not those of history", function()
    local sim = simulation.new(function() workflow.sleep(1) end)
    sim:task()
    sim:fire "1"
    local _, problem = sim:replay(function() workflow.execute_activity(ACTIVITY, "A"):get() end)
    assert.same({ "nondeterminism", 5, 'timer "1"', 'activity A (id "1")' },
      { problem.kind, problem.event_id, problem.expected, problem.actual })
    assert.matches("^%[TMPRL1100%]", problem.message)
    assert.is_nil(problem.where) -- no line of the program has made it
  end)

  it("is told with how the workflow fails instead", function()
    local told = verdict.told("a bug", "traceback")
    assert.same({ "application", "LuaError", "traceback" }, { told.kind, told.type,
      told.stack_trace })
    assert.equal("a bug; the task is tried again until the code is mended (to fail the workflow "
      .. "instead, return nil and why, raise a temporal.application_error, or say so with "
      .. "fail_workflow_on)", told.message)
  end)
end)

describe("fail_workflow_on", function()
  local number = 0

  local function defined(fail_workflow_on, fn)
    number = number + 1
    return temporal.define_workflow("FailOn" .. number, fn, { fail_workflow_on = fail_workflow_on })
  end

  it('"error" moves all that is raised', function()
    local function application_of(fn, ...) return { application(defined({ "error" }, fn), ...) } end
    local got = application_of(function() error("a bug", 0) end)
    assert.same({ "LuaError", "a bug" }, { got[1], got[2] })
    assert.matches("verdict_spec.lua:%d+: in", got[3].stack_trace)
    got = application_of(function() error(strange("Odd", "odd")) end)
    assert.same({ "Odd", "odd" }, { got[1], got[2] })
    got = application_of(function() return print end)
    assert.matches("the result of the workflow", got[2], 1, true)
    got = application_of(function() workflow.wait_condition(function() error("look", 0) end) end)
    assert.same({ "LuaError", "look" }, { got[1], got[2] })
    local fn = temporal.define_workflow("Args2", function() end,
      { args = { "string" }, fail_workflow_on = { "error" } })
    assert.equal("conversion", (application(fn, 1)))
  end)

  it("names types of errors", function()
    local fn = defined({ "Odd", "conversion" }, function(how)
      if how == "odd" then error(strange("Odd", "odd")) end
      if how == "read" then
        return temporal.raw { metadata = { encoding = "x/y" }, data = "" }
      end
      error "a bug"
    end)
    assert.equal("Odd", (application(fn, "odd")))
    assert.matches("a bug", task_of(fn, "bug"), 1, true)
  end)

  it("fails an update whose handler raises, not the workflow", function()
    local sim = simulation.new(defined({ "error" }, function()
      workflow.on_update("u", function() error("a bug", 0) end)
      workflow.sleep(9)
    end))
    sim:task()
    sim:update("u1", "u")
    assert.equal("protocol_message protocol_message", sim:task())
    assert.same({ "accept complete", "a bug" }, { sim:answered "u1" })
    sim:verify()
  end)

  it('"nondeterminism" is for the worker, which answers the task', function()
    local run = { fail_on = verdict.set({ "nondeterminism" }, nil) }
    local err = { kind = "nondeterminism" }
    setmetatable(err, getmetatable(temporal.application_error "x"))
    assert.is_true(verdict.moves(run, err))
    assert.is_false(verdict.moves(run, "a bug"))
    assert.is_false(verdict.moves({ fail_on = verdict.set({ "error" }) }, err))
    assert.is_false(verdict.moves({}, "a bug"))
  end)
end)

describe("what is forgotten", function()
  local function ends(fn)
    local sim = simulation.new(fn)
    sim:task()
    return sim
  end

  it("errors that nobody has taken are logged when the run ends", function()
    local sim = ends(function()
      local a = workflow.execute_activity(ACTIVITY, "A")
      local b = workflow.execute_activity(ACTIVITY, "B")
      local c = workflow.execute_activity(ACTIVITY, "C")
      c:cancel()
      local child = workflow.execute_child_workflow({ id = "taken" }, "Child")
      workflow.spawn(function() error("lost", 0) end)
      local ok = pcall(child.started, child)
      workflow.wait_all { a, b }
      pcall(b.get, b)
      return ok
    end)
    sim:child_exists()
    sim:fail("1", "one")
    sim:fail("2", "two")
    sim:task()
    assert.is_false(sim:result())
    assert.equal(2, #sim.log)
    assert.equal("error: a task failed and nobody took its error: lost", sim.log[1])
    assert.matches('^warn: activity A %(id "1"%) failed and nobody took its error: activity',
      sim.log[2])
    sim:verify()
  end)

  it("handlers that have not ended are named when the run ends", function()
    local sim = ends(function()
      workflow.on_signal("s", function() workflow.sleep(99) end)
      workflow.on_signal("left", function() workflow.sleep(99) end, { unfinished = "abandon" })
      workflow.on_update("u", function() workflow.sleep(99) end)
      workflow.sleep(1)
    end)
    sim:signal "s"
    sim:signal "left"
    sim:update("u1", "u")
    sim:task()
    sim:fire "1"
    assert.equal("complete_workflow_execution", sim:task())
    assert.same({ "warn: [TMPRL1102] the workflow has ended while handlers were running: signal s, "
      .. "update u; wait for workflow.all_handlers_finished first" }, sim.log)
    sim:verify()
  end)

  it("a result can be had raw", function()
    local sim = ends(function()
      local a = workflow.execute_activity(ACTIVITY, "A")
      local raw = a:get { raw = true }
      return { a:get(), raw.metadata.encoding, raw.data, a:get({ raw = true }).data }
    end)
    sim:complete("1", { 1 })
    sim:task()
    assert.same({ { 1 }, "json/plain", "[1]", "[1]" }, sim:result())
    sim:verify()
  end)
end)

describe("an error that workflow code meets", function()
  it("knows where, in the code of the workflow", function()
    local wheres = {}
    local sim = simulation.new(function()
      local function note(fn, ...)
        local _, err = pcall(fn, ...)
        wheres[#wheres + 1] = err.where
      end
      local activity = workflow.execute_activity(ACTIVITY, "A")
      note(function() return activity:get() end)
      note(function() workflow.sleep(9) end)
      note(function() workflow.timer(9) end)
      return wheres
    end)
    sim:task()
    sim:fail("1", "broken")
    sim:task()
    sim:cancel "enough"
    sim:task()
    local got = sim:result()
    assert.equal(3, #got)
    for _, where in ipairs(got) do assert.matches("verdict_spec.lua:%d+$", where) end
    assert.is_true(got[1] ~= got[2] and got[2] ~= got[3])
    sim:verify()
  end)
end)
