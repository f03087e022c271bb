--- A run that upgrades goes on with the version that gets all by its ramp.

local deployments = require "spec.support.deployments"

return deployments.feature("auto_upgrade", function(t, run)
  deployments.wait_for_version(t, run, "1.0")
  deployments.set_ramp(t, "2.0", 100)
  deployments.finish(t, run, "prefix_v2")
end)
