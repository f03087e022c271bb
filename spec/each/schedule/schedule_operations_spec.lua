-- What is done with schedules on the real server: triggers, backfills, updates that race, lists,
-- bad input, codecs, interceptors, and the newer scheduler.

local env = require "spec.support.environment"
local temporal = require "temporal"

local function range(first, last, step)
  return { start = first, ["end"] = last or first, step = step or 1 }
end

local function mapped(list, fn)
  local result = {}
  for i, each in ipairs(list) do
    result[i] = fn(each)
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

  local function raised(fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok, "expected an error")
    assert.is_string(message)
    assert.matches("schedule_operations_spec%.lua:%d+: ", message)
    return message
  end

  local function create_raises(given)
    return raised(function() return client:create_schedule("s", given) end)
  end

  it("triggers, and the worker runs what it started", function()
    local schedule = create { overlap = "allow_all", action = action {
      id = "triggered-" .. env.uuid(), workflow = "Echo", args = { { "ü", 1 } },
      task_queue = env.task_queue } }
    assert.is_true(temporal.assert(schedule:trigger()))
    assert.is_true(temporal.assert(schedule:trigger { overlap = "allow_all", timeout = 5,
      scheduled_time = "2026-01-02T03:04:05Z" }))
    env.wait_until(30, function()
      return temporal.assert(schedule:describe()).info.num_actions == 2
    end, "two actions")
    local described = temporal.assert(schedule:describe())
    assert.equal(2, #described.info.recent_actions)
    local nominal = {}
    for _, each in ipairs(described.info.recent_actions) do
      assert.equal(1, each.workflow_id:find(described.action.id .. "-", 1, true))
      assert.same({ "ü", 1 }, temporal.assert(client:workflow(each.workflow_id):get(20)))
      nominal[#nominal + 1] = each.schedule_time
      assert.is_true(math.abs(each.actual_time - os.time()) < 60)
    end
    table.sort(nominal)
    assert.equal(1767323045, nominal[1])
    env.wait_until(30, function()
      return #temporal.assert(schedule:describe()).info.running_workflows == 0
    end, "the end of both")
  end)

  it("takes in every one of many triggers", function()
    local schedule = create { overlap = "allow_all", paused = true }
    for i = 1, 20 do
      temporal.assert(schedule:trigger { scheduled_time = 1000000000 + i })
    end
    local recent
    env.wait_until(60, function()
      local info = temporal.assert(schedule:describe()).info
      recent = info.recent_actions
      return info.num_actions == 20
    end, "20 actions")
    for _, each in ipairs(recent) do
      client:call("TerminateWorkflowExecution",
        { workflow_execution = { workflow_id = each.workflow_id } })
    end
  end)

  it("triggers and backfills as it is created", function()
    local schedule = create { spec = { intervals = { { every = "1h" } } }, paused = true,
      overlap = "allow_all", trigger_immediately = true,
      backfill = { { start_at = "2026-01-01T00:30:00Z", end_at = "2026-01-01T02:30:00Z" } },
      action = action { id = "at-once-" .. env.uuid(), workflow = "Echo",
        task_queue = env.task_queue } }
    env.wait_until(30, function()
      return temporal.assert(schedule:describe()).info.num_actions == 3
    end, "three actions")
    local times = mapped(temporal.assert(schedule:describe()).info.recent_actions, function(each)
      return each.schedule_time
    end)
    table.sort(times)
    assert.same({ 1767229200, 1767232800 }, { times[1], times[2] })
  end)

  it("acts by itself, as often as its limit says", function()
    local schedule = create { spec = { intervals = { { every = 1 } } }, limit = 2,
      action = action { id = "limited-" .. env.uuid(), workflow = "Echo",
        task_queue = env.task_queue } }
    env.wait_until(60, function()
      return temporal.assert(schedule:describe()).limit == 0
    end, "two actions")
    assert.equal(2, temporal.assert(schedule:describe()).info.num_actions)
  end)

  it("backfills", function()
    local schedule = create { spec = { calendars = { { hour = "*" } } }, paused = true,
      action = action { id = "filled-" .. env.uuid(), workflow = "Echo",
        task_queue = env.task_queue } }
    assert.is_true(temporal.assert(schedule:backfill {
      { start_at = 1767225600, end_at = "2026-01-01T02:00:00Z", overlap = "allow_all" },
      { start_at = "2026-01-02T00:00:00Z", end_at = "2026-01-02T00:00:00Z",
        overlap = "allow_all" },
    }))
    env.wait_until(30, function()
      return temporal.assert(schedule:describe()).info.num_actions == 4
    end, "four actions")
    assert.is_true(temporal.assert(schedule:describe()).paused)
    assert.matches("backfill%[1%]%.end_at\" is missing", raised(function()
      return schedule:backfill { { start_at = 1 } }
    end))
    assert.matches("backfill%[2%]%.overlap\" must be one of", raised(function()
      return schedule:backfill { { start_at = 1, end_at = 2 },
        { start_at = 1, end_at = 2, overlap = "none" } }
    end))
    assert.matches("must be a list", raised(function()
      return schedule:backfill { start_at = 1, end_at = 2 }
    end))
  end)

  it("pauses and unpauses, with a note", function()
    local schedule = create {}
    assert.is_true(temporal.assert(schedule:pause()))
    local described = temporal.assert(schedule:describe())
    assert.same({ true, "Paused via Lua SDK" }, { described.paused, described.note })
    assert.is_true(temporal.assert(schedule:unpause()))
    described = temporal.assert(schedule:describe())
    assert.same({ false, "Unpaused via Lua SDK" }, { described.paused, described.note })
    assert.is_true(temporal.assert(schedule:pause("holidays", { timeout = 30 })))
    assert.equal("holidays", temporal.assert(schedule:describe()).note)
    assert.is_true(temporal.assert(schedule:unpause("ende", { metadata = { a = "b" } })))
    assert.equal("ende", temporal.assert(schedule:describe()).note)
    assert.matches("note of schedule:pause must be a string that is not empty, got an empty one",
      raised(function() return schedule:pause("") end), 1, true)
    assert.matches("note of schedule:unpause must be a string that is not empty, got a table",
      raised(function() return schedule:unpause({}) end), 1, true)
  end)

  it("says which times match", function()
    local schedule = create { spec = {
      calendars = { { hour = { 6, 18 }, day_of_week = "mon-tue" } },
      skip = { { day_of_month = 8, hour = "*" } },
    } }
    -- 2030-01-07 is a Monday; the start itself is not among them, the end is.
    assert.same({ 1894039200 }, temporal.assert(schedule:matching_times("2030-01-07T06:00:00Z",
      "2030-01-14T05:00:00Z")))
    assert.same({ 1893996000, 1894039200 }, temporal.assert(schedule:matching_times(
      "2030-01-07T05:59:59Z", 1894039200)))
    assert.same({}, temporal.assert(schedule:matching_times(20, 10)))
    assert.matches("the end of schedule:matching_times must be epoch seconds",
      raised(function() return schedule:matching_times(1) end), 1, true)
  end)

  it("changes by an update, in every part", function()
    local schedule = create { spec = { calendars = { { hour = 9 } } }, overlap = "buffer_one",
      limit = 3, note = "n", paused = true, search_attributes = { CustomKeyword = "k",
        CustomDatetime = temporal.datetime(1.5) } }
    local rounds = 0
    local function change(fn)
      rounds = 0
      assert.is_true(temporal.assert(schedule:update(function(described)
        rounds = rounds + 1
        return fn(described) or described
      end, { timeout = 10 })))
      assert.equal(1, rounds)
      return temporal.assert(schedule:describe())
    end
    local now = change(function(d)
      d.spec.calendars, d.spec.cron = { { hour = 9 } }, { "1 2 3 * *", "@every 5m" }
    end)
    assert.equal(2, #now.spec.calendars)
    assert.same({ { every = 300, offset = 0 } }, now.spec.intervals)
    now = change(function(d)
      d.spec.calendars[1].minute, d.spec.intervals = "*/20", nil
      d.spec.skip = { { month = "jan-feb" } }
    end)
    assert.same({ range(0, 59, 20) }, now.spec.calendars[2].minute)
    assert.same({}, now.spec.intervals)
    assert.equal(1, #now.spec.skip)
    now = change(function(d) d.limit, d.overlap, d.catchup_window = nil, nil, 60 end)
    assert.same({ nil, "skip", 60 }, { now.limit, now.overlap, now.catchup_window })
    now = change(function(d) d.catchup_window, d.note, d.paused = nil, nil, nil end)
    assert.same({ 31536000, false }, { now.catchup_window, now.paused })
    assert.is_nil(now.note)
    now = change(function(d) d.search_attributes.CustomKeyword = "other" end)
    assert.same({ CustomKeyword = "other", CustomDatetime = 1.5 }, now.search_attributes)
    assert.equal("Datetime",
      now.raw.search_attributes.indexed_fields.CustomDatetime.metadata.type)
    now = change(function(d) d.search_attributes, d.note = nil, "kept" end)
    assert.same({ CustomKeyword = "other", CustomDatetime = 1.5 }, now.search_attributes)
    change(function(d) d.search_attributes = {} end)
    env.wait_until(30, function()
      return next(temporal.assert(schedule:describe()).search_attributes) == nil
    end, "no search attributes")
    now = change(function() return { action = action { workflow = "Other", args = { 1 } } } end)
    assert.same({ "Other", 1, 1, {}, "skip" }, { now.action.workflow, now.action.args.n,
      now.action.args[1], now.spec.calendars, now.overlap })
    assert.equal(schedule.id, now.action.id)
  end)

  it("stops an update, passes its error on, and refuses what is no schedule", function()
    local schedule = create { note = "as it was" }
    local token = temporal.assert(schedule:describe()).conflict_token
    assert.is_false(temporal.assert(schedule:update(function() return nil end)))
    local problem = {}
    local ok, err = pcall(schedule.update, schedule, function() error(problem) end)
    assert.is_false(ok)
    assert.equal(problem, err)
    assert.matches("must return a schedule (a table), or nil to stop, got 7", raised(function()
      return schedule:update(function() return 7 end)
    end), 1, true)
    assert.matches('schedule option "action" is missing', raised(function()
      return schedule:update(function() return {} end)
    end), 1, true)
    assert.matches('"trigger_immediately" is for create_schedule only', raised(function()
      return schedule:update(function(d) d.trigger_immediately = true return d end)
    end), 1, true)
    assert.matches("schedule:update takes a function, got nothing", raised(function()
      return schedule:update()
    end), 1, true)
    assert.equal(token, temporal.assert(schedule:describe()).conflict_token)
    local _, refused = schedule:update(function(d) d.memo.new = 1 return d end)
    assert.equal("failed_precondition", refused.kind)
    _, refused = schedule:update(function(d) d.spec.timezone = "Mars/Base" return d end)
    assert.same({ "invalid_argument", schedule.id }, { refused.kind, refused.schedule_id })
  end)

  it("loses no update to a racing writer", function()
    local schedule = create { note = "", paused = true, limit = 1 }
    local rounds = 0
    -- Another writer is in between, in the first two rounds.
    assert.is_true(temporal.assert(schedule:update(function(described)
      rounds = rounds + 1
      if rounds <= 2 then
        temporal.assert(client:schedule(schedule.id):update(function(other)
          other.limit = other.limit + 10
          return other
        end))
      end
      described.note = "mine"
      return described
    end)))
    assert.equal(3, rounds)
    local described = temporal.assert(schedule:describe())
    assert.same({ 21, "mine" }, { described.limit, described.note })
    -- And in every round.
    local _, err = schedule:update(function(mine)
      temporal.assert(client:schedule(schedule.id):pause("again " .. env.uuid()))
      mine.overlap = "allow_all"
      return mine
    end)
    assert.same({ "aborted", schedule.id }, { err.kind, err.schedule_id })
    assert.equal("skip", temporal.assert(schedule:describe()).overlap)
  end)

  it("loses none of the updates of two writers", function()
    local schedule = create { paused = true }
    local writers = {}
    for _, letter in ipairs { "a", "b" } do
      writers[#writers + 1] = env.spawn { env.lua, "spec/support/schedule_writer.lua", env.address,
        env.namespace, schedule.id, letter, "15" }
    end
    for _, writer in ipairs(writers) do
      local how, code = writer:wait(60)
      assert.equal("", writer:errors())
      assert.same({ "exit", 0 }, { how, code })
    end
    local words = {}
    for word in temporal.assert(schedule:describe()).note:gmatch("%S+") do
      assert.is_nil(words[word])
      words[word] = true
    end
    for i = 1, 15 do
      assert.is_true(words["a" .. i] and words["b" .. i])
    end
  end)

  it("is found by lists and counts", function()
    local tag = "tag-" .. env.uuid()
    for i = 1, 5 do
      create { note = "number " .. i, paused = i > 3, memo = { i = i },
        spec = { intervals = { { every = 3600 } } }, search_attributes = { CustomKeyword = tag } }
    end
    local query = ("CustomKeyword = '%s'"):format(tag)
    env.wait_until(60, function() return temporal.assert(client:count_schedules(query)) == 5 end,
      "five schedules")
    local seen, notes = 0, {}
    for item in client:list_schedules { query = query, page_size = 2 } do
      seen = seen + 1
      notes[item.note] = item.memo.i
      assert.equal("Order", item.action.workflow)
      assert.equal(tag, item.search_attributes.CustomKeyword)
      assert.same({ { every = 3600, offset = 0 } }, item.spec.intervals)
      assert.equal(item.memo.i > 3, item.paused)
      assert.equal(item.id, item.raw.schedule_id)
      assert.is_table(item.info.next_action_times)
    end
    assert.equal(5, seen)
    assert.same({ ["number 1"] = 1, ["number 2"] = 2, ["number 3"] = 3, ["number 4"] = 4,
      ["number 5"] = 5 }, notes)
    seen = 0
    for _ in client:list_schedules { query = query, limit = 3 } do
      seen = seen + 1
    end
    assert.equal(3, seen)
    for _ in client:list_schedules { limit = 0 } do
      error("none was asked for")
    end
    local number, groups = client:count_schedules { query = query, timeout = 30 }
    assert.same({ 5, {} }, { number, groups })
    assert.is_true(temporal.assert(client:count_schedules()) >= 5)
    local ok, err = pcall(function()
      for _ in client:list_schedules "nonsense" do error("none") end
    end)
    assert.is_false(ok)
    assert.equal("invalid_argument", err.kind)
    local _, bad = client:count_schedules "nonsense"
    assert.equal("invalid_argument", bad.kind)
    assert.matches("takes a query (a string) or a table of options, got 7",
      raised(function() return client:count_schedules(7) end), 1, true)
  end)

  it("says who holds the id, and what does not exist", function()
    local schedule = create {}
    local again, err = client:create_schedule(schedule.id, { action = action() })
    assert.is_nil(again)
    assert.same({ "already_started", schedule.id }, { err.kind, err.schedule_id })
    assert.is_nil(err.workflow_id)
    assert.equal("temporal.schedule (" .. schedule.id .. ")", tostring(schedule))
    local request_id = env.uuid()
    local id = "twice-" .. env.uuid()
    create({ request_id = request_id }, id)
    create({ request_id = request_id }, id)
    assert.is_true(temporal.assert(schedule:delete()))
    local never = client:schedule("never-" .. env.uuid())
    local function is_missing(target, value, missing)
      assert.is_nil(value)
      assert.same({ "not_found", target.id }, { missing.kind, missing.schedule_id })
      assert.matches(('there is no schedule "%s" ('):format(target.id), missing.message, 1, true)
    end
    for _, each in ipairs { schedule, never } do
      for _, name in ipairs { "describe", "pause", "unpause", "trigger", "delete" } do
        is_missing(each, each[name](each))
      end
      is_missing(each, each:update(function(described) return described end))
      is_missing(each, each:backfill { { start_at = 1, end_at = 2 } })
    end
    -- Of one that is deleted the server may still know the times.
    is_missing(never, never:matching_times(1, 2))
    create({ note = "again" }, schedule.id)
    assert.equal("again", temporal.assert(schedule:describe()).note)
  end)

  it("refuses what no schedule can be, at the caller's line", function()
    for expected, given in pairs {
      ['"action" is missing'] = {},
      ['"action" must be a table, got 1'] = { action = 1 },
      ['"action.workflow" is missing'] = { action = { task_queue = "q" } },
      ['"action.task_queue" is missing'] = { action = { workflow = "W" } },
      ['unknown schedule option "overlapp"; did you mean "overlap"?'] = { overlapp = 1 },
      ['"overlap" must be one of "allow_all"'] = { overlap = "skip_all" },
      ['"catchup_window" must not be negative'] = { catchup_window = -1 },
      ['"pause_on_failure" must be true or false'] = { pause_on_failure = 1 },
      ['"limit" must be a whole number of at least 0'] = { limit = -1 },
      ['"note" must be a string'] = { note = 1 },
      ['"trigger_immediately" must be true or false'] = { trigger_immediately = "skip" },
      ['"memo" must be a table'] = { memo = 1 },
      ['"memo": memo.x'] = { memo = { x = print } },
      ['"search_attributes" must be a table'] = { search_attributes = "x" },
      ['search_attributes.x: expected'] = { search_attributes = { x = print } },
      ['"spec" must be a table'] = { spec = "daily" },
      ['unknown schedule option "spec.calendar"; did you mean "spec.calendars"?'] =
        { spec = { calendar = {} } },
      ['"spec.calendars" must be a list'] = { spec = { calendars = { hour = 1 } } },
      ['"spec.calendars[1]" must be a table'] = { spec = { calendars = { "daily" } } },
      ['"spec.calendars[1]" has no field "hours"; did you mean "hour"?'] =
        { spec = { calendars = { { hours = 1 } } } },
      ['"spec.calendars[1].hour" must be a whole number from 0 to 23, got 24'] =
        { spec = { calendars = { { hour = 24 } } } },
      ['"spec.calendars[1].minute[2]" must be a whole number from 0 to 59, got 1.5'] =
        { spec = { calendars = { { minute = { 1, 1.5 } } } } },
      ['(did you mean "march"?), got "mrach"'] = { spec = { calendars = { { month = "mrach" } } } },
      ['"spec.skip[1].day_of_week.start" must be a whole number from 0 to 6 or a name'] =
        { spec = { skip = { { day_of_week = { start = "x" } } } } },
      ['"spec.calendars[1].hour" must not end before it starts'] =
        { spec = { calendars = { { hour = { start = 2, ["end"] = 1 } } } } },
      ['"spec.calendars[1].hour.step" must be a whole number of at least 1'] =
        { spec = { calendars = { { hour = { start = 2, ["end"] = 3, step = 0 } } } } },
      ['a table with the key "stop"'] =
        { spec = { calendars = { { hour = { start = 2, stop = 3 } } } } },
      ['"spec.calendars[1].hour" must not be an empty list'] =
        { spec = { calendars = { { hour = {} } } } },
      ['"spec.calendars[1].comment" must be a string'] =
        { spec = { calendars = { { comment = 1 } } } },
      ['"spec.intervals[1]" must be a table'] = { spec = { intervals = { 60 } } },
      ['"spec.intervals[1].every" is missing'] = { spec = { intervals = { { offset = 1 } } } },
      ['"spec.intervals[1].every" must be at least 1 s'] =
        { spec = { intervals = { { every = 0.5 } } } },
      ['"spec.intervals[1].offset" must not be negative'] =
        { spec = { intervals = { { every = 1, offset = -1 } } } },
      ['"spec.cron" must be a list'] = { spec = { cron = "@daily" } },
      ['"spec.cron[1]" must be a string such as'] = { spec = { cron = { 1 } } },
      ['"spec.start_at" must be epoch seconds'] = { spec = { start_at = "tomorrow" } },
      ['"spec.end_at" must not be before start_at'] = { spec = { start_at = 2, end_at = 1 } },
      ['"spec.jitter" must be a number of seconds'] = { spec = { jitter = "x" } },
      ['"spec.timezone" must be a string'] = { spec = { timezone = 1 } },
      ['"action.args" must be a list of arguments'] = { action = action { args = 1 } },
      ['"action.args" must be a list of arguments, got the key "x"'] =
        { action = action { args = { x = 1 } } },
      ['"action.args.n" is 1, but there are 2'] = { action = action { args = { 1, 2, n = 1 } } },
      ['"action": args[1]'] = { action = action { args = { print } } },
      ['"action.id" must not be empty'] = { action = action { id = "" } },
      ['"action.cron_schedule" is for a single start'] =
        { action = action { cron_schedule = "* * * * *" } },
      ['"action.id_reuse_policy" is for a single start'] =
        { action = action { id_reuse_policy = "allow_duplicate" } },
      ['unknown schedule option "action.argz"'] = { action = action { argz = {} } },
      ['"action.memo" must be a table of values by name'] = { action = action { memo = 1 } },
      ['"action.header" must have strings as keys, got 1'] = { action = action { header = { 1 } } },
      ['"backfill[1].start_at" is missing'] = { backfill = { { end_at = 1 } } },
    } do
      if expected:sub(1, 8) ~= '"action"' and given.action == nil then
        given.action = action()
      end
      assert.matches(expected, create_raises(given), 1, true)
    end
    assert.matches("client:create_schedule takes an id and a table of options, got nothing",
      raised(function() return client:create_schedule("x") end), 1, true)
    for _, id in ipairs { "", 1, ("x"):rep(1001) } do
      assert.matches("the schedule id must be a string of 1 to 1000 bytes",
        raised(function() return client:schedule(id) end), 1, true)
    end
    local handle = client:schedule("x")
    assert.matches("option of schedule:trigger", raised(function()
      return handle:trigger { overlap = "x" }
    end), 1, true)
    assert.matches("the options of schedule:describe must be a table, got 5", raised(function()
      return handle:describe(5)
    end), 1, true)
    assert.matches("write schedule:method(...), with a colon; got nothing", raised(function()
      return handle.delete()
    end), 1, true)
  end)

  it("has the server's words for what only the server knows", function()
    for expected, spec in pairs {
      ["CronString does not have 5-7 fields"] = { cron = { "every day" } },
      ["unknown time zone Mars/Base"] = { timezone = "Mars/Base" },
      ["conflicting timezone"] = { timezone = "Europe/Paris", cron = { "CRON_TZ=UTC 0 0 * * *" } },
      ["Hour"] = { calendars = { { hour = "1-99" } } },
    } do
      local schedule, err = client:create_schedule("bad-" .. env.uuid(),
        { spec = spec, action = action() })
      assert.is_nil(schedule)
      assert.equal("invalid_argument", err.kind)
      assert.matches(expected, err.message, 1, true)
    end
  end)

  it("has its values behind the codecs, and nothing else", function()
    local broken, contexts = nil, {}
    local function each(payloads, fn)
      if broken then
        return nil, broken
      end
      return mapped(payloads, fn)
    end
    local other = temporal.client { target = env.address, namespace = env.namespace,
      codecs = { {
        encode = function(payloads, context)
          contexts[context.kind] = context.workflow_id or "none"
          return each(payloads, function(payload)
            return { metadata = { encoding = "binary/reversed",
              was = payload.metadata.encoding }, data = payload.data:reverse() }
          end)
        end,
        decode = function(payloads)
          return each(payloads, function(payload)
            if payload.metadata.encoding ~= "binary/reversed" then
              return payload
            end
            return { metadata = { encoding = payload.metadata.was },
              data = payload.data:reverse() }
          end)
        end,
      } } }
    local id = "coded-" .. env.uuid()
    local given = { note = "plain", memo = { m = { 1 } },
      search_attributes = { CustomKeyword = "k" }, action = action { id = "wf-coded",
        args = { "abc", nil, 3 }, memo = { n = 2 }, static_summary = "sum" } }
    local schedule = temporal.assert(other:create_schedule(id, given))
    made[#made + 1] = client:schedule(id)
    assert.same({ arguments = "wf-coded", memo = contexts.memo, summary = "wf-coded" }, contexts)
    local described = temporal.assert(schedule:describe())
    assert.same({ "abc", nil, 3, n = 3 }, described.action.args)
    assert.same({ { m = { 1 } }, { n = 2 }, "sum", { CustomKeyword = "k" } }, { described.memo,
      described.action.memo, described.action.static_summary, described.search_attributes })
    local raw = described.raw.schedule
    assert.equal('"cba"', raw.action.start_workflow.input.payloads[1].data)
    -- A client without the codec changes the rest and keeps what it cannot read.
    assert.is_true(temporal.assert(client:schedule(id):update(function(foreign)
      assert.equal("binary/reversed", foreign.action.args[1].metadata.encoding)
      foreign.action.args[3], foreign.note = "new", nil
      return foreign
    end)))
    described = temporal.assert(schedule:describe())
    assert.same({ "abc", nil, "new", n = 3 }, described.action.args)
    broken = "no key"
    for _, result in ipairs { { schedule:describe() },
      { other:create_schedule("never", { action = action { args = { 1 } } }) },
      { other:create_schedule("never", { memo = { a = 1 }, action = action() }) },
      { other:create_schedule("never", { action = action { static_summary = "s" } }) },
      { schedule:update(function() error("not asked") end) } } do
      assert.is_nil(result[1])
      assert.equal("codec", result[2].kind)
      assert.matches("no key", tostring(result[2]), 1, true)
    end
    other:close()
  end)

  it("runs every operation through the interceptors", function()
    local seen, chain = {}, {}
    for _, name in ipairs { "create_schedule", "list_schedules", "count_schedules",
      "describe_schedule", "trigger_schedule", "pause_schedule", "unpause_schedule",
      "backfill_schedule", "update_schedule", "delete_schedule", "matching_schedule_times" } do
      chain[name] = function(input, next_one)
        seen[#seen + 1] = name
        assert.is_table(input.client)
        assert.is_table(input.options)
        if name == "create_schedule" then
          input.header.trace, input.schedule.note = "t", "by the interceptor"
        elseif name == "pause_schedule" then
          input.note = input.note .. "!"
        end
        return next_one(input)
      end
    end
    local other = temporal.client { target = env.address, namespace = env.namespace,
      interceptors = { chain } }
    local given = { action = action { header = { own = 1 } } }
    local schedule = temporal.assert(other:create_schedule("seen-" .. env.uuid(), given))
    assert.same({ own = 1 }, given.action.header)
    local described = temporal.assert(schedule:describe())
    assert.same({ own = 1, trace = "t" }, described.action.header)
    assert.equal("by the interceptor", described.note)
    temporal.assert(schedule:trigger())
    temporal.assert(schedule:pause("why"))
    assert.equal("why!", temporal.assert(schedule:describe()).note)
    temporal.assert(schedule:unpause())
    temporal.assert(schedule:backfill { { start_at = 1, end_at = 2 } })
    temporal.assert(schedule:update(function() return nil end))
    temporal.assert(schedule:matching_times(1, 2))
    other:list_schedules { limit = 1 }()
    temporal.assert(other:count_schedules())
    temporal.assert(schedule:delete())
    assert.same({ "create_schedule", "describe_schedule", "trigger_schedule", "pause_schedule",
      "describe_schedule", "unpause_schedule", "backfill_schedule", "update_schedule",
      "matching_schedule_times", "list_schedules", "count_schedules", "delete_schedule" }, seen)
    other:close()
  end)

  it("is closed with its client", function()
    local other = temporal.client { target = env.address, namespace = env.namespace }
    local schedule = other:schedule("x")
    other:close()
    local value, err = schedule:describe()
    assert.is_nil(value)
    assert.equal("closed", err.kind)
    assert.matches("closed client", raised(function() return other:schedule("y") end))
  end)
end)

describe("a schedule of the newer scheduler", function()
  it("says that an update is stale, and takes a memo if the server is new enough", function()
    local server = env.fresh_server { flags = {
      "--dynamic-config-value", "history.enableChasm=true",
      "--dynamic-config-value", "history.enableCHASMSchedulerCreation=true",
      "--dynamic-config-value", "history.chasmSchedulerCreationRolloutPercent=100",
      "--dynamic-config-value", "history.enableCHASMSchedulerRouting=true",
    } }
    local client = temporal.client { target = server.address, namespace = server.namespace }
    local schedule = temporal.assert(client:create_schedule("s", {
      action = { workflow = "Order", task_queue = "nobody" }, memo = { a = 1 },
    }))
    local rounds = 0
    local done, err = schedule:update(function(described)
      rounds = rounds + 1
      if rounds == 1 then
        temporal.assert(schedule:pause())
      end
      described.memo.b = { 2 }
      described.spec.calendars, described.spec.cron = {}, { "@daily" }
      return described
    end)
    assert.equal(env.older and "failed_precondition" or nil, err and err.kind)
    assert.equal(not env.older or nil, done)
    local described = temporal.assert(schedule:describe())
    assert.same({ env.older and 1 or 2, true, { a = 1, b = not env.older and { 2 } or nil } },
      { rounds, described.paused, described.memo })
    for _, window in ipairs { 5, 0 } do -- it makes 10 s and a year of them
      rounds = 0
      assert.is_true(temporal.assert(schedule:update(function(changed)
        rounds, changed.catchup_window = rounds + 1, window
        return changed
      end)))
      assert.equal(1, rounds)
    end
    client:close()
    server:stop()
  end)
end)
