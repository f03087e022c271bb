-- A worker under a locale whose decimal point is a comma. usage: LOCPATH=DIR lua locale_worker.lua
-- NAME (by spec/support/locale.lua)
require("spec.support.locale").set(arg[1])
local temporal = require "temporal"
local worker = temporal.worker { client = temporal.client(), task_queue = "q",
  workflows = { W = function() end } }
print(select(2, pcall(worker.start, worker)))
