--- Walking over what the server lists page by page.
-- @module temporal.listing

local call_options = require "temporal.call.call_options"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.call.operation"
local options = require "temporal.base.options"
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
listing.LIMIT = options.number("limit", { integer = true, min = 0 })

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

--- Counts what a query matches.
-- @tparam table input `client`, `options` (`query`), `deadline`
-- @tparam string method the RPC
-- @treturn number|nil the number, or nil
-- @treturn table|temporal.error the groups, `{values=, count=}` each; or the
--   error
function listing.count(input, method)
  local response, err = operation.call(input, method, { query = input.options.query })
  if not response then
    return nil, err
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

--- An iterator over all items of all pages.
-- @tparam function fetch `fetch(token, page_size)` asks for one page: its items
--   and the token of the next ("" or nil on the last), or `nil, err`
-- @tparam function read `read(message)` makes an item of what a page holds
-- @tparam table given `limit` (items at most), `page_size` (of each request)
-- @treturn function the iterator: an item, nil after the last; raises the error
--   object of a page that cannot be had
function listing.iterate(fetch, read, given)
  local limit, page_size = given.limit, given.page_size
  local page, position, handed_out = {}, 0, 0
  local token, ended
  if limit and limit < (page_size or SERVER_PAGE) then
    page_size = limit
  end
  local function next_page()
    local items, token_or_error = fetch(token, page_size)
    if not items then
      error(token_or_error, 0)
    end
    page, position, token = items, 0, token_or_error
    ended = token == nil or token == ""
  end
  return function()
    if limit and handed_out >= limit then
      return nil
    end
    -- A page may be empty without being the last.
    while position >= #page do
      if ended then
        return nil
      end
      next_page()
    end
    position, handed_out = position + 1, handed_out + 1
    return read(page[position])
  end
end

return listing
