--- What a run says of itself: queries, those that every run answers, its log.

local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local ACTIVITY = { start_to_close_timeout = 10 }

describe("a query", function()
  it("may only look", function()
    local calls = {
      sleep = function() workflow.sleep(1) end,
      wait = function() workflow.wait_condition(function() return true end) end,
      activity = function() workflow.execute_activity(ACTIVITY, "A") end,
      random = function() workflow.random() end,
      patched = function() workflow.patched "new" end,
      details = function() workflow.set_current_details "x" end,
      signal_handler = function() workflow.on_signal("s", function() end) end,
      query_handler = function() workflow.on_query("q", function() end) end,
      update_handler = function() workflow.on_update("u", function() end) end,
      continue_as_new = function() workflow.continue_as_new {} end,
      side_effect = function() workflow.side_effect(function() return 1 end) end,
    }
    local sim = simulation.new(function()
      for name, fn in pairs(calls) do workflow.on_query(name, fn) end
      workflow.sleep(1)
    end)
    sim:task()
    for name in pairs(calls) do
      local _, why = sim:query(name)
      assert.matches("is not possible in a query: it may only look", why, 1, true)
    end
    sim:verify()
  end)

  it("knows the patches that were asked for before", function()
    local sim = simulation.new(function()
      workflow.on_query("patched", function() return workflow.patched "change" end)
      workflow.sleep(1)
      workflow.patched "change"
      workflow.wait_condition(function() return not workflow.patched "change" end)
    end)
    sim:task()
    local _, why = sim:query "patched"
    assert.matches("workflow.patched is not possible in a query", why, 1, true)
    sim:fire "1"
    sim:task()
    assert.is_true(sim:query "patched")
    sim:verify()
  end)

  it("fails with `nil, why` and with what it raises", function()
    local sim = simulation.new(function()
      workflow.on_query("returned", function() return nil, "no luck" end)
      workflow.on_query("raised", function() error("broken", 0) end)
      workflow.on_query("raised nil", function() error() end)
      workflow.on_query("nothing", function() end)
      workflow.sleep(1)
    end)
    sim:task()
    assert.same({ nil, "no luck" }, { sim:query "returned" })
    assert.same({ nil, "broken" }, { sim:query "raised" })
    assert.same({ nil, "nil" }, { sim:query "raised nil" })
    assert.same({}, { sim:query "nothing" })
    sim:verify()
  end)

  it("takes no more arguments than its handler", function()
    local sim = simulation.new(function()
      workflow.on_query("one", function(a) return a end)
      workflow.on_query("many", function(...) return select("#", ...) end)
      workflow.on_query(temporal.any, function(name, a) return name .. tostring(a) end)
      workflow.sleep(1)
    end)
    sim:task()
    assert.equal(1, sim:query("one", 1))
    assert.same({ nil, 'query "one" takes 1 argument, got 2' }, { sim:query("one", 1, 2) })
    assert.equal(3, sim:query("many", 1, 2, 3))
    assert.equal("other1", sim:query("other", 1))
    assert.same({ nil, 'query "other" takes 1 argument, got 2' }, { sim:query("other", 1, 2) })
    sim:verify()
  end)

  it("that is not known: the answer names those that are", function()
    local sim = simulation.new(function()
      workflow.on_query("state", function() end)
      workflow.on_query(temporal.any, function() return "any" end)
      workflow.sleep(1)
    end)
    sim:task()
    assert.equal("any", sim:query "other")
    local why = 'unknown query "__other"; known are: __enhanced_stack_trace, __stack_trace, '
      .. "__temporal_workflow_metadata, state"
    assert.same({ nil, why }, { sim:query "__other" })
    local _, problem = simulation.new(function()
      workflow.on_query("__temporal_mine", function() end)
    end):task()
    assert.matches('query_spec.lua:%d+: .*names that begin with "__temporal_" are the SDK\'s own',
      problem)
    sim:verify()
  end)
end)

describe("a description that is no UTF-8", function()
  it("fails the query that would tell it, not the task", function()
    local sim = simulation.new(function()
      workflow.on_query("state", function() end, { description = "a\255b" })
      workflow.sleep(1)
    end)
    assert.equal("start_timer", sim:task())
    local _, why = sim:query "__temporal_workflow_metadata"
    assert.matches("description: not valid UTF-8 at byte 2", why, 1, true)
  end)
end)

describe("__stack_trace", function()
  it("shows where each coroutine waits, without the engine", function()
    local sim = simulation.new(function()
      local function deep() workflow.sleep(1) end
      workflow.on_signal("s", function() workflow.wait_condition(function() return false end) end)
      workflow.spawn(function() deep() return nil end)
      workflow.execute_activity(ACTIVITY, "A"):get()
    end)
    sim:signal "s"
    sim:task()
    local text = sim:query "__stack_trace"
    local plain = text:gsub("<.->", "<>"):gsub("%S*query_spec%.lua:%d+", "FILE")
      :gsub("upvalue '", "'"):gsub("local '", "'")
    assert.equal("main function\n  FILE: in function <>\n\nsignal s\n  FILE: in function <>\n\n"
      .. "task\n  FILE: in function 'deep'\n  FILE: in function <>", plain)
    assert.is_nil(text:find("temporal/workflow", 1, true))
    sim:verify()
  end)
end)

