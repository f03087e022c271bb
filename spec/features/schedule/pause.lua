--- Pauses and their notes.

local temporal = require "temporal"

local function Workflow(arg) return arg end

return {
  workflows = { Workflow = Workflow },
  start = function() end,
  check = function(t)
    local schedule = temporal.assert(t.client:create_schedule("schedule-" .. t.queue, {
      spec = { intervals = { { every = 60 } } }, paused = true, note = "initial note",
      action = { workflow = "Workflow", args = { "arg1" }, task_queue = t.queue },
    }))
    local function is(paused, note)
      local description = temporal.assert(schedule:describe())
      t:same({ paused, note }, { description.paused, description.note })
    end
    is(true, "initial note")
    temporal.assert(schedule:pause "custom note1")
    is(true, "custom note1")
    temporal.assert(schedule:unpause())
    is(false, "Unpaused via Lua SDK")
    temporal.assert(schedule:unpause "custom note2")
    is(false, "custom note2")
    temporal.assert(schedule:pause())
    is(true, "Paused via Lua SDK")
    temporal.assert(schedule:delete())
  end,
  uncached = false,
}
