--- The twins of messages.py: workflows with signals, queries, updates and conditions.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local OPTIONS = { task_queue = "histories-activities", start_to_close_timeout = 60 }

local function call(name, ...) return workflow.execute_activity(OPTIONS, name, ...):get() end

-- An activity whose id says which it is.
local function named(id, name, ...)
  return workflow.execute_activity({ task_queue = OPTIONS.task_queue, id = id,
    start_to_close_timeout = 60 }, name, ...):get()
end

local function Collect(enough, notes)
  local items = temporal.array {}
  workflow.on_signal("add", function(item) items[#items + 1] = item end)
  workflow.on_query("items", function() return items end)
  workflow.wait_condition(function() return #items >= enough end)
  for i = 1, notes and #items or 0 do call("Note", items[i]) end
  return items
end

local function Handlers()
  local sum, closed = 0, false
  workflow.on_signal("add", function(n)
    sum = sum + named("double-" .. n, "Double", n)
    workflow.sleep(0.01)
    named("note-" .. n, "Note", n)
  end)
  workflow.on_signal("close", function() closed = true end)
  call("Note", "begun")
  workflow.wait_condition(function() return closed and workflow.all_handlers_finished() end)
  return sum
end

local function Both()
  local told = false
  workflow.on_signal("tell", function()
    told = true
    named("in the handler", "Note")
  end)
  local work = workflow.spawn(function()
    call("Sleep", 0.2)
    named("after the activity", "Note")
  end)
  local listen = workflow.spawn(function()
    workflow.wait_condition(function() return told end)
    named("after the signal", "Note")
    workflow.sleep(0.01)
  end)
  workflow.wait_all { work, listen }
  return "both"
end

local function Everything()
  local told = {}
  workflow.on_signal("tell", function(what)
    told[#told + 1] = what
    named("told " .. what, "Note")
  end)
  workflow.on_update("change", function(what)
    told[#told + 1] = what
    named("changed " .. what, "Note")
    return what
  end)
  local function sleep(id, seconds) return function() named(id, "Sleep", seconds) end end
  local function count(n)
    return function() workflow.wait_condition(function() return #told >= n end) end
  end
  local function after(name, fn)
    return workflow.spawn(function()
      fn()
      named("after " .. name, "Note")
    end)
  end
  workflow.wait_all {
    after("b", sleep("b", 0.4)), after("a", sleep("a", 0.1)),
    after("timer", function() workflow.sleep(0.2) end), after("two", count(2)),
    after("one", count(1)),
  }
  workflow.wait_condition(function() return #told == 3 and workflow.all_handlers_finished() end)
  return #told
end

local function Account()
  local total, closed = 0, false
  workflow.on_update("add", function(n)
    total = total + n
    return total
  end, { validator = function(n)
    if n <= 0 then error(temporal.application_error("nothing to add", { type = "Empty" })) end
  end })
  workflow.on_update("add_slowly", function(n)
    -- As Python reads `total += await ...`: the total of before the wait.
    local before = total
    total = before + named("double-" .. n, "Double", n)
    workflow.sleep(0.01)
    return total
  end)
  workflow.on_update("fail", function()
    workflow.sleep(0.01)
    error(temporal.application_error("no", { type = "No" }))
  end)
  workflow.on_signal("close", function() closed = true end)
  call("Note", "opened")
  workflow.wait_condition(function() return closed and workflow.all_handlers_finished() end)
  return total
end

local function Conditions()
  local steps = {}
  workflow.on_signal("go", function() steps[#steps + 1] = "go" end)
  local function has_gone()
    for _, step in ipairs(steps) do
      if step == "go" then return true end
    end
    return false
  end
  local function waiter(name, fn)
    workflow.wait_condition(fn)
    steps[#steps + 1] = name
    named(name, "Note")
  end
  local function always() return true end
  workflow.wait_condition(always)
  workflow.wait_condition(always, 10)
  local first = workflow.execute_activity(OPTIONS, "Double", 1)
  if not workflow.wait_condition(function() return false end, 0.1) then
    steps[#steps + 1] = "timeout"
  end
  first:get()
  local tasks = {
    workflow.spawn(waiter, "third", function() return #steps >= 3 end),
    workflow.spawn(waiter, "first", function() return #steps >= 1 end),
    workflow.spawn(waiter, "second", function() return #steps >= 2 end),
  }
  workflow.wait_all(tasks)
  workflow.wait_condition(function() return #steps == 4 end, 100)
  workflow.wait_condition(has_gone, 100)
  call("Note", "end")
  return steps
end

local function Dynamic()
  local seen = {}
  workflow.on_signal(temporal.any, function(name) seen[#seen + 1] = name end)
  workflow.on_update(temporal.any, function(name)
    workflow.sleep(0.01)
    seen[#seen + 1] = name
    return name
  end)
  workflow.wait_condition(function() return #seen >= 2 end)
  for _, name in ipairs(seen) do call("Note", name) end
  return seen
end

return {
  Collect = Collect, Handlers = Handlers, Both = Both, Everything = Everything,
  Account = Account, Conditions = Conditions, Dynamic = Dynamic,
}
