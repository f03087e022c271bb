--- Bytes there and back. They arrive as a string, so what returns them says that they are bytes.

local temporal = require "temporal"

local BYTES = "\222\173\190\239"

local function Workflow(value) return temporal.bytes(value) end

return {
  workflows = { Workflow = Workflow },
  arguments = { temporal.bytes(BYTES) },
  check = function(t, run)
    t:equal(BYTES, t:result(run))
    local argument, result = t:payloads(run)
    t:same({ metadata = { encoding = "binary/plain" }, data = BYTES },
      { metadata = result.metadata, data = result.data })
    t:same(argument, result)
  end,
}
