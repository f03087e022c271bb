--- Workers of all features that go on when their worker is killed: a plain script, to be killed.
-- usage: features_worker.lua ADDRESS NAMESPACE TASK_QUEUE

local features = require "spec.support.features"
local temporal = require "temporal"

local last
for _, name in ipairs(features.names()) do
  local feature = features.load(name)
  if feature.survives then
    local worker = temporal.worker(features.worker_options(feature,
      features.client(feature, arg[1], arg[2]), arg[3] .. "/" .. name, { sticky_timeout = 1 }))
    temporal.assert(worker:start())
    last = worker
  end
end
print "running"
io.stdout:flush()
last:wait()
