--- Finding standalone activities: lists and counts of what the visibility
-- store knows. It follows the activities with a delay of some milliseconds.
-- @module temporal.activity_visibility

local activity_description = require "temporal.activities.description"
local listing = require "temporal.call.listing"

local visibility = {}

local LIST = { method = "ListActivityExecutions", items = "executions" }

local function read(_, info)
  return activity_description.item(info)
end

--- Iterates over the standalone activities that match a query.
--
--     for item in client:list_activities 'ActivityType = "Charge"' do
--       print(item.id, item.run_id, item.status)
--     end
--
-- @param self a client
-- @tparam[opt] string|table given a query (absent or empty: all), or
--   `{query=, limit=, page_size=, timeout=, metadata=}`: at most `limit`
--   items; `page_size` for each request; `timeout` for all of it
-- @treturn function the iterator: an item with the fields of
--   `temporal.activity_description.item`, nil after the last
-- @raise on misuse; the iterator raises the error object
-- @function list_activities

--- How many standalone activities match a query.
-- @param self a client
-- @tparam[opt] string|table given a query, which may end in `GROUP BY
--   ExecutionStatus`, or `{query=, timeout=, metadata=}`
-- @treturn number|nil the number, or nil
-- @treturn table|temporal.error the groups, a list of `{values={...},
--   count=}`; empty without GROUP BY. The error when the first is nil
-- @function count_activities

visibility.list_activities, visibility.count_activities =
  listing.pair("activities", LIST, read, "CountActivityExecutions")

return visibility
