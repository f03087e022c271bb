--- The options an execution keeps and that can be changed while it runs:
-- its priority and its versioning override, to messages and back.
-- @module temporal.execution_options

local field = require "temporal.base.lazy" "temporal.base.field"
local options = require "temporal.base.options"

local MAX_FAIRNESS_KEY = 64
local PINNED = 1

local FORMS =
  'must be "auto_upgrade", {pinned={deployment=, build_id=}} or {one_time={deployment=, build_id=}}'

local execution_options = {}

--- The handler of an option `priority`: `{key=1..5, fairness_key=,
-- fairness_weight=}`.
-- @tparam string label of the options it is one of, as for options.define
-- @treturn function stores a temporal.api.common.v1.Priority in `priority`
function execution_options.priority_option(label)
  return options.group("priority", options.define(label, {
    key = options.number("priority_key", { integer = true, min = 1, max = 5 }),
    fairness_key = options.string("fairness_key", { max = MAX_FAIRNESS_KEY }),
    fairness_weight = options.number("fairness_weight", { above = 0 }),
  }, "priority"))
end

local function finish_version(version, spec)
  if not version.deployment_name then
    options.fail(spec, "deployment", "is missing")
  elseif not version.build_id then
    options.fail(spec, "build_id", "is missing")
  end
end

local function version_option(label, name)
  return options.group(name, options.define(label, {
    deployment = options.string("deployment_name"),
    build_id = options.string("build_id"),
  }, "versioning_override." .. name), finish_version)
end

--- The handler of an option `versioning_override`: `"auto_upgrade"`,
-- `{pinned={deployment=, build_id=}}` or `{one_time={deployment=, build_id=}}`.
-- @tparam string label of the options it is one of, as for options.define
-- @treturn function stores a temporal.api.workflow.v1.VersioningOverride in
--   `versioning_override`
function execution_options.versioning_option(label)
  local spec = options.define(label, {
    pinned = version_option(label, "pinned"),
    one_time = version_option(label, "one_time"),
  }, "versioning_override")
  return function(target, value, parent, name)
    if value == "auto_upgrade" then
      target.versioning_override = { auto_upgrade = true }
      return
    elseif type(value) ~= "table" then
      return options.fail(parent, name, FORMS, options.show(value))
    end
    local given = options.apply(spec, value, {})
    if given.pinned and not given.one_time then
      target.versioning_override = { pinned = { behavior = PINNED, version = given.pinned } }
    elseif given.one_time and not given.pinned then
      target.versioning_override = { one_time = { target_deployment_version = given.one_time } }
    else
      return options.fail(parent, name, FORMS)
    end
  end
end

--- A priority, as the option takes it.
-- @tparam table|nil message a temporal.api.common.v1.Priority
-- @treturn table|nil nil when nothing of it is set
function execution_options.priority(message)
  local priority = message and {
    key = field.filled(message.priority_key),
    fairness_key = field.filled(message.fairness_key),
    fairness_weight = field.filled(message.fairness_weight),
  }
  return priority and next(priority) and priority or nil
end

--- A retry policy, as the option takes it.
-- @tparam table|nil message a temporal.api.common.v1.RetryPolicy
-- @treturn table|nil
function execution_options.retry_policy(message)
  return message and {
    initial_interval = field.seconds(message.initial_interval),
    backoff_coefficient = field.filled(message.backoff_coefficient),
    maximum_interval = field.seconds(message.maximum_interval),
    maximum_attempts = field.filled(message.maximum_attempts),
    non_retryable_error_types = message.non_retryable_error_types,
  }
end

--- A version of a worker deployment.
-- @tparam table|nil message a temporal.api.deployment.v1.WorkerDeploymentVersion
-- @treturn table|nil `{deployment=, build_id=}`
function execution_options.version(message)
  return message and { deployment = message.deployment_name, build_id = message.build_id }
end

--- A versioning override, as the option takes it.
-- @tparam table|nil message a temporal.api.workflow.v1.VersioningOverride
-- @treturn string|table|nil nil also for a form this package does not know
function execution_options.versioning_override(message)
  if not message then
    return nil
  elseif message.pinned then
    return { pinned = execution_options.version(message.pinned.version) }
  elseif message.one_time then
    return {
      one_time = execution_options.version(message.one_time.target_deployment_version),
    }
  end
  return message.auto_upgrade and "auto_upgrade" or nil
end

return execution_options
