-- Schedules on the real server: every kind of spec and policy, what Python and the temporal CLI
-- see of them, and what survives being read and written again.

local core = require "temporal.core"
local env = require "spec.support.environment"
local temporal = require "temporal"

local DESCRIPTION = "temporal.api.workflowservice.v1.DescribeScheduleResponse"
local TEMPORAL = ".deps/venv/bin/temporal"
local FIELDS = { "second", "minute", "hour", "day_of_month", "month", "year", "day_of_week" }

local function range(first, last, step)
  return { start = first, ["end"] = last or first, step = step or 1 }
end

local function parse(line)
  return assert(core.payload_value { metadata = { encoding = "json/plain" }, data = line })
end

-- A description in the words of spec/support/schedule_peer.py.

local function calendar_shown(calendar)
  local shown = { comment = calendar.comment or "" }
  for _, name in ipairs(FIELDS) do
    shown[name] = {}
    for i, each in ipairs(calendar[name] ~= "*" and calendar[name] or {}) do
      shown[name][i] = { each.start, each["end"], each.step }
    end
  end
  return shown
end

local function mapped(list, fn)
  local result = {}
  for i, each in ipairs(list) do
    result[i] = fn(each)
  end
  return result
end

local function action_shown(action)
  local retry, priority = action.retry_policy, action.priority or {}
  local args = {}
  for i = 1, action.args.n do
    args[i] = action.args[i] == nil and temporal.null or action.args[i]
  end
  return {
    workflow = action.workflow, args = args, id = action.id, task_queue = action.task_queue,
    timeouts = { action.execution_timeout or 0, action.run_timeout or 0,
      action.task_timeout or 0 },
    retry = retry and { retry.initial_interval, retry.backoff_coefficient,
      retry.maximum_interval or 0, retry.maximum_attempts, retry.non_retryable_error_types }
      or temporal.null,
    memo = action.memo, headers = action.header, search_attributes = action.search_attributes,
    summary = action.static_summary or "", details = action.static_details or "",
    priority = { priority.key or 0, priority.fairness_key or "",
      priority.fairness_weight or 0 },
  }
end

local function shown(description)
  local spec, info = description.spec, description.info
  return {
    id = description.id,
    calendars = mapped(spec.calendars, calendar_shown),
    intervals = mapped(spec.intervals, function(each) return { each.every, each.offset } end),
    cron = spec.cron,
    skip = mapped(spec.skip, calendar_shown),
    bounds = { spec.start_at or 0, spec.end_at or 0 },
    jitter = spec.jitter or 0,
    timezone = spec.timezone or "",
    action = action_shown(description.action),
    overlap = description.overlap, catchup_window = description.catchup_window,
    pause_on_failure = description.pause_on_failure,
    state = { description.paused, description.note or "", description.limit ~= nil,
      description.limit or 0 },
    memo = description.memo, search_attributes = description.search_attributes,
    info = { info.num_actions, info.missed_catchup_window, info.overlap_skipped },
    running = mapped(info.running_workflows, function(each) return each.workflow_id end),
    recent = mapped(info.recent_actions, function(each)
      return { each.schedule_time, each.workflow_id }
    end),
    next = info.next_action_times,
  }
end

-- Python keeps microseconds of what the server has in nanoseconds.
local function rounded(value)
  if type(value) == "number" then
    return math.floor(value * 1000 + 0.5) / 1000
  elseif type(value) ~= "table" then
    return value
  end
  local result = {}
  for key, each in pairs(value) do
    result[key] = rounded(each)
  end
  return result
end

