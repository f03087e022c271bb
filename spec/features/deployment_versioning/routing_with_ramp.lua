--- A run that upgrades goes on with the version that gets all by its ramp.

local deployments = require "spec.support.deployments"

return {
  workflows = deployments.worker("", "1.0").workflows,
  worker = function(queue) return deployments.worker(queue, "1.0", "auto_upgrade") end,
  start = function(t)
    t:start_beside(deployments.worker(t.queue, "2.0", "auto_upgrade"))
    deployments.set_current(t, "1.0")
    return t:start()
  end,
  check = function(t, run)
    deployments.wait_for_version(t, run, "1.0")
    deployments.set_ramp(t, "2.0", 100)
    deployments.finish(t, run, "prefix_v2")
  end,
}
