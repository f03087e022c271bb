--- Counters of the program's own: a replay does not count again.

local activity = require "temporal.activity"
local workflow = require "temporal.workflow"

local OPTIONS = { schedule_to_close_timeout = 60 }

local function Workflow()
  workflow.metrics():counter("my_workflow_counter", { mytag = workflow.info().id }):add(2)
  local text = workflow.execute_activity(OPTIONS, "Join", "foo", "bar"):get()
  return workflow.execute_activity(OPTIONS, "Join", text, "baz"):get()
end

local function Join(a, b)
  activity.metrics():counter("my_activity_counter", { mytag = activity.info().workflow_id }):add(2)
  return a .. ", " .. b
end

local function counted(t, name, tag, value)
  local sum = 0
  for _, sample in ipairs(t.client:metrics()[name]) do
    if sample[tag] == value then sum = sum + sample.value end
  end
  return sum
end

return {
  workflows = { Workflow = Workflow },
  activities = { Join = Join },
  check = function(t, run)
    t:equal("foo, bar, baz", t:result(run))
    t:equal(2, counted(t, "my_workflow_counter", "mytag", run.id))
    t:equal(4, counted(t, "my_activity_counter", "mytag", run.id))
    t:equal(true, counted(t, "temporal_request", "operation", "RespondActivityTaskCompleted") >= 2)
  end,
}
