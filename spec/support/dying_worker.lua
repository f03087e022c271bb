--- A worker whose activity Beats says "half" in a heartbeat, and never ends: to be killed.
-- usage: dying_worker.lua ADDRESS NAMESPACE TASK_QUEUE

local temporal = require "temporal"
local activity = require "temporal.activity"

local client = temporal.client { target = arg[1], namespace = arg[2] }
local worker = temporal.worker { client = client, task_queue = arg[3], activities = {
  Beats = function()
    activity.heartbeat("half", { 2 })
    print "begun"
    io.stdout:flush()
    activity.sleep "1h"
  end,
} }
temporal.assert(worker:run())
