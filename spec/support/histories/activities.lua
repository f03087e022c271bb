--- Local activities, which the worker of the workflows runs itself: twins of those in scenarios.py.

local activity = require "temporal.activity"
local temporal = require "temporal"

return {
  Double = function(n) return 2 * n end,
  Fail = function(message)
    error(temporal.application_error(message, { type = "Broken", non_retryable = true }))
  end,
  Flaky = function(attempts)
    local attempt = activity.info().attempt
    if attempt < attempts then
      error(temporal.application_error("not yet", { type = "NotYet" }))
    end
    return attempt
  end,
  Sleep = function(seconds)
    activity.sleep(seconds)
    return seconds
  end,
  Patient = function() activity.sleep(20) end,
}
