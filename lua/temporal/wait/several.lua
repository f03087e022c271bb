--- `temporal.wait` and `temporal.wait_all`: waiting for several futures.
-- @module temporal.several

local core = require "temporal.core"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"
local wait = require "temporal.wait.wait"

local getmetatable, type = getmetatable, type
local run_metatable, call_metatable = core.run_metatable, core.call_metatable

local function is_future(value)
  local kind = type(value)
  local meta = (kind == "userdata" or kind == "table") and getmetatable(value)
  return meta == run_metatable or meta == call_metatable
    or type(meta) == "table" and meta.__temporal_await ~= nil
end

-- A copy: what the program does to its list meanwhile concerns no wait.
local function copy_of(list, method)
  options.check_dot(list, method)
  if is_future(list) then
    misuse.raisef("%s takes a list of futures: write %s{ one, other }, got a future", method,
      method)
  elseif type(list) ~= "table" then
    misuse.raisef("%s takes a list of futures, got %s", method, options.kind_of(list))
  end
  if #list == 0 then
    misuse.raisef("%s: the list is empty", method)
  end
  local copy = {}
  for i = 1, #list do
    if not is_future(list[i]) then
      misuse.raisef("%s: element %d must be a future, got %s", method, i,
        options.kind_of(list[i]))
    end
    copy[i] = list[i]
  end
  return copy
end

--- Waits for the first of several futures to be ready.
-- @tparam table list of futures of any sort; not empty
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @return the ready future, or nil
-- @return its index, or the error (kind `timeout` or `cannot_wait`)
local function wait_any(list, timeout)
  list = copy_of(list, "temporal.wait")
  timeout = options.timeout(timeout, "temporal.wait")
  local index, err = wait.any(list, timeout)
  if index then
    return list[index], index
  end
  return nil, err
end

--- Waits until all of several futures are ready, failed ones too.
-- @tparam table list of futures of any sort; not empty
-- @tparam[opt] number|string|table timeout a duration or `{timeout=}`
-- @treturn boolean|nil true, or nil
-- @treturn temporal.error of kind `timeout` or `cannot_wait`
local function wait_all(list, timeout)
  list = copy_of(list, "temporal.wait_all")
  timeout = options.timeout(timeout, "temporal.wait_all")
  return wait.all(list, timeout)
end

return {
  any = wait_any,
  all = wait_all,
}
