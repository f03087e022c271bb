--- A whole schedule as a table: what `create_schedule` takes, with what the
-- server knows besides. It can be changed and given back.
-- @module temporal.schedule.description

local action = require "temporal.schedule.action"
local change = require "temporal.schedule.change"
local duration = require "temporal.base.duration"
local enum = require "temporal.base.enum"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local reader = require "temporal.schedule.reader"
local search_attributes = require "temporal.value.search_attributes"
local spec = require "temporal.schedule.spec"
local timestamp = require "temporal.base.timestamp"

local next = next

local description = {}

local OVERLAP = {
  skip = 1, buffer_one = 2, buffer_all = 3, cancel_other = 4, terminate_other = 5,
  allow_all = 6,
}

-- Messages to tables.

local function times(list)
  local result = {}
  for i, message in ipairs(list) do
    result[i] = timestamp.from_message(message)
  end
  return result
end

local function recent_actions(list)
  local result = {}
  for i, each in ipairs(list) do
    local execution = each.start_workflow_result or {}
    result[i] = {
      schedule_time = timestamp.from_message(each.schedule_time),
      actual_time = timestamp.from_message(each.actual_time),
      workflow_id = execution.workflow_id,
      run_id = execution.run_id,
      status = enum.short("WORKFLOW_EXECUTION_STATUS_", each.start_workflow_status),
    }
  end
  return result
end

local function running_workflows(list)
  local result = {}
  for i, each in ipairs(list) do
    result[i] = { workflow_id = each.workflow_id, run_id = each.run_id }
  end
  return result
end

local function info(message)
  return {
    num_actions = message.action_count,
    missed_catchup_window = message.missed_catchup_window,
    overlap_skipped = message.overlap_skipped,
    buffer_dropped = message.buffer_dropped,
    buffer_size = message.buffer_size,
    running_workflows = running_workflows(message.running_workflows),
    recent_actions = recent_actions(message.recent_actions),
    next_action_times = times(message.future_action_times),
    create_time = timestamp.from_message(message.create_time),
    update_time = timestamp.from_message(message.update_time),
    state_size_bytes = message.state_size_bytes,
  }
end

local function decode_memo(values, memo)
  return values:map("memo", memo)
end

--- The description of a DescribeScheduleResponse.
-- @tparam temporal.session session
-- @tparam string id of the schedule
-- @tparam table response
-- @treturn table with the fields of `create_schedule`: `spec action overlap
--   catchup_window pause_on_failure keep_original_workflow_id paused note
--   limit memo search_attributes`; and `id info conflict_token raw`
-- @treturn temporal.error instead (the first is nil) when a codec failed
function description.decode(session, id, response)
  local values = reader.new(session)
  local schedule = response.schedule or {}
  local policies, state = schedule.policies or {}, schedule.state or {}
  local started = schedule.action and schedule.action.start_workflow
  local described = {
    id = id,
    spec = spec.decode(schedule.spec),
    action = started and action.decode(started, values),
    overlap = enum.short("SCHEDULE_OVERLAP_POLICY_", policies.overlap_policy),
    catchup_window = duration.from_message(policies.catchup_window),
    pause_on_failure = policies.pause_on_failure or false,
    keep_original_workflow_id = policies.keep_original_workflow_id or false,
    paused = state.paused or false,
    note = state.notes ~= "" and state.notes or nil,
    limit = state.limited_actions and state.remaining_actions or nil,
    memo = decode_memo(values, response.memo),
    search_attributes = search_attributes.decode(response.search_attributes),
    info = response.info and info(response.info),
    conflict_token = response.conflict_token,
    raw = response,
  }
  local failed = values:failure()
  if failed then
    return nil, failed
  end
  return described
end

--- The description of one entry of a list: the fields of a description as far
-- as the listing knows them; of `action` the workflow's type.
-- @tparam temporal.session session
-- @tparam table entry a ScheduleListEntry
-- @treturn table `id spec action paused note memo search_attributes info raw`
-- @treturn temporal.error instead (the first is nil) when a codec failed
function description.item(session, entry)
  local values = reader.new(session)
  local listed = entry.info or { recent_actions = {}, future_action_times = {} }
  local item = {
    id = entry.schedule_id,
    spec = spec.decode(listed.spec),
    action = listed.workflow_type and { workflow = listed.workflow_type.name },
    paused = listed.paused or false,
    note = listed.notes ~= "" and listed.notes or nil,
    memo = decode_memo(values, entry.memo),
    search_attributes = search_attributes.decode(entry.search_attributes),
    info = {
      recent_actions = recent_actions(listed.recent_actions),
      next_action_times = times(listed.future_action_times),
      state_size_bytes = listed.state_size_bytes,
    },
    raw = entry,
  }
  local failed = values:failure()
  if failed then
    return nil, failed
  end
  return item
