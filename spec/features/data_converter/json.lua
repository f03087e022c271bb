--- A table there and back: JSON, the same in the argument and in the result.

local function Workflow(value) return value end

return {
  workflows = { Workflow = Workflow },
  arguments = { { spec = true } },
  check = function(t, run)
    t:same({ spec = true }, t:result(run))
    local argument, result = t:payloads(run)
    t:same({ "json/plain", '{"spec":true}' }, { result.metadata.encoding, result.data })
    t:same(argument, result)
  end,
  survives = true,
}
