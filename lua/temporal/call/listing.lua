--- Walking over what the server lists page by page.
-- @module temporal.listing

local call_options = require "temporal.call.call_options"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
local pages = require "temporal.call.pages"
local search_attributes = require "temporal.value.search_attributes"
local sessions = require "temporal.call.session"

local error, type = error, type

-- What the server takes when it is asked for no size, or for a larger one.
local SERVER_PAGE = 1000

local MAX_PAGE = 2147483647

local listing = {}

--- Options that lists have in common, for call_options.define.
listing.QUERY = options.string("query", { empty = true })
listing.PAGE_SIZE = options.number("page_size", { integer = true, min = 1, max = MAX_PAGE })

--- A query, or a table of options with the query in it.
-- @tparam table spec
-- @param given what the user passed, or nil
-- @tparam string method for messages
-- @treturn table options
-- @raise when it is neither, or has an unknown option
function listing.query(spec, given, method)
  if given == nil then
    return {}
  elseif type(given) == "string" then
    return { query = given }
  elseif type(given) ~= "table" then
    misuse.raisef("%s takes a query (a string) or a table of options, got %s", method,
      options.kind_of(given))
  end
  return options.apply(spec, given, {})
end

--- Runs an operation of a client that is about no single execution.
-- @param client
-- @tparam string name of the operation, for interceptors
-- @tparam table given its options
-- @tparam function perform `perform(input)` does it
-- @return what `perform` returned
function listing.run(client, name, given, perform)
  return sessions.run(name, {
    client = client, options = given, deadline = call_options.deadline(given),
  }, perform)
end

-- The server quotes but a word of a query that it cannot read.
local MAX_QUERY = 200

--- Shows the query beside the server's complaint.
-- @tparam table input of the operation
-- @tparam temporal.error err
-- @treturn temporal.error the same
function listing.show_query(input, err)
  local query = input.options.query
  if err.kind == "invalid_argument" and query and query ~= "" then
    if #query > MAX_QUERY then
      query = query:sub(1, MAX_QUERY) .. "..."
    end
    err.message = ("%s; the query: %s"):format(err.message, query)
  end
  return err
end

-- Counts what a query matches, by the RPC of that name.
local function count_by(input, rpc)
  local response, err = operation.call(input, rpc, { query = input.options.query })
  if not response then
    return nil, listing.show_query(input, err)
  end
  local groups = {}
  for i, group in ipairs(response.groups) do
    groups[i] = {
      values = search_attributes.decode { indexed_fields = group.group_values },
      count = group.count,
    }
  end
  return response.count, groups
end

--- The request of one page.
-- @tparam table input of the operation
-- @tparam table list see `pair`
-- @tparam string|nil token
-- @tparam number|nil page_size
-- @treturn table
function listing.request(input, list, token, page_size)
  return {
    query = input.options.query, next_page_token = token,
    [list.page_size or "page_size"] = page_size,
  }
end

-- An iterator over all items of all pages; raises the error object of a page
-- that cannot be had.
local function iterate(input, list, read)
  local limit, page_size = input.options.limit, input.options.page_size
  local handed_out = 0
  if limit and limit < (page_size or SERVER_PAGE) then
    page_size = limit
  end
  local next_message = pages.iterator(function(token)
    return operation.start(input, list.method, listing.request(input, list, token, page_size))
  end, function(response)
    return response[list.items], response.next_page_token
  end)
  return function()
    if limit and handed_out >= limit then
      return nil
    end
    local message, err = next_message()
    if err then
      error(listing.show_query(input, err), 0)
    elseif not message or limit and handed_out >= limit then
      return nil
    end
    handed_out = handed_out + 1
    return read(input, message)
  end
end

--- The two methods of a client that find things of one kind: `list_NOUN`,
-- which iterates over what a query matches, and `count_NOUN`.
-- @tparam string noun such as `"workflows"`
-- @tparam table list `method` is the RPC; `items` the field of its answer that
--   holds a page; `page_size` the field of its request, if not of that name
-- @tparam function read `read(input, message)` makes an item of what a page holds
-- @tparam string rpc that counts
-- @treturn function of a client and a query or `{query=, limit=, page_size=,
--   timeout=, metadata=}`; returns the iterator
-- @treturn function of a client and a query or `{query=, timeout=, metadata=}`;
--   returns the number and its groups, `{values=, count=}` each
function listing.pair(noun, list, read, rpc)
  local list_name, count_name = "list_" .. noun, "count_" .. noun
  local list_method, count_method = "client:" .. list_name, "client:" .. count_name
  local list_spec = call_options.define("option of " .. list_method, {
    query = listing.QUERY,
    limit = options.number("limit", { integer = true, min = 0 }),
    page_size = listing.PAGE_SIZE,
  })
  local count_spec = call_options.define("option of " .. count_method, { query = listing.QUERY })
  local function find(input)
    return iterate(input, list, read)
  end
  local function count(input)
    return count_by(input, rpc)
  end
  return function(client, given)
    return listing.run(client, list_name, listing.query(list_spec, given, list_method), find)
  end, function(client, given)
    return listing.run(client, count_name, listing.query(count_spec, given, count_method), count)
  end
end

return listing
