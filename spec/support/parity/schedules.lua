--- Rows of parity_spec.lua: schedules, made and changed by either and seen by both.

local assert = require "luassert"
local env = require "spec.support.environment"
local parity = require "spec.support.parity"
local temporal = require "temporal"

local stamp = parity.stamp
local rows = {}

-- Ours begins in the user's words; what the server said is kept behind them.
local function server_words(outcome)
  local err = outcome.error
  if err and err.message then
    err.message = err.message:match("^there is no schedule .- %((.*)%)$") or err.message
  end
end

local function must(...) return (temporal.assert(...)) end

local FIELDS = { "second", "minute", "hour", "day_of_month", "month", "year", "day_of_week" }
local NOBODY = "parity-nobody"

-- What is written in a row is a request to the peer: ranges are {start, end, step}, search
-- attributes {type, value}. This is the same in the words of create_schedule.
local function calendars(given)
  local made = {}
  for i, each in ipairs(given or {}) do
    made[i] = { comment = each.comment }
    for _, field in ipairs(FIELDS) do
      for at, range in ipairs(each[field] or {}) do
        made[i][field] = made[i][field] or {}
        made[i][field][at] = { start = range[1], ["end"] = range[2] or range[1],
          step = range[3] or 1 }
      end
    end
  end
  return made
end

local function attributes(given)
  local made = {}
  for name, pair in pairs(given or {}) do made[name] = temporal[pair[1]](pair[2]) end
  return made
end

local function copy(given)
  local made = {}
  for name, value in pairs(given) do made[name] = value end
  return made
end

local function in_lua(given)
  local made, spec, action = copy(given), copy(given.spec or {}), copy(given.action)
  if spec.calendars then spec.calendars = calendars(spec.calendars) end
  if spec.skip then spec.skip = calendars(spec.skip) end
  if action.search_attributes then
    action.search_attributes = attributes(action.search_attributes)
  end
  action.task_queue = action.task_queue or env.task_queue
  made.spec, made.action = spec, action
  if given.search_attributes then
    made.search_attributes = attributes(given.search_attributes)
  end
  return made
end

-- A description, in the form of the peer's.

local function shown_calendars(list)
  local made = temporal.array {}
  for i, each in ipairs(list or {}) do
    made[i] = { comment = each.comment or "" }
    for _, field in ipairs(FIELDS) do
      made[i][field] = temporal.array {}
      -- Every year is "*" to us, and no range to the Python client.
      for at, range in ipairs(each[field] ~= "*" and each[field] or {}) do
        made[i][field][at] = { range.start, range["end"] or range.start, range.step or 1 }
      end
    end
  end
  return made
end

local function float(value) return (value or 0) + 0.0 end

local function shown_times(list)
  local made = temporal.array {}
  for i, each in ipairs(list or {}) do made[i] = stamp(each) end
  return made
end

local function shown_attributes(given)
  local made = {}
  for name, value in pairs(given or {}) do
    made[name] = name == "CustomDatetime" and stamp(value) or value
  end
  return made
end

local function describe(case)
  local found, err = case.client:schedule(case.id):describe()
  if not found then return nil, err end
  local spec, action, info = found.spec, found.action, found.info
  local intervals, recent = temporal.array {}, {}
  for i, each in ipairs(spec.intervals or {}) do
    intervals[i] = { float(each.every), float(each.offset) }
  end
  for i, each in ipairs(info.recent_actions) do recent[i] = each.schedule_time end
  return {
    id = found.id,
    spec = { calendars = shown_calendars(spec.calendars), intervals = intervals,
      cron = temporal.array(spec.cron or {}), skip = shown_calendars(spec.skip),
      start_at = stamp(spec.start_at), end_at = stamp(spec.end_at), jitter = float(spec.jitter),
      timezone = spec.timezone or "" },
    action = { workflow = action.workflow, id = action.id, task_queue = action.task_queue,
      args = parity.list(action.args), memo = action.memo or {},
      search_attributes = shown_attributes(action.search_attributes),
      execution_timeout = action.execution_timeout and float(action.execution_timeout) },
    overlap = found.overlap, catchup_window = float(found.catchup_window),
    pause_on_failure = found.pause_on_failure, paused = found.paused, note = found.note,
    limit = found.limit, memo = found.memo or {},
    search_attributes = shown_attributes(found.search_attributes),
    info = { num_actions = info.num_actions, overlap_skipped = info.overlap_skipped,
      missed_catchup_window = info.missed_catchup_window, recent = shown_times(recent),
      next_action_times = shown_times(info.next_action_times) },
  }
