--- Walking over pages with any number of coroutines at a time: there is one
-- position, and at most one request under way, which belongs to none of them.
-- Whoever asks for more waits for it, and who wakes first takes its answer: so
-- no coroutine that ends meanwhile keeps the others from going on.
-- @module temporal.pages

local wait = require "temporal.wait.wait"

local pages = {}

--- A function that returns one item after the other, nil after the last, and
-- `nil, err` for an error: called again after that it goes on where it was.
-- @tparam function send `send(token)` submits the request of a page (nil: the
--   first): its future, or `nil, err`
-- @tparam function read `read(response)` returns the items of a page and the
--   token of the next (nil or "" after the last), or `nil, err`
-- @treturn function
function pages.iterator(send, read)
  local items, position = {}, 0
  local token, ended, request
  local turn = 0 -- how many pages there have been

  -- Sends the next request, unless somebody else has done so meanwhile.
  local function begin()
    local before = turn
    local ok, err = wait.check()
    if not ok then
      return err
    end
    local future
    future, err = send(token)
    if future and (request or turn ~= before) then
      future:abandon()
    elseif future then
      request = future
    end
    return err
  end

  -- Gets one page further; the error, or nil.
  local function advance()
    local err = not request and begin() or nil
    if err or not request then
      return err
    end
    local mine = request
    local _, problem = mine:wait()
    if problem or request ~= mine then
      return problem
    end
    local response
    response, err = mine:get()
    if request ~= mine then
      return nil
    end
    request = nil
    if not response then
      return err
    end
    local page, following = read(response)
    if not page then
      return following
    end
    items, position, token, turn = page, 0, following, turn + 1
    ended = token == nil or token == ""
    return nil
  end

  return function()
    -- A page may be empty without being the last.
    while position >= #items do
      if ended then
        return nil
      end
      local err = advance()
      if err then
        return nil, err
      end
    end
    position = position + 1
    return items[position]
  end
end

return pages
