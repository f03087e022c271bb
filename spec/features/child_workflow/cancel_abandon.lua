--- Whoever waits for an abandoned child is freed by a cancellation; the child goes on.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow(input)
  local scope, child
  workflow.on_signal("close", function() scope:cancel() end)
  workflow.on_query("child", function() return child and child.id end)
  local ok, err = pcall(workflow.scope, function(inner)
    scope = inner
    child = workflow.start_child_workflow(
      { cancellation_type = "abandon", parent_close_policy = "abandon" }, "Child", input)
    return child:get()
  end)
  return not ok and temporal.is_canceled(err) and "canceled" or "went on"
end

local function Child(input)
  local exit
  workflow.on_signal("exit", function() exit = true end)
  workflow.wait_condition(function() return exit end)
  return input
end

-- The scope is canceled by the workflow's own cancellation, or by the workflow.
local WAYS = {
  function(run) return run:cancel() end,
  function(run) return run:signal "close" end,
}

return {
  workflows = { Workflow = Workflow, Child = Child },
  start = function() end,
  check = function(t)
    for i, cancel in ipairs(WAYS) do
      local run = t:start(nil, "Workflow", "test " .. i)
      local id = t:wait_until("the child", function() return (run:query "child") end)
      temporal.assert(cancel(run))
      t:equal("canceled", t:result(run))
      local child = t.client:workflow(id)
      temporal.assert(child:signal "exit")
      t:equal("test " .. i, t:result(child))
    end
  end,
  events = { REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED = 0 },
}
