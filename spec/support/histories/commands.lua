--- The commands of every recorded history, task by task, as bytes: what a process with other seeds
-- of its hashes must make, too.
--
-- usage: commands.lua; prints a line for each task.

local core = require "temporal.core"
local lfs = require "lfs"
local recorded = require "temporal.worker.recorded"
local temporal = require "temporal"
local verify = require "spec.support.histories.verify"

local COMPLETED = "temporal.api.workflowservice.v1.RespondWorkflowTaskCompletedRequest"

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- It does not replay: spec/each/workflow/replay_spec.lua.
local LEFT = "spec/histories/python/CancelChildRequested.json"
local replayer = temporal.replayer { workflows = verify.workflows() }

local function show(path)
  local history = assert(recorded.read { file = path })[1]
  verify.steps(path, history, replayer, function(id, commands, messages)
    print(path, id, hex(assert(core.encode(COMPLETED, { commands = commands,
      messages = messages }, true))))
  end)
end

for _, language in ipairs { "lua", "own", "python" } do
  local paths = {}
  for file in lfs.dir("spec/histories/" .. language) do
    if file:find "%.json$" then
      paths[#paths + 1] = ("spec/histories/%s/%s"):format(language, file)
    end
  end
  table.sort(paths)
  for _, path in ipairs(paths) do
    if path ~= LEFT then show(path) end
  end
end
