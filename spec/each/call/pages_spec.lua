-- One iterator and several tasks: every item comes once, whoever ends meanwhile. On a peer that
-- answers when it is told to, and on the real server.

local core = require "temporal.core"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local protect = require "temporal.base.protect"
local temporal = require "temporal"

local SERVICE = "temporal.api.workflowservice.v1."
local PAGES, SIZE, TASKS = 4, 3, 5

local function executions(first)
  local list = {}
  for i = 1, SIZE do
    list[i] = { execution = { workflow_id = "w" .. first + i, run_id = "r" },
      activity_id = "w" .. first + i, schedule_id = "w" .. first + i, event_id = first + i }
  end
  return list
end

-- What is listed: the method, the answer that holds the items, how to get the iterator, the name of
-- an item.
local LISTS = {
  list_workflows = { method = "ListWorkflowExecutions", page = function(items)
    for _, item in ipairs(items) do
      item.activity_id, item.schedule_id, item.event_id = nil, nil, nil
    end
    return { executions = items }
  end, begin = function(client) return client:list_workflows() end,
    name = function(item) return item.id end },
  list_activities = { method = "ListActivityExecutions", page = function(items)
    local list = {}
    for i, item in ipairs(items) do
      list[i] = { activity_id = item.activity_id, run_id = "r" }
    end
    return { executions = list }
  end, begin = function(client) return client:list_activities() end,
    name = function(item) return item.id end },
  list_schedules = { method = "ListSchedules", page = function(items)
    local list = {}
    for i, item in ipairs(items) do
      list[i] = { schedule_id = item.schedule_id }
    end
    return { schedules = list }
  end, begin = function(client) return client:list_schedules() end,
    name = function(item) return item.id end },
  history = { method = "GetWorkflowExecutionHistory", page = function(items)
    local list = {}
    for i, item in ipairs(items) do
      list[i] = { event_id = item.event_id }
    end
    return { history = { events = list } }
  end, begin = function(client) return client:workflow("w"):history() end,
    name = function(event) return "w" .. event.event_id end },
}

describe("one iterator of several tasks", function()
  local peer, client

  before_each(function()
    peer = fault_peer.start()
    client = temporal.client { target = peer.address, retry = false, shutdown_timeout = 0 }
  end)

  after_each(function()
    assert(client:close())
    peer:stop()
  end)

  -- The pages, each once, when they are let go.
  local function serve(list, before)
    for page = 1, PAGES do
      local answer = list.page(executions((page - 1) * SIZE))
      answer.next_page_token = page < PAGES and "page " .. page or ""
      local bytes = assert(core.encode(SERVICE .. list.method .. "Response", answer))
      peer:cmd("call 1 %s : await; %sanswer hex %s", list.method, before or "",
        (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))
    end
  end

  -- Tasks that collect what they get; what they have got, and their errors.
  local function collect(iterator, list, seen, failed)
    return temporal.spawn(function()
      while true do
        local ok, item = protect(iterator)
        if not ok and item.kind == "call_canceled" then
          error(item, 0)
        elseif not ok then
          failed[#failed + 1] = item
        elseif item == nil then
          return
        else
          seen[#seen + 1] = list.name(item)
        end
      end
    end)
  end

  local function release_until(done)
    env.wait_until(30, function()
      peer:cmd("release")
      temporal.poll(0.01)
      return done()
    end, "the end")
  end

  local function expect_each_once(seen)
    table.sort(seen)
    local wanted = {}
    for i = 1, PAGES * SIZE do
      wanted[i] = "w" .. i
    end
    table.sort(wanted)
    assert.same(wanted, seen)
  end

  for name, list in pairs(LISTS) do
    it("hands out each item of " .. name .. " once, one request at a time", function()
      serve(list)
      local iterator, seen, failed, tasks = list.begin(client), {}, {}, {}
      for i = 1, TASKS do
        tasks[i] = collect(iterator, list, seen, failed)
      end
      for page = 1, PAGES do
        peer:wait_until(list.method .. ">=" .. page)
        assert.equal(page, peer:stats()[list.method])
        peer:release(1)
        local target = page * SIZE
        env.wait_until(30, function()
          temporal.poll(0.01)
          return #seen >= target
        end, "a page")
      end
      assert.is_true(temporal.assert(temporal.wait_all(tasks, 30)))
      assert.same({}, failed)
      expect_each_once(seen)
      assert.equal(PAGES, peer:stats()[list.method])
    end)
  end

  it("goes on when the one that has asked ends", function()
    local list = LISTS.list_workflows
    serve(list)
    local iterator, seen, failed = list.begin(client), {}, {}
    local asking = collect(iterator, list, seen, failed)
    local waiting = collect(iterator, list, seen, failed)
    peer:wait_until(list.method .. ">=1")
    asking:kill()
    release_until(function() return waiting:ready() end)
    temporal.assert(waiting:get())
    expect_each_once(seen)
    assert.equal(PAGES, peer:stats()[list.method])
  end)

  it("gives an error to one of them, and the next asks again", function()
    local list = LISTS.list_workflows
    peer:cmd("call 1 %s : await; only grpc-status=14 grpc-message=down", list.method)
    serve(list)
    local iterator, seen, failed, tasks = list.begin(client), {}, {}, {}
    for i = 1, TASKS do
      tasks[i] = collect(iterator, list, seen, failed)
    end
    release_until(function() return temporal.wait_all(tasks, 0) end)
    for i = 1, TASKS do -- PUC 5.1 cannot wait inside a pcall: there the error ends the task
      local _, err = tasks[i]:get()
      failed[#failed + 1] = err
    end
    assert.equal(1, #failed)
    assert.equal("unavailable", failed[1].kind)
    expect_each_once(seen)
    assert.equal(PAGES + 1, peer:stats()[list.method])
  end)

  it("ends at the limit", function()
    local list = LISTS.list_workflows
    serve(list)
    local iterator, seen, tasks = client:list_workflows { limit = 7, page_size = SIZE }, {}, {}
    for i = 1, TASKS do
      tasks[i] = collect(iterator, list, seen, {})
    end
    release_until(function() return temporal.wait_all(tasks, 0) end)
    assert.equal(7, #seen)
  end)
end)

describe("one iterator of several tasks on the real server", function()
  it("hands out each event once", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local run = temporal.assert(client:start_workflow({ task_queue = "nobody-" .. env.uuid() },
      "Order"))
    for i = 1, 60 do
      temporal.assert(run:signal("s", i))
    end
    local next_event, count, twice, seen, tasks = run:history { page_size = 7 }, 0, 0, {}, {}
    for i = 1, TASKS do
      tasks[i] = temporal.spawn(function()
        while true do
          local event = next_event()
          if not event then
            return
          end
          count, twice = count + 1, twice + (seen[event.event_id] and 1 or 0)
          seen[event.event_id] = true
          temporal.assert(client:check_health())
        end
      end)
    end
    assert.is_true(temporal.assert(temporal.wait_all(tasks, 60)))
    assert.same({ temporal.assert(run:describe()).history_length, 0 }, { count, twice })
    temporal.assert(run:terminate())
    assert(client:close())
  end)
end)
