--- A message of Temporal's API as protobuf has it.

local temporal = require "temporal"

local TYPE = "temporal.api.common.v1.DataBlob"

local function blob(value)
  return temporal.proto(TYPE, value, { encoding = "binary/protobuf" })
end

local function Workflow(value) return blob(value) end

return {
  workflows = { Workflow = Workflow },
  arguments = { blob { data = "\222\173\190\239" } },
  check = function(t, run)
    t:equal("\222\173\190\239", t:result(run).data)
    local argument, result = t:payloads(run)
    t:same({ encoding = "binary/protobuf", messageType = TYPE }, result.metadata)
    t:equal("\18\4\222\173\190\239", result.data)
    t:same(argument, result)
  end,
}
