--- Requests whose payloads come near what the server takes: the logger is told,
-- and an error that the server makes of one says what was too large.
--
-- Only requests above the session's `large` are looked at: others cost a comparison.
-- @module temporal.large

local core = require "temporal.core"
local decimal = require "temporal.base.decimal"
local logger = require "temporal.observe.logger"
local state = require "temporal.base.state"

local ipairs, next, select, type = ipairs, next, select, type
local now = core.now

local PAYLOADS = "temporal.api.common.v1.Payloads"

-- Bytes: the server's own default (limit.blobSize.error).
local LIMIT = 2 * 1024 * 1024

local MINUTE = 60
local DEPTH = 8

-- Fields that hold values one after the other, and what people call these.
local LISTS = {
  input = "arguments", query_args = "arguments", signal_input = "arguments", args = "arguments",
  result = "results", details = "details",
}
-- Fields that hold values by name.
local BY_NAME = { memo = true, header = true }
-- Values among the rest of a message that is encoded as a whole.
local WHOLE = { request = "the update and its arguments" }

local large = {}

-- The size of each part of a request, by what it is called for people. Payloads
-- lie there as tables or encoded.

-- `element`: one value of it; nil: no values of the user.
local function add(parts, name, size, element)
  local part = parts[name] or { name = name, size = 0, largest = 0 }
  parts[name] = part
  part.size, part.values = part.size + size, element ~= nil
  if element and size > part.largest then
    part.largest, part.element = size, element
  end
end

local function length(value)
  return type(value) == "string" and #value or 0
end

-- Of a payload, encoded or not.
local function size_of(payload)
  if type(payload) ~= "table" then
    return length(payload)
  end
  local size = length(payload.data)
  if type(payload.metadata) == "table" then
    for key, value in next, payload.metadata do
      size = size + length(key) + length(value)
    end
  end
  return size
end

local function add_list(parts, what, list)
  for i, payload in ipairs(list) do
    add(parts, "the " .. what, size_of(payload), what:gsub("s$", " ") .. decimal.text(i))
  end
end

local function add_fields(parts, what, fields)
  for name, payload in next, fields do
    add(parts, "the " .. what, size_of(payload), what .. "." .. tostring(name))
  end
end

-- Payloads as a table or encoded; nil of anything else.
local function list_of(value)
  if type(value) == "string" then
    value = core.decode(PAYLOADS, value)
  end
  return type(value) == "table" and type(value.payloads) == "table" and value.payloads or nil
end

local function walk(parts, message, depth)
  for field, value in next, message do
    local list = LISTS[field] and list_of(value)
    if list then
      add_list(parts, LISTS[field], list)
    elseif BY_NAME[field] and type(value) == "table" and type(value.fields) == "table" then
      add_fields(parts, field, value.fields)
    elseif type(value) == "string" then
      add(parts, WHOLE[field] or "the field " .. tostring(field), #value, WHOLE[field])
    elseif type(value) == "table" and depth > 0 then
      walk(parts, value, depth - 1)
    end
  end
end

local function largest(parts)
  local found
  for _, part in next, parts do
    if not found or part.size > found.size then
      found = part
    end
  end
  return found
end

local function words(part)
  local verb = part.name:match "s$" and "have" or "has"
  local text = ("%s %s %s bytes"):format(part.name, verb, decimal.text(part.size))
  if part.element and part.largest < part.size then
    text = ("%s, the largest is %s: %s"):format(text, part.element, decimal.text(part.largest))
  elseif part.element and part.element ~= part.name then
    text = ("%s (%s)"):format(text, part.element)
  end
  return text
end

-- When something was said of a method last, by session.
local said = setmetatable({}, { __mode = "k" })

local function warn(session, part, method, workflow_id)
  local methods = said[session] or {}
  said[session] = methods
  if methods[method] and now() - methods[method] < MINUTE then
    return
  end
  methods[method] = now()
  logger.log(session.logger, "warn", ("%s of %s: %s; a server as it is set by default refuses more "
    .. "than %s"):format(method, workflow_id or "a request", words(part), decimal.text(LIMIT)),
    { method = method, workflow_id = workflow_id, size = part.size })
end

local function note(session, future, parts, method, workflow_id)
  local part = largest(parts)
  if not part then
    return
  end
  state.large[future] = part
  if session.payload_warning and part.values and part.size > session.payload_warning then
    warn(session, part, method, workflow_id)
  end
end

--- A large request has been sent.
-- @tparam temporal.session session
-- @param future that stands for it
-- @tparam table request parts of it may be encoded
-- @tparam string method of the RPC
-- @tparam string|nil workflow_id
function large.request(session, future, request, method, workflow_id)
  local parts = {}
  walk(parts, request, DEPTH)
  note(session, future, parts, method, workflow_id)
end

--- The same of a start whose arguments alone can be large.
-- @tparam temporal.session session
-- @param future of the workflow
-- @tparam string method
-- @param ... the arguments
function large.arguments(session, future, method, ...)
  local parts, list = {}, {}
  for i = 1, select("#", ...) do
    list[i] = core.payload((select(i, ...))) or ""
  end
  add_list(parts, "arguments", list)
  note(session, future, parts, method, core.field(future, "id"))
end

--- Says in an error what was too large.
-- @tparam temporal.session session
-- @param future that failed
-- @tparam temporal.error err of kind `message_too_large`
function large.explain(session, future, err)
  local part = state.large[future]
  if not part or err.kind ~= "message_too_large" then
    return
  end
  local limit = session.blob_limit or part.size > LIMIT and LIMIT or nil
  err.message = ("%s (%s%s)"):format(err.message, words(part),
    limit and ("; the namespace takes " .. decimal.text(limit)) or "")
  err.size, err.limit = err.size or part.size, err.limit or limit
end

return large
