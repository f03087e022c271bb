--- Calls of a worker's tasks.
-- @module temporal.worker.calls

local direct = require "temporal.wait.direct"
local service = require "temporal.call.service"

local calls = {}

--- Calls an RPC and waits for the answer, as `service.call` does.
-- @tparam temporal.session session
-- @tparam string method
-- @tparam table request made for this call
-- @tparam[opt] table given
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
function calls.call(session, method, request, given)
  local future, err = service.start_own(session, method, request, given)
  if not future then
    return nil, err
  end
  direct.await(future)
  return future:get()
end

return calls
