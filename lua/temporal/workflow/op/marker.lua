--- Markers (RecordMarker; MarkerRecorded): what history keeps for the code itself.
-- The server reads nothing of them. Patches and local activities are laid out as
-- the SDKs on the shared core lay them out; the marks of side effects are ours.
-- @module temporal.workflow.op.marker

local core = require "temporal.core"
local operation = require "temporal.workflow.operation"

local floor, setmetatable, tonumber, type = math.floor, setmetatable, tonumber, type

local PATCH, EFFECT, LOCAL = "core_patch", "lua_side_effect", "core_local_activity"

-- The value of a detail of a marker that is JSON, nil without one.
local function detail(attributes, name)
  local list = attributes.details[name] and core.payload_values(attributes.details[name])
  return list and list[1]
end

local function command(self)
  return {
    command_type = "COMMAND_TYPE_RECORD_MARKER",
    record_marker_command_attributes = { marker_name = self.name, details = self:details() },
  }
end

local marker = {}

--- What a marker of a patch says.
-- @tparam table attributes of MarkerRecorded
-- @treturn table|nil `{id=, deprecated=}`
function marker.patch_of(attributes)
  if attributes.marker_name ~= PATCH then
    return nil
  end
  local data = detail(attributes, "patch-data")
  return data and { id = data.id, deprecated = data.deprecated == true } or nil
end

--- What a marker of a side effect says.
-- @tparam table attributes of MarkerRecorded
-- @treturn string|nil its key
-- @treturn string the payloads of its value
function marker.effect_of(attributes)
  if attributes.marker_name ~= EFFECT then
    return nil
  end
  return detail(attributes, "key"), attributes.details.data
end

-- A time or a duration of the data of a local activity: null without one.
local function stamp(value)
  return type(value) == "table" and { seconds = value.seconds, nanos = value.nanos } or nil
end

--- What a marker of a local activity says: `seq activity_id activity_type attempt
-- activation_index complete_time backoff original_schedule_time result failure`.
-- @tparam table attributes of MarkerRecorded
-- @treturn table|nil
function marker.local_activity_of(attributes)
  if attributes.marker_name ~= LOCAL then
    return nil
  end
  local data = detail(attributes, "data")
  if type(data) ~= "table" then
    return nil
  end
  return {
    seq = tonumber(data.seq), activity_id = data.activity_id, activity_type = data.activity_type,
    attempt = tonumber(data.attempt), activation_index = tonumber(data.activation_index),
    complete_time = stamp(data.complete_time), backoff = stamp(data.backoff),
    original_schedule_time = stamp(data.original_schedule_time),
    result = attributes.details.result, failure = attributes.failure,
  }
end

local function show_patch(id)
  return ("patch %q"):format(id)
end

local patch = {
  event = "marker_recorded", name = PATCH, command = command,
  details = function(self)
    return { ["patch-data"] = core.payloads(1, { id = self.id, deprecated = self.deprecated }) }
  end,
  matches = function(self, attributes)
    local said = marker.patch_of(attributes)
    return said ~= nil and said.id == self.id
  end,
  shows = function(self)
    return show_patch(self.id)
  end,
}

--- A local activity in words.
-- @tparam table said `activity_type`, and `id` or `activity_id`
function marker.shows_local_activity(said)
  return ("local activity %s (id %q)"):format(said.activity_type, said.id or said.activity_id)
end

local function show_event(attributes)
  local said = marker.patch_of(attributes)
  if said then
    return show_patch(said.id)
  end
  said = marker.local_activity_of(attributes)
  if said then
    return marker.shows_local_activity(said)
  end
  local key = marker.effect_of(attributes)
  return key and ("side effect %s"):format(key) or ("marker %q"):format(attributes.marker_name)
end

patch.shows_event = show_event
local patch_metatable = operation.class("temporal.workflow.patch", patch)

local effect_metatable = operation.class("temporal.workflow.side_effect", {
  event = "marker_recorded", name = EFFECT, command = command,
  details = function(self)
    return { key = core.payloads(1, self.key), data = self.data }
  end,
  matches = function(self, attributes)
    return marker.effect_of(attributes) == self.key
  end,
  shows = function(self)
    return ("side effect %s"):format(self.key)
  end,
  shows_event = show_event,
})

-- An absent one is null: the shared core refuses data without it.
local function whole(time)
  return time and { seconds = floor(time.seconds), nanos = floor(time.nanos) } or core.null
end

local local_metatable = operation.class("temporal.workflow.local_activity_marker", {
  event = "marker_recorded", name = LOCAL,
  command = function(self, run)
    local told = self.told
    return {
      command_type = "COMMAND_TYPE_RECORD_MARKER",
      record_marker_command_attributes = {
        marker_name = LOCAL,
        details = {
          data = core.payloads(1, {
            seq = self.seq, attempt = told.attempt, activity_id = self.id,
            activity_type = self.activity_type, complete_time = whole(told.complete_time),
            backoff = whole(told.backoff),
            original_schedule_time = whole(told.original_schedule_time),
            activation_index = told.activation_index,
          }),
          result = told.result,
        },
        failure = told.failure,
      },
      user_metadata = self.summary and { summary = run.converter:payload(self.summary, "summary") }
        or nil,
    }
  end,
  matches = function(self, attributes)
    local said = marker.local_activity_of(attributes)
    return said ~= nil and said.seq == self.seq and said.activity_id == self.id
      and said.activity_type == self.activity_type
  end,
  shows = marker.shows_local_activity,
  shows_event = show_event,
})

--- Marks what came of a local activity.
-- @tparam run run
-- @tparam table activity `seq`, `id`, `activity_type`, `options`
-- @tparam table told as `local_activity_of` says it
function marker.local_activity(run, activity, told)
  told.activation_index = told.activation_index or run.locals.index
  operation.emit(run, nil, setmetatable({
    done = true, seq = activity.seq, id = activity.id, activity_type = activity.activity_type,
    summary = activity.options.summary, told = told,
  }, local_metatable))
end

--- Marks a patch.
function marker.patch(run, id, deprecated)
  operation.emit(run, nil, setmetatable({ done = true, id = id, deprecated = deprecated },
    patch_metatable))
end

--- Marks the value of a side effect.
-- @tparam run run
-- @tparam string key which of them
-- @tparam string|table data a Payloads message; not needed in replay
function marker.effect(run, key, data)
  operation.emit(run, nil, setmetatable({ done = true, key = key, data = data }, effect_metatable))
end

return marker
