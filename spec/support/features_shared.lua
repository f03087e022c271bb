--- What workflows of features share with the program, as no workflow should: it is passed
-- through to them.

local shared = {}

local counts, prepared = {}, {}

--- Adds to the number of a name, and returns it.
function shared.add(name, n)
  counts[name] = (counts[name] or 0) + n
  return counts[name]
end

--- The next `once` of this name calls `fn`.
function shared.prepare(name, fn) prepared[name] = fn end

function shared.once(name)
  local fn = prepared[name]
  prepared[name] = nil
  if fn then fn() end
end

return shared
