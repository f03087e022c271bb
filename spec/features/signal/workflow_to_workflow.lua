--- A workflow signals another one; there is nobody at a third id.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow(id)
  workflow.external(id):signal("told", "by a workflow")
  local ok, err = pcall(function() workflow.external("nobody " .. id):signal "told" end)
  return { ok, err.kind }
end

local function Listens()
  local told
  workflow.on_signal("told", function(text) told = text end)
  workflow.wait_condition(function() return told end)
  return told
end

return {
  workflows = { Workflow = Workflow, Listens = Listens },
  start = function(t)
    t.listens = t:start(nil, "Listens")
    return t:start(nil, "Workflow", t.listens.id)
  end,
  check = function(t, run)
    t:same({ false, "not_found" }, t:result(run))
    t:equal("by a workflow", t:result(t.listens))
    temporal.assert(t.listens:describe())
  end,
  survives = true,
}
