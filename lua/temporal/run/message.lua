--- What signals, queries and updates have in common: a name, arguments and a
-- header, on their way to a workflow.
-- @module temporal.message

local call_options = require "temporal.call.call_options"
local core = require "temporal.core"
local handle = require "temporal.call.handle"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"
local start = require "temporal.run.start"

local next, select, type = next, select, type
local core_field = core.field
local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local message = {}

--- Values by name that travel with a message: the option `header`.
function message.header_option(given, value, spec, name)
  if type(value) ~= "table" then
    return options.fail(spec, name, "must be a table of values by name", options.kind_of(value))
  end
  -- A copy: interceptors may change it, and the user's own must not change.
  local header = {}
  for key, each in next, value do
    if type(key) ~= "string" then
      return options.fail(spec, name, "must have strings as keys", options.show(key))
    end
    header[key] = each
  end
  given.header = header
end

--- What interceptors see of a message.
-- @param future of the workflow
-- @tparam table given the method's options, `name` among them
-- @param ... the arguments
-- @treturn table `client workflow id run_id name args header options`
function message.input(future, given, ...)
  return {
    client = core.owner(future),
    workflow = future,
    id = core_field(future, "id"),
    run_id = handle.is_pinned(future) and core_field(future, "run_id") or nil,
    name = given.name,
    args = { n = select("#", ...), ... },
    header = given.header or {},
    options = given,
  }
end

--- The arguments of a message as the value of a Payloads field.
-- @tparam temporal.session session
-- @tparam string workflow_id
-- @tparam table args a list; `n` counts nils
-- @tparam string method for messages, such as `"workflow:signal"`
-- @tparam[opt="arguments"] string kind of the values
-- @return the Payloads, nil when there are no arguments, or nil and
-- @treturn temporal.error|nil of a codec
-- @raise when an argument cannot be converted
function message.arguments(session, workflow_id, args, method, kind)
  local count = args.n or #args
  if count == 0 then
    return nil
  end
  local values = session:values(kind or "arguments", workflow_id)
  local payloads, problem = values:payloads(count, unpack(args, 1, count))
  if not payloads then
    return call_options.refuse(problem, method)
  end
  return payloads
end

--- The header of a message as the value of a Header field.
-- @tparam temporal.session session
-- @tparam string workflow_id
-- @tparam table|nil header Lua values by name
-- @tparam string method for messages
-- @treturn table|nil the Header, nil when it would be empty, or nil and
-- @treturn temporal.error|nil of a codec
-- @raise when a value cannot be converted
function message.header(session, workflow_id, header, method)
  if header == nil or next(header) == nil then
    return nil
  end
  local values = session:values("header", workflow_id)
  local fields = {}
  for name, value in next, header do
    local payload, problem = values:payload(value, "header." .. name)
    if not payload then
      return call_options.refuse(problem, method)
    end
    fields[name] = payload
  end
  return { fields = fields }
end

-- A message that goes with a start: a table {name=, args={...}}, or
-- {"name", args...} for short.

local function set_args(given, value, spec, name)
  if type(value) ~= "table" then
    return options.fail(spec, name, "must be a list of arguments (n counts trailing nils)",
      options.kind_of(value))
  end
  -- A copy: interceptors may change it, and the user's own must not change.
  given.args = {}
  for key, each in next, value do
    given.args[key] = each
  end
end

--- Declares what a message that goes with a start may have.
-- @tparam string what `"signal"` or `"update"`
-- @tparam[opt] table handlers beside `name` and `args`
-- @treturn table the specification
function message.define_with_start(what, handlers)
  local all = { name = options.string("name"), args = set_args }
  for name, handler in next, handlers or {} do
    all[name] = handler
  end
  local spec = options.define("option of the " .. what, all)
  spec.what = what
  return spec
end

local function spread(value)
  local count = value.n or #value
  return { name = value[1], args = { n = count - 1, unpack(value, 2, count) } }
end

local function read(spec, value, method)
  if type(value) ~= "table" then
    misuse.raisef('%s takes the %s as {name=, args={...}} or {"name", args...}, got %s', method,
      spec.what, options.kind_of(value))
  end
  local given = options.apply(spec, value[1] ~= nil and spread(value) or value, {})
  if given.name == nil then
    misuse.raisef("%s: the name of the %s is missing", method, spec.what)
  end
  given.args = given.args or { n = 0 }
  return given
end

--- What interceptors see of a start with a message.
-- @tparam table spec of `define_with_start`
-- @tparam string method for messages, such as `"client:signal_with_start"`
-- @param client
-- @tparam table start_options
-- @tparam table given the message
-- @tparam string|function workflow
-- @param ... arguments of the workflow
-- @treturn table `client id type args header options` of the start, and the
--   message under `signal` or `update`; one header travels with both
-- @raise on misuse
function message.input_with_start(spec, method, client, start_options, given, workflow, ...)
  local input = start.input(client, start_options, workflow, select("#", ...), ...)
  input[spec.what] = read(spec, given, method)
  return input
end

--- The request of the start of such an input, as interceptors left it.
-- @tparam table input of `input_with_start`
-- @treturn table a StartWorkflowExecutionRequest, parts of it encoded; with
--   `refusal`, the error of a codec, it is not to be sent
-- @raise on misuse
function message.start_request(input)
  local given, args = input.options, input.args
  given.header = next(input.header) ~= nil and input.header or nil
  local count = args.n or #args
  return start.build(sessions.of(input.client), given, input.type, count, unpack(args, 1, count))
end

return message
