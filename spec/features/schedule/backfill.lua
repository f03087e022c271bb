--- A paused schedule acts for two spans of the past: six times.

local temporal = require "temporal"

local function Workflow(arg) return arg end

return {
  workflows = { Workflow = Workflow },
  start = function() end,
  check = function(t)
    local schedule = temporal.assert(t.client:create_schedule("schedule-" .. t.queue, {
      spec = { intervals = { { every = 60 } } }, paused = true,
      action = { workflow = "Workflow", args = { "arg1" }, task_queue = t.queue },
    }))
    local minute = os.time() - os.time() % 60
    local years_ago, hour_ago = minute - 3 * 365 * 24 * 3600, minute - 1800
    temporal.assert(schedule:backfill {
      { start_at = years_ago - 120, end_at = years_ago, overlap = "allow_all" },
      { start_at = hour_ago - 120, end_at = hour_ago, overlap = "allow_all" },
    })
    t:wait_until("six actions", function()
      local info = temporal.assert(schedule:describe()).info
      return info.num_actions == 6 and #info.running_workflows == 0
    end)
    temporal.assert(schedule:delete())
  end,
  uncached = false,
}
