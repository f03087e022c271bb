--- The handle of a schedule: what `create_schedule` and `client:schedule`
-- return.
-- @module temporal.schedule.handle

local call_options = require "temporal.call.call_options"
local change = require "temporal.schedule.change"
local description = require "temporal.schedule.description"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.schedule.operation"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"
local spec = require "temporal.schedule.spec"
local timestamp = require "temporal.base.timestamp"
local update = require "temporal.schedule.update"

local next, type = next, type
local call = operation.call

local methods = {}
local metatable = { __name = "temporal.schedule", __index = methods }

function metatable.__tostring(self)
  return ("temporal.schedule (%s)"):format(self.id)
end

local function check_schedule(self)
  return options.check_self(self, metatable, "schedule")
end

local function operate(self, name, definition, given, fields, perform)
  check_schedule(self)
  given = call_options.trailing(definition, given, "schedule:" .. name)
  fields.id = self.id
  return operation.run(self._client, definition.operation, given, fields, perform)
end

local function define(name, operation_name, handlers)
  local definition = call_options.define("option of schedule:" .. name, handlers)
  definition.operation = operation_name
  return definition
end

local DESCRIBE = define("describe", "describe_schedule")

local function describe(input)
  local response, err = call(input, "DescribeSchedule", { schedule_id = input.id })
  if not response then
    return nil, err
  end
  local described
  described, err = description.decode(sessions.of(input.client), input.id, response)
  if not described then
    err.schedule_id = input.id
  end
  return described, err
end

--- What the server knows of the schedule.
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn table|nil the fields that `create_schedule` takes (durations in
--   seconds, times in epoch seconds, calendars as lists of ranges: the server
--   compiles cron strings and expressions), with
--
--   - `id`
--   - `info`: `num_actions`, `missed_catchup_window`, `overlap_skipped`,
--     `buffer_dropped`, `buffer_size` (counts), `running_workflows` (list of
--     `{workflow_id=, run_id=}`), `recent_actions` (list of `{schedule_time=,
--     actual_time=, workflow_id=, run_id=, status=}`), `next_action_times`,
--     `create_time`, `update_time`, `state_size_bytes`
--   - `conflict_token`: bytes; changes with every change of the schedule
--   - `raw`: the DescribeScheduleResponse
-- @treturn temporal.error
function methods:describe(given)
  return operate(self, "describe", DESCRIBE, given, {}, describe)
end

-- Patches.

-- Of the patches that arrive before the schedule has looked, the server (1.32)
-- keeps only the last. Being asked makes it look, so that ours is not lost to
-- the next. The server has taken it in any case: no answer is no failure.
local function patch(input, fields)
  local request = { schedule_id = input.id, patch = fields }
  local response, err = call(input, "PatchSchedule", request)
  if not response then
    return nil, err
  end
  call(input, "DescribeSchedule", { schedule_id = input.id }, false)
  return true
end

local TRIGGER = define("trigger", "trigger_schedule", {
  overlap = description.overlap("overlap_policy"),
  scheduled_time = spec.time("scheduled_time"),
})

local function trigger(input)
  local given = input.options
  return patch(input, { trigger_immediately = {
    overlap_policy = given.overlap_policy, scheduled_time = given.scheduled_time,
  } })
end

