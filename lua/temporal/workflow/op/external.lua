--- Signals to other workflows, and requests to cancel them
-- (SignalExternalWorkflowExecution, RequestCancelExternalWorkflowExecution).
-- @module temporal.workflow.op.external

local current = require "temporal.workflow.current"
local errors = require "temporal.error.error"
local misuse = require "temporal.base.misuse"
local operation = require "temporal.workflow.operation"
local options = require "temporal.base.options"
local scopes = require "temporal.workflow.scope"

local select, setmetatable, tostring, type = select, setmetatable, tostring, type

local function not_done(self, attributes, prefix)
  local cause = tostring(attributes.cause):gsub("^" .. prefix, ""):lower()
  return errors.received {
    kind = cause:find "not_found$" and "not_found" or "failed_precondition",
    message = ("%s: %s"):format(self:shows(), cause:gsub("_", " ")),
    workflow_id = self.target.workflow_id, run_id = self.target.run_id,
  }
end

-- Signals.

local signal = {
  event = "signal_external_workflow_execution_initiated",
  patient = true, -- once sent it cannot be taken back
}
local signal_metatable

function signal:command(run)
  return {
    command_type = "COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION",
    signal_external_workflow_execution_command_attributes = {
      namespace = run.namespace,
      execution = { workflow_id = self.target.workflow_id, run_id = self.target.run_id },
      signal_name = self.name, input = self.input,
      child_workflow_only = self.of_child or nil,
    },
  }
end

function signal:matches(attributes)
  return attributes.signal_name == self.name and attributes.workflow_execution ~= nil
    and attributes.workflow_execution.workflow_id == self.target.workflow_id
end

local function show_signal(name, id)
  return ("signal %q to workflow %q"):format(name, id)
end

function signal:shows()
  return show_signal(self.name, self.target.workflow_id)
end

function signal.shows_event(attributes)
  return show_signal(attributes.signal_name,
    attributes.workflow_execution and attributes.workflow_execution.workflow_id)
end

signal.happens = {
  external_workflow_execution_signaled = function(self)
    operation.resolve(self, true)
    return true
  end,
  signal_external_workflow_execution_failed = function(self, attributes)
    operation.reject(self, not_done(self, attributes,
      "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_"))
    return true
  end,
}

function signal:withdraw()
  operation.reject(self, errors.received {
    kind = "canceled", message = "the signal was canceled before it was sent", details = { n = 0 },
  })
end

function signal:request_cancel() -- luacheck: ignore 212
end

signal_metatable = operation.class("temporal.workflow.signal", signal)

-- Requests to cancel.

local cancel = {
  event = "request_cancel_external_workflow_execution_initiated",
  patient = true,
}
local cancel_metatable

function cancel:command(run)
  return {
    command_type = "COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION",
    request_cancel_external_workflow_execution_command_attributes = {
      namespace = run.namespace,
      workflow_id = self.target.workflow_id, run_id = self.target.run_id,
      child_workflow_only = self.of_child or nil, reason = self.reason,
    },
  }
end

function cancel:matches(attributes)
  return attributes.workflow_execution ~= nil
    and attributes.workflow_execution.workflow_id == self.target.workflow_id
end

local function show_cancel(id)
  return ("the request to cancel workflow %q"):format(id)
end

function cancel:shows()
  return show_cancel(self.target.workflow_id)
end

function cancel.shows_event(attributes)
  return show_cancel(attributes.workflow_execution and attributes.workflow_execution.workflow_id)
end

cancel.happens = {
  external_workflow_execution_cancel_requested = function(self)
    operation.resolve(self, true)
    if self.taken then
      self.taken()
    end
    return true
  end,
  request_cancel_external_workflow_execution_failed = function(self, attributes)
    operation.reject(self, not_done(self, attributes,
      "CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_"))
    return true
  end,
}

function cancel:withdraw()
  operation.reject(self, errors.received {
    kind = "canceled", message = "the request was canceled before it was sent",
    details = { n = 0 },
  })
end

function cancel:request_cancel() -- luacheck: ignore 212
end

cancel_metatable = operation.class("temporal.workflow.cancel_request", cancel)

local external = {}

local SIGNAL = options.define("option of a signal", {
  name = options.string("name"),
  wait = options.boolean("wait"),
})

--- Signals a workflow.
-- @tparam table target `workflow_id` and, perhaps, `run_id`
-- @tparam boolean of_child
-- @tparam string|table name, or `{name=, wait=}`
-- @tparam integer count of arguments
-- @param ... arguments
-- @return true when the server has it; the future with `wait=false`
-- @raise kind `not_found`; on misuse
function external.signal(target, of_child, name, count, ...)
  local run, caller = operation.begin "signal"
  local given = type(name) == "table" and options.apply(SIGNAL, name, {}) or { name = name }
  if type(given.name) ~= "string" then
    misuse.raisef("a signal needs a name, a string, got %s", options.kind_of(given.name))
  end
  local input = operation.input(run, ("signal %q"):format(given.name), count, ...)
  local self = operation.emit(run, caller.scope, setmetatable({
    done = false, target = target, of_child = of_child, name = given.name, input = input,
  }, signal_metatable))
  if given.wait == false then
    return self
  end
  return self:get()
end

--- Asks for a workflow to be canceled.
-- @tparam table target `workflow_id` and, perhaps, `run_id`
-- @tparam boolean of_child
-- @tparam[opt] string reason
-- @treturn operation
function external.request_cancel(target, of_child, reason)
  return operation.emit(current.run, nil, setmetatable({
    done = false, target = target, of_child = of_child, reason = reason,
  }, cancel_metatable))
end

-- A workflow that is none of the run's children.
local handle_methods = {}
local handle_metatable = { __name = "temporal.workflow.external", __index = handle_methods }

--- Signals it, and waits until the server has the signal.
-- @tparam string|table name, or `{name=, wait=false}` for the future
-- @param ... arguments
-- @raise kind `not_found`
function handle_methods:signal(name, ...)
  options.check_self(self, handle_metatable, "external workflow")
  return external.signal(self.target, false, name, select("#", ...), ...)
end

--- Asks for it to be canceled, and waits until the server has the request.
-- @tparam[opt] string reason
-- @raise kind `not_found`
function handle_methods:cancel(reason)
  options.check_self(self, handle_metatable, "external workflow")
  scopes.check_reason(reason, "cancel")
  operation.begin "cancel"
  return external.request_cancel(self.target, false, reason):get()
end

--- A workflow by its id.
function external.handle(id, run_id)
  if type(id) ~= "string" or id == "" then
    misuse.raisef("workflow.external: the workflow id must be a string that is not empty, got %s",
      options.show(id))
  elseif run_id ~= nil and type(run_id) ~= "string" then
    misuse.raisef("workflow.external: the run id must be a string, got %s", options.kind_of(run_id))
  end
  return setmetatable({ target = { workflow_id = id, run_id = run_id } }, handle_metatable)
end

return external
