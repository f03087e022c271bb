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
    local function until_acted(times)
      t:wait_until(times .. " actions", function()
        return temporal.assert(schedule:describe()).info.num_actions == times
      end)
    end
    temporal.assert(schedule:trigger())
    until_acted(1)
    t:sleep(1.1) -- the second one would have the id of the first
    temporal.assert(schedule:trigger())
    until_acted(2)
    temporal.assert(schedule:delete())
  end,
  uncached = false,
}
