--- Values as the Lua client and the Python client write and read them: rows as in parity_spec.lua,
-- of spec/support/parity/values.lua.

local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

describe("as the Python client:", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    parity.start()
  end)

  teardown(function()
    parity.stop()
    assert(client:close())
  end)

  for _, row in ipairs(require "spec.support.parity.values") do
    it("values: " .. row[1], function() parity.check(row, client) end)
  end
end)
