--- A pinned run ends on the version that it began on, when another one is current by then.

local deployments = require "spec.support.deployments"

return {
  workflows = deployments.worker("", "1.0").workflows,
  worker = function(queue) return deployments.worker(queue, "1.0", "pinned") end,
  start = function(t)
    t:start_beside(deployments.worker(t.queue, "2.0", "auto_upgrade"))
    deployments.set_current(t, "1.0")
    return t:start()
  end,
  check = function(t, run)
    deployments.wait_for_version(t, run, "1.0")
    deployments.set_current(t, "2.0")
    deployments.finish(t, run, "prefix_v1")
  end,
}
