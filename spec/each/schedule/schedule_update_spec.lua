-- Updates of schedules that the server takes otherwise than they were sent: on the real server, and
-- on a peer that takes a part.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local temporal = require "temporal"

local ACTION = { workflow = "Order", task_queue = "nobody" }

-- Updates by a function; the answer, the error, and how often the function ran.
local function update(schedule, change)
  local rounds = 0
  local ok, err = schedule:update(function(described)
    rounds = rounds + 1
    change(described)
    return described
  end)
  return ok, err, rounds
end

describe("schedule:update", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function create(given)
    given.action, given.paused = ACTION, true
    return temporal.assert(client:create_schedule("schedule-" .. env.uuid(), given))
  end

  it("takes a catch-up window that the server makes longer", function()
    local schedule = create { catchup_window = 60 }
    for _, window in ipairs { 5, 0, 9.5 } do
      local ok, err, rounds = update(schedule, function(d) d.catchup_window = window end)
      assert.same({ true, 1 }, { temporal.assert(ok, err), rounds })
      ok, err, rounds = update(schedule, function(d)
        d.catchup_window, d.note = window, "round " .. env.uuid()
      end)
      assert.same({ true, 1 }, { temporal.assert(ok, err), rounds })
      assert.equal(10, temporal.assert(schedule:describe()).catchup_window)
    end
  end)

  it("takes another writer's catch-up window for no work of the server's", function()
    local schedule = create { catchup_window = 60 }
    local writes = 0
    local ok, err, rounds = update(schedule, function(d)
      if writes < 2 then
        writes = writes + 1
        temporal.assert(update(schedule, function(other) other.catchup_window = 60 + writes end))
      end
      d.catchup_window = 5
    end)
    assert.same({ true, 3 }, { temporal.assert(ok, err), rounds })
    assert.equal(10, temporal.assert(schedule:describe()).catchup_window)
  end)

  it("takes no update for done that was dropped, whatever the server chooses by itself", function()
    for name, row in pairs {
      limit = { 3, 5, 5 }, catchup_window = { 60, nil, 31536000 },
      overlap = { "buffer_one", nil, "skip" },
    } do
      local schedule = create { [name] = row[1] }
      local ok, err, rounds = update(schedule, function(d)
        if d.note == nil then
          temporal.assert(schedule:pause("in between"))
        end
        d[name] = row[2]
      end)
      assert.same({ true, 2 }, { temporal.assert(ok, err), rounds }, name)
      local described = temporal.assert(schedule:describe())
      assert.same({ row[3], "in between" }, { described[name], described.note })
    end
  end)

  local function spec_of(schedule)
    return temporal.assert(schedule:describe()).spec
  end

  it("does not add a cron string to the times that stand without being told to", function()
    for _, row in pairs {
      { { cron = { "0 9 * * MON-FRI" } }, "(1 in spec.calendars)", "set spec.calendars = {} too" },
      { { calendars = { { hour = 1 }, { hour = 2 } } }, "(2 in spec.calendars)" },
      { { cron = { "@every 1h" } }, "(1 in spec.intervals)", "set spec.intervals = {} too" },
      { { calendars = { { hour = 1 } }, intervals = { { every = "1h" } } },
        "(1 in spec.calendars, 1 in spec.intervals)",
        "set spec.calendars = {} and spec.intervals = {} too" },
    } do
      local schedule = create { spec = row[1] }
      local before = temporal.assert(schedule:describe())
      local ok, message = pcall(update, schedule, function(d) d.spec.cron = { "30 17 * * *" } end)
      assert.is_false(ok)
      assert.matches("^[^\n]*schedule_update_spec%.lua:%d+: ", message)
      assert.matches('"spec.cron" would add to the times that stand ' .. row[2], message, 1, true)
      assert.matches(row[3] or "", message, 1, true)
      -- A copy of a schedule is made of a description, too.
      before.spec.cron = { "30 17 * * *" }
      ok = pcall(client.create_schedule, client, "copy-" .. env.uuid(), before)
      assert.is_false(ok)
      assert.equal(before.conflict_token, temporal.assert(schedule:describe()).conflict_token)
    end
  end)

  it("takes a cron string where nothing stands, or the caller says what becomes of it", function()
    local function hours(schedule)
      local list = {}
      for i, each in ipairs(spec_of(schedule).calendars) do
        list[i] = each.hour[1].start
      end
      table.sort(list)
      return list
    end
    local schedule = create { spec = {} }
    for _, step in ipairs {
      { { 9 }, function(d) d.spec.cron = { "0 9 * * *" } end },
      { { 10 }, function(d) d.spec.calendars, d.spec.cron = {}, { "0 10 * * *" } end },
      { { 11 }, function(d) d.spec = { cron = { "0 11 * * *" } } end },
      { { 11, 12 }, function(d)
        d.spec.calendars, d.spec.cron = { d.spec.calendars[1] }, { "0 12 * * *" }
      end },
      { { 11, 12, 13, 14 }, function(d)
        d.spec.calendars[3], d.spec.cron = { hour = 13 }, { "0 14 * * *" }
      end },
      { { 11, 12, 13, 14 }, function(d) d.spec.cron, d.note = {}, "none" end },
      { { 15 }, function(d) d.spec.calendars, d.spec.cron = nil, { "0 15 * * *" } end },
    } do
      local ok, err, rounds = update(schedule, step[2])
      assert.same({ true, 1 }, { temporal.assert(ok, err), rounds })
      assert.same(step[1], hours(schedule))
    end
  end)

  it("takes an update for done that has acted meanwhile", function()
    local schedule = create { limit = 3 }
    local ok, err, rounds = update(schedule, function(d)
      d.limit, d.paused, d.overlap = 10, false, "allow_all"
      d.spec = { intervals = { { every = 1 } } }
    end)
    assert.same({ true, 1 }, { temporal.assert(ok, err), rounds })
    env.wait_until(30, function()
      return temporal.assert(schedule:describe()).limit < 9
    end, "actions")
    ok, err = update(schedule, function(d) d.note = "acting" end)
    assert.is_true(temporal.assert(ok, err))
    temporal.assert(schedule:delete())
  end)
end)

