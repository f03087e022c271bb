--- What an update sends: its request, no larger than the namespace takes. The
-- server does not look at the size of an update's arguments; the workflow's
-- tasks would fail from then on.
-- @module temporal.update_request

local core = require "temporal.core"
local errors = require "temporal.error.error"
local message = require "temporal.run.message"
local misuse = require "temporal.base.misuse"
local service = require "temporal.call.service"
local sessions = require "temporal.call.session"

-- The server's own default (limit.blobSize.error).
local DEFAULT_LIMIT = 2 * 1024 * 1024

-- The server does not measure the request, but the worker's message that
-- accepts it: an Any of an Acceptance, which repeats request and update id.
local ACCEPTANCE = 100

-- Answers of a server that will not tell its limits the next time either.
local WILL_NOT_TELL = { permission_denied = true, unimplemented = true }

local update_request = {}

local function blob_limit(session, call)
  if session.blob_limit then
    return session.blob_limit
  end
  local answer, err = service.call(session, "DescribeNamespace", {}, call)
  local info = answer and answer.namespace_info
  local limit = info and info.limits and info.limits.blob_size_limit_error
  if not limit or limit <= 0 then
    limit = DEFAULT_LIMIT
  end
  if answer or WILL_NOT_TELL[err.kind] then
    session.blob_limit = limit
  end
  return limit
end

--- The request of an update, encoded.
-- @tparam table input `client`, `id` of the workflow, `name`, `args`, `header`,
--   `update_id`
-- @tparam string method for messages, such as `"workflow:update"`
-- @treturn table|nil a temporal.api.update.v1.Request, or nil
-- @treturn temporal.error of a codec
-- @raise when a value cannot be converted
function update_request.build(input, method)
  local session = sessions.of(input.client)
  local args, err = message.arguments(session, input.id, input.args, method)
  local header
  if not err then
    header, err = message.header(session, input.id, input.header, method)
  end
  if err then
    return nil, err
  end
  return {
    meta = { update_id = input.update_id, identity = session:identify() },
    input = { name = input.name, args = args, header = header },
  }
end

--- Checks that the server can handle the request.
-- @tparam temporal.session session
-- @tparam table request of `build`
-- @tparam table call `timeout` (seconds) and `metadata`, for asking the server
--   for its limit; asked once for each client
-- @treturn string|nil the request's bytes, or nil
-- @treturn temporal.error of kind `message_too_large`
function update_request.encode(session, request, call)
  local limit = blob_limit(session, call)
  local bytes, problem = core.encode("temporal.api.update.v1.Request", request, true)
  if not bytes then
    return misuse.raise(problem)
  end
  local size = #bytes + #request.meta.update_id + ACCEPTANCE
  if size > limit then
    return nil, errors.new {
      kind = "message_too_large",
      message = ("the update and its arguments have %d bytes, and the namespace takes %d")
        :format(size, limit),
      size = size,
      limit = limit,
      outcome = "not_started",
    }
  end
  return bytes
end

return update_request
