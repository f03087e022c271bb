--- What a schedule does: it starts a workflow, with the start options.
-- @module temporal.schedule.action

local call_options = require "temporal.call.call_options"
local change = require "temporal.schedule.change"
local definition = require "temporal.run.definition"
local duration = require "temporal.base.duration"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local search_attributes = require "temporal.value.search_attributes"
local start = require "temporal.run.start"

local floor = math.floor
local next, type, rawget = next, type, rawget

local action = {}

local start_handlers = start.options.handlers

-- Start options that say how a single start is submitted, or what a schedule
-- itself decides.
local NOT_SCHEDULED = {
  "callbacks", "cron_schedule", "id_conflict_policy", "id_reuse_policy", "links", "metadata",
  "on_already_started", "request_eager_start", "request_id", "start_delay", "timeout",
}

local function not_scheduled(_, _, spec, name)
  return options.fail(spec, name, "is for a single start: a schedule's own spec and overlap "
    .. "policy say when and how its workflows start")
end

-- Values. A codec may fail, which is no misuse: the problem is kept until the
-- whole action has been read.

local function convert(context, kind, value, place)
  local payload, problem = context.session:values(kind, context.id):payload(value, place)
  if not payload then
    context.problem = context.problem or problem
  end
  return payload
end

-- The number of arguments: `n`, or the last that is not nil.
local function count_arguments(args, spec)
  local count, given = 0, rawget(args, "n")
  if given ~= nil and (type(given) ~= "number" or given < 0 or given ~= floor(given)) then
    options.fail(spec, "args.n", "must be a whole number of at least 0", options.show(given))
  end
  for key in next, args do
    if key ~= "n" then
      if type(key) ~= "number" or key < 1 or key ~= floor(key) then
        options.fail(spec, "args", "must be a list of arguments",
          "the key " .. options.show(key))
      end
      count = key > count and key or count
    end
  end
  if given and given < count then
    options.fail(spec, "args.n", ("is %d, but there are %d arguments"):format(given, count))
  end
  return given or count
end

local function encode_args(message, args, _, name, context)
  local described, parts = context.known.args, context.payloads
  local list = {}
  for i = 1, context.count do
    local original = parts[i]
    if not original or not change.same(args[i], described[i]) then
      original = convert(context, "arguments", args[i], ("%s[%d]"):format(name, i))
    end
    list[i] = original
  end
  message.input = #list > 0 and { payloads = list } or nil
end

-- Values by name, each on its own: memo and header.
local function value_map(field, kind)
  return function(message, given, spec, name, context)
    if type(given) ~= "table" then
      options.fail(spec, name, "must be a table of values by name", options.kind_of(given))
    end
    local described, original = context.known[name] or {}, (context.raw[field] or {}).fields or {}
    local fields = {}
    for key, value in next, given do
      if type(key) ~= "string" then
        options.fail(spec, name, "must have strings as keys", options.show(key))
      end
      if original[key] and change.same(value, described[key]) then
        fields[key] = original[key]
      else
        fields[key] = convert(context, kind, value, name .. "." .. key)
      end
    end
    message[field] = next(fields) ~= nil and { fields = fields } or nil
  end
end

--- The message of search attributes: of those that are as described, what was
-- described, with its type.
-- @tparam table given values by name
-- @tparam table known the values described
-- @tparam table|nil raw the SearchAttributes they come from
-- @tparam table spec of the option, for messages
-- @tparam string name of the option
-- @treturn table a SearchAttributes
-- @raise on misuse
function action.search_attributes(given, known, raw, spec, name)
  if type(given) ~= "table" then
    options.fail(spec, name, "must be a table of values by name", options.kind_of(given))
  end
  local original, changed = raw and raw.indexed_fields or {}, {}
  for key, value in next, given do
    if original[key] == nil or not change.same(value, known[key]) then
      changed[key] = value
    end
  end
  local message, problem = search_attributes.encode(changed)
  if not message then
    misuse.raisef('%s "%s%s": %s', spec.label, spec.prefix, name, problem)
  end
  for key in next, given do
    message.indexed_fields[key] = message.indexed_fields[key] or original[key]
  end
  return message
end

local function encode_search_attributes(message, given, spec, name, context)
  local encoded = action.search_attributes(given, context.known[name] or {},
    context.raw[name], spec, name)
  message[name] = next(encoded.indexed_fields) ~= nil and encoded or nil
end

