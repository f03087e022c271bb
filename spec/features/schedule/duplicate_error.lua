--- The id of a schedule is taken.

local temporal = require "temporal"

local function Workflow() end

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local id, given = "schedule-" .. t.queue, {
      spec = { intervals = { { every = "1h" } } }, paused = true,
      action = { workflow = "Workflow", task_queue = t.queue },
    }
    local schedule = temporal.assert(t.client:create_schedule(id, given))
    local _, err = t.client:create_schedule(id, given)
    t:equal("already_started", err.kind)
    temporal.assert(schedule:delete())
    t:result(run)
  end,
  uncached = false,
}
