--- Runs of workflows in nginx, whose coroutines are its own scheduler's: runs have Lua's.

local openresty = require "spec.support.openresty"

local LOCATION = [[
  location = /run { content_by_lua_block {
    package.path = @path@
    local simulation = require "spec.support.simulation"
    local workflow = require "temporal.workflow"
    local sim = simulation.new(function()
      local outer = coroutine.wrap(function()
        local inner = coroutine.wrap(function()
          workflow.sleep(1)
          return "inner"
        end)
        coroutine.yield(inner())
        workflow.sleep(2)
        return "outer"
      end)
      local first, second = outer(), outer()
      return { first, second, (pcall(function() return ngx.say end)), tostring {} }
    end)
    sim.run.deadlock_timeout = 60
    for i = 1, 2 do
      ngx.say(sim:task())
      sim:fire(tostring(i))
    end
    ngx.say(sim:task())
    for _, value in ipairs(sim:result()) do ngx.say(tostring(value)) end
    sim:verify()
    local endless = simulation.new(function() while true do pcall(error) end end)
    endless.run.deadlock_timeout = 0.1
    ngx.print((tostring(select(2, endless:task())):match "without waiting"))
  } }
]]

describe("nginx", function()
  it("runs workflows with coroutines of their own, and ends those that do not wait", function()
    local path = ("%q"):format(package.path)
    local site = openresty.start {
      locations = (LOCATION:gsub("@path@", function() return path end)),
    }
    local answer = site:get "/run"
    site:stop()
    assert.equal("start_timer\nstart_timer\ncomplete_workflow_execution\ninner\nouter\nfalse\n"
      .. "table: 1\nwithout waiting", answer.body)
  end)
end)
