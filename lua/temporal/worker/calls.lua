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

--- Calls an RPC that answers a task. What follows on it, the next attempt or the next
-- task, the server would hand to a poll that waits: not while a worker that stops cuts
-- its polls, or it would be lost until its timeout.
-- @tparam worker worker
-- @tparam string method
-- @tparam table request made for this call
-- @tparam[opt] table given
-- @treturn table|nil the response, or nil
-- @treturn temporal.error
function calls.answer(worker, method, request, given)
  if worker.cuts_polls then
    worker.told:wait()
  end
  return calls.call(worker.session, method, request, given)
end

return calls