local HANDLERS = {
  workflow = function(message, value, _, _, context)
    message.workflow_type = { name = definition.resolve(value, context.count) }
  end,
  args = encode_args,
  memo = value_map("memo", "memo"),
  header = value_map("header", "header"),
  search_attributes = encode_search_attributes,
}
local FIELDS = {
  id = {}, -- encode sets it
  workflow = { "workflow_type" },
  args = { "input" },
  memo = { "memo" },
  header = { "header" },
  search_attributes = { "search_attributes" },
  task_queue = { "task_queue" },
  execution_timeout = { "workflow_execution_timeout" },
  run_timeout = { "workflow_run_timeout" },
  task_timeout = { "workflow_task_timeout" },
  retry_policy = { "retry_policy" },
  static_summary = { "user_metadata.summary" },
  static_details = { "user_metadata.details" },
  priority = { "priority" },
  versioning_override = { "versioning_override" },
}
for name in next, FIELDS do
  local handler = start_handlers[name]
  HANDLERS[name] = HANDLERS[name] or function(message, value, spec, option, context)
    return handler(message, value, spec, option, context.session)
  end
end
for _, name in ipairs(NOT_SCHEDULED) do
  HANDLERS[name] = not_scheduled
end

local ACTION = {
  options = options.define("schedule option", HANDLERS, "action"),
  fields = FIELDS,
}

--- The message of an action.
-- @tparam temporal.session session
-- @tparam string id of the schedule: the default of the workflows' id
-- @tparam table given the option `action`
-- @tparam table known what describes `raw`
-- @tparam table raw a NewWorkflowExecutionInfo that it changes
-- @treturn table a ScheduleAction, or nil
-- @treturn temporal.error when a codec failed
-- @raise on misuse
function action.encode(session, id, given, known, raw)
  local spec = ACTION.options
  options.check_names(spec, given)
  for _, name in ipairs { "workflow", "task_queue" } do
    if given[name] == nil then
      options.fail(spec, name, "is missing")
    end
  end
  local args = given.args
  if args ~= nil and type(args) ~= "table" then
    options.fail(spec, "args", "must be a list of arguments", options.kind_of(args))
  end
  local context = {
    session = session, known = known, raw = raw,
    id = type(given.id) == "string" and given.id or id,
    count = args and count_arguments(args, spec) or 0,
    payloads = raw.input and raw.input.payloads or {},
  }
  local message = change.copy(raw)
  message.workflow_id = context.id -- first of all: codecs are told
  change.apply(ACTION, given, known, message, context)
  -- Of a start option, which would refuse a single start.
  local problem = context.problem or message.refusal
  message.refusal = nil
  if problem then
    return call_options.refuse(problem, 'schedule option "action"')
  end
  return { start_workflow = message }
end

-- Descriptions.

local function retry_policy(message)
  return message and {
    initial_interval = duration.from_message(message.initial_interval),
    backoff_coefficient = message.backoff_coefficient ~= 0 and message.backoff_coefficient or nil,
    maximum_interval = duration.from_message(message.maximum_interval),
    maximum_attempts = message.maximum_attempts,
    non_retryable_error_types = change.copy(message.non_retryable_error_types),
  }
end

local function given_string(text)
  return text ~= "" and text or nil
end

local function given_number(number)
  return number ~= 0 and number or nil
end

local function priority(message)
  return message and {
    key = given_number(message.priority_key),
    fairness_key = given_string(message.fairness_key),
    fairness_weight = given_number(message.fairness_weight),
  }
end

local function version(message)
  return { deployment = message.deployment_name, build_id = message.build_id }
end

local function versioning_override(message)
  if not message then
    return nil
  elseif message.auto_upgrade then
    return "auto_upgrade"
  elseif message.pinned and message.pinned.version then
    return { pinned = version(message.pinned.version) }
  elseif message.one_time and message.one_time.target_deployment_version then
    return { one_time = version(message.one_time.target_deployment_version) }
  end
  return nil
end

--- The option `action` that describes a message.
-- @tparam table message a NewWorkflowExecutionInfo
-- @tparam table reader of temporal.schedule.reader
-- @treturn table
function action.decode(message, reader)
  local id = message.workflow_id
  local metadata = message.user_metadata or {}
  return {
    id = given_string(id),
    workflow = message.workflow_type and message.workflow_type.name,
    args = reader:list("arguments", message.input, id),
    task_queue = message.task_queue and message.task_queue.name,
    execution_timeout = duration.from_message(message.workflow_execution_timeout),
    run_timeout = duration.from_message(message.workflow_run_timeout),
    task_timeout = duration.from_message(message.workflow_task_timeout),
    retry_policy = retry_policy(message.retry_policy),
    memo = reader:map("memo", message.memo, id),
    header = reader:map("header", message.header, id),
    search_attributes = search_attributes.decode(message.search_attributes),
    static_summary = reader:value("summary", metadata.summary, id),
    static_details = reader:value("summary", metadata.details, id),
    priority = priority(message.priority),
    versioning_override = versioning_override(message.versioning_override),
  }
end

return action
