--- What the answer to a step's task recorded, which the code must know before it
-- runs again: patches, the values of side effects, what came of local activities, the updates it
-- accepted.
-- @module temporal.workflow.lookahead

local attributes_op = require "temporal.workflow.op.attributes"
local chunk = require "temporal.workflow.chunk"
local errors = require "temporal.error.error"
local marker = require "temporal.workflow.op.marker"
local update = require "temporal.workflow.op.update"

local next = next

-- The updates of most steps.
local NONE = {}

local lookahead = {}

local function take_marker(run, attributes)
  local patch = marker.patch_of(attributes)
  if patch then
    run:own "patches_seen"[patch.id] = true
    run:own "patches_here"[patch.id] = patch
    return patch
  end
  local key, data = marker.effect_of(attributes)
  if key then
    run:own "effects"[key] = data
    return nil
  end
  local told = marker.local_activity_of(attributes)
  if told then
    run.local_results = run.local_results or {}
    run.local_results[#run.local_results + 1] = told
  end
  return nil
end

local function take_acceptance(run, attributes, id)
  local record = update.of_acceptance(run, attributes)
  if not record.request then
    error(errors.received {
      kind = "nondeterminism", event_id = id,
      expected = ("the acceptance of update %q"):format(record.update_id),
      actual = "no request for it",
      message = ("[TMPRL1100] event %d of the history accepts update %q, which nobody asked for")
        :format(id, record.update_id),
    }, 0)
  end
  record.accepted_id = id
  return record
end

--- Looks at the block of events behind a step of the past.
-- @tparam run run
-- @tparam history history
-- @tparam integer last the place of the step's last event
-- @treturn table the updates that were accepted, as records; not to be changed
function lookahead.load(run, history, last)
  local kinds, records, patch = history.kinds, NONE, nil
  if next(run.patches_here) then
    run.patches_here = nil
  end
  run.local_results = nil
  for i = last + 2, chunk.block_ends(history, last, true) do
    local kind, marked = kinds[i], nil
    if kind == "workflow_execution_update_accepted" then
      records = records == NONE and {} or records
      records[#records + 1] = take_acceptance(run, history:keep_attributes(i), history:id(i))
    elseif kind == "upsert_workflow_search_attributes" and patch then
      local message = history:keep_attributes(i).search_attributes
      patch.has_upsert = attributes_op.is_of_patches(message and message.indexed_fields)
    elseif kind == "marker_recorded" then
      marked = take_marker(run, history:keep_attributes(i))
    end
    patch = marked
  end
  return records
end

return lookahead
