--- A schedule starts workflows every second, with arguments that are changed on the way.

local temporal = require "temporal"

local function Workflow(arg) return arg end

-- Waits for a workflow of the schedule with this result.
local function completed(t, schedule, want)
  t:wait_until("a result " .. want, function()
    for _, action in ipairs(temporal.assert(schedule:describe()).info.recent_actions) do
      local run = t.client:workflow(action.workflow_id, action.run_id)
      if run:get(10) == want then return true end
    end
  end)
end

return {
  workflows = { Workflow = Workflow },
  start = function() end,
  check = function(t)
    local id = "schedule-" .. t.queue
    local schedule = temporal.assert(t.client:create_schedule(id, {
      spec = { intervals = { { every = 1 } } }, overlap = "buffer_one",
      action = { workflow = "Workflow", id = "of-" .. id, args = { "arg1" },
        task_queue = t.queue },
    }))
    local ok, problem = pcall(function()
      t:equal("of-" .. id, temporal.assert(schedule:describe()).action.id)
      t:wait_until("the list", function()
        for each in t.client:list_schedules() do
          if each.id == id then return true end
        end
      end)
      completed(t, schedule, "arg1")
      temporal.assert(schedule:update(function(description)
        description.action.args = { "arg2" }
        return description
      end))
      completed(t, schedule, "arg2")
    end)
    temporal.assert(schedule:delete())
    if not ok then error(problem, 0) end
  end,
  uncached = false,
}
