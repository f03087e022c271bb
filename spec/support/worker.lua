--- Workers for specs. Where a test does not say it itself, the environment says how many runs they
-- keep and how long a task waits for them:
--
--     make test TEMPORAL_SPEC_CACHE=0 SPEC=spec/each/worker      every task replays its history
--     make test TEMPORAL_SPEC_STICKY=1 SPEC=spec/each/worker

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

return worker