--- Acts at once, whether it is paused or not.
-- @tparam[opt] table given `overlap` (the schedule's own), `scheduled_time`
--   (now: the nominal time, part of the workflow's id), `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function methods:trigger(given)
  return operate(self, "trigger", TRIGGER, given, {}, trigger)
end

local function check_note(note, name, default)
  if note == nil then
    return default
  elseif type(note) ~= "string" or note == "" then
    -- The server takes the note for the order: an empty one does nothing.
    misuse.raisef("the note of schedule:%s must be a string that is not empty, got %s", name,
      note == "" and "an empty one" or options.kind_of(note))
  end
  return note
end

local PAUSE = define("pause", "pause_schedule")

local function pause(input)
  return patch(input, { pause = input.note })
end

--- Pauses the schedule: it does not act until it is unpaused.
-- @tparam[opt="Paused via Lua SDK"] string note why
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function methods:pause(note, given)
  check_schedule(self)
  note = check_note(note, "pause", "Paused via Lua SDK")
  return operate(self, "pause", PAUSE, given, { note = note }, pause)
end

local UNPAUSE = define("unpause", "unpause_schedule")

local function unpause(input)
  return patch(input, { unpause = input.note })
end

--- Lets a paused schedule act again.
-- @tparam[opt="Unpaused via Lua SDK"] string note why
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function methods:unpause(note, given)
  check_schedule(self)
  note = check_note(note, "unpause", "Unpaused via Lua SDK")
  return operate(self, "unpause", UNPAUSE, given, { note = note }, unpause)
end

local BACKFILL = options.define("option of a backfill", {
  start_at = spec.time("start_time"),
  end_at = spec.time("end_time"),
  overlap = description.overlap("overlap_policy"),
})

--- The requests of a list of backfills.
-- @tparam table list of `{start_at=, end_at=, overlap=}`
-- @tparam string where it was given, for messages
-- @treturn table list of BackfillRequest
-- @raise on misuse
local function encode_backfill(list, where)
  local definition = { label = where, prefix = "" }
  change.check_list(list, definition, "backfill")
  local requests = {}
  for i, each in ipairs(list) do
    local place = ("backfill[%d]"):format(i)
    if type(each) ~= "table" then
      options.fail(definition, place, "must be a table {start_at=, end_at=, overlap=}",
        options.kind_of(each))
    end
    local at = change.at(BACKFILL, place .. ".")
    local request = options.apply(at, each, {})
    for name, field in next, { start_at = "start_time", end_at = "end_time" } do
      if not request[field] then
        options.fail(at, name, "is missing")
      end
    end
    requests[i] = request
  end
  return requests
end

local BACKFILL_CALL = define("backfill", "backfill_schedule")

local function backfill(input)
  return patch(input, {
    backfill_request = encode_backfill(input.backfill, "argument of schedule:backfill"),
  })
end

--- Acts now for times that have gone by.
--
--     schedule:backfill { { start_at = "2026-11-01T00:00:00Z",
--                           end_at = "2026-11-02T00:00:00Z", overlap = "allow_all" } }
--
-- @tparam table list of `{start_at=, end_at=, overlap=}`: from when to when, as
--   epoch seconds or RFC 3339; both ends belong to it. With the schedule's own
--   `overlap` (`"skip"`) most of the workflows would be skipped
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function methods:backfill(list, given)
  check_schedule(self)
  encode_backfill(list, "argument of schedule:backfill")
  return operate(self, "backfill", BACKFILL_CALL, given, { backfill = list }, backfill)
end

local UPDATE = define("update", "update_schedule")

local function perform_update(input)
  return update.perform(input, call)
end

--- Changes the schedule.
--
--     schedule:update(function(description)
--       description.spec.jitter = "1m"
--       return description
--     end)
--
-- @tparam function fn `fn(description)` returns the schedule as it is to be:
--   the description, changed, or a new table as for `create_schedule` (what it
--   does not name takes its default; `memo` and `search_attributes` stay, an
--   empty table clears them); nil changes nothing. It runs again, on a fresh
--   description, when another writer came first, so it should say what is to
--   be, not how much to add. What it raises passes
-- @tparam[opt] table given `timeout` of all of it, `metadata`
-- @treturn boolean|nil true when the server holds the change; false when `fn`
--   returned nil; or nil
-- @treturn temporal.error `aborted` when other writers came first 5 times
function methods:update(fn, given)
  check_schedule(self)
  if type(fn) ~= "function" then
    misuse.raisef("schedule:update takes a function, got %s", options.kind_of(fn))
  end
  return operate(self, "update", UPDATE, given, { update = fn }, perform_update)
end

local DELETE = define("delete", "delete_schedule")

local function delete(input)
  local response, err = call(input, "DeleteSchedule", { schedule_id = input.id })
  if not response then
    return nil, err
  end
  return true
end

--- Deletes the schedule. Workflows it has started go on.
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error
function methods:delete(given)
  return operate(self, "delete", DELETE, given, {}, delete)
end

local MATCHING = define("matching_times", "matching_schedule_times")

local function check_time(value, which)
  local message, why = timestamp.message(value)
  if not message then
    misuse.raisef("the %s of schedule:matching_times %s, got %s", which, why,
      options.show(value))
  end
  return message
end

local function matching_times(input)
  local response, err = call(input, "ListScheduleMatchingTimes", {
    schedule_id = input.id,
    start_time = check_time(input.start_at, "start"),
    end_time = check_time(input.end_at, "end"),
  })
  if not response then
    return nil, err
  end
  local times = {}
  for i, message in ipairs(response.start_time) do
    times[i] = timestamp.from_message(message)
  end
  return times
end

--- The times at which the schedule's spec says to act, past or to come.
-- @tparam number|string start_at epoch seconds or RFC 3339; times after it
-- @tparam number|string end_at up to and including this
-- @tparam[opt] table given `timeout`, `metadata`
-- @treturn table|nil list of epoch seconds (empty when the end is before the
--   start; the server gives at most 1000), or nil
-- @treturn temporal.error
function methods:matching_times(start_at, end_at, given)
  check_schedule(self)
  check_time(start_at, "start")
  check_time(end_at, "end")
  return operate(self, "matching_times", MATCHING, given,
    { start_at = start_at, end_at = end_at }, matching_times)
end

--- Makes a handle. Asks the server for nothing.
-- @param client
-- @tparam string id of the schedule
-- @treturn table with the field `id`
local function new(client, id)
  return setmetatable({ id = id, _client = client }, metatable)
end

return {
  new = new,
  encode_backfill = encode_backfill,
}
