--- A pinned run ends on the version that it began on, when another one is current by then.

local deployments = require "spec.support.deployments"

return deployments.feature("pinned", function(t, run)
  deployments.wait_for_version(t, run, "1.0")
  deployments.set_current(t, "2.0")
  deployments.finish(t, run, "prefix_v1")
end)
