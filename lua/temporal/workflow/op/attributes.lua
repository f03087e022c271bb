--- What a run changes of its own search attributes and memo
-- (UpsertWorkflowSearchAttributes, ModifyWorkflowProperties).
-- @module temporal.workflow.op.attributes

local info = require "temporal.workflow.info"
local operation = require "temporal.workflow.operation"

local setmetatable = setmetatable

-- The attribute that names the patches of a run, which patches set themselves.
local CHANGE_VERSION = "TemporalChangeVersion"

local function is_of_patches(fields)
  return fields ~= nil and fields[CHANGE_VERSION] ~= nil
end

local function shown(of_patches)
  return of_patches and "the search attribute of patches" or "an upsert of search attributes"
end

local search = operation.class("temporal.workflow.search_attributes", {
  event = "upsert_workflow_search_attributes",
  command = function(self)
    return {
      command_type = "COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
      upsert_workflow_search_attributes_command_attributes = {
        search_attributes = { indexed_fields = self.fields },
      },
    }
  end,
  matches = function(self, attributes)
    local message = attributes.search_attributes
    return is_of_patches(message and message.indexed_fields) == is_of_patches(self.fields)
  end,
  shows = function(self)
    return shown(is_of_patches(self.fields))
  end,
  shows_event = function(attributes)
    local message = attributes.search_attributes
    return shown(is_of_patches(message and message.indexed_fields))
  end,
})

local memo = operation.class("temporal.workflow.memo", {
  event = "workflow_properties_modified",
  command = function(self)
    return {
      command_type = "COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES",
      modify_workflow_properties_command_attributes = { upserted_memo = { fields = self.fields } },
    }
  end,
  matches = function()
    return true
  end,
  shows = function()
    return "an upsert of the memo"
  end,
  shows_event = function()
    return "an upsert of the memo"
  end,
})

return {
  --- Upserts search attributes, `fields` as payloads by name.
  upsert_search_attributes = function(run, fields)
    info.upsert_search_attributes(run, fields)
    operation.emit(run, nil, setmetatable({ done = true, fields = fields }, search))
  end,
  --- Upserts the memo, `fields` as payloads by name.
  upsert_memo = function(run, fields)
    info.upsert_memo(run, fields)
    operation.emit(run, nil, setmetatable({ done = true, fields = fields }, memo))
  end,
  is_of_patches = is_of_patches,
  CHANGE_VERSION = CHANGE_VERSION,
}
