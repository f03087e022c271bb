--- More waited futures than the server has long polls (about 1,200 in a namespace). Not many more:
-- whoever takes turns asks each time, which a slow server must bear.

local core = require "temporal.core"
local env = require "spec.support.environment"
local temporal = require "temporal"

local OPEN, WAITS = 1200, 1300
-- A poll that nobody gives up takes 20 s to come back empty; a turn of all takes about 2.
local BOUND = env.build:match "%-[at]san$" and 60 or 15

describe("thirteen hundred waited futures", function()
  local client

  setup(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
  end)

  teardown(function()
    assert(client:close())
  end)

  local function terminate(run)
    return client:submit("TerminateWorkflowExecution",
      { workflow_execution = { workflow_id = run.id } }, { timeout = 120 })
  end

  -- The seconds from the close of each to our knowing of it, at most.
  local function worst_after_the_end_of(runs, first, last)
    local ends, known_at = {}, {}
    for i = first, last do ends[i] = terminate(runs[i]) end
    local left = last - first + 1
    env.wait_until(200, function()
      core.park(0.1)
      local now = core.time()
      for i = first, last do
        if not known_at[i] and runs[i]:ready() then
          known_at[i], left = now, left - 1
        end
      end
      return left == 0
    end, "all results")
    local worst = 0
    for i = first, last do
      temporal.assert(ends[i]:get(120))
      local event = assert(core.take(runs[i], "result"))
      assert.is_table(event.workflow_execution_terminated_event_attributes)
      local closed = event.event_time.seconds + event.event_time.nanos / 1e9
      worst = math.max(worst, known_at[i] - closed)
    end
    return worst
  end

  it("know of an end while more than the server can take have none", function()
    local runs, queue = {}, "nobody-" .. env.uuid()
    for i = 1, WAITS do
      runs[i] = client:execute_workflow({ task_queue = queue, timeout = 120 }, "Nobody")
    end
    for i = 1, WAITS do
      temporal.assert(runs[i]:started(120))
      assert.is_false(runs[i]:ready())
    end
    -- The first ones have asked first, and stay open.
    local worst = worst_after_the_end_of(runs, OPEN + 1, WAITS)
    assert.is_true(worst <= BOUND, ("a result was known %.1f s after the close"):format(worst))
    worst_after_the_end_of(runs, 1, OPEN)
  end)
end)
