--- Patches: changes of workflow code that runs of the past do without.
--
-- The answer of a run never changes. In a new run it is yes, and recorded; in a
-- replay it is what history has.
-- @module temporal.workflow.patch

local attributes = require "temporal.workflow.op.attributes"
local marker = require "temporal.workflow.op.marker"
local search_attributes = require "temporal.value.search_attributes"
local types = require "temporal.value.types"

local next, sort = next, table.sort

-- The server takes no larger value of a search attribute.
local MAX_BYTES = 2048

-- The attribute with all patches of the run so far, as the SDKs on the shared
-- core set it; nil when it would be too large.
local function change_version(run)
  local ids = {}
  for id, answer in next, run.patched do
    if answer then
      ids[#ids + 1] = id
    end
  end
  sort(ids)
  local message = search_attributes.encode {
    [attributes.CHANGE_VERSION] = types.keyword_list(ids),
  }
  local payload = message.indexed_fields[attributes.CHANGE_VERSION]
  return #payload.data < MAX_BYTES and message.indexed_fields or nil
end

--- Is a patch in force?
-- @tparam run run
-- @tparam string id
-- @tparam boolean deprecated
-- @treturn boolean
local function ask(run, id, deprecated)
  if run.patched[id] ~= nil then
    return run.patched[id]
  end
  local live, here = not run.replaying, run.patches_here[id]
  local answer = live or run.patches_seen[id] == true
  run:own "patched"[id] = answer
  if not (live or here) then
    return answer
  end
  marker.patch(run, id, deprecated)
  run.uses_patches = run.uses_patches or live
  local fields = (live or here.has_upsert) and change_version(run)
  if fields then
    attributes.upsert_search_attributes(run, fields)
  end
  return answer
end

return { ask = ask }
