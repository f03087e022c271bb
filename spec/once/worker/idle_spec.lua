--- A worker that has nothing to do hardly runs.

local env = require "spec.support.environment"
local lfs = require "lfs"
local promise = require "temporal.wait.promise"
local workers = require "spec.support.worker"

local SECONDS = 3
-- Each of the two threads looks ten times a second, so that signals are heeded; on a busy machine
-- they miss each other now and then.
local MOST = 45

-- How often threads of this process have gone to sleep.
local function sleeps()
  local count = 0
  for name in lfs.dir "/proc/self/task" do
    local file = io.open(("/proc/self/task/%s/status"):format(name))
    if file then
      count = count + (tonumber(file:read("*a"):match "\nvoluntary_ctxt_switches:%s+(%d+)") or 0)
      file:close()
    end
  end
  return count
end

describe("an idle worker", function()
  it("wakes up to look for signals only", function()
    local client = workers.client()
    local worker = workers.new {
      client = client, task_queue = "lua-" .. env.uuid(),
      workflows = { Nothing = function() end }, activities = { nothing = function() end },
    }
    local count
    worker:run(function()
      promise.pause(1) -- the first polls
      count = sleeps()
      promise.pause(SECONDS)
      count = sleeps() - count
    end)
    client:close(0)
    assert.is_true(count >= SECONDS)
    assert.is_true(count <= SECONDS * MOST, ("%d times in %d s"):format(count, SECONDS))
  end)
end)
