--- Search attributes that the workflow changes and removes.

local temporal = require "temporal"
local workflow = require "temporal.workflow"

local function Workflow()
  workflow.upsert_search_attributes { CustomInt = 123, CustomBool = true }
  workflow.upsert_search_attributes {
    CustomInt = temporal.null, CustomKeyword = "durable code",
    CustomText = temporal.text "is useful", CustomDatetime = temporal.datetime(1700000000),
    CustomDouble = 3.14,
  }
  return workflow.info().search_attributes
end

local WANT = { CustomBool = true, CustomKeyword = "durable code", CustomText = "is useful",
  CustomDatetime = 1700000000, CustomDouble = 3.14 }

return {
  workflows = { Workflow = Workflow },
  check = function(t, run)
    local seen = t:result(run)
    local described = temporal.assert(run:describe()).search_attributes
    for name, value in pairs(WANT) do
      t:equal(value, seen[name])
      t:equal(value, described[name])
    end
    t:equal(nil, seen.CustomInt)
    t:equal(nil, described.CustomInt)
  end,
  events = { UPSERT_WORKFLOW_SEARCH_ATTRIBUTES = 2 },
  survives = true,
}
