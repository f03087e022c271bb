--- Histories that were changed in one place: what the code did not do is found, at the event where
-- it is, and what may change is not.

local lfs = require "lfs"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"

if simulation.impossible(describe, it) then return end

local mutate = require "spec.support.histories.mutate"
local verify = require "spec.support.histories.verify"

local replayer = temporal.replayer { workflows = verify.workflows() }

-- It does not replay as it is: spec/each/workflow/replay_spec.lua.
local LEFT = { ["python/CancelChildRequested"] = true }
-- Long ones have many blocks alike.
local BLOCKS = 5

-- Calls fn with the name and a function that makes the events of each history.
local function each_history(fn)
  for _, language in ipairs { "lua", "own", "python" } do
    local folder = "spec/histories/" .. language
    for file in lfs.dir(folder) do
      local name = file:match "^(.*)%.json$"
      name = name and language .. "/" .. name
      if name and not LEFT[name] then fn(name, mutate.source(("%s/%s"):format(folder, file))) end
    end
  end
end

-- Calls fn with each place of a command's event, its type, and that of the command behind it.
local function each_command(fn)
  each_history(function(name, fresh)
    local events = fresh()
    local blocks = mutate.blocks(events)
    for i = 1, math.min(#blocks, BLOCKS) do
      local block = blocks[i]
      for k, place in ipairs(block) do
        fn(name, fresh, place, mutate.parts(events[place]),
          block[k + 1] and mutate.parts(events[block[k + 1]]))
      end
    end
  end)
end

local function check(what, history, id)
  local ok, err = replayer:replay(history)
  if ok then error(what .. " replays", 0) end
  if err.kind ~= "nondeterminism" or err.event_id ~= id then
    error(("%s is not found at event %d, but: %s"):format(what, id, tostring(err)), 0)
  end
  if not (err.expected and err.actual and err.message:find(err.actual, 1, true)) then
    error(what .. " has no words: " .. tostring(err), 0)
  end
  assert(not tostring(err.event_id):find(".", 1, true), "an event id is an integer")
end

local SEARCH = "upsert_workflow_search_attributes"

local function is_of_patches(each)
  local _, attributes = mutate.parts(each)
  local fields = attributes.search_attributes and attributes.search_attributes.indexed_fields
  return fields ~= nil and fields.TemporalChangeVersion ~= nil
end

-- A value that changes: without its mark it has not changed.
local function is_unchanged(each)
  local kind, attributes = mutate.parts(each)
  return kind == "marker_recorded" and attributes.marker_name == "lua_side_effect"
    and attributes.details.key.payloads[1].data:find(":[2-9]") ~= nil
end

local function is_local(each)
  local kind, attributes = mutate.parts(each)
  return kind == "marker_recorded" and attributes.marker_name == "core_local_activity"
end

describe("a history with a change", function()
  it("is found where another name or id stands", function()
    local count = 0
    each_command(function(name, fresh, place, kind)
      for n, rename in ipairs(mutate.RENAME[kind] or {}) do
        local events = fresh()
        rename(select(2, mutate.parts(events[place])))
        check(("%s with event %d renamed (%d)"):format(name, place, n), { events = events }, place)
        count = count + 1
      end
    end)
    assert.is_true(count > 400, count)
  end)

  it("is found where a command's event is added", function()
    local count = 0
    each_command(function(name, fresh, place)
      local events = fresh()
      table.insert(events, place, { event_id = -1, event_type = "EVENT_TYPE_TIMER_STARTED",
        timer_started_event_attributes = { timer_id = "added" } })
      check(("%s with one before event %d"):format(name, place), mutate.renumber(events), place)
      count = count + 1
    end)
    assert.is_true(count > 400, count)
  end)

  it("is found where two commands' events are swapped", function()
    local count = 0
    each_command(function(name, fresh, place, kind, next_kind)
      local events = fresh()
      -- In replay the attribute is asked for only where it stands behind its patch; local
      -- activities may end in another order.
      local both_ended = is_local(events[place]) and next_kind and is_local(events[place + 1])
      if next_kind and not both_ended and not (kind == SEARCH and is_of_patches(events[place])) then
        events[place], events[place + 1] = events[place + 1], events[place]
        check(("%s with events %d and %d (%s, %s) swapped"):format(name, place, place + 1, kind,
          next_kind), mutate.renumber(events), place)
        count = count + 1
      end
    end)
    assert.is_true(count > 40, count)
  end)

  it("is found where a command's event is missing", function()
    local count = 0
    each_command(function(name, fresh, place, kind)
      local events = fresh()
      local left = table.remove(events, place)
      if kind == "workflow_execution_update_accepted" or name == "python/UpdatesRejected"
        or is_local(left) then
        -- An update that nobody knows of; an empty task, which Python's SDK counts to the next; a
        -- local activity that may end in a later task: found later.
        local ok, err = replayer:replay(mutate.renumber(events))
        assert.is_nil(ok)
        assert.equal("nondeterminism", err.kind)
        assert.is_true(err.event_id >= place - 1)
      elseif kind == SEARCH and is_of_patches(left) or is_unchanged(left) then
        assert.is_true(replayer:replay(mutate.renumber(events)))
      else
        -- The end of the history is at its last event.
        check(("%s without event %d (%s)"):format(name, place, kind), mutate.renumber(events),
          math.min(place, #events))
      end
      count = count + 1
    end)
    assert.is_true(count > 400, count)
  end)

  it("is found where something happens twice, or to nothing", function()
    local count = 0
    each_history(function(name, fresh)
      for place, each in ipairs(fresh()) do
        local kind = mutate.parts(each)
        if kind == "timer_fired" or kind:find "^activity_task_[cft]%a+$"
          or kind:find "^child_workflow_execution_[cft]" or kind == "activity_task_timed_out" then
          local events = fresh()
          local copy = fresh()[place]
          copy.event_id = -1
          table.insert(events, place + 1, copy)
          local _, attributes = mutate.parts(copy)
          for field in pairs(attributes) do
            if field:find "event_id$" then attributes[field] = 1 end
          end
          local ok, err = replayer:replay(mutate.renumber(events))
          if ok or err.kind ~= "nondeterminism" or err.event_id ~= place + 1 then
            error(("%s with another event %d: %s"):format(name, place, tostring(err)), 0)
          end
          count = count + 1
        end
      end
    end)
    assert.is_true(count > 100, count)
  end)

  it("is never taken for a bug of the code, whatever event is missing", function()
    local kinds = {}
    each_history(function(name, fresh)
      for place, each in ipairs(fresh()) do
        local kind = mutate.parts(each)
        if place > 1 and place < 25 and not kind:find "^workflow_task" then
          local events = fresh()
          table.remove(events, place)
          local ok, err = replayer:replay(mutate.renumber(events))
          kinds[ok and "replays" or err.kind] = true
          if not ok and err.kind ~= "nondeterminism" then
            error(("%s without event %d (%s): %s"):format(name, place, kind, tostring(err)), 0)
          end
        end
      end
    end)
    assert.same({ replays = true, nondeterminism = true }, kinds)
  end)

  it("replays where only what may change has changed", function()
    local count = 0
    each_history(function(name, fresh)
      local events, changed = fresh(), 0
      for _, each in ipairs(events) do
        if mutate.harmless(each) then changed = changed + 1 end
      end
      local ok, err = replayer:replay { events = events }
      if not ok then error(name .. ": " .. tostring(err), 0) end
      count = count + changed
    end)
    assert.is_true(count > 400, count)
  end)
end)

describe("an event of a type that is not known", function()
  -- Before each task.
  local function with(fresh, ignored)
    local events = {}
    for _, each in ipairs(fresh()) do
      if mutate.parts(each) == "workflow_task_scheduled" then
        events[#events + 1] = { event_id = -#events, event_type = 9999,
          worker_may_ignore = ignored }
      end
      events[#events + 1] = each
    end
    return mutate.renumber(events)
  end

  it("is passed over where the server says so", function()
    each_history(function(name, fresh)
      local ok, err = replayer:replay(with(fresh, true))
      if not ok then error(name .. ": " .. tostring(err), 0) end
    end)
  end)

  it("ends the replay else", function()
    local ok, err = replayer:replay(with(mutate.source "spec/histories/lua/Sequence.json", false))
    assert.is_nil(ok)
    assert.equal("task_failed", err.kind)
    assert.equal("event 2 has the type 9999, which this package does not know", err.message)
  end)
end)
