--- What our worker recorded, replayed by Python's SDK with workflows of the same shape.

local env = require "spec.support.environment"

-- What does not, by what Python's SDK does otherwise.
local OTHERWISE = {
  -- The wait for a child's `wait_cancellation_requested` ends with the child, not with the request.
  CancelChildRequested = "No command scheduled for event",
  -- A `wait_condition` that is true at once takes the number of a timer.
  ConditionsOfAllKinds = "did not have expected timer id",
  -- Canceled before its first step, main goes on to its first wait, which takes the number.
  CancelBeforeMain = "did not have expected timer id",
}

describe("Python's replayer", function()
  it("replays the histories of ours", function()
    local process = env.spawn(env.python
      .. " spec/support/histories/replay.py spec/histories/lua/*.json")
    assert.same({ "exit", 0 }, { process:wait(120) })
    local count, failed = 0, {}
    for name, what in process:output():gmatch "history ([^\n ]+) ([^\n]*)" do
      if what == "replayed" then
        count = count + 1
      elseif not (OTHERWISE[name] and what:find(OTHERWISE[name], 1, true)) then
        failed[#failed + 1] = name .. ": " .. what
      end
    end
    assert.same({}, failed)
    assert.is_true(count >= 72, count)
  end)
end)
