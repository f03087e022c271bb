--- Every history of spec/histories replays: those that Python's SDK recorded with the twins of its
-- workflows, those of our own with the very workflows that made them.

local lfs = require "lfs"
local recorded = require "temporal.worker.recorded"
local simulation = require "spec.support.simulation"
local temporal = require "temporal"

if simulation.impossible(describe, it) then return end

local verify = require "spec.support.histories.verify"

local workflows = verify.workflows()

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
        local ok, err = temporal.replayer { workflows = workflows }:replay { file = path }
        assert.is_nil(ok)
        assert.same({ "nondeterminism", OTHERWISE[name] }, { err.kind, err.event_id })
      end)
    else
      it(("replay: %s"):format(name), function()
        local events = verify.file(path, workflows)
        assert.is_true(events >= 4)
      end)
    end
  end

  it("replay only with that SDK's habits, some of them", function()
    local replayer = temporal.replayer { workflows = workflows }
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

describe("the histories of ours", function()
  local folder = "spec/histories/lua"
  for _, name in ipairs(names_in(folder)) do
    it(("replay: %s"):format(name), function()
      verify.file(("%s/%s.json"):format(folder, name), workflows)
    end)
  end
end)
