--- The Lua client and the Python client on the same server with the same worker, operation by
-- operation: the same inputs, the same decoded outcome, the same class of error. One table of
-- rows, in spec/support/parity/*.lua; spec/support/parity.lua says what a row is.

local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

-- The rows of values run on every Lua: parity_values_spec.lua.
local TOPICS = { "start", "result", "messages", "ending", "seeing", "schedules", "activities" }

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

  for _, topic in ipairs(TOPICS) do
    for _, row in ipairs(require("spec.support.parity." .. topic)) do
      it(topic .. ": " .. row[1], function() parity.check(row, client) end)
    end
  end
end)
