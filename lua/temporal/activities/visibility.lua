--- Finding standalone activities: lists and counts of what the visibility
-- store knows. It follows the activities with a delay of some milliseconds.
-- @module temporal.activity_visibility

local activity_description = require "temporal.activities.description"
local call_options = require "temporal.call.call_options"
local listing = require "temporal.call.listing"
local operation = require "temporal.call.operation"


local LIST = call_options.define("option of client:list_activities", {
  query = listing.QUERY,
  limit = listing.LIMIT,
  page_size = listing.PAGE_SIZE,
})

local COUNT = call_options.define("option of client:count_activities", { query = listing.QUERY })

local function list(input)
  return listing.iterate(function(token, page_size)
    local response, err = operation.call(input, "ListActivityExecutions", {
      query = input.options.query, page_size = page_size, next_page_token = token,
    })
    if not response then
      return nil, err
    end
    return response.executions, response.next_page_token
  end, activity_description.item, input.options)
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
local function list_activities(self, given)
  given = listing.query(LIST, given, "client:list_activities")
  return listing.run(self, "list_activities", given, list)
end

local function count(input)
  return listing.count(input, "CountActivityExecutions")
end

--- How many standalone activities match a query.
-- @param self a client
-- @tparam[opt] string|table given a query, which may end in `GROUP BY
--   ExecutionStatus`, or `{query=, timeout=, metadata=}`
-- @treturn number|nil the number, or nil
-- @treturn table|temporal.error the groups, a list of `{values={...},
--   count=}`; empty without GROUP BY. The error when the first is nil
local function count_activities(self, given)
  given = listing.query(COUNT, given, "client:count_activities")
  return listing.run(self, "count_activities", given, count)
end

return {
  list_activities = list_activities,
  count_activities = count_activities,
}
