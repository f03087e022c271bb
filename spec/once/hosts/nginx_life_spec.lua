--- nginx as a host, from the start of a worker to its end: the situations in which a light thread
-- that waits, its timer or its socket could be left behind, or block what nginx does.

local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local growth = require "spec.support.growth"
local lfs = require "lfs"
local openresty = require "spec.support.openresty"

local SOON = 5 -- s; what holds up a worker does it for longer

-- /call waits for one answer; /twice for two in turn; /first?ms=N for so long at most.
local LOCATIONS = [[
  location = /call { content_by_lua_block {
    local site = require "site"
    local ok, err = site.client():call("GetSystemInfo", {}, { timeout = 20 })
    ngx.status = ok and 200 or 500
    ngx.print(ok and "ok" or tostring(err))
  } }
  location = /twice { content_by_lua_block {
    local site = require "site"
    for _ = 1, 2 do assert(site.client():call("GetSystemInfo", {}, { timeout = 20 })) end
    ngx.print "ok"
  } }
  location = /first { content_by_lua_block {
    local site = require "site"
    local future = site.client():submit("GetSystemInfo", {}, { timeout = 20 })
    local response, err = future:get(tonumber(ngx.var.arg_ms) / 1000)
    ngx.print(response and "answered" or err.kind)
  } }
  location = /waiters { content_by_lua_block {
    local site = require "site"
    local count = 0
    collectgarbage()
    collectgarbage()
    for _ in pairs(require("temporal.base.state").waiters) do count = count + 1 end
    ngx.print(count, " ", ngx.timer.running_count(), " ", ngx.timer.pending_count())
  } }
]]

