--- Cancellation scopes. What waits or is under way in a scope is its member, in
-- the order in which it came; cancelling the scope cancels them in that order,
-- and every later wait and operation in it raises.
-- @module temporal.workflow.scope

local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local type = type

local scope = {}
local metatable = { __index = scope }

--- A scope in another one.
-- @tparam scope|nil parent nil for the root; a shielded scope has none either
-- @treturn scope
local function new(parent)
  local self = setmetatable({ last = 0 }, metatable)
  if parent then
    self.place = parent:join(self)
    self.parent = parent
    self.reason = parent.reason
  end
  return self
end

--- Adds a member: an operation, a waiting fiber, a scope. It has a method
-- `cancel_in_scope(scope)`.
-- @treturn integer its place, for `leave`
function scope:join(member)
  local place = self.last + 1
  self.last = place
  self[place] = member
  return place
end

function scope:leave(place)
  self[place] = nil
  if place == self.last then
    self.last = place - 1
  end
end

--- The error of whatever is asked for in a canceled scope.
function scope:canceled_error()
  return errors.received {
    kind = "canceled",
    message = self.reason ~= "" and self.reason or "canceled",
    details = { n = 0 },
  }
end

--- Cancels all that is in it. Nothing happens a second time.
-- @tparam string reason
function scope:cancel(reason)
  if self.reason then
    return
  end
  self.reason = reason
  for place = 1, self.last do
    local member = self[place]
    if member then
      member:cancel_in_scope(self)
    end
  end
end

function scope:cancel_in_scope(parent)
  self:cancel(parent.reason)
end

--- Why something is canceled, as the program says it.
-- @tparam string|nil reason
-- @tparam string what the function that takes it, for messages
-- @raise when it is no string
local function check_reason(reason, what)
  if reason ~= nil and type(reason) ~= "string" then
    misuse.raisef("%s: the reason must be a string, got %s", what, options.kind_of(reason))
  end
end

return { new = new, check_reason = check_reason }
