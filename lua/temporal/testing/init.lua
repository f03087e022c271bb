--- Help for tests of a program that uses Temporal.
-- @module temporal.testing

-- Loaded by their first use.
local LAZY = {
  activity = function()
    return require "temporal.testing.activity"
  end,
  server = function()
    return require "temporal.testing.server"
  end,
}

return setmetatable({}, {
  __name = "temporal.testing",
  __index = function(testing, name)
    local load = LAZY[name]
    testing[name] = load and load()
    return rawget(testing, name)
  end,
})
