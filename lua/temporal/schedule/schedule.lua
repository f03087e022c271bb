--- Schedules: workflows that the server starts by itself, by the calendar or
-- at intervals.
--
-- A schedule is a table: `spec` (when), `action` (what), policies and state.
-- `describe` returns the same table, with what the server knows besides.
-- @module temporal.schedule

local call_options = require "temporal.call.call_options"
local description = require "temporal.schedule.description"
local handle = require "temporal.schedule.handle"
local listing = require "temporal.call.listing"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.schedule.operation"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"

local next, type = next, type
local call, run = operation.call, operation.run

local MAX_ID = 1000

local function check_id(id, method)
  if type(id) ~= "string" or id == "" or #id > MAX_ID then
    misuse.raisef("%s: the schedule id must be a string of 1 to %d bytes, got %s", method, MAX_ID,
      type(id) == "string" and ("%d"):format(#id) or options.show(id))
  end
end

-- Creating.

local CREATE = call_options.define("schedule option", {
  trigger_immediately = options.boolean("trigger_immediately"),
  backfill = function(target, value, definition)
    target.backfill = handle.encode_backfill(value, definition.label)
  end,
  request_id = options.string("request_id", { max = MAX_ID }),
})

-- What of the table says how to create, and what is the schedule.
local function split(given)
  local create, schedule = {}, {}
  for name, value in next, given do
    local part = CREATE.handlers[name] and create or schedule
    part[name] = value
  end
  return options.apply(CREATE, create, {}), schedule
end

-- The header is the action's: every workflow of the schedule starts with it.
local function take_header(schedule)
  local action = schedule.action
  if type(action) ~= "table" then
    return {}
  end
  local copied, header = {}, {}
  for name, value in next, action do
    copied[name] = value
  end
  schedule.action = copied
  if copied.header ~= nil and type(copied.header) ~= "table" then
    return copied.header
  end
  for name, value in next, copied.header or {} do
    header[name] = value
  end
  return header
end

local function create(input)
  local client, id, given, schedule = input.client, input.id, input.options, input.schedule
  if type(schedule.action) == "table" then
    schedule.action.header = input.header
  end
  local base = type(schedule.raw) == "table" and schedule.raw or {}
  local message, err = description.encode(sessions.of(client), id, schedule, base)
  if not message then
    return nil, err
  end
  local initial
  if given.trigger_immediately or given.backfill then
    local policies = message.schedule.policies or {}
    initial = {
      trigger_immediately = given.trigger_immediately
        and { overlap_policy = policies.overlap_policy } or nil,
      backfill_request = given.backfill,
    }
  end
  local response
  response, err = call(input, "CreateSchedule", {
    schedule_id = id, request_id = given.request_id,
    schedule = message.schedule,
    initial_patch = initial,
    memo = message.memo or schedule.memo and base.memo or nil,
    search_attributes = message.search_attributes
      or schedule.search_attributes and base.search_attributes or nil,
  })
  if not response then
    return nil, err
  end
  return handle.new(client, id)
end

--- Creates a schedule.
--
--     client:create_schedule("nightly", {
--       spec = { calendars = { { hour = 2, day_of_week = "mon-fri" } },
--                timezone = "Europe/Berlin" },
--       action = { workflow = "Report", args = { "sales" }, task_queue = "reports" },
--       overlap = "buffer_one",
--     })
--
-- @param self a client
-- @tparam string id of the schedule
-- @tparam table given
--
--   - `spec`: `{calendars=, intervals={{every=, offset=}}, cron={...}, skip=,
--     start_at=, end_at=, jitter=, timezone=}`; without it the schedule only
--     acts when it is triggered
--   - `action` (required): `{workflow=, args={...}, <start options>}`; `id`
--     defaults to the schedule's, and the server appends the nominal time;
--     `args` takes `n` for trailing nils
--   - `overlap`: `"skip"` (default) `"buffer_one"` `"buffer_all"`
--     `"cancel_other"` `"terminate_other"` `"allow_all"`: what to do when the
--     workflow before is still running
--   - `catchup_window`: duration (the server's default: a year, at least 10 s);
--     `pause_on_failure` (false); `keep_original_workflow_id` (false; servers of
--     today do not look at it)
--   - `paused` (false); `note`; `limit`: how many times it acts, nil without end
--   - `memo`, `search_attributes`: of the schedule itself
--   - `trigger_immediately`: act once at once; `backfill`: list of
--     `{start_at=, end_at=, overlap=}`
--   - `request_id` (a UUID), `timeout`, `metadata`
--
--   A description is taken too: what was read is sent as it came.
-- @treturn table|nil the schedule's handle, or nil
-- @treturn temporal.error `already_started`, with `schedule_id`, when the id
--   is taken; `invalid_argument` when the server cannot read the spec
-- @raise on misuse
local function create_schedule(self, id, given)
  check_id(id, "client:create_schedule")
  if type(given) ~= "table" then
    misuse.raisef("client:create_schedule takes an id and a table of options, got %s",
      options.kind_of(given))
  end
  local create_options, schedule = split(given)
  return run(self, "create_schedule", create_options, {
    id = id, schedule = schedule, header = take_header(schedule),
  }, create)
end

--- The handle of a schedule. Asks the server for nothing.
-- @param self a client
-- @tparam string id
-- @treturn table with the field `id`
-- @raise when the id is no string
local function schedule_handle(self, id)
  check_id(id, "client:schedule")
  return handle.new(self, id)
end

-- Finding.

local LIST = { method = "ListSchedules", items = "schedules", page_size = "maximum_page_size" }

local function read(input, entry)
  local item, err = description.item(sessions.of(input.client), entry)
  if not item then
    error(err, 0)
  end
  return item
end

--- Iterates over the schedules that match a query. A new schedule is found
-- after some milliseconds.
--
--     for item in client:list_schedules 'TemporalSchedulePaused = true' do
--       print(item.id, item.note)
--     end
--
-- @param self a client
-- @tparam[opt] string|table given a query (absent: all), or `{query=, limit=,
--   page_size=, timeout=, metadata=}`; `timeout` is for all of it
-- @treturn function the iterator: an item with `describe`'s fields as far as the
--   listing knows them (`id spec paused note memo search_attributes`,
--   `action.workflow`, `info.recent_actions`, `info.next_action_times`, `raw`),
--   nil after the last
-- @raise on misuse; the iterator raises the error object
-- @function list_schedules

--- How many schedules match a query.
-- @param self a client
-- @tparam[opt] string|table given a query (absent: all), or `{query=,
--   timeout=, metadata=}`
-- @treturn number|nil the number, or nil
-- @treturn table|temporal.error the groups, a list of `{values={...}, count=}`;
--   the error when the first is nil
-- @function count_schedules

local list_schedules, count_schedules = listing.pair("schedules", LIST, read, "CountSchedules")

return {
  create_schedule = create_schedule,
  schedule = schedule_handle,
  list_schedules = list_schedules,
  count_schedules = count_schedules,
}
