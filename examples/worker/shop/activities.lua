-- The activities of the shop: the worker's own modules, sockets and databases are welcome here.
local activity = require "temporal.activity"

local activities = {}

function activities.Pack(item)
  activity.sleep(0.05) -- other activities and workflows go on meanwhile
  return item .. " in a box"
end

function activities.Charge(amount)
  return ("paid %d at attempt %d"):format(amount, activity.info().attempt)
end

return activities
