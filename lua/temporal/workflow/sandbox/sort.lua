--- table.sort for workflows: stable, in Lua. Lua's own picks pivots by the clock in
-- large lists on some versions, so that equal elements come out in any order; and no
-- wait passes through its comparisons.
-- @module temporal.workflow.sandbox.sort

local misuse = require "temporal.base.misuse"

local type = type

local function less(a, b)
  return a < b
end

-- Up to so many elements are put in place one by one.
local RUN = 8

local function insert_run(list, from, to, before)
  for i = from + 1, to do
    local value, j = list[i], i - 1
    while j >= from and before(value, list[j]) do
      list[j + 1] = list[j]
      j = j - 1
    end
    list[j + 1] = value
  end
end

-- Merges from..middle and middle + 1..to of `source` into `target`.
local function merge(source, target, from, middle, to, before)
  local left, right = from, middle + 1
  for i = from, to do
    if left > middle or right <= to and before(source[right], source[left]) then
      target[i], right = source[right], right + 1
    else
      target[i], left = source[left], left + 1
    end
  end
end

--- Sorts a list in place. Equal elements stay in their order.
-- @tparam table list 1..#list
-- @tparam[opt] function before `before(a, b)`: must a come before b? `<` when absent
local function sort(list, before)
  if type(list) ~= "table" then
    misuse.raisef("bad argument #1 to 'sort' (table expected, got %s)", type(list))
  elseif before ~= nil and type(before) ~= "function" then
    misuse.raisef("bad argument #2 to 'sort' (function expected, got %s)", type(before))
  end
  before = before or less
  local n = #list
  local source, target = {}, {}
  for i = 1, n do
    source[i] = list[i]
  end
  for from = 1, n, RUN do
    insert_run(source, from, from + RUN - 1 < n and from + RUN - 1 or n, before)
  end
  local width = RUN
  while width < n do
    for from = 1, n, 2 * width do
      local middle = from + width - 1 < n and from + width - 1 or n
      local to = from + 2 * width - 1 < n and from + 2 * width - 1 or n
      merge(source, target, from, middle, to, before)
    end
    source, target, width = target, source, 2 * width
  end
  for i = 1, n do
    list[i] = source[i]
  end
end

return sort