describe("schedule:update on a server that keeps the memo as it was", function()
  local SERVICE = "temporal.api.workflowservice.v1."
  local peer, client

  before_each(function()
    peer = fault_peer.start()
    client = temporal.client { target = peer.address, retry = false }
  end)

  after_each(function()
    assert(client:close())
    peer:stop()
  end)

  local function memo(fields)
    local payloads = {}
    for name, data in pairs(fields) do
      payloads[name] = { metadata = { encoding = "json/plain" }, data = data }
    end
    return { fields = payloads }
  end

  -- What the next description says, and with `times` how often.
  local function described(times, token, note, fields)
    local bytes = assert(core.encode(SERVICE .. "DescribeScheduleResponse", {
      conflict_token = ("\0"):rep(7) .. string.char(token), memo = memo(fields),
      schedule = { spec = {}, state = { notes = note }, action = { start_workflow = {
        workflow_id = "w", workflow_type = { name = "Order" }, task_queue = { name = "q" } } } },
    }))
    peer:cmd("call %s DescribeSchedule : answer hex %s", times,
      (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
  end

  it("says so", function()
    described(1, 1, "old", { a = "1" })
    described("", 2, "new", { a = "1" })
    local ok, err, rounds = update(client:schedule("s"), function(d)
      d.note, d.memo.b = "new", 2
    end)
    assert.same({ "failed_precondition", "s", 1 }, { err and err.kind, err and err.schedule_id,
      rounds })
    assert.is_nil(ok)
    assert.matches("memo.*the rest of the update is done", err.message)
    -- The memo alone; and one that is to be emptied.
    for _, fields in ipairs { { a = 1, b = 2 }, {} } do
      peer:reset()
      described(1, 1, "old", { a = "1" })
      described("", 2, "old", { a = "1" })
      ok, err, rounds = update(client:schedule("s"), function(d) d.memo = fields end)
      assert.same({ "failed_precondition", 1 }, { err and err.kind, rounds })
      assert.is_nil(ok)
    end
  end)

  it("is content with what another server makes of the memo", function()
    described(1, 1, "old", { a = "1" })
    described("", 2, "old", { b = "2" })
    local ok, err = update(client:schedule("s"), function(d)
      d.memo = { b = 2, gone = temporal.null, empty = temporal.array {} }
    end)
    assert.is_true(temporal.assert(ok, err))
  end)

  it("goes another round when somebody else has changed it", function()
    described(1, 1, "old", { a = "1" })
    described(1, 2, "old", { a = "3" })
    described("", 3, "old", { a = "2" })
    local ok, err, rounds = update(client:schedule("s"), function(d) d.memo.a = 2 end)
    assert.same({ true, 2 }, { temporal.assert(ok, err), rounds })
  end)
end)
