--- Activities of a worker in nginx: they wake when they are canceled, and end when nginx does.

local env = require "spec.support.environment"
local openresty = require "spec.support.openresty"
local temporal = require "temporal"

local HUNG = 60

describe("an activity in nginx", function()
  local client, queue, site

  before_each(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    queue = "lua-" .. env.uuid()
    site = openresty.start { http = ([[
      init_worker_by_lua_block {
        local site = require "site"
        local activity = require "temporal.activity"
        local worker = site.temporal.worker { client = site.client(), task_queue = "%s",
          max_heartbeat_throttle_interval = 0.1, activities = {
            Sleeps = function()
              local me = activity.current()
              site.temporal.spawn(function()
                while not me:wait_canceled(0.02) do me:shield(me.heartbeat, me, "asleep") end
              end)
              activity.sleep "1h"
            end,
            Naps = function(seconds)
              ngx.sleep(seconds)
              return activity.info().attempt
            end,
          } }
        assert(worker:start())
      }]]):format(queue), locations = [[
      location = /start { content_by_lua_block {
        local site = require "site"
        local worker = site.temporal.worker { client = site.client(), task_queue = "other",
          activities = { Naps = function() end } }
        ngx.print(tostring(pcall(worker.start, worker)), " ", select(2, pcall(worker.run, worker)))
      } }]] }
  end)
  after_each(function()
    client:close(0)
    site:stop()
  end)

  local function start(name, ...)
    return client:execute_activity({ task_queue = queue, start_to_close_timeout = 60,
      heartbeat_timeout = 20 }, name, ...)
  end

  it("waits as nginx does", function()
    assert.equal(1, start("Naps", 0.01):get(HUNG))
  end)

  it("has a worker that was started in init_worker_by_lua, since none can in a request", function()
    local answer = site:get "/start"
    assert.matches("^false .*nginx.conf:%d+%):5: attempt to start a worker in nginx's phase "
      .. "content: what it does would end with the request; start it in init_worker_by_lua$",
      answer.body)
  end)

  it("wakes when it is canceled", function()
    local running = start "Sleeps"
    env.wait_until(HUNG, function()
      return #temporal.assert(running:describe()).heartbeat_details > 0
    end, "a heartbeat")
    temporal.assert(running:cancel())
    local _, err = running:get(HUNG)
    assert.is_truthy(err:find "canceled")
  end)
end)
