--- Finding executions: lists, pages and counts of what the visibility store
-- knows. It follows the workflows with a delay of some milliseconds.
-- @module temporal.visibility

local call_options = require "temporal.call.call_options"
local description = require "temporal.run.description"
local listing = require "temporal.call.listing"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local sessions = require "temporal.call.session"

local visibility = {}

local LIST = { method = "ListWorkflowExecutions", items = "executions" }

local function read(input, info)
  return description.item(sessions.of(input.client), info)
end

--- Iterates over the executions that match a query.
--
--     for item in client:list_workflows 'WorkflowType = "Order"' do
--       print(item.id, item.run_id, item.status)
--     end
--
-- @param self a client
-- @tparam[opt] string|table given a query (absent or empty: all), or
--   `{query=, limit=, page_size=, timeout=, metadata=}`: at most `limit`
--   items; `page_size` for each request (the server's: 1000); `timeout` for
--   all of it (the client's `rpc_timeout` for each page else)
-- @treturn function the iterator: an item with the fields of
--   `temporal.description.item`, nil after the last
-- @raise on misuse; the iterator raises the error object
-- @function list_workflows

--- How many executions match a query.
-- @param self a client
-- @tparam[opt] string|table given a query, which may end in `GROUP BY
--   ExecutionStatus`, or `{query=, timeout=, metadata=}`
-- @treturn number|nil the number, or nil
-- @treturn table|temporal.error the groups, a list of `{values={...},
--   count=}`, values as the query language writes them (`"Running"`); empty
--   without GROUP BY. The error when the first is nil
-- @function count_workflows

visibility.list_workflows, visibility.count_workflows =
  listing.pair("workflows", LIST, read, "CountWorkflowExecutions")

local PAGE = call_options.define("option of client:list_workflows_page", {
  query = listing.QUERY,
  page_size = listing.PAGE_SIZE,
  page_token = options.string("page_token"),
})

local function page_of(input)
  local given = input.options
  local response, err = operation.call(input, LIST.method,
    listing.request(input, LIST, given.page_token, given.page_size))
  if not response then
    return nil, listing.show_query(input, err)
  end
  local items, token = {}, response.next_page_token
  for i, info in ipairs(response.executions) do
    items[i] = read(input, info)
  end
  return items, token ~= "" and token or nil
end

--- One page of the executions that match a query.
-- @param self a client
-- @tparam[opt] string|table given a query, or `{query=, page_size=,
--   page_token=, timeout=, metadata=}`; a page has at most 1000 items
-- @treturn table|nil list of items, or nil
-- @treturn string|nil|temporal.error the token of the next page, nil on the
--   last; bytes. The error when the first is nil
function visibility.list_workflows_page(self, given)
  given = listing.query(PAGE, given, "client:list_workflows_page")
  return listing.run(self, "list_workflows_page", given, page_of)
end

return visibility
