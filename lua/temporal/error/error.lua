--- The one class of everything that can go wrong without being misuse:
-- network, server, workflow, timeouts, values nobody can read.
--
-- Fields of every error: `kind`, `message`, `cause` (an error or nil), `code`
-- (gRPC code name, when an RPC failed), `details` (list), `attempts`, `raw`,
-- `where` (`"file:line"` of the program's call that met it first; nil where
-- none of its functions is on the stack, and of causes); further fields by
-- kind.
-- @module temporal.error

local core = require "temporal.core"
local enum = require "temporal.base.enum"
local misuse = require "temporal.base.misuse"

local getinfo = debug.getinfo

local MAX_CHAIN = 1000

local CODES = {
  [1] = "cancelled", [2] = "unknown", [3] = "invalid_argument", [4] = "deadline_exceeded",
  [5] = "not_found", [6] = "already_exists", [7] = "permission_denied",
  [8] = "resource_exhausted", [9] = "failed_precondition", [10] = "aborted",
  [11] = "out_of_range", [12] = "unimplemented", [13] = "internal", [14] = "unavailable",
  [15] = "data_loss", [16] = "unauthenticated",
}

-- Local ends of an RPC that have a gRPC code of the same name.
local LOCAL_CODES = { unavailable = true, deadline_exceeded = true, resource_exhausted = true }

-- A start that ended with one of these codes was refused: nothing runs. With
-- any other the server may have acted before the answer was lost.
local REFUSALS = {
  invalid_argument = true, not_found = true, already_exists = true, permission_denied = true,
  failed_precondition = true, out_of_range = true, unimplemented = true, unauthenticated = true,
  resource_exhausted = true,
}

-- Kinds that never left this process.
local LOCAL_REFUSALS = { fork = true, message_too_large = true, codec = true }

-- How a server says that a request was over its limit, without any detail.
local TOO_LARGE = {
  "^grpc: received message larger than max",
  "^grpc: message after decompression larger than max",
  "^grpc: received message after decompression larger than max",
  "^grpc: trying to send message larger than max",
  "^grpc: message too large",
  "^trying to send message larger than max",
}

local methods = {}
local metatable = { __name = "temporal.error", __index = methods }

--- Is a value an error of this package?
-- @param value anything
-- @treturn boolean
local function is_error(value)
  if type(value) ~= "table" then
    return false
  end
  local meta = getmetatable(value)
  -- By name: a package loaded twice has two metatables.
  return type(meta) == "table" and rawget(meta, "__name") == "temporal.error"
end

-- What tells that something below it was canceled.
local ABOVE_CANCELED = {
  activity = true, child_workflow = true, nexus_operation = true, workflow_failed = true,
}

--- Is it the error of a cancellation, or of a workflow, an activity, a child or a Nexus
-- operation that was canceled?
-- @param err anything
-- @treturn boolean
local function is_canceled(err)
  if is_error(err) and ABOVE_CANCELED[err.kind] then
    err = err.cause
  end
  return is_error(err) and err.kind == "canceled"
end

--- Makes an error that somebody else met, such as the worker that tells of it.
-- @tparam table fields `kind` and `message` at least
-- @treturn temporal.error the same table
local function received(fields)
  return setmetatable(fields, metatable)
end

--- Makes an error that the program meets in the call it is making: `where`
-- becomes its line.
-- @tparam table fields `kind` and `message` at least
-- @treturn temporal.error the same table
local function new(fields)
  fields.where = misuse.caller()
  return setmetatable(fields, metatable)
end

--- The first error of a kind down the chain, this one included.
-- @tparam string kind
-- @treturn temporal.error|nil
function methods:find(kind)
  local err = self
  for _ = 1, MAX_CHAIN do
    if not is_error(err) then
      return nil
    end
    if err.kind == kind then
      return err
    end
    err = err.cause
  end
  return nil
end

