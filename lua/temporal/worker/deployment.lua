--- The version of a worker's code: which deployment it belongs to, and what becomes of
-- its workflows when there is a newer one
-- (temporal.api.deployment.v1.WorkerDeploymentOptions).
-- @module temporal.worker.deployment

local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local next = next

local MODES = {
  [true] = "WORKER_VERSIONING_MODE_VERSIONED", [false] = "WORKER_VERSIONING_MODE_UNVERSIONED",
}
local BEHAVIORS = { pinned = "pinned", auto_upgrade = "auto_upgrade" }
local SENT = {
  pinned = "VERSIONING_BEHAVIOR_PINNED", auto_upgrade = "VERSIONING_BEHAVIOR_AUTO_UPGRADE",
}

local function finish(given, spec)
  if not given.build_id then
    options.fail(spec, "build_id", "is missing")
  end
  if given.versioned == nil then
    given.versioned = given.name ~= nil
  end
  if given.versioned and not given.name then
    options.fail(spec, "name", "is missing: a versioned worker needs it")
  elseif given.default_behavior and not given.versioned then
    options.fail(spec, "default_behavior", "is for versioned workers only")
  end
  given.message = {
    deployment_name = given.name, build_id = given.build_id,
    worker_versioning_mode = MODES[given.versioned],
  }
  given.version = { name = given.name, build_id = given.build_id }
end

local deployment = {}

--- The option `deployment` of a worker.
deployment.option = options.group("deployment", options.define("worker option", {
  name = options.string("name"),
  build_id = options.string("build_id"),
  versioned = options.boolean("versioned"),
  default_behavior = options.choice("default_behavior", BEHAVIORS),
}, "deployment"), finish)

--- Has each workflow of a versioned worker a behavior?
-- @tparam table|nil given the option
-- @tparam table entries definitions with their `settings`, by name
-- @raise when one has none
function deployment.check(given, entries)
  if not (given and given.versioned) or given.default_behavior then
    return
  end
  for name, entry in next, entries do
    if not entry.settings.versioning_behavior then
      misuse.raisef("the workflow %s has no versioning behavior, which workflows of a versioned "
        .. 'worker need: give temporal.define_workflow versioning_behavior = "pinned" or '
        .. '"auto_upgrade", or the worker deployment.default_behavior', tostring(name))
    end
  end
end

--- What the server is told of a run: its behavior.
-- @tparam table|nil given the option
-- @tparam run run
-- @treturn string|nil
function deployment.behavior(given, run)
  return given and given.versioned
    and SENT[run.settings.versioning_behavior or given.default_behavior] or nil
end

return deployment
