--- The runs a worker keeps between their tasks, the one used last at the end: past
-- the limit the one unused for longest is forgotten. A forgotten run's code is
-- dropped, not ended: no line of it runs any more.
-- @module temporal.worker.cache

local collectgarbage = collectgarbage

local methods = {}
local metatable = { __index = methods }

-- What is left in a slot of some coroutine's stack is alive to LuaJIT's collector. A
-- forgotten run that is must not keep those that were beside it, and they all that
-- came after them.
local function unlink(run)
  run.before.after, run.after.before = run.after, run.before
  run.before, run.after = nil, nil
end

local function link_last(self, run)
  local last = self.ends.before
  run.before, run.after = last, self.ends
  last.after, self.ends.before = run, run
end

-- While a cache grows to a size that it has not had, the collector counts each run as so
-- many KB more. Left to itself it waits until the heap is twice what it was, and the
-- garbage of tasks would take as much room as the runs do.
local MORE = 32

local function hasten()
  if collectgarbage "isrunning" then
    collectgarbage("step", MORE)
  end
end

--- The run of an id, nil when it is not here.
function methods:get(run_id)
  return self.runs[run_id]
end

function methods:remove(run_id)
  local run = self.runs[run_id]
  if run then
    self.runs[run_id] = nil
    self.count = self.count - 1
    unlink(run)
    if run.local_work then
      self.drop(run)
    end
  end
end

--- Keeps a run, as the one used last.
-- @tparam string run_id
-- @tparam run run its fields `before` and `after` are the cache's
function methods:put(run_id, run)
  local known = self.runs[run_id]
  if known then
    unlink(known)
  else
    self.count = self.count + 1
    if self.count > self.most then
      self.most = self.count
      hasten()
    end
  end
  self.runs[run_id] = run
  link_last(self, run)
  local each = self.ends.after
  while self.count > self.limit and each ~= self.ends do
    local after = each.after
    if not self.holds(each) then
      self:remove(each.run_id)
    end
    each = after
  end
end

--- A cache.
-- @tparam integer limit runs
-- @tparam function holds `holds(run)`: is this one busy, and not to be forgotten now?
-- @tparam function drop is given each forgotten run that has local activities
-- @treturn cache
local function new(limit, holds, drop)
  local ends = {}
  ends.before, ends.after = ends, ends
  return setmetatable({
    limit = limit, holds = holds, drop = drop, count = 0, most = 0, runs = {}, ends = ends,
  }, metatable)
end

return { new = new }