end

-- As both see it, and both see the same.
local function seen(case)
  local ours = must(describe(case))
  local theirs = parity.ask { op = "schedule_describe", id = case.id }
  theirs.value.info, ours.info = nil, nil
  assert.equal(parity.canonical(theirs.value), parity.canonical(ours))
  return ours
end

local PLAIN = { action = { workflow = "Greeting", args = { "Ada" }, id = "parity-action" },
  paused = true }

local function create(given)
  return function(case)
    local made = in_lua(given)
    -- Not the other side's: the same times would make the same ids.
    made.action.id = case.id .. "/action"
    must(case.client:create_schedule(case.id, made))
  end
end

-- Creating.

local function create_row(name, given, more)
  local row = {
    name,
    lua = function(case)
      local handle, err = case.client:create_schedule(case.id, in_lua(given))
      return handle and { id = handle.id }, err
    end,
    python = { op = "schedule_create", schedule = given },
    after = seen,
  }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

create_row("create with next to nothing", PLAIN)
create_row("create with everything", {
  spec = {
    calendars = { { hour = { { 8, 18, 2 } }, minute = { { 0 }, { 30 } }, year = { { 2027, 2030 } },
      day_of_week = { { 1, 5 } }, comment = "büro" } },
    intervals = { { every = 3600, offset = 420 }, { every = 90.5 } },
    skip = { { month = { { 12 } }, day_of_month = { { 24, 26 } } } },
    start_at = 1796000000, end_at = 1900000000.5, jitter = 2.5, timezone = "Europe/Berlin",
  },
  action = { workflow = "Order", args = { "ü", temporal.null, { a = { 1, 2.5 } } },
    id = "parity-full", task_queue = NOBODY, execution_timeout = 7200, memo = { m = { x = 1 } },
    search_attributes = { CustomText = { "text", "some words" },
      CustomDatetime = { "datetime", 1700000000.25 } } },
  overlap = "buffer_all", catchup_window = 600, pause_on_failure = true, note = "nötig",
  paused = true, limit = 4, memo = { owner = "Ada", n = 9007199254740993 },
  search_attributes = { CustomKeyword = { "keyword", "k" }, CustomInt = { "int", 7 },
    CustomBool = { "bool", true }, CustomDouble = { "double", 0.5 },
    CustomKeywordList = { "keyword_list", { "a", "ß" } } },
})
create_row("create with cron strings", { action = PLAIN.action, paused = true,
  spec = { cron = { "0 12 * * MON-WED", "@every 2h/10m" } } })
for _, overlap in ipairs { "skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other",
  "allow_all" } do
  create_row("create, overlap " .. overlap, { action = PLAIN.action, paused = true,
    overlap = overlap })
end
create_row("create over one that is there", PLAIN, { setup = create(PLAIN) })
create_row("create with a cron string that is none", { action = PLAIN.action,
  spec = { cron = { "at noon" } } }, { after = false })
create_row("create with a time zone that is none", { action = PLAIN.action,
  spec = { timezone = "Atlantis/Center" } }, { after = false })

-- What is to be seen of one that is there; both look at the same.

local function same_row(name, setup, lua, python, more)
  local row = { name, same = true, setup = setup, lua = lua, python = python }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

local YEARLY = { spec = { calendars = { { month = { { 1 } }, day_of_month = { { 1 } } } } },
  action = { workflow = "Greeting", args = { "Ada" }, id = "parity-yearly" } }

same_row("describe one that acts", create(YEARLY), describe, { op = "schedule_describe" })
same_row("describe nobody", nil, describe, { op = "schedule_describe" })

local LISTED = copy(PLAIN)
LISTED.note, LISTED.memo = "zur Liste", { who = "ß" }

