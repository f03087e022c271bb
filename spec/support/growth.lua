--- What stays of something that is over, or is done again and again: nothing may.

local lfs = require "lfs"

local growth = {}

--- Collects all garbage: finalizers run in the first round, their objects go in the second, what
-- tables with weak keys held for these on Lua 5.1 and LuaJIT goes in the third.
function growth.collect()
  for _ = 1, 3 do
    collectgarbage()
  end
end

--- Calls a function on a stack of its own, which is collected with all that it still holds: to
-- LuaJIT's collector what dead slots of a running stack hold is alive.
function growth.apart(fn)
  return coroutine.wrap(fn)()
end

--- The open descriptors of a process; of this one without the one that looks.
-- @param pid this process when absent
function growth.descriptors(pid)
  local count = pid and 0 or -1
  for name in lfs.dir(("/proc/%s/fd"):format(pid or "self")) do
    if name ~= "." and name ~= ".." then
      count = count + 1
    end
  end
  return count
end

local ROUNDS = 5

--- Runs `round` until one time leaves no descriptor, and less than `kilobytes` of Lua's memory,
-- behind; raises when none of five does. What leaks leaks each time. Tables keep the size they once
-- had, too, but which of the rounds makes them as large as they ever get is up to the collector.
function growth.ends(round, kilobytes)
  local more = {}
  for i = 1, ROUNDS do
    local descriptors, memory = growth.descriptors(), collectgarbage "count"
    round()
    growth.collect()
    descriptors, memory = growth.descriptors() - descriptors, collectgarbage "count" - memory
    if i > 1 and descriptors <= 0 and memory < kilobytes then
      return
    end
    more[i] = ("%d descriptors, %.0f KB"):format(descriptors, memory)
  end
  error("each round leaves more behind: " .. table.concat(more, "; "), 2)
end

return growth