-- Folders of listeners that nobody listens in; other runs of these tests have theirs there, too.
local function folders_left()
  local file = io.open("/proc/net/unix")
  local sockets, found = file:read("*a"), {}
  file:close()
  for name in lfs.dir("/tmp") do
    if name:match("^temporal%-......$") and not sockets:find("/tmp/" .. name, 1, true) then
      found[#found + 1] = name
    end
  end
  return found
end

local function leaves_no_folder()
  env.wait_until(30, function() return #folders_left() == 0 end, "the folders in /tmp to go")
end

describe("nginx: life of a worker", function()
  local peer, site

  before_each(function()
    peer = fault_peer.start { "call : wait 20; answer none" }
  end)

  after_each(function()
    if site and not site:wait(0) then site:stop(0) end
    site = nil
    peer:stop()
    leaves_no_folder()
  end)

  local function start(options)
    options = options or {}
    options.address = options.address or peer.address
    options.locations = LOCATIONS .. (options.locations or "")
    site = openresty.start(options)
    return site
  end

  -- The seconds from a signal to the end of every worker there is now.
  local function seconds_to_end(signal, workers)
    workers = workers or site:workers()
    local began = env.now()
    site:kill(signal)
    env.wait_until(60, function()
      for _, pid in ipairs(workers) do
        if lfs.attributes("/proc/" .. pid) then return false end
      end
      return true
    end, "the workers to end after " .. signal)
    return env.now() - began
  end

  it("QUIT ends an idle worker at once, whose dispatcher still lingers", function()
    start()
    for _ = 1, 20 do assert.equal("ok", site:get("/call").body) end
    assert.is_true(seconds_to_end("QUIT") < SOON)
    assert.same({ "exit", 0 }, { site:wait(30) })
    assert.same({}, site:complaints())
  end)

  it("QUIT ends a worker that never waited", function()
    start()
    assert.equal("pong", site:get("/ping").body)
    assert.is_true(seconds_to_end("QUIT") < SOON)
  end)

  it("QUIT lets requests finish, and the waits they begin only then", function()
    peer:reset("call : wait 1000; answer none")
    start { workers = 2 }
    local load = site:load("/twice", "--connections", "20", "--requests", "20")
    peer:wait_until("GetSystemInfo>=20") -- a connection still to be accepted is lost
    local took = seconds_to_end("QUIT")
    local result = load:result()
    assert.same({}, result.errors)
    assert.same({ ["200"] = 20 }, result.statuses)
    assert.is_true(took < SOON, took .. " s")
    assert.same({}, site:complaints())
  end)

  it("a first wait may begin in a worker that exits already", function()
    start { locations = [[
      location = /later { content_by_lua_block {
        local site = require "site"
        ngx.sleep(0.5)
        assert(ngx.worker.exiting())
        assert(site.client():call("GetSystemInfo", {}, { timeout = 20 }))
        ngx.print "ok"
      } } ]] }
    local load = site:load("/later", "--connections", "20", "--requests", "20")
    env.wait_until(30, function()
      return growth.descriptors(site:workers()[1]) >= 20
    end, "the connections")
    env.wait_until(30, function() return site:get("/ping").status == 200 end, "a ping")
    local took = seconds_to_end("QUIT")
    assert.same({ ["200"] = 20 }, load:result().statuses)
    assert.is_true(took < SOON, took .. " s")
    assert.same({}, site:complaints())
  end)

  it("a wait that ran out does not hold up a worker", function()
    peer:reset("call : wait 15000; answer none")
    start()
    assert.equal("timeout", site:get("/first?ms=20").body)
    assert.is_true(seconds_to_end("QUIT") < SOON)
  end)

  it("TERM ends requests in flight", function()
    peer:reset("call : hold")
    start()
    local load = site:load("/call", "--connections", "20", "--requests", "20")
    peer:wait_until("GetSystemInfo>=20")
    assert.is_true(seconds_to_end("TERM") < SOON)
    assert.equal(20, load:result().requests)
    assert.same({ "exit", 0 }, { site:wait(30) })
    assert.same({}, site:complaints())
  end)

  it("KILL of a worker leaves nothing behind, and the next one serves", function()
    start()
    assert.equal("ok", site:get("/call").body)
    local worker = site:workers()[1]
    os.execute("kill -KILL " .. worker)
    env.wait_until(30, function()
      local now = site:workers()[1]
      return now and now ~= worker
    end, "another worker")
    assert.equal("ok", site:get("/call").body)
    leaves_no_folder()
  end)

  it("lua_code_cache off: each request has a state of its own, and none stays", function()
    start { code_cache = "off" }
    for _ = 1, 5 do assert.equal("ok", site:get("/call").body) end
    local worker = site:workers()[1]
    local threads = ("/proc/%d/task"):format(worker)
    local function settled()
      local count = 0
      for _ in lfs.dir(threads) do count = count + 1 end
      return count - 2 == 1 and growth.descriptors(worker)
    end
    local before = env.wait_until(30, settled, "the threads of five requests to end")
    local result = site:load("/call", "--connections", "10", "--requests", "200"):result()
    assert.same({ ["200"] = 200 }, result.statuses)
    local after = env.wait_until(30, settled, "the threads of 200 requests to end")
    assert.equal(before, after)
    assert.is_true(seconds_to_end("QUIT") < SOON)
    assert.same({ "exit", 0 }, { site:wait(30) })
  end)

  describe("client abort:", function()
    it("by default nobody notices, and the wait goes on", function()
      start()
      local result = site:load("/call", "--connections", "50", "--requests", "200", "--abort",
        "0.005"):result()
      assert.same({}, result.errors)
      env.wait_until(30, function() return site:get("/waiters").body:match("^0 ") end,
        "the waits to end")
      assert.equal("ok", site:get("/call").body)
    end)

    it("lua_check_client_abort drops the waiter, whose result never comes", function()
      peer:reset("call : hold")
      start { http = "lua_check_client_abort on;" }
      -- nginx overlooks a client that is gone before its request was read.
      local result = site:load("/call", "--connections", "20", "--requests", "100", "--abort",
        "0.15"):result()
      assert.same({}, result.errors)
      -- A look each second finds them; then the dispatcher hangs up, and no timer is left.
      env.wait_until(30, function() return site:get("/waiters").body == "0 0 0" end,
        "the dropped waits to be forgotten, not " .. site:get("/waiters").body)
      peer:reset("call : answer none")
      assert.equal("ok", site:get("/call").body)
      assert.is_true(seconds_to_end("QUIT") < SOON)
      assert.same({}, site:complaints())
    end)

    it("ends the tasks of a request that is over, and tells whoever waits for them", function()
      peer:reset("call : hold")
      start { http = "lua_check_client_abort on;", locations = [[
        location = /begin { content_by_lua_block {
          local site = require "site"
          local how = ngx.var.arg_how
          site[how] = site.temporal.spawn(function()
            if how == "asleep" then ngx.sleep(60) end
            return site.client():submit("GetSystemInfo", {}, { timeout = 60 }):get()
          end)
          ngx.sleep(0.05)
          if how == "abort" then ngx.sleep(60) end
          ngx.exit(how == "error" and 500 or 200)
        } }
        location = /join { content_by_lua_block {
          local site = require "site"
          local _, err = site[ngx.var.arg_how]:get(20)
          ngx.print(err.kind, " ", site.temporal.poll())
        } } ]] }
      for _, how in ipairs { "exit", "error", "abort", "asleep" } do
        if how == "abort" then
          site:load("/begin?how=abort", "--connections", "1", "--requests", "1", "--abort", "0.2")
            :result()
        else
          site:get("/begin?how=" .. how)
        end
        assert.same({ how, "task_failed 0" }, { how, site:get("/join?how=" .. how).body })
      end
      assert.is_true(seconds_to_end("QUIT") < SOON)
    end)

    it("and none of them holds up a worker that ends", function()
      peer:reset("call : hold")
      start { http = "lua_check_client_abort on;" }
      site:load("/call", "--connections", "20", "--requests", "20", "--abort", "0.05"):result()
      assert.is_true(seconds_to_end("QUIT") < SOON)
    end)

    it("ngx.on_abort may abandon what was waited for", function()
      peer:reset("call : hold")
      start { http = "lua_check_client_abort on;", locations = [[
        location = /polite { content_by_lua_block {
          local site = require "site"
          local future = site.client():submit("GetSystemInfo", {}, { timeout = 20 })
          ngx.on_abort(function()
            future:abandon()
            local _, err = future:get()
            ngx.log(ngx.NOTICE, "abandoned: ", err.kind)
            ngx.exit(499)
          end)
          local _, err = future:get()
          ngx.log(ngx.NOTICE, "the waiter: ", err.kind)
        } } ]] }
      site:load("/polite", "--connections", "1", "--requests", "1", "--abort", "0.05"):result()
      env.wait_until(30, function() return site:log():match("abandoned: call_canceled") end,
        "on_abort")
      env.wait_until(30, function() return site:get("/waiters").body == "0 0 0" end,
        "the dispatcher to end")
      assert.same({}, site:complaints())
    end)
  end)

  it("a clock that is set back holds up no dispatcher", function()
    peer:reset("call : hold")
    start { http = [[
      init_by_lua_block {
        local real = ngx.now
        back = 0
        ngx.now = function() return real() - back end
      } ]], locations = [[
      location = /back { content_by_lua_block {
        local site = require "site"
        local future = site.client():submit("GetSystemInfo", {}, { timeout = 60 })
        future:get(0.05)
        repeat ngx.sleep(0.01) until ngx.timer.running_count() == 0
        back = 3600
        ngx.thread.spawn(function() future:get(30) end)
        for _ = 1, 300 do
          ngx.sleep(0.01)
          if ngx.timer.running_count() > 0 then break end
        end
        ngx.print(ngx.timer.running_count())
        ngx.exit(200)
      } } ]] }
    assert.equal("1", site:get("/back").body)
  end)

  it("a timer that lives on keeps nothing of the tasks it has spawned", function()
    start { locations = [[
      location = /live { content_by_lua_block {
        local site = require "site"
        site.ended = 0
        ngx.timer.at(0, function()
          while not ngx.worker.exiting() do
            while site.more and site.more > 0 do
              for _ = 1, 50 do
                site.temporal.spawn(function()
                  ngx.sleep(0.001)
                  site.ended = site.ended + 1
                end)
              end
              site.more = site.more - 50
              ngx.sleep(0.001)
            end
            ngx.sleep(0.01)
          end
        end)
      } }
      location = /more { content_by_lua_block {
        local site = require "site"
        local goal = site.ended + tonumber(ngx.var.arg_tasks)
        site.more = tonumber(ngx.var.arg_tasks)
        while site.ended < goal do ngx.sleep(0.01) end
        collectgarbage()
        collectgarbage()
        ngx.print(site.temporal.poll())
      } } ]] }
    site:get("/live")
    local function resident()
      local file = io.open(("/proc/%d/status"):format(site:workers()[1]))
      local text = file:read "*a"
      file:close()
      return tonumber(text:match "VmRSS:%s*(%d+)")
    end
    assert.equal("0", site:get("/more?tasks=2000").body)
    local before = resident()
    assert.equal("0", site:get("/more?tasks=10000").body)
    local more = resident() - before
    assert.is_true(more < 5000, more .. " KB for 10,000 tasks")
    assert.is_true(seconds_to_end("QUIT") < SOON)
    assert.same({}, site:complaints())
  end)

  it("ngx.thread.kill ends a wait, and its late answer harms nobody", function()
    start { locations = [[
      location = /killed { content_by_lua_block {
        local site = require "site"
        local future = site.client():submit("GetSystemInfo", {})
        local thread = ngx.thread.spawn(function() future:get() end) -- returns once it waits
        ngx.print(ngx.thread.kill(thread), " ", future:get(30) ~= nil)
      } } ]] }
    for _ = 1, 20 do assert.equal("1 true", site:get("/killed").body) end
    env.wait_until(30, function() return site:get("/waiters").body == "0 0 0" end,
      "the killed waits to be forgotten")
    assert.same({}, site:complaints())
  end)

  it("recovers when worker_connections are used up", function()
    start { connections = 32 }
    local result = site:load("/call", "--connections", "100", "--requests", "500"):result()
    assert.is_true((result.statuses["200"] or 0) > 0)
    for _ = 1, 5 do assert.equal("ok", site:get("/call").body) end
    env.wait_until(30, function() return site:get("/waiters").body == "0 0 0" end,
      "everything to come to rest")
  end)

  it("waits without a socket, where there is no folder for one", function()
    -- As for a worker whose user may write nowhere; the test's user may, to /tmp.
    start { http = [[
      init_by_lua_block {
        require("temporal.core").listener = function() return nil, "Permission denied" end
      } ]] }
    local result = site:load("/call", "--connections", "20", "--requests", "400",
      "--keepalive"):result()
    assert.same({ ["200"] = 400 }, result.statuses)
    -- It looks every 1 to 16 ms.
    assert.is_true(result.p50 < 1, result.p50 .. " s")
    assert.equal("ok", site:get("/call").body)
    assert.is_true(seconds_to_end("QUIT") < SOON)
    assert.same({}, site:complaints())
  end)

  for _, limit in ipairs { "lua_max_running_timers", "lua_max_pending_timers" } do
    it("waits without a dispatcher while nginx has no timer for it: " .. limit, function()
      start { http = limit .. " 1;", locations = [[
        location = /occupy { content_by_lua_block {
          local function stay(premature) if not premature then ngx.sleep(2) end end
          if ngx.var.arg_how == "lua_max_running_timers" then
            ngx.print(ngx.timer.at(0, stay))
          else
            ngx.print(ngx.timer.at(2, stay))
          end
        } } ]] }
      assert.equal("1", site:get("/occupy?how=" .. limit).body)
      for _ = 1, 10 do assert.equal("ok", site:get("/call").body) end
      local result = site:load("/call", "--connections", "20", "--requests", "200",
        "--keepalive"):result()
      assert.same({ ["200"] = 200 }, result.statuses)
      assert.is_true(result.p50 < 1, result.p50 .. " s")
      -- Later there is a timer again.
      env.wait_until(30, function()
        return site:get("/waiters").body:match("^0 0 ")
      end, "the timer to be free")
      assert.equal("ok", site:get("/call").body)
      assert.is_true(seconds_to_end("QUIT") < SOON)
    end)
  end

  it("a reload hands over from worker to worker", function()
    start { workers = 2 }
    assert.equal("ok", site:get("/call").body)
    local old = site:workers()
    site:reload()
    assert.equal("ok", site:get("/call").body)
    env.wait_until(30, function()
      for _, pid in ipairs(old) do
        if lfs.attributes("/proc/" .. pid) then return false end
      end
      return true
    end, "the old workers to end")
    assert.same({}, site:complaints())
  end)

  it("after temporal.shutdown there is another engine, and waiting goes on", function()
    start { locations = [[
      location = /shutdown { content_by_lua_block {
        local site = require "site"
        assert(site.client():call("GetSystemInfo", {}, { timeout = 20 }))
        assert(site.temporal.shutdown())
        local client = site.temporal.client { target = site.address }
        for _ = 1, 3 do assert(client:call("GetSystemInfo", {}, { timeout = 20 })) end
        ngx.print(client:close())
        package.loaded.site = nil
      } } ]] }
    for _ = 1, 5 do assert.equal("true", site:get("/shutdown").body) end
    assert.same({}, site:complaints())
  end)

  it("a dispatcher that is gone is replaced", function()
    start { locations = [[
      location = /hang_up { content_by_lua_block {
        require("temporal.core").hang_up()
      } } ]] }
    for _ = 1, 10 do
      local load = site:load("/call", "--connections", "10", "--requests", "20")
      site:get("/hang_up")
      assert.same({ ["200"] = 20 }, load:result().statuses)
    end
    assert.same({}, site:complaints())
  end)

  it("says in one clean line that the dispatcher failed", function()
    start { locations = [[
      location = /break { content_by_lua_block {
        local tickets = require "temporal.wait.ticket"
        local drain = tickets.drain
        tickets.drain = function()
          tickets.drain = drain
          error("bad\27[31m\nnews", 0)
        end
        require("site").client():submit("GetSystemInfo", {}, { timeout = 20 }):get(0.3)
        ngx.print "ok"
      } } ]] }
    assert.equal("ok", site:get("/break").body)
    env.wait_until(30, function() return #site:complaints() > 0 end, "the complaint")
    assert.matches("temporal: the dispatcher failed: bad [31m news", site:complaints()[1], 1, true)
    assert.equal("ok", site:get("/call").body)
  end)
end)
