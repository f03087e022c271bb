--- Markers (RecordMarker; MarkerRecorded): what history keeps for the code itself.
-- The server reads nothing of them. Patches are laid out as the SDKs on the shared
-- core lay them out; the marks of side effects are ours.
-- @module temporal.workflow.op.marker

local core = require "temporal.core"
local operation = require "temporal.workflow.operation"

local setmetatable = setmetatable

local PATCH, EFFECT = "core_patch", "lua_side_effect"

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

local function show_event(attributes)
  local said = marker.patch_of(attributes)
  if said then
    return show_patch(said.id)
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
