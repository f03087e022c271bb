--- The commands of a task and the block of events that the server wrote for them: in
-- the same order, one for each, directly behind the WorkflowTaskCompleted.
-- @module temporal.workflow.block

local attributes_op = require "temporal.workflow.op.attributes"
local errors = require "temporal.error.error"
local marker = require "temporal.workflow.op.marker"
local operations = require "temporal.workflow.operation"

local tonumber = tonumber

-- Tag of the documentation that all SDKs share.
local NONDETERMINISM = "[TMPRL1100] "

local block = {}

--- The error of code that does not match its history.
-- @tparam integer id of the event
-- @tparam string expected what history has
-- @tparam string actual what the code made
-- @treturn temporal.error
local function nondeterminism(id, expected, actual)
  id = tonumber(("%d"):format(id)) -- an integer, where Lua has them
  return errors.received {
    kind = "nondeterminism", event_id = id, expected = expected, actual = actual,
    message = ("%sevent %d of the history is %s, but the workflow's code made %s"):format(
      NONDETERMINISM, id, expected, actual),
  }
end

-- History may have what code that was patched long ago does not ask for any more:
-- the mark of a deprecated patch, with its search attribute.
local function is_outlived(self, kind, attributes, operation)
  local patch = kind == "marker_recorded" and marker.patch_of(attributes)
  local follows = self.outlived
  self.outlived = nil
  if patch and patch.deprecated then
    self.outlived = not (operation and operation.event == kind and operation:matches(attributes))
    return self.outlived
  end
  return follows and kind == "upsert_workflow_search_attributes"
    and attributes_op.is_of_patches(attributes.search_attributes.indexed_fields)
end

--- An event of a command: is it that of the next one that the code has made?
-- @tparam run self
-- @tparam string kind its type
-- @tparam table attributes
-- @tparam integer id
-- @treturn temporal.error|nil of kind `nondeterminism`
function block.match(self, kind, attributes, id)
  local first = self.sent_first
  local operation = self.sent[first]
  if is_outlived(self, kind, attributes, operation) then
    return nil
  end
  if not operation then
    return nondeterminism(id, operations.describe(kind, attributes), "no command for it")
  elseif operation.event ~= kind then
    return nondeterminism(id, operations.describe(kind, attributes), operation:shows())
  elseif not operation:matches(attributes)
    and not (self.any_ids and operation.adopt and operation:adopt(attributes)) then
    return nondeterminism(id, operation.shows_event(attributes), operation:shows())
  end
  self.sent_first = first + 1
  operation.event_id = id
  if operation.happens then
    self:own "by_event"[id] = operation
  end
  return nil
end

--- Behind the last event of a block nothing may be left.
-- @tparam run self
-- @tparam integer id of the event behind it
-- @tparam string kind its type
-- @treturn temporal.error|nil of kind `nondeterminism`
function block.finish(self, id, kind)
  self.in_block = nil
  local operation = self.sent[self.sent_first]
  if operation then
    return nondeterminism(id, operations.describe(kind, {}), operation:shows())
  end
  self.sent, self.sent_first = nil, nil
  return nil
end

--- A history that ends in a block ends with all of it.
-- @tparam run self
-- @tparam history history
-- @treturn temporal.error|nil of kind `nondeterminism`
function block.finish_history(self, history)
  local operation = self.sent[self.sent_first]
  return operation and nondeterminism(history:id(history.count), "the last one", operation:shows())
end

--- The commands of the step wait for their events.
-- @tparam run self
-- @tparam boolean live they are to be sent
-- @treturn table|nil the Commands of those that are
function block.seal(self, live)
  local commands, messages, count = self.commands, live and {} or nil, 0
  for i = 1, #commands do
    local operation = commands[i]
    commands[i] = nil
    if not operation.dropped then
      count = count + 1
      commands[count] = operation
      operation.sent = true
      if live then
        messages[count] = operation:command(self)
      end
    end
  end
  self.commands = nil
  if self.sent[1] == nil then
    self.sent = count > 0 and commands or nil
    return messages
  end
  local sent = self.sent
  local before = #sent
  for i = 1, count do
    sent[before + i] = commands[i]
  end
  return messages
end

block.nondeterminism = nondeterminism

return block
