--- The first task comes with the answer to the start: no poll is needed, and the task timeout,
-- which is an hour, does not matter.

local function Workflow()
  return "Hello World"
end

return {
  workflows = { Workflow = Workflow },
  options = { request_eager_start = true, task_timeout = 3600 },
  check = function(t, run)
    t:equal("Hello World", t:result(run))
    t:equal(true, t:attributes(run, "WORKFLOW_EXECUTION_STARTED")[1].eager_execution_accepted)
  end,
}
