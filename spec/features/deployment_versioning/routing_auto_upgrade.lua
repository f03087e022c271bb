--- A run that upgrades goes on with the version that is current.

local deployments = require "spec.support.deployments"

return deployments.feature("auto_upgrade", function(t, run)
  deployments.wait_for_version(t, run, "1.0")
  deployments.set_current(t, "2.0")
  deployments.finish(t, run, "prefix_v2")
end)
