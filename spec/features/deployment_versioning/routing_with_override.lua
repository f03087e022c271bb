--- A start that names a version gets it, when another one is current.

local deployments = require "spec.support.deployments"

return deployments.feature("auto_upgrade", function(t, run)
  deployments.wait_for_version(t, run, "1.0")
  deployments.finish(t, run, "prefix_v1")
end, function(t)
  deployments.set_current(t, "2.0")
  return t:start { versioning_override = { pinned = { deployment = t.queue, build_id = "1.0" } } }
end)
