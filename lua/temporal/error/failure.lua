--- Failures as the server tells them, and errors as we tell them:
-- temporal.api.failure.v1.Failure to an error chain and back.
-- @module temporal.failure

local core = require "temporal.core"
local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local errors = require "temporal.error.error"
local field = require "temporal.base.field"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local payload_list = require("temporal.base.payloads").list
local shown = require("temporal.base.text").of

local filled = field.filled
local new = errors.received

-- A chain of failures longer than this is cut; `raw` of its last link keeps
-- the rest. Messages this deep are refused while decoding already.
local MAX_CHAIN = 100

-- The `source` of failures made here.
local SOURCE = "LuaSDK"

-- What stands in the place of a message that is hidden in a payload.
local ENCODED = "Encoded failure"

--- The values of a Payloads message, in order, with their number in `n`. What
-- no converter can read is there as its `conversion` error.
-- @tparam table|string|nil payloads a Payloads message
-- @param converter
-- @treturn table
local function values(payloads, converter)
  local source, unreadable = payload_list(payloads)
  if not source then
    return { n = 1, new(unreadable) }
  end
  local list = { n = #source }
  -- The codecs take all at once; one by one only when they refuse that.
  local decoded = #source > 1 and converter:decode(source)
  local reader = decoded and converter.plain or converter
  for i = 1, #source do
    local value, problem = reader:value((decoded or source)[i])
    if problem then
      value = new(problem)
    end
    list[i] = value
  end
  return list
end

--- The value of one payload, in the same way; nil of none.
local function one_value(payload, converter)
  return values({ payloads = { payload } }, converter)[1]
end

-- For each member of the oneof: the kind, and what it adds to the error.
local READ = {
  application_failure_info = { "application", function(err, info, converter)
    err.type = filled(info.type)
    err.non_retryable = info.non_retryable
    err.details = values(info.details, converter)
    err.next_retry_delay = duration.from_message(info.next_retry_delay)
    err.category = enum.short("APPLICATION_ERROR_CATEGORY_", info.category)
  end },
  timeout_failure_info = { "timed_out", function(err, info, converter)
    err.timeout_type = enum.short("TIMEOUT_TYPE_", info.timeout_type)
    err.last_heartbeat_details = values(info.last_heartbeat_details, converter)
  end },
  canceled_failure_info = { "canceled", function(err, info, converter)
    err.details = values(info.details, converter)
    err.identity = filled(info.identity)
  end },
  terminated_failure_info = { "terminated", function(err, info)
    err.identity = filled(info.identity)
  end },
  server_failure_info = { "server", function(err, info)
    err.non_retryable = info.non_retryable
  end },
  reset_workflow_failure_info = { "reset", function(err, info, converter)
    err.last_heartbeat_details = values(info.last_heartbeat_details, converter)
  end },
  activity_failure_info = { "activity", function(err, info)
    err.scheduled_event_id = info.scheduled_event_id
    err.started_event_id = info.started_event_id
    err.identity = filled(info.identity)
    err.activity_type = info.activity_type and info.activity_type.name
    err.activity_id = filled(info.activity_id)
    err.retry_state = enum.short("RETRY_STATE_", info.retry_state)
  end },
  child_workflow_execution_failure_info = { "child_workflow", function(err, info)
    local execution = info.workflow_execution or {}
    err.namespace = filled(info.namespace)
    err.workflow_id = filled(execution.workflow_id)
    err.run_id = filled(execution.run_id)
    err.workflow_type = info.workflow_type and info.workflow_type.name
    err.initiated_event_id = info.initiated_event_id
    err.started_event_id = info.started_event_id
    err.retry_state = enum.short("RETRY_STATE_", info.retry_state)
  end },
  nexus_operation_execution_failure_info = { "nexus_operation", function(err, info)
    err.scheduled_event_id = info.scheduled_event_id
    err.endpoint = filled(info.endpoint)
    err.service = filled(info.service)
    err.operation = filled(info.operation)
    err.operation_token = filled(info.operation_token) or filled(info.operation_id)
  end },
  nexus_handler_failure_info = { "nexus_handler", function(err, info)
    err.type = filled(info.type)
    err.retry_behavior = enum.short("NEXUS_HANDLER_ERROR_RETRY_BEHAVIOR_", info.retry_behavior)
  end },
}

-- Message and stack trace may be hidden in a payload; what cannot be read
-- leaves the plain ones in place.
local function read_encoded(err, payload, converter)
  local attributes, problem = converter:value(payload)
  if problem or type(attributes) ~= "table" then
    return
  end
  if type(attributes.message) == "string" then
    err.message = attributes.message
  end
  if type(attributes.stack_trace) == "string" then
    err.stack_trace = filled(attributes.stack_trace)
  end
end

local function read_one(failure, converter)
  local err = new {
    kind = "application",
    message = failure.message,
    source = filled(failure.source),
    stack_trace = filled(failure.stack_trace),
    raw = failure,
  }
  for member, reader in next, READ do
    local info = failure[member]
    if info then
      err.kind = reader[1]
      reader[2](err, info, converter)
      break
    end
  end
  if err.kind == "application" and not failure.application_failure_info then
    err.non_retryable = false
    err.details = { n = 0 }
  end
  if failure.encoded_attributes then
    read_encoded(err, failure.encoded_attributes, converter)
  end
  if err.kind == "terminated" then
    -- Where a close event has a reason of its own, a failure has its message.
    err.reason = filled(err.message)
    err.details = { n = 0 }
  end
  return err
end

--- The error chain of a failure.
-- @tparam table|nil failure a decoded temporal.api.failure.v1.Failure
-- @param converter
-- @treturn temporal.error|nil
local function to_error(failure, converter)
  local first, last
  for _ = 1, MAX_CHAIN do
    if not failure then
      break
    end
    local err = read_one(failure, converter)
    if last then
      last.cause = err
    else
      first = err
    end
    last = err
    failure = failure.cause
  end
  return first
end

-- Errors to send.

local CATEGORIES = { benign = "benign" }

local APPLICATION_OPTIONS = options.define("option of temporal.application_error", {
  type = options.string("type"),
  non_retryable = options.boolean("non_retryable"),
  details = function(target, value, spec, name)
    if type(value) ~= "table" then
      return options.fail(spec, name, "must be a list of values", options.kind_of(value))
    end
    target.details = value
  end,
  category = options.choice("category", CATEGORIES),
  next_retry_delay = options.seconds("next_retry_delay"),
  cause = function(target, value)
    target.cause = value
  end,
})

--- An error to send to a workflow or to fail an activity with.
-- @tparam string message
-- @tparam[opt] table fields `type`, `non_retryable` (false), `details` (list;
--   `n` for trailing nils), `category` (`"benign"`), `next_retry_delay`
--   (duration), `cause` (an error)
-- @treturn temporal.error of kind `application`
-- @raise on a wrong or unknown option
local function application_error(message, fields)
  if type(message) ~= "string" then
    misuse.raisef("temporal.application_error: the message must be a string, got %s",
      options.kind_of(message))
  end
  if fields ~= nil and type(fields) ~= "table" then
    misuse.raisef("temporal.application_error: the second argument must be a table, got %s",
      options.kind_of(fields))
  end
  local err = new { kind = "application", message = message, non_retryable = false }
  options.apply(APPLICATION_OPTIONS, fields or {}, err)
  if err.cause ~= nil and not errors.is_error(err.cause) then
    err.cause = new { kind = "application", message = shown(err.cause),
      non_retryable = false }
  end
  return err
end

local function payloads_of(list, converter)
  local count = list and (list.n or #list) or 0
  if count == 0 then
    return nil
  end
  local payloads = {}
  for i = 1, count do
    local payload, problem = converter:payload(list[i], ("detail %d"):format(i))
    if not payload then
      return nil, problem
    end
    payloads[i] = payload
  end
  return { payloads = payloads }
end

-- Text that a proto string can hold: bytes that are no UTF-8 show as \xNN.
local function text(value)
  value = shown(value == nil and "" or value)
  if core.utf8_offset(value) then
    value = value:gsub("[\128-\255]", function(byte)
      return ("\\x%02X"):format(byte:byte())
    end)
  end
  return value
end

-- Fields of an error that a failure has a place for, or that say nothing.
local ELSEWHERE = {
  kind = true, message = true, stack_trace = true, source = true, where = true,
  non_retryable = true,
}

-- What an error of this process knows beyond its message, for the other side:
-- a list of one table, or nil.
local function own_fields(err)
  local fields = {}
  for name, value in next, err do
    local kind = type(value)
    if type(name) == "string" and not ELSEWHERE[name] and (kind == "boolean"
      or kind == "string" and not core.utf8_offset(value)
      or kind == "number" and value - value == 0) then
      fields[name] = value
    end
  end
  return next(fields) and { fields } or nil
end

-- For each kind that a Failure has a form for: fills that form in. Any other
-- kind is an application failure of that type.
local WRITE = {
  application = function(failure, err, details)
    failure.application_failure_info = {
      type = err.type and text(err.type),
      non_retryable = err.non_retryable or nil,
      details = details,
      next_retry_delay = err.next_retry_delay and duration.message(err.next_retry_delay),
      category = err.category,
    }
  end,
  canceled = function(failure, err, details)
    failure.canceled_failure_info = { details = details, identity = err.identity }
  end,
  timed_out = function(failure, err, _, heartbeat)
    failure.timeout_failure_info = {
      timeout_type = err.timeout_type, last_heartbeat_details = heartbeat,
    }
  end,
  terminated = function(failure, err, details)
    failure.terminated_failure_info = { identity = err.identity }
    -- This form has no place for the details of a close event.
    failure.cause = details and {
      message = "details of the termination", source = SOURCE,
      application_failure_info = { type = "terminated", details = details },
    }
  end,
}

local function write_other(failure, err, details)
  failure.application_failure_info = {
    type = err.kind, non_retryable = err.non_retryable or nil, details = details,
  }
end

-- Message and stack trace of a failure into a payload that codecs see.
local function encode_attributes(failure, converter)
  local payload, problem = converter:payload(
    { message = failure.message, stack_trace = failure.stack_trace or "" }, "failure")
  if not payload then
    return problem
  end
  failure.encoded_attributes = payload
  failure.message, failure.stack_trace = ENCODED, ""
  return nil
end

local function write_one(err, converter)
  local write, list = WRITE[err.kind], err.details
  if not write then
    write, list = write_other, own_fields(err)
  end
  local details, problem = payloads_of(list, converter)
  if problem then
    return nil, problem
  end
  local heartbeat
  heartbeat, problem = payloads_of(err.last_heartbeat_details, converter)
  if problem then
    return nil, problem
  end
  local failure = {
    message = text(err.message),
    source = err.source or SOURCE,
    stack_trace = err.stack_trace and text(err.stack_trace),
  }
  write(failure, err, details, heartbeat)
  local each = failure
  while each and converter.encode_common_attributes do
    problem = encode_attributes(each, converter)
    if problem then
      return nil, problem
    end
    each = each.cause
  end
  return failure
end

-- A value that is no error of this package: its tostring, and the value itself
-- where the other side can read it.
local function error_of(value, converter)
  local err = new { kind = "application", message = text(value) }
  if type(value) ~= "string" then
    local payload, problem = converter:payload(value, "error")
    if payload then
      err.details = { value }
    elseif errors.is_error(problem) then
      return nil, problem
    end
  end
  return err
end

local FROM_FAILURE = {}
for _, reader in next, READ do
  FROM_FAILURE[reader[1]] = true
end

-- The Failure an error was made of, or nil: in other kinds `raw` is something
-- else, and what a close event told has none.
local function received_failure(err)
  local raw = err.raw
  return FROM_FAILURE[err.kind] and type(raw) == "table" and type(raw.message) == "string"
    and raw or nil
end

--- What code of the user's raised or returned as its failure, as an error.
-- @param problem anything
-- @tparam[opt] string stack_trace
-- @treturn temporal.error itself, or one of kind `application` whose `type` is its
--   metatable's `__name`, or `LuaError`
local function of_raised(problem, stack_trace)
  if errors.is_error(problem) then
    return problem
  end
  local meta = getmetatable(problem)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return errors.received {
    kind = "application", message = shown(problem), stack_trace = stack_trace,
    type = type(name) == "string" and name or "LuaError",
  }
end

--- The failure of an error. One that came from the server goes back as it
-- came, with its causes: the very same message, nothing lost and nothing added,
-- whatever has been done to the error's fields since.
--
-- A converter with `encode_common_attributes` hides message and stack trace of
-- every failure made here in a payload (client-semantics: "Encoded failure").
-- @param err an error of this package; anything else becomes an application
--   failure with its tostring, and the value as a detail where it converts
-- @param converter
-- @treturn table|nil a temporal.api.failure.v1.Failure
-- @treturn string|temporal.error|nil what was wrong with a detail; an error
--   when it is a codec that failed
local function from_error(err, converter)
  local first, last
  for _ = 1, MAX_CHAIN do
    if err == nil then
      break
    end
    local problem
    if not errors.is_error(err) then
      err, problem = error_of(err, converter)
      if not err then
        return nil, problem
      end
    end
    local received = received_failure(err)
    local failure = received
    if not received then
      failure, problem = write_one(err, converter)
      if not failure then
        return nil, problem
      end
    end
    if last then
      last.cause = failure
    else
      first = failure
    end
    if received then
      break
    end
    -- A cause that writing has made comes before the error's own.
    last = failure.cause or failure
    err = err.cause
  end
  return first
end

return {
  to_error = to_error,
  from_error = from_error,
  of_raised = of_raised,
  application_error = application_error,
  values = values,
  value = one_value,
}
