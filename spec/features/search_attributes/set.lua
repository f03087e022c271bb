--- Search attributes of the start, seen by the workflow and by the description.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow() return workflow.info().search_attributes end

local WANT = { CustomKeyword = "test-value", CustomInt = 1, CustomBool = true,
  CustomDatetime = 1700000000 }

return {
  workflows = { Workflow = Workflow },
  options = { search_attributes = { CustomKeyword = "test-value", CustomInt = 1,
    CustomBool = true, CustomDatetime = temporal.datetime(1700000000) } },
  check = function(t, run)
    local seen = t:result(run)
    local described = temporal.assert(run:describe()).search_attributes
    for name, value in pairs(WANT) do
      t:equal(value, seen[name])
      t:equal(value, described[name])
    end
  end,
  survives = true,
}
