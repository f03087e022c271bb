--- The runs a worker keeps between their tasks, the one used last at the end: past
-- the limit the one unused for longest is forgotten. A forgotten run's code is
-- dropped, not ended: no line of it runs any more.
-- @module temporal.worker.cache

local collectgarbage = collectgarbage

local methods = {}
local metatable = { __index = methods }

local function unlink(entry)
  entry.before.after, entry.after.before = entry.after, entry.before
end

local function link_last(self, entry)
  local last = self.ends.before
  entry.before, entry.after = last, self.ends
  last.after, self.ends.before = entry, entry
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
  local entry = self.entries[run_id]
  return entry and entry.run
end

function methods:remove(run_id)
  local entry = self.entries[run_id]
  if entry then
    self.entries[run_id] = nil
    self.count = self.count - 1
    unlink(entry)
    if entry.run.local_work then
      self.drop(entry.run)
    end
  end
end

--- Keeps a run, as the one used last. Busy runs are not forgotten.
-- @tparam string run_id
-- @tparam table run with a field `busy`
function methods:put(run_id, run)
  local entry = self.entries[run_id]
  if entry then
    unlink(entry)
    entry.run = run
  else
    entry = { run_id = run_id, run = run }
    self.entries[run_id] = entry
    self.count = self.count + 1
    if self.count > self.most then
      self.most = self.count
      hasten()
    end
  end
  link_last(self, entry)
  local each = self.ends.after
  while self.count > self.limit and each ~= self.ends do
    local after = each.after
    if not each.run.busy then
      self:remove(each.run_id)
    end
    each = after
  end
end

--- A cache.
-- @tparam integer limit runs
-- @tparam function drop is given each forgotten run that has local activities
-- @treturn cache
local function new(limit, drop)
  local ends = {}
  ends.before, ends.after = ends, ends
  return setmetatable({ limit = limit, drop = drop, count = 0, most = 0, entries = {}, ends = ends },
    metatable)
end

return { new = new }
