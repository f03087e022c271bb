-- How long frames take, and what of it temporal.poll does.

local love = love -- luacheck: globals love
local now = love.timer.getTime

local KEPT = 240 -- frames to draw
local RATE = 60  -- a second

local frames = {
  kept = KEPT,
  recent = {}, -- seconds of work, without the pause for the display
  count = 0, longest = 0,
}

local polls = {} -- seconds of each
local began, frame_began, due

function frames.open()
  began = now()
  due = began
end

function frames.begin()
  frame_began = now()
  frames.count = frames.count + 1
end

--- Calls a function that is to be measured as the poll.
function frames.measure(poll)
  local before = now()
  local value = poll()
  frames.last_poll = now() - before
  table.insert(polls, frames.last_poll)
  return value
end

--- Ends the work of a frame, and waits for the next: also where no display sets the pace.
function frames.finish()
  local took = now() - frame_began
  frames.longest = math.max(frames.longest, took)
  table.insert(frames.recent, took)
  if #frames.recent > KEPT then
    table.remove(frames.recent, 1)
  end
  due = math.max(due + 1 / RATE, now())
  love.timer.sleep(due - now())
end

--- Seconds since the beginning.
function frames.elapsed()
  return now() - began
end

--- Says it all, at the end.
function frames.report()
  table.sort(polls)
  print(("%d frames, %.1f a second, the longest took %.2f ms"):format(frames.count,
    frames.count / frames.elapsed(), frames.longest * 1e3))
  print(("temporal.poll took %.2f us in half of them, %.3f ms at most"):format(
    polls[math.ceil(#polls / 2)] * 1e6, polls[#polls] * 1e3))
end

return frames
