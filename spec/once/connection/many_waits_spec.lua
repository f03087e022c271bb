--- More waited futures than the server has long polls (about 1,200 in a namespace).

local core = require "temporal.core"
local env = require "spec.support.environment"
local temporal = require "temporal"

local WAITS = 3000
local RUN_TIMEOUT = 20
-- Seconds from a close to our knowing of it; sanitizers take several times as long.
local BOUND = env.build:match "%-[at]san$" and 40 or 10

describe("three thousand waited futures", function()
  it("each know their result within ten seconds of the close", function()
    local client = temporal.client { target = env.address, namespace = env.namespace }
    local runs, queue = {}, "nobody-" .. env.uuid()
    for i = 1, WAITS do
      runs[i] = client:execute_workflow(
        { task_queue = queue, run_timeout = RUN_TIMEOUT, timeout = 60 }, "Nobody")
    end
    local waiting = {}
    for i = 1, WAITS do
      temporal.assert(runs[i]:started(60))
      runs[i]:ready()
      waiting[i] = runs[i]
    end
    local known_at, known = {}, 0
    env.wait_until(120, function()
      core.park(0.1)
      local now = core.time()
      for i, run in pairs(waiting) do
        if run:ready() then
          known_at[i], waiting[i], known = now, nil, known + 1
        end
      end
      return known == WAITS
    end, "all results")
    local worst = 0
    for i = 1, WAITS do
      local event = assert(core.take(runs[i], "result"))
      assert.is_table(event.workflow_execution_timed_out_event_attributes)
      local closed = event.event_time.seconds + event.event_time.nanos / 1e9
      worst = math.max(worst, known_at[i] - closed)
    end
    assert.is_true(worst <= BOUND, ("a result was known %.1f s after the close"):format(worst))
    assert(client:close())
  end)
end)