describe("a schedule", function()
  local client, made

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    made = {}
  end)

  teardown(function()
    for _, schedule in ipairs(made) do
      schedule:delete()
    end
    assert.is_true(client:close())
  end)

  local function action(fields)
    local result = { workflow = "Order", task_queue = "nobody" }
    for name, value in pairs(fields or {}) do
      result[name] = value
    end
    return result
  end

  local function create(given, id)
    given.action = given.action or action()
    local schedule = temporal.assert(client:create_schedule(id or "s-" .. env.uuid(), given))
    made[#made + 1] = schedule
    return schedule
  end

  local function python(...)
    local command = { env.python, "spec/support/schedule_peer.py", env.address, env.namespace, ... }
    local process = env.spawn(command)
    local how, code = process:wait(60)
    assert.equal("", process:errors())
    assert.same({ "exit", 0 }, { how, code })
    local lines = {}
    for line in process:output():gmatch("[^\n]+") do
      lines[#lines + 1] = parse(line)
    end
    return lines
  end

  local function agree(theirs, schedule)
    local ours = temporal.assert(schedule:describe())
    assert.same(rounded(theirs), rounded(shown(ours)))
    local process = env.spawn { TEMPORAL, "schedule", "describe", "--schedule-id", schedule.id,
      "--address", env.address, "--namespace", env.namespace, "--output", "json" }
    assert.same({ "exit", 0 }, { process:wait(30) })
    assert.same(assert(core.protojson_decode(DESCRIPTION, process:output())), ours.raw)
  end

  -- Every kind of spec, with what the server makes of it.
  local specs = {
    { name = "nothing", spec = nil, calendars = {}, intervals = {} },
    { name = "calendar defaults", spec = { calendars = { {} } },
      calendars = { { second = { range(0) }, minute = { range(0) }, hour = { range(0) },
        day_of_month = { range(1, 31) }, month = { range(1, 12) }, year = "*",
        day_of_week = { range(0, 6) } } } },
    { name = "calendar of numbers, ranges, lists and *", spec = { calendars = { {
        second = { start = 5, ["end"] = 50, step = 15 }, minute = { 1, range(10, 20, 5) },
        hour = 9, day_of_month = "*", month = "*", year = { start = 2027, ["end"] = 2030 },
        comment = "kept" } } },
      calendars = { { second = { range(5, 50, 15) }, minute = { range(1), range(10, 20, 5) },
        hour = { range(9) }, day_of_month = { range(1, 31) }, month = { range(1, 12) },
        year = { range(2027, 2030) }, day_of_week = { range(0, 6) }, comment = "kept" } } },
    { name = "names of months and days", spec = { calendars = { { month = { "Feb", "september" },
        day_of_week = { start = "mon", ["end"] = "fri", step = 2 } },
        { day_of_week = { start = "sat", ["end"] = "sun" } }, { day_of_week = 7 } } },
      months = { { range(2), range(9) }, { range(1, 12) }, { range(1, 12) } },
      days = { { range(1, 5, 2) }, { range(6), range(0) }, { range(0) } } },
    { name = "a calendar in text", spec = { calendars = { { minute = "*/15", hour = { 1, "8-18/2",
        range(20, 22) }, month = "jan-mar", day_of_week = { "fri-7", "tuesday" },
        comment = "text" } } },
      calendars = { { second = { range(0) }, minute = { range(0, 59, 15) },
        hour = { range(1), range(20, 22), range(8, 18, 2) }, day_of_month = { range(1, 31) },
        month = { range(1, 3) }, year = "*", comment = "text" } } },
    { name = "intervals",
      spec = { intervals = { { every = "1h" }, { every = 90, offset = "30s" } } },
      intervals = { { every = 3600, offset = 0 }, { every = 90, offset = 30 } } },
    { name = "cron strings", spec = { cron = { "15 8 * * MON-FRI #work", "@daily", "@every 90m/10m",
        "0 30 12 1 */3 * 2030" } },
      intervals = { { every = 5400, offset = 600 } },
      hours = { { range(8) }, { range(0) }, { range(12) } } },
    { name = "CRON_TZ", spec = { cron = { "CRON_TZ=Asia/Tokyo 0 9 * * *" } },
      timezone = "Asia/Tokyo", hours = { { range(9) } } },
    { name = "skip", spec = { intervals = { { every = 60 } }, skip = { { hour = range(0, 5),
        minute = range(0, 59) }, { month = "dec", day_of_month = "24-26", hour = "*" } } },
      intervals = { { every = 60, offset = 0 } } },
    { name = "bounds, jitter and time zone", spec = { calendars = { { hour = 3 } },
        start_at = "2026-12-01T00:00:00.5Z", end_at = 1900000000, jitter = "90s250ms",
        timezone = "Europe/Berlin" },
      timezone = "Europe/Berlin", start_at = 1796083200.5, end_at = 1900000000, jitter = 90.25,
      hours = { { range(3) } } },
  }

  it("is made of every kind of spec, and described as Python and the CLI see it", function()
    local schedules, ids = {}, {}
    for i, case in ipairs(specs) do
      local schedule = create { spec = case.spec, paused = true }
      schedules[i], ids[i] = schedule, schedule.id
      local spec = temporal.assert(schedule:describe()).spec
      for name, expected in pairs(case) do
        if name == "months" or name == "days" or name == "hours" then
          local field = ({ months = "month", days = "day_of_week", hours = "hour" })[name]
          assert.same(expected, mapped(spec.calendars, function(each) return each[field] end))
        elseif name == "calendars" then
          for at, calendar in ipairs(expected) do
            calendar.day_of_week = calendar.day_of_week or spec.calendars[at].day_of_week
          end
          assert.same(expected, spec.calendars, case.name)
        elseif name ~= "name" and name ~= "spec" then
          assert.same(expected, spec[name], case.name .. " " .. name)
        end
      end
    end
    for i, theirs in ipairs(python("describe", (table.unpack or unpack)(ids))) do
      agree(theirs, schedules[i])
    end
  end)

  it("has every kind of policy, state and start option, as Python and the CLI see them", function()
    local full = create {
      spec = { intervals = { { every = "1h" } } },
      action = {
        workflow = "Order", args = { "ü", nil, { a = temporal.array {} }, 2 ^ 53, nil, n = 5 },
        id = "wf", task_queue = "nobody", execution_timeout = "2h", run_timeout = 90.25,
        task_timeout = 5, retry_policy = { maximum_attempts = 3, maximum_interval = "1m",
          non_retryable_error_types = { "Bad" } },
        memo = { m = { x = 1 } }, header = { trace = "t" },
        search_attributes = { CustomText = temporal.text "some words",
          CustomDatetime = temporal.datetime "2026-01-02T03:04:05.678901Z" },
        static_summary = "a summary", static_details = "some\ndetails",
        priority = { key = 2, fairness_key = "f", fairness_weight = 1.5 },
      },
      overlap = "cancel_other", catchup_window = "10m", pause_on_failure = true,
      keep_original_workflow_id = true, paused = true, note = "a note", limit = 4,
      memo = { owner = "Ada" },
      search_attributes = { CustomKeyword = "k", CustomInt = 7, CustomDouble = 2.0,
        CustomBool = true, CustomKeywordList = { "a", "b" } },
    }
    local schedules, ids = { full }, { full.id }
    for _, overlap in ipairs { "skip", "buffer_one", "buffer_all", "terminate_other",
      "allow_all" } do
      local schedule = create { overlap = overlap, action = action { args = {} } }
      assert.equal(overlap, temporal.assert(schedule:describe()).overlap)
      schedules[#schedules + 1], ids[#ids + 1] = schedule, schedule.id
    end
    for i, theirs in ipairs(python("describe", (table.unpack or unpack)(ids))) do
      agree(theirs, schedules[i])
    end
    local described = temporal.assert(full:describe())
    assert.is_true(described.keep_original_workflow_id)
    assert.equal(5, described.action.args.n)
    assert.same({ "ü", nil, {}, 2 ^ 53, nil, n = 5 }, { described.action.args[1], nil,
      described.action.args[3].a, described.action.args[4], nil, n = described.action.args.n })
    assert.equal("\0\0\0\0\0\0\0\1", described.conflict_token)
  end)

  it("made in Python reads the same here, and survives being written unchanged", function()
    local prefix = "py-" .. env.uuid()
    for i, theirs in ipairs(python("create", prefix)) do
      local schedule = client:schedule(prefix .. (i == 1 and "-plain" or "-full"))
      made[#made + 1] = schedule
      agree(theirs, schedule)
      local before = temporal.assert(schedule:describe()).raw
      assert.is_true(temporal.assert(schedule:update(function(described) return described end)))
      local after = temporal.assert(schedule:describe()).raw
      assert.same(before.schedule, after.schedule)
      assert.same(before.search_attributes, after.search_attributes)
      assert.same(before.memo, after.memo)
      assert.are_not.equal(before.conflict_token, after.conflict_token)
    end
  end)

  it("keeps what a description cannot show when something else is changed", function()
    local odd = {
      metadata = { encoding = "json/plain", note = "kept" }, data = ' {"b":1,  "a":2}',
    }
    local unreadable = { metadata = { encoding = "binary/secret" }, data = "\1\2\3" }
    local id = "odd-" .. env.uuid()
    temporal.assert(client:call("CreateSchedule", { schedule_id = id, schedule = {
      spec = { interval = { { interval = { seconds = 60, nanos = 1 } } },
        timezone_data = "", structured_calendar = { { hour = { { start = 5 } } } } },
      action = { start_workflow = {
        workflow_id = "wf", workflow_type = { name = "Order" }, task_queue = { name = "nobody" },
        input = { payloads = { odd, unreadable, odd } }, memo = { fields = { m = odd, n = odd } },
        header = { fields = { h = unreadable } }, retry_policy = { maximum_attempts = 2 },
        user_metadata = { summary = odd },
      } },
      state = { notes = "old" },
    } }))
    local schedule = client:schedule(id)
    made[#made + 1] = schedule
    local before = temporal.assert(schedule:describe())
    assert.equal("binary/secret", before.action.args[2].metadata.encoding)
    assert.same({}, before.spec.calendars[1].minute)
    assert.is_true(temporal.assert(schedule:update(function(described)
      described.note = "new"
      described.action.args[3] = "changed"
      described.action.memo.n = nil
      described.action.static_details = "more"
      described.spec.jitter = 1
      return described
    end)))
    local after = temporal.assert(schedule:describe()).raw.schedule
    local started = after.action.start_workflow
    local old = before.raw.schedule
    assert.equal("new", after.state.notes)
    assert.same(old.spec.structured_calendar, after.spec.structured_calendar)
    assert.same(old.spec.interval, after.spec.interval)
    assert.equal(1, after.spec.interval[1].interval.nanos)
    local payloads = started.input.payloads
    assert.same({ odd.data, odd.metadata }, { payloads[1].data, payloads[1].metadata })
    assert.same({ unreadable.data, unreadable.metadata },
      { payloads[2].data, payloads[2].metadata })
    assert.equal('"changed"', payloads[3].data)
    assert.equal(odd.data, started.memo.fields.m.data)
    assert.is_nil(started.memo.fields.n)
    assert.equal(unreadable.data, started.header.fields.h.data)
    assert.same(old.action.start_workflow.retry_policy, started.retry_policy)
    assert.equal(odd.data, started.user_metadata.summary.data)
    assert.equal('"more"', started.user_metadata.details.data)
  end)

  it("can be copied: create_schedule takes a description", function()
    local attributes = { CustomText = temporal.text "words", CustomDatetime = temporal.datetime(5) }
    local first = create { spec = { calendars = { { hour = "*/6" } } }, note = "original",
      memo = { m = 1 }, search_attributes = attributes, paused = true,
      action = action { id = "wf", args = { 1, nil, n = 3 } } }
    local described = temporal.assert(first:describe())
    described.note = "copy"
    local second = create(described)
    local copied = temporal.assert(second:describe()).raw
    assert.equal("copy", copied.schedule.state.notes)
    copied.schedule.state.notes = "original"
    assert.same(described.raw.schedule, copied.schedule)
    assert.same(described.raw.memo, copied.memo)
    assert.same(described.raw.search_attributes, copied.search_attributes)
  end)
end)
