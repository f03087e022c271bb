--- A message of Temporal's API as JSON.

local temporal = require "temporal"

local TYPE = "temporal.api.common.v1.DataBlob"

local function Workflow(value) return temporal.proto(TYPE, value) end

return {
  workflows = { Workflow = Workflow },
  arguments = { temporal.proto(TYPE, { data = "\222\173\190\239" }) },
  check = function(t, run)
    t:equal("\222\173\190\239", t:result(run).data)
    local argument, result = t:payloads(run)
    t:same({ encoding = "json/protobuf", messageType = TYPE }, result.metadata)
    t:same(argument, result)
  end,
}