same_row("a list", function(case)
  case.mark = "parity-" .. env.uuid()
  LISTED.search_attributes = { CustomKeyword = { "keyword", case.mark } }
  for i = 1, 2 do
    must(case.client:create_schedule(case.id .. "-" .. i, in_lua(LISTED)))
  end
  env.wait_until(60, function()
    local count = 0
    for item in case.client:list_schedules(("CustomKeyword = '%s'"):format(case.mark)) do
      -- An item is there before its info is.
      count = count + (item.paused and 1 or 0)
    end
    return count == 2
  end, "the listing")
end, function(case)
  local list = temporal.array {}
  for item in case.client:list_schedules(("CustomKeyword = '%s'"):format(case.mark)) do
    table.insert(list, { item.id, item.paused, item.note or "", item.action.workflow, item.memo,
      shown_attributes(item.search_attributes) })
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end, function(case)
  return { op = "schedule_list", query = ("CustomKeyword = '%s'"):format(case.mark) }
end)

-- Changing one that is there: each its own.

local function change_row(name, given, lua, python, more)
  local row = { name, setup = given and create(given), lua = lua, python = python,
    after = given and seen or nil }
  for key, value in pairs(more or {}) do row[key] = value end
  table.insert(rows, row)
end

local function handle(case) return case.client:schedule(case.id) end

local OPEN = { action = PLAIN.action }
change_row("pause with a note", OPEN, function(case) return handle(case):pause("pausé") end,
  { op = "schedule_pause", note = "pausé" })
change_row("unpause with a note", PLAIN, function(case) return handle(case):unpause("wéiter") end,
  { op = "schedule_unpause", note = "wéiter" })
-- The notes name the SDK.
change_row("pause without one", OPEN, function(case) return handle(case):pause() end,
  { op = "schedule_pause" }, { after = function(case)
    return { must(describe(case)).note:gsub("Lua", "Python"), must(describe(case)).paused }
  end })
change_row("pause nobody", nil, function(case) return handle(case):pause() end,
  { op = "schedule_pause" })

local function acted(count)
  return function(case)
    local found
    env.wait_until(60, function()
      found = must(handle(case):describe())
      return found.info.num_actions >= count
    end, "the actions")
    return { found.info.num_actions, found.info.overlap_skipped }
  end
end

change_row("trigger", PLAIN, function(case) return handle(case):trigger() end,
  { op = "schedule_trigger" }, { after = acted(1) })
change_row("trigger with an overlap policy", PLAIN,
  function(case) return handle(case):trigger { overlap = "allow_all" } end,
  { op = "schedule_trigger", overlap = "allow_all" }, { after = acted(1) })
change_row("trigger nobody", nil, function(case) return handle(case):trigger() end,
  { op = "schedule_trigger" })

local HOURLY = { spec = { intervals = { { every = 3600 } } }, action = PLAIN.action,
  paused = true }
local BACK = { { start_at = 1790000000, end_at = 1790010000, overlap = "allow_all" } }
change_row("backfill", HOURLY, function(case) return handle(case):backfill(BACK) end,
  { op = "schedule_backfill", backfill = BACK }, { after = acted(3) })
change_row("backfill nobody", nil, function(case) return handle(case):backfill(BACK) end,
  { op = "schedule_backfill", backfill = BACK })

change_row("update", HOURLY, function(case)
  return handle(case):update(function(description)
    description.note, description.spec.intervals = "geändert", { { every = 7200 } }
    return description
  end)
end, { op = "schedule_update", note = "geändert", every = 7200 })
-- Ours says that nothing was changed.
change_row("update that stops", HOURLY, function(case)
  return handle(case):update(function() return nil end)
end, { op = "schedule_update", stop = true }, { after = false,
  lua_only = "{value=false}", python_only = "{value=true}" })
change_row("update nobody", nil, function(case)
  return handle(case):update(function(description) return description end)
end, { op = "schedule_update" })

change_row("delete", PLAIN, function(case) return handle(case):delete() end,
  { op = "schedule_delete" }, { after = function(case)
    local _, err = handle(case):describe()
    return { err.kind }
  end })
change_row("delete nobody", nil, function(case) return handle(case):delete() end,
  { op = "schedule_delete" })

for _, row in ipairs(rows) do
  if row[1]:find("nobody$") then row.normalise = server_words end
end

return rows
