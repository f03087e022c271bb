--- Tickets in the order of their deadlines: a binary heap, whose first element
-- is due first. Each ticket knows its `position`, so that a wait that is over
-- in time leaves nothing behind.
-- @module temporal.deadlines

local floor = math.floor

local function place(heap, position, ticket)
  heap[position] = ticket
  ticket.position = position
end

-- Puts a ticket where it belongs, at or above `position`.
local function rise(heap, position, ticket)
  while position > 1 do
    local above = floor(position / 2)
    if heap[above].deadline <= ticket.deadline then
      break
    end
    place(heap, position, heap[above])
    position = above
  end
  place(heap, position, ticket)
end

-- Puts a ticket where it belongs, at or below `position`.
local function sink(heap, position, ticket)
  while true do
    local below = 2 * position
    local first, second = heap[below], heap[below + 1]
    if second and second.deadline < first.deadline then
      first, below = second, below + 1
    end
    if not first or ticket.deadline <= first.deadline then
      break
    end
    place(heap, position, first)
    position = below
  end
  place(heap, position, ticket)
end

--- Adds a ticket.
-- @tparam table heap
-- @tparam table ticket with its `deadline`, seconds of core.now()
local function add(heap, ticket)
  rise(heap, #heap + 1, ticket)
end

--- Takes a ticket out; nothing happens when it is not in.
-- @tparam table heap
-- @tparam table ticket
local function remove(heap, ticket)
  local position = ticket.position
  if not position then
    return
  end
  local last = heap[#heap]
  heap[#heap] = nil
  ticket.position = nil
  if last == ticket then
    return
  end
  sink(heap, position, last)
  rise(heap, last.position, last)
end

return {
  add = add,
  remove = remove,
}
