--- What came of local activities, told to their run: one result a round, each when
-- nothing else is left to do.
-- @module temporal.workflow.local_result

local fiber = require "temporal.workflow.fiber"
local local_activity = require "temporal.workflow.op.local_activity"

local local_result = {}

local function tell(run, results, first, last)
  run.only_rejected = nil
  local_activity.begin_round(run)
  for i = first, last do
    local_activity.deliver(run, results[i])
  end
  local_activity.end_round(run)
  run:drain()
end

--- Some results are told together, and what waits for them runs.
-- @tparam run run
-- @tparam table results
-- @tparam integer first the place of the first of them
-- @tparam integer last
function local_result.round(run, results, first, last)
  fiber.within(run, tell, run, results, first, last)
end

--- Those that the shared core has told together with the events of a step: what was
-- asked for before. (In a step of several tasks it may be asked for in it.)
-- @tparam run run
-- @tparam table results of the markers behind the step
-- @treturn integer the place of the first of the others
function local_result.with_step(run, results)
  local place = 1
  while results[place] and results[place].activation_index == 0
    and local_activity.is_due(run, results[place]) do
    local_activity.deliver(run, results[place])
    place = place + 1
  end
  return place
end

--- The others, behind the step.
-- @tparam run run
-- @tparam table results
-- @tparam integer from a place
function local_result.replay(run, results, from)
  local first, last = local_activity.group(run, results, from)
  while first and not run.failure do
    local_result.round(run, results, first, last)
    first, last = local_activity.group(run, results, last + 1)
  end
  run.local_results = nil
end

return local_result
