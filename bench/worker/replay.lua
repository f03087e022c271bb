-- Replays a history many times and prints, as one line of JSON, what that cost. Index and decoding
-- are part of each time: a worker that has lost a run has the bytes only.

local core = require "temporal.core"
local histories = require "temporal.workflow.history"
local runs = require "temporal.workflow.run"
local temporal = require "temporal"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = assert(file:read "*a")
  file:close()
  return bytes
end

-- Replays the bytes of a History once; returns how many events there were.
local function replay(bytes, workflows, converter)
  local history = histories.new(0)
  assert(history:append(bytes))
  local count, started = history.count, history:attributes(1)
  local run = runs.new {
    definition = assert(workflows[started.workflow_type.name], "no such workflow"),
    converter = converter, namespace = "default", workflow_id = "replayed",
    run_id = started.original_execution_run_id,
  }
  local commands, problem = run:apply(history, 0)
  assert(commands, problem)
  return count
end

--- Replays a file once, and then so many times.
-- @tparam string path a binary temporal.api.history.v1.History
-- @tparam integer times
-- @tparam table workflows functions by type
return function(path, times, workflows)
  local converter = temporal.converter.new()
  local bytes = read(path)
  local events = replay(bytes, workflows, converter)
  local wall, cpu = core.now(), os.clock()
  for _ = 1, times do replay(bytes, workflows, converter) end
  print(('{"events": %d, "times": %d, "wall_s": %.6f, "cpu_s": %.6f}'):format(events, times,
    core.now() - wall, os.clock() - cpu))
end
