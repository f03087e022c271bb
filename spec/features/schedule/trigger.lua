--- A paused schedule that is triggered twice has acted twice.

local temporal = require "temporal"

local function Workflow(arg) return arg end

return {
  workflows = { Workflow = Workflow },
  start = function() end,
  check = function(t)
    local schedule = temporal.assert(t.client:create_schedule("schedule-" .. t.queue, {
      spec = { intervals = { { every = 60 } } }, paused = true, overlap = "allow_all",
      action = { workflow = "Workflow", args = { "arg1" }, task_queue = t.queue },
    }))
    temporal.assert(schedule:trigger())
    t:sleep(1.1) -- the second one would have the id of the first
    temporal.assert(schedule:trigger())
    t:wait_until("two actions", function()
      return temporal.assert(schedule:describe()).info.num_actions == 2
    end)
    temporal.assert(schedule:delete())
  end,
  uncached = false,
}