describe("__enhanced_stack_trace", function()
  -- The lines of code where each coroutine waits, by the trace's own sources.
  local function waiting(trace)
    local list = {}
    for i, stack in ipairs(trace.stacks) do
      local lines = {}
      for j, location in ipairs(stack.locations) do
        local source = trace.sources[location.file_path]
        local at = 0
        for line in source.content:gmatch "([^\n]*)\n" do
          at = at + 1
          if at == location.line then lines[j] = line:match "^%s*(.*)$" end
        end
        assert.same({ 0, -1, false }, { source.line_offset, location.column,
          location.internal_code })
      end
      list[i] = lines
    end
    return list
  end

  it("has the code that waits", function()
    local from_text = assert(load("local workflow = ...\n"
      .. "return function()\n  workflow.sleep(2) -- from text\nend\n"))(workflow)
    local sim = simulation.new(function()
      local function deep() workflow.sleep(1) end
      workflow.spawn(function() deep() return nil end)
      workflow.spawn(function() from_text() return nil end)
      workflow.execute_activity(ACTIVITY, "A"):get()
    end)
    sim:task()
    local trace = sim:query "__enhanced_stack_trace"
    assert.equal("temporal-lua", trace.sdk.name)
    assert.is_string(trace.sdk.version)
    assert.same({
      { 'workflow.execute_activity(ACTIVITY, "A"):get()' },
      { "local function deep() workflow.sleep(1) end",
        "workflow.spawn(function() deep() return nil end)" },
      { "workflow.sleep(2) -- from text", "workflow.spawn(function() from_text() return nil end)" },
    }, waiting(trace))
    assert.equal("deep", trace.stacks[2].locations[1].function_name)
    assert.matches("query_spec%.lua$", trace.stacks[2].locations[1].file_path)
    sim:verify()
  end)

  it("does without code that cannot be read", function()
    local chunk = "local workflow = ... return function() workflow.sleep(1) return nil end"
    local list = {}
    for i, name in ipairs { "=named", "@no/such/file.lua" } do
      list[i] = assert(load(chunk, name))(workflow)
    end
    local sim = simulation.new(function()
      workflow.spawn(list[1])
      list[2]()
      return nil
    end)
    sim:task()
    local trace = sim:query "__enhanced_stack_trace"
    local paths = {}
    for i, stack in ipairs(trace.stacks) do paths[i] = stack.locations[1].file_path end
    assert.same({ "no/such/file.lua", "named" }, paths)
    assert.is_nil(trace.sources.named)
    assert.is_nil(trace.sources["no/such/file.lua"])
    sim:verify()
  end)
end)

describe("__temporal_workflow_metadata", function()
  it("tells of the handlers and of the details", function()
    local fn = temporal.define_workflow("Told", function()
      workflow.on_signal("go", function() end, { description = "Goes on." })
      workflow.on_query("b", function() end)
      workflow.on_query("a", function() end, { description = "The first." })
      workflow.on_update(temporal.any, function() end, { description = "All the rest." })
      workflow.sleep(1)
      workflow.set_current_details "**half**"
      workflow.sleep(1)
    end, { description = "An order." })
    local sim = simulation.new(fn)
    sim:task()
    local told = sim:query "__temporal_workflow_metadata"
    local definition = told.definition
    local function shown(list)
      local words = {}
      for i, each in ipairs(list) do words[i] = each.name .. "=" .. each.description end
      return words
    end
    assert.equal("An order.", told.current_details)
    assert.equal("Simulated", definition.type)
    assert.same({ "go=Goes on." }, shown(definition.signal_definitions))
    assert.same({ "=All the rest." }, shown(definition.update_definitions))
    local queries = shown(definition.query_definitions)
    assert.same({ 5, "a=The first.", "b=" }, { #queries, queries[4], queries[5] })
    assert.matches("^__stack_trace=Where", queries[2])
    sim:fire "1"
    sim:task()
    assert.equal("**half**", sim:query("__temporal_workflow_metadata").current_details)
    sim:verify()
  end)
end)

describe("workflow.log", function()
  it("is silent in a replay, and speaks in queries", function()
    local sim = simulation.new(function()
      workflow.on_query("q", function() workflow.log("debug", "asked") end)
      workflow.log("info", "one " .. tostring(workflow.unsafe.replaying()))
      workflow.sleep(1)
      workflow.log("error", "two", { amount = 3 })
    end)
    sim:task()
    sim:query "q"
    sim:fire "1"
    sim:task()
    sim:query "q" -- of a run that has ended
    local logged = { "info: one false", "debug: asked", "error: two", "debug: asked" }
    assert.same(logged, sim.log)
    sim.log = {}
    sim:verify()
    for _, line in ipairs(sim.log) do assert.is_nil(line:find "asked") end
  end)

  it("is misused at the caller's line", function()
    local function fails(words, ...)
      local args = { ... }
      local _, problem = simulation.new(function()
        workflow.log(args[1], args[2], args[3])
      end):task()
      assert.matches("query_spec.lua:%d+: ", problem)
      assert.matches(words, problem, 1, true)
    end
    fails('the level must be "debug", "info", "warn" or "error", got "loud"', "loud", "x")
    fails("the fields must be a table, got 1", "info", "x", 1)
  end)
end)