end

-- Tables to messages.

-- A handler that stores into a part of the message.
local function into(part, handler)
  return function(message, ...)
    local target = message[part] or {}
    message[part] = target
    return handler(target, ...)
  end
end

local function limit(message, value, definition, name)
  local state = message.state or {}
  message.state = state
  options.number("remaining_actions", { integer = true, min = 0 })(state, value, definition, name)
  state.limited_actions = true
end

local function is_table(_, value, definition, name)
  if type(value) ~= "table" then
    options.fail(definition, name, "must be a table", options.kind_of(value))
  end
end

local function encode_spec(message, given, definition, name, context)
  is_table(message, given, definition, name)
  message.spec = spec.encode(given, context.known.spec or {}, context.raw.spec or {})
end

local function encode_action(message, given, definition, name, context)
  is_table(message, given, definition, name)
  local started = context.raw.action and context.raw.action.start_workflow or {}
  message.action, context.problem = action.encode(context.session, context.id, given,
    context.known.action or {}, started)
end

local HANDLERS = {
  spec = encode_spec,
  action = encode_action,
  overlap = into("policies", options.choice("overlap_policy", OVERLAP)),
  catchup_window = into("policies", options.duration("catchup_window")),
  pause_on_failure = into("policies", options.boolean("pause_on_failure")),
  keep_original_workflow_id = into("policies", options.boolean("keep_original_workflow_id")),
  paused = into("state", options.boolean("paused")),
  note = into("state", options.string("notes", { empty = true })),
  limit = limit,
  memo = is_table,
  search_attributes = is_table,
}
-- What a description has besides is for reading.
for _, name in ipairs { "id", "info", "conflict_token", "raw" } do
  HANDLERS[name] = options.ignore
end

local function only_create(_, _, definition, name)
  return options.fail(definition, name, "is for create_schedule only")
end
for _, name in ipairs { "trigger_immediately", "backfill", "request_id", "timeout",
  "metadata" } do
  HANDLERS[name] = only_create
end

local FIELDS = {
  spec = { "spec" },
  action = { "action" },
  overlap = { "policies.overlap_policy" },
  catchup_window = { "policies.catchup_window" },
  pause_on_failure = { "policies.pause_on_failure" },
  keep_original_workflow_id = { "policies.keep_original_workflow_id" },
  paused = { "state.paused" },
  note = { "state.notes" },
  limit = { "state.limited_actions", "state.remaining_actions" },
}

local SCHEDULE = { options = options.define("schedule option", HANDLERS), fields = FIELDS }

-- The message of a memo: what is as described is sent as it was.
local function encode_memo(session, given, known, raw)
  local original, fields = raw and raw.fields or {}, {}
  for name, value in next, given do
    if type(name) ~= "string" then
      options.fail(SCHEDULE.options, "memo", "must have strings as keys", options.show(name))
    end
    local payload, problem = original[name], nil
    if not payload or not change.same(value, known[name]) then
      payload, problem = session:values("memo"):payload(value, "memo." .. name)
    end
    if not payload then
      return nil, problem
    end
    fields[name] = payload
  end
  return { fields = fields }
end

--- The messages of a schedule.
-- @tparam temporal.session session
-- @tparam string id of the schedule
-- @tparam table given the schedule's options
-- @tparam table base a DescribeScheduleResponse it is a change of; `{}` for none
-- @treturn table `{schedule=, memo=, search_attributes=}`, the last two nil when
--   they are as in `base` or not given; or nil
-- @treturn temporal.error when a codec failed
-- @raise on misuse
function description.encode(session, id, given, base)
  local known, err = description.decode(session, id, base)
  if not known then
    return nil, err
  end
  local raw = base.schedule or {}
  local context = { session = session, id = id, known = known, raw = raw }
  if given.action == nil and (not base.schedule or known.action) then
    options.fail(SCHEDULE.options, "action", "is missing: say which workflow to start")
  end
  local message = {
    schedule = change.apply(SCHEDULE, given, known, change.copy(raw), context),
  }
  local problem = context.problem
  if given.memo and not change.same(given.memo, known.memo) and not problem then
    message.memo, problem = encode_memo(session, given.memo, known.memo, base.memo)
  end
  if problem then
    if type(problem) == "string" then
      misuse.raisef('schedule option "memo": %s', problem)
    end
    return nil, problem
  end
  local attributes = given.search_attributes
  if attributes and not change.same(attributes, known.search_attributes) then
    message.search_attributes = action.search_attributes(attributes, known.search_attributes,
      base.search_attributes, SCHEDULE.options, "search_attributes")
  end
  return message
end

--- Handlers of the overlap policy, for other tables of options.
-- @tparam string field
-- @treturn function
function description.overlap(field)
  return options.choice(field, OVERLAP)
end

return description
