--- Workflows that only we have: the order of the engine must stay what it is, for histories that
-- are kept.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local QUEUE = "histories-activities"

local function note(id, ...)
  return workflow.execute_activity({ task_queue = QUEUE, start_to_close_timeout = 60, id = id },
    "Note", ...)
end

local function here(name, ...)
  return workflow.execute_local_activity({ start_to_close_timeout = 60 }, name, ...):get()
end

local function SideEffects()
  local first = workflow.side_effect(function() return { drawn = 7, list = { 1, 2 } } end)
  local seen = {}
  for i = 1, 4 do
    seen[i] = workflow.mutable_side_effect("half", function() return math.floor(i / 2) end)
    workflow.sleep(0.01)
  end
  local last = workflow.side_effect(function() return "text" end)
  return { first, seen, last }
end

local function Scopes()
  local seen = {}
  local ok, err = pcall(workflow.scope, { timeout = 0.1 }, function()
    workflow.execute_activity({ task_queue = QUEUE, start_to_close_timeout = 60, id = "slow",
      heartbeat_timeout = 5, cancellation_type = "wait_cancellation_completed" }, "Slow"):get()
  end)
  seen[1] = ok or err.kind
  ok, err = pcall(workflow.scope, function(scope)
    local inner = workflow.spawn(function()
      note("in a task"):get()
      workflow.sleep(3600)
    end)
    workflow.sleep(0.01)
    scope:cancel "enough"
    inner:get()
  end)
  seen[2] = ok or err.message
  ok = pcall(workflow.scope, function(scope)
    scope:cancel()
    workflow.scope({ shield = true }, function() note("shielded"):get() end)
    workflow.sleep(1)
  end)
  seen[3] = ok
  return seen
end

local function Waits()
  local first, second = note "first", note "second"
  local timed = { pcall(first.get, first, 3600) }
  local which, place = workflow.wait({ second, workflow.timer(3600) }, 3600)
  local none = workflow.wait({ workflow.timer(3600) }, 0.01)
  local all = workflow.wait_all({ first, second }, 3600)
  return { timed[1], which == second, place, none == nil, all }
end

local function Semaphores()
  local semaphore, order = workflow.semaphore(2), {}
  local function work(name)
    semaphore:with(function()
      note("in " .. name):get()
      order[#order + 1] = name
    end)
    note("after " .. name):get()
  end
  local tasks = {}
  for i, name in ipairs { "a", "b", "c", "d" } do tasks[i] = workflow.spawn(work, name) end
  workflow.wait_all(tasks)
  table.sort(order)
  return order
end

local function OwnIds()
  local child = workflow.execute_child_workflow({}, "Child", "value")
  local other = workflow.execute_child_workflow({}, "Child", "value")
  if workflow.random(2) == 1 then workflow.sleep(0.01) end
  note(workflow.uuid()):get()
  for name, value in pairs { b = 2, a = 1, c = 3 } do note(name .. value):get() end
  return { child:get(), other:get() }
end

local function Mixed()
  local told = {}
  workflow.on_signal("tell", function(what)
    told[#told + 1] = what
    here("Double", #told)
    note("told " .. what):get()
  end)
  if workflow.patched "mixed" then note("patched"):get() end
  local sum = here("Double", 1)
  workflow.upsert_memo { sum = sum }
  local slow = workflow.spawn(function()
    here("Sleep", 0.3)
    note("after the nap"):get()
  end)
  workflow.wait_condition(function() return #told >= 2 end, 3600)
  slow:get()
  workflow.wait_condition(workflow.all_handlers_finished)
  return told
end

local function ChildAtOnce()
  local seen = {}
  local child = workflow.execute_child_workflow({}, "Child", "wait")
  child:signal({ name = "say", wait = false }, "at once")
  seen[1] = child:get()
  local ok, err = pcall(workflow.scope, { timeout = 0.5 }, function()
    return workflow.execute_child_workflow({}, "Child", "wait"):get()
  end)
  seen[2] = ok or err.kind
  local gone = workflow.execute_child_workflow({}, "Child", "wait")
  gone:cancel()
  ok, err = pcall(gone.get, gone)
  seen[3] = ok or err.kind
  return seen
end

local function Fails()
  local ok, err = pcall(note, nil, { temporal.null })
  assert(ok, err)
  return nil, "out of stock"
end

return {
  SideEffects = SideEffects, Scopes = Scopes, Waits = Waits, Semaphores = Semaphores,
  ChildAtOnce = ChildAtOnce, OwnIds = OwnIds, Mixed = Mixed, OwnFailure = Fails,
}
