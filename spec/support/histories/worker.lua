--- The workflow worker of the recorders in Lua.
--
-- usage: worker.lua ADDRESS NAMESPACE TASK_QUEUE [TYPE it does not know]

local build = os.getenv "TEMPORAL_TEST_BUILD" or "build/5.4"
package.path = "./lua/?.lua;./lua/?/init.lua;./?.lua;" .. package.path
package.cpath = ("./%s/?.so;"):format(build) .. package.cpath

local temporal = require "temporal"
local verify = require "spec.support.histories.verify"

local workflows = verify.workflows()
for i = 4, #arg do workflows[arg[i]] = nil end

local client = temporal.client { target = arg[1], namespace = arg[2] }
local worker = temporal.worker { client = client, task_queue = arg[3], workflows = workflows,
  activities = require "spec.support.histories.activities" }
temporal.assert(worker:start())
print "ready"
io.stdout:flush()
temporal.assert(worker:wait())
