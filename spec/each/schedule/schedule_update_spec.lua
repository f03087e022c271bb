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
