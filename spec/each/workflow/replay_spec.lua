--- Every history of spec/histories replays: those that Python's SDK recorded with the twins of its
-- workflows, those of our own with the very workflows that made them.

local lfs = require "lfs"
local recorded = require "temporal.worker.recorded"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"
local workflow = require "temporal.workflow"

if simulation.impossible(describe, it) then return end

local verify = require "spec.support.histories.verify"

local replayer = temporal.replayer { workflows = verify.workflows() }

-- What the core of today does otherwise, and no replay follows: the wait for a child's
-- `wait_cancellation_requested` ends with the child, not with the request.
local OTHERWISE = { CancelChildRequested = 15 }

local function names_in(folder)
  local names = {}
  for file in lfs.dir(folder) do
    names[#names + 1] = file:match "^(.*)%.json$"
  end
  table.sort(names)
  return names
end

describe("the histories of Python's SDK", function()
  local folder = "spec/histories/python"
  for _, name in ipairs(names_in(folder)) do
    local path = ("%s/%s.json"):format(folder, name)
    if OTHERWISE[name] then
      it(("tell %s from ours"):format(name), function()
        local ok, err = replayer:replay { file = path }
        assert.is_nil(ok)
        assert.same({ "nondeterminism", OTHERWISE[name] }, { err.kind, err.event_id })
      end)
    else
      it(("replay: %s"):format(name), function()
        local events = verify.file(path, replayer)
        assert.is_true(events >= 4)
      end)
    end
  end

  it("replay only with that SDK's habits, some of them", function()
    for name, id in pairs { SignalAndActivity = 13, ConditionsOfAllKinds = 6,
      CancelBeforeMain = 12 } do
      local path = ("%s/%s.json"):format(folder, name)
      assert.is_true(replayer:replay { file = path })
      local history = assert(recorded.read { file = path })[1]
      for _, event in ipairs(history.events) do
        local completed = event.workflow_task_completed_event_attributes
        if completed and completed.sdk_metadata then completed.sdk_metadata.sdk_name = "" end
      end
      local ok, err = replayer:replay(history)
      assert.is_nil(ok)
      assert.same({ name, "nondeterminism", id }, { name, err.kind, err.event_id })
    end
  end)
end)

for _, folder in ipairs { "spec/histories/lua", "spec/histories/own" } do
  describe("the histories of ours, " .. folder, function()
    for _, name in ipairs(names_in(folder)) do
      it(("replay: %s"):format(name), function()
        verify.file(("%s/%s.json"):format(folder, name), replayer)
      end)
    end
  end)
end

describe("code that has changed", function()
  local OPTIONS = { task_queue = "histories-activities", start_to_close_timeout = 60 }
  local function note() workflow.execute_activity(OPTIONS, "Note"):get() end

  -- The error of a history of both SDKs with this function, the same for both; nil for none.
  local function error_with(name, type_name, fn)
    local errors = {}
    for i, language in ipairs { "python", "lua" } do
      local _, err = temporal.replayer { workflows = { [type_name] = fn } }:replay {
        file = ("spec/histories/%s/%s.json"):format(language, name) }
      errors[i] = err and { err.kind, err.event_id, err.expected, err.actual } or false
    end
    assert.same(errors[1], errors[2])
    return errors[1] or nil
  end

  local function unpatched(kept, before)
    return error_with("Unpatched", "Unpatched", function()
      before()
      workflow.sleep(0.01)
      kept()
      workflow.sleep(0.01)
    end)
  end

  local function nothing() end
  local function patched() if workflow.patched "kept" then note() end end

  it("replays with a patch that history does not have, and with one it has", function()
    assert.is_nil(unpatched(patched, function() if workflow.patched "added" then note() end end))
    assert.is_nil(unpatched(patched, function() workflow.deprecate_patch "added" end))
  end)

  it("replays where a patch has become deprecated, and not where it is gone", function()
    assert.is_nil(unpatched(function()
      workflow.deprecate_patch "kept"
      note()
    end, nothing))
    assert.same({ "nondeterminism", 10, 'patch "kept"', 'activity Note (id "1")' },
      unpatched(note, nothing))
  end)

  it("replays where a deprecated patch is gone", function()
    local function after(fn)
      return error_with("Patched", "Patched", function()
        if workflow.patched "change" then note() end
        fn()
        workflow.sleep(0.01)
        if workflow.patched "change" then note() end
        if workflow.patched "another" then note() end
        return {}
      end)
    end
    assert.is_nil(after(nothing))
    assert.is_nil(after(function() workflow.patched "old" end))
  end)

  it("does not with an operation more, one less, and in another order", function()
    local function sequence(fn) return error_with("Sequence", "Sequence", fn) end
    local function double() workflow.execute_activity(OPTIONS, "Double", 1):get() end
    assert.same({ "nondeterminism", 6, "activity task started", 'timer "1"' },
      sequence(function()
        workflow.execute_activity(OPTIONS, "Double", 1)
        workflow.timer(1)
      end))
    assert.same({ "nondeterminism", 5, 'activity Double (id "1")', 'timer "1"' },
      sequence(function()
        workflow.timer(1)
        double()
      end))
    assert.same({ "nondeterminism", 16, 'activity Double (id "2")',
      "the completion of the workflow" }, sequence(function()
        double()
        workflow.sleep(1)
      end))
  end)

  it("does not without the handler of an update that was accepted", function()
    local found = error_with("UpdateBeforeMain", "Account", function()
      workflow.execute_activity(OPTIONS, "Note", "opened"):get()
      workflow.wait_condition(function() return false end)
    end)
    assert.same({ "nondeterminism", 5, 'the acceptance of update "early"',
      'no handler for update "add_slowly"' }, found)
  end)
end)
