--- A worker that is killed again and again: spec/once/worker/chaos_spec.lua.
-- usage: chaos_worker.lua ADDRESS NAMESPACE QUEUE FILE CACHE STICKY
-- What an activity has done is a line of FILE.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local address, namespace, queue, file, cache, sticky = (unpack or table.unpack)(arg)

local QUICK = { start_to_close_timeout = 3, retry_policy = { initial_interval = 0.1,
  maximum_interval = 0.5 } }

local function Note(id, step)
  local out = assert(io.open(file, "a"))
  out:write(id, " ", step, "\n")
  out:close()
  return step
end

local function Child(id, n)
  workflow.sleep(0.01)
  return 100 * workflow.execute_activity(QUICK, "Note", id, n):get()
end

-- 1 + 2 + 3, a child, a timer, and what one update adds.
local function Chaos(id)
  local sum, added = 0, nil
  workflow.on_update("add", function(n)
    workflow.execute_activity(QUICK, "Note", id, "update"):get()
    added = n
    return sum >= 0 and n
  end)
  local child = workflow.execute_child_workflow({ task_timeout = 2 }, "Child", id, 4)
  for step = 1, 3 do
    sum = sum + workflow.execute_activity(QUICK, "Note", id, step):get()
    workflow.sleep(0.05)
  end
  local both = { workflow.execute_activity(QUICK, "Note", id, 5),
    workflow.execute_activity(QUICK, "Note", id, 6) }
  workflow.wait_all(both)
  workflow.wait_condition(function() return added and workflow.all_handlers_finished() end)
  return { sum + both[1]:get() + both[2]:get(), child:get(), added }
end

local client = temporal.client { target = address, namespace = namespace,
  logger = function(level, text)
    if level == "error" then print(text) end
  end }
local worker = temporal.worker { client = client, task_queue = queue,
  workflows = { Chaos = Chaos, Child = Child }, activities = { Note = Note },
  max_cached_workflows = tonumber(cache), sticky_timeout = tonumber(sticky) }
temporal.assert(worker:run())
