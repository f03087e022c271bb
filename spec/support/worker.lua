--- Workers for specs. Where a test does not say it itself, the environment says how many runs they
-- keep and how long a task waits for them:
--
--     make test TEMPORAL_SPEC_CACHE=0 SPEC=spec/each/worker      every task replays its history
--     make test TEMPORAL_SPEC_STICKY=1 SPEC=spec/each/worker

local env = require "spec.support.environment"
local temporal = require "temporal"

local CACHE = tonumber(os.getenv "TEMPORAL_SPEC_CACHE")
local STICKY = tonumber(os.getenv "TEMPORAL_SPEC_STICKY")

local worker = {}

--- The options of a worker, with what the environment says.
function worker.options(options)
  if options.max_cached_workflows == nil then options.max_cached_workflows = CACHE end
  if options.sticky_timeout == nil then options.sticky_timeout = STICKY end
  return options
end

--- `temporal.worker`, with what the environment says.
function worker.new(options)
  return temporal.worker(worker.options(options))
end

--- A client of the suite's server, and the list of what it logs: `{level=, message=, fields=}`.
function worker.client()
  local logged = {}
  return temporal.client { target = env.address, namespace = env.namespace,
    logger = function(level, message, fields)
      logged[#logged + 1] = { level = level, message = message, fields = fields }
    end }, logged
end

--- How many polls of a client's workers have brought a task, or nothing.
-- @param method "PollActivityTaskQueue" or "PollWorkflowTaskQueue"
function worker.polls(client, method)
  local count = 0
  for _, sample in ipairs(client:metrics().temporal_long_request) do
    if sample.operation == method then count = count + sample.value end
  end
  return count
end

--- The first of that list with these words in its message, or nil.
function worker.find(logged, words)
  for _, each in ipairs(logged) do
    if each.message:find(words, 1, true) then return each end
  end
  return nil
end

return worker
