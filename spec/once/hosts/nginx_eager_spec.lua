--- An eager start of a request in nginx: the worker of its process takes the task, however the
-- request ends.

local env = require "spec.support.environment"
local openresty = require "spec.support.openresty"
local temporal = require "temporal"

local HUNG = 60

describe("an eager start in nginx", function()
  local client, queue, site

  before_each(function()
    client = temporal.client { target = env.address, namespace = env.namespace }
    queue = "lua-" .. env.uuid()
    site = openresty.start { http = ([[
      init_worker_by_lua_block {
        local site = require "site"
        local worker = site.temporal.worker { client = site.client(), task_queue = "%s",
          workflows = { Echo = function(value) return value end } }
        assert(worker:start())
      }]]):format(queue), locations = ([[
      location = /start { content_by_lua_block {
        local site = require "site"
        local run = site.client():execute_workflow({ id = ngx.var.arg_id, task_queue = "%s",
          task_timeout = 3600, request_eager_start = true }, "Echo", ngx.var.arg_id)
        if ngx.var.arg_wait then ngx.say(run:get()) end
        ngx.exit(200)
      } }]]):format(queue) }
  end)
  after_each(function()
    client:close(0)
    site:stop()
  end)

  -- Starts one in a request; true if its first task came with the answer.
  local function is_eager(query)
    local id = "eager-" .. env.uuid()
    site:get("/start?id=" .. id .. query)
    env.wait_until(HUNG, function() return (client:workflow(id):describe()) end, "the start")
    assert.equal(id, client:workflow(id):get(HUNG))
    return temporal.assert(client:workflow(id):fetch_history()).events[1]
      .workflow_execution_started_event_attributes.eager_execution_accepted
  end

  it("is run by the worker of the process", function()
    -- Once that polls, and in a timer of its own.
    env.wait_until(HUNG, function() return is_eager "&wait=1" end, "the worker")
  end)

  it("is run though its request is over", function()
    env.wait_until(HUNG, function() return is_eager "&wait=1" end, "the worker")
    for _ = 1, 5 do assert.is_true(is_eager "") end
  end)
end)
