--- Who polls a task queue, as DescribeTaskQueue tells it.
-- @module temporal.poller

local execution_options = require "temporal.call.execution_options"
local field = require "temporal.base.field"
local timestamp = require "temporal.base.timestamp"

local filled = field.filled

local function read(message)
  local deployment = message.deployment_options
  return {
    identity = filled(message.identity),
    last_access_time = timestamp.from_message(message.last_access_time),
    rate_per_second = filled(message.rate_per_second),
    deployment = deployment and filled(deployment.deployment_name)
      and execution_options.version(deployment),
  }
end

return {
  --- The pollers of a response.
  -- @tparam table response a DescribeTaskQueueResponse
  -- @treturn table list of `{identity=, last_access_time=, rate_per_second=,
  --   deployment=}`
  list = function(response)
    local pollers = {}
    for i, message in ipairs(response.pollers) do
      pollers[i] = read(message)
    end
    return pollers
  end,
}