local function add(list, value)
  if value ~= nil and value ~= "" then
    list[#list + 1] = tostring(value)
  end
end

local function identify_workflow(err)
  local list = {}
  add(list, err.workflow_type or err.activity_type)
  add(list, err.workflow_id)
  add(list, err.activity_id)
  add(list, err.schedule_id)
  if err.run_id and err.run_id ~= "" then
    list[#list + 1] = "run " .. err.run_id
  end
  return list
end

-- What a kind says about itself between the parentheses.
local IDENTIFY = {
  application = function(err)
    return { err.type }
  end,
  timed_out = function(err)
    return { err.timeout_type }
  end,
  activity = function(err)
    local list = {}
    add(list, err.activity_type)
    add(list, err.activity_id)
    return list
  end,
  nexus_operation = function(err)
    local list = {}
    add(list, err.endpoint)
    add(list, err.service)
    add(list, err.operation)
    return list
  end,
  nexus_handler = function(err)
    return { err.type }
  end,
  resource_exhausted = function(err)
    local list = identify_workflow(err)
    add(list, err.resource_cause)
    add(list, err.scope)
    return list
  end,
}

local function one_line(text)
  return core.one_line(tostring(text))
end

local function describe(err)
  local list = (IDENTIFY[err.kind] or identify_workflow)(err)
  local text = tostring(err.kind)
  if #list > 0 then
    text = text .. " (" .. one_line(table.concat(list, ", ")) .. ")"
  end
  if err.message ~= nil and err.message ~= "" then
    text = text .. ": " .. one_line(err.message)
  end
  if err.attempts and err.attempts > 1 then
    text = text .. (" [%d attempts]"):format(err.attempts)
  end
  return text
end

local function with_causes(self)
  local parts = {}
  local err = self
  for i = 1, MAX_CHAIN do
    if not is_error(err) then
      if err ~= nil then
        parts[i] = one_line(err)
      end
      break
    end
    parts[i] = describe(err)
    err = err.cause
  end
  return table.concat(parts, ": ")
end

--- An error that nobody caught, as one line with the place in the program.
-- @param err anything that was raised
-- @treturn string
local function uncaught(err)
  if is_error(err) and err.where then
    return ("%s (at %s)"):format(with_causes(err), one_line(err.where))
  end
  return tostring(err)
end

-- Is it the interpreter that asks for the text, for stderr? Its message handler
-- is a C function that stands right above `error` on the stack.
local function asked_by_interpreter()
  local handler, raising = getinfo(3, "Sf"), getinfo(4, "f")
  return handler and raising and handler.what == "C" and handler.func ~= tostring
    and raising.func == error
end

--- One line for people: outermost first, causes after it.
function metatable.__tostring(self)
  if asked_by_interpreter() then
    return (uncaught(self))
  end
  return (with_causes(self))
end

local function text_of(value)
  local kind = type(value)
  if is_error(value) then
    return with_causes(value)
  elseif kind ~= "string" and kind ~= "number" then
    misuse.raisef("attempt to concatenate an error with a %s value", kind)
  end
  return value
end

function metatable.__concat(left, right)
  return text_of(left) .. text_of(right)
end

-- Details of a google.rpc.Status. Each refiner turns the fields of a decoded
-- detail into fields of the error, and may change the kind.

local function copy_fields(err, detail)
  for name, value in next, detail do
    if value ~= "" and type(value) ~= "table" and name ~= "_unknown" and err[name] == nil then
      err[name] = value
    end
  end
end

local function already_started(err, detail)
  err.kind = "already_started"
  copy_fields(err, detail)
end

local REFINE = {
  WorkflowExecutionAlreadyStartedFailure = already_started,
  ActivityExecutionAlreadyStartedFailure = already_started,
  NexusOperationExecutionAlreadyStartedFailure = already_started,
  NamespaceNotFoundFailure = function(err, detail)
    err.kind = "namespace_not_found"
    copy_fields(err, detail)
  end,
  ResourceExhaustedFailure = function(err, detail)
    err.resource_cause = enum.short("RESOURCE_EXHAUSTED_CAUSE_", detail.cause)
    err.scope = enum.short("RESOURCE_EXHAUSTED_SCOPE_", detail.scope)
  end,
  NamespaceInvalidStateFailure = function(err, detail)
    local allowed = {}
    for i, state in ipairs(detail.allowed_states or {}) do
      allowed[i] = enum.short("NAMESPACE_STATE_", state)
    end
    err.namespace = detail.namespace
    err.state = enum.short("NAMESPACE_STATE_", detail.state)
    err.allowed_states = allowed
  end,
  SystemWorkflowFailure = function(err, detail)
    local execution = detail.workflow_execution or {}
    err.system_workflow_id = execution.workflow_id
    err.system_run_id = execution.run_id
    err.workflow_error = detail.workflow_error
  end,
  QueryFailedFailure = function(err, detail, context)
    -- The server also sends it where no query was asked.
    if context and context.method == "QueryWorkflow" then
      err.kind = "query_failed"
    end
    if detail.failure and context and context.failure_to_error then
      err.cause = context.failure_to_error(detail.failure, context.converter)
    end
  end,
}

local function decode_details(bytes)
  local status = core.decode("google.rpc.Status", bytes)
  local details = {}
  if not status then
    return details, bytes
  end
  for i, any in ipairs(status.details) do
    local type_name = any.type_url:match("([^/]*)$")
    local detail = core.decode(type_name, any.value)
    if detail then
      detail.type_url = any.type_url
    end
    details[i] = detail or any
  end
  return details, status
end

local function refine(err, bytes, context)
  err.details, err.raw = decode_details(bytes)
  for _, detail in ipairs(err.details) do
    local short_name = (detail.type_url or ""):match("([^.]*)$")
    local refiner = REFINE[short_name]
    if detail.value == nil then
      local type_url = detail.type_url
      -- type_url names the detail, it is none of its fields.
      detail.type_url = nil
      if refiner then
        refiner(err, detail, context)
      else
        copy_fields(err, detail)
      end
      detail.type_url = type_url
    end
  end
end

-- The server's own limits, of one payload field or the memo.
local function check_blob(err)
  if err.message:find "^Blob data size exceeds limit" or err.message:find "^Memo size exceeds" then
    err.kind = "message_too_large"
  end
end

local function check_too_large(err)
  for i = 1, #TOO_LARGE do
    if err.message:find(TOO_LARGE[i]) then
      err.kind = "message_too_large"
      local size, limit = err.message:match("%((%d+) vs%. (%d+)%)")
      err.size, err.limit = tonumber(size), tonumber(limit)
      return
    end
  end
end

local COPIED = { "attempts", "outcome", "size", "limit", "http_status" }

--- The error a record of the engine stands for: the kind from the gRPC
-- status and its details, unless the call ended in this process.
-- @tparam table record `{kind=, code=, message=, details=, attempts=, ...}`
-- @tparam[opt] table context fields for the error (`workflow_id` ...) under
--   `fields`; `method`, `failure_to_error` and `converter` for failed queries
-- @treturn temporal.error
local function from_record(record, context)
  local code = CODES[record.code]
  local kind = record.kind
  if not kind then
    kind = code == "cancelled" and "call_canceled" or code or "unknown"
  end
  if not code and LOCAL_CODES[kind] then
    code = kind
  end
  local err = new { kind = kind, message = record.message or "", code = code }
  for i = 1, #COPIED do
    err[COPIED[i]] = record[COPIED[i]]
  end
  -- The server's own exhaustion comes with a code and no kind.
  if record.kind == "resource_exhausted" then
    err.resource_cause = "local"
  end
  if record.details and record.details ~= "" then
    refine(err, record.details, context)
  end
  if err.kind == "resource_exhausted" and not err.resource_cause then
    check_too_large(err)
  elseif err.kind == "invalid_argument" then
    check_blob(err)
  end
  local fields = context and context.fields
  if fields then
    for name, value in next, fields do
      if err[name] == nil then
        err[name] = value
      end
    end
  end
  return err
end

--- Whether a failed start can have started anything.
-- @tparam temporal.error err
-- @treturn string `"not_started"` or `"unknown"`
local function start_outcome(err)
  if REFUSALS[err.code] or LOCAL_REFUSALS[err.kind] then
    return "not_started"
  end
  return "unknown"
end

--- Raises an error of this package, or returns the arguments.
-- @param ... a value, an error, and whatever else
-- @return all arguments, as many as there are
-- @raise the error itself, when the value is nil and it is not; `err.where`
--   stays, or becomes the line of this call
local function assert_result(...)
  local value, err = ...
  if value == nil and err ~= nil then
    if is_error(err) and err.where == nil then
      err.where = misuse.caller()
    end
    error(err, 0)
  end
  return ...
end

return {
  new = new,
  received = received,
  uncaught = uncaught,
  is_canceled = is_canceled,
  is_error = is_error,
  from_record = from_record,
  start_outcome = start_outcome,
  assert = assert_result,
}
