--- nginx as a host under load: many waits at once, reloads meanwhile, and nothing that grows.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local openresty = require "spec.support.openresty"

local CALL = [[
  location = /call { content_by_lua_block {
    local site = require "site"
    local ok, err = site.client():call("GetSystemInfo", {}, { timeout = 20 })
    ngx.status = ok and 200 or 500
    ngx.print(ok and "ok" or tostring(err))
  } }
]]

describe("nginx under load", function()
  local peer, site

  after_each(function()
    if site and not site:wait(0) then site:stop(0) end
    if peer then peer:stop() end
    site, peer = nil, nil
  end)

  it("runs a workflow for each of many requests at once, and answers others meanwhile", function()
    site = openresty.start { locations = [[
      location = /order { content_by_lua_block {
        local site = require "site"
        local run, err = site.client():start_workflow({ task_queue = site.task_queue }, "Echo", 7)
        local result
        if run then result, err = run:get(60) end
        ngx.status = result == 7 and 200 or 500
        ngx.print(tostring(result or err))
      } } ]] }
    local requests = env.count(300, 1000)
    local orders = site:load("/order", "--connections", tostring(env.count(100, 200)),
      "--requests", tostring(requests), "--keepalive")
    local pings = site:load("/ping", "--connections", "1", "--seconds", "2")
    local ping, order = pings:result(), orders:result(120)
    assert.same({ ["200"] = requests }, order.statuses)
    assert.same({}, order.errors)
    assert.same({}, ping.errors)
    -- A blocked nginx would need as long for a ping as for a workflow.
    assert.is_true(ping.p50 < order.p50 / 4,
      ("a ping took %g s, an order %g s"):format(ping.p50, order.p50))
    assert.same({}, site:complaints())
    assert.same({ "exit", 0 }, { site:stop() })
  end)

  it("25 reloads lose no request", function()
    peer = fault_peer.start { "call : wait 20; answer none" }
    site = openresty.start { address = peer.address, workers = 2, locations = CALL }
    assert.equal("ok", site:get("/call").body)
    local load = site:load("/call", "--connections", "50")
    for _ = 1, 25 do site:reload() end
    load:kill "TERM"
    local result = load:result()
    assert.same({}, result.errors)
    assert.same({ ["200"] = result.requests }, result.statuses)
    assert.is_true(result.requests > 500, result.requests)
    -- Two workers are left, and all others have ended in good order.
    env.wait_until(30, function() return #site:workers() == 2 end, "the old workers to end")
    local ended = select(2, site:log():gsub("worker process %d+ exited with code 0", ""))
    assert.equal(50, ended)
    assert.same({}, site:complaints())
    assert.same({ "exit", 0 }, { site:stop() })
  end)

  it("tens of thousands of requests leave no descriptor, memory or timer", function()
    peer = fault_peer.start { "call : answer none" }
    site = openresty.start { address = peer.address, locations = CALL .. [[
      location = /state { content_by_lua_block {
        local site = require "site"
        for _ = 1, 3 do collectgarbage() end
        local waiting = 0
        for _ in pairs(require("temporal.base.state").waiters) do waiting = waiting + 1 end
        ngx.print(waiting, " ", ngx.timer.running_count(), " ", ngx.timer.pending_count(), " ",
          math.floor(collectgarbage "count"))
      } } ]] }
    local worker = site:workers()[1]
    local function state()
      local found = {}
      env.wait_until(30, function()
        local waiting, running, pending, kb =
          site:get("/state").body:match("(%d+) (%d+) (%d+) (%d+)")
        found.lua_kb = tonumber(kb)
        return waiting == "0" and running == "0" and pending == "0"
      end, "waiters and timers to end")
      local file = io.open(("/proc/%d/status"):format(worker))
      found.kb = tonumber(file:read("*a"):match("VmRSS:%s*(%d+)"))
      file:close()
      return found
    end
    local function ask(requests)
      local command = ("wrk -t1 -c50 -d1s --timeout 30s http://127.0.0.1:%d/call"):format(site.port)
      local done = 0
      while done < requests do
        local pipe = io.popen(command)
        local text = pipe:read("*a")
        pipe:close()
        assert.is_nil(text:match("Non%-2xx[^\n]*"))
        assert.is_nil(text:match("Socket errors[^\n]*"))
        done = done + assert(tonumber(text:match("(%d+) requests in")), text)
      end
    end
    ask(10000)
    local before, descriptors = state(), growth.descriptors(worker)
    ask(env.count(30000, 100000))
    local after = state()
    -- nginx closes the connections of its clients in its own time.
    env.wait_until(30, function() return growth.descriptors(worker) <= descriptors end,
      ("no more than %d descriptors"):format(descriptors))
    assert.is_true(after.lua_kb < before.lua_kb + 100,
      ("Lua's memory: %d KB, then %d KB"):format(before.lua_kb, after.lua_kb))
    assert.is_true(after.kb < before.kb + 4096,
      ("resident: %d KB, then %d KB"):format(before.kb, after.kb))
    assert.equal(worker, site:workers()[1])
    assert.same({}, site:complaints())
    assert.same({ "exit", 0 }, { site:stop() })
  end)
end)
