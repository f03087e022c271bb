--- nginx as a host: where a wait waits, and what happens where it cannot.

local certificates = require "spec.support.certificates"
local env = require "spec.support.environment"
local fault_peer = require "spec.support.fault_peer"
local openresty = require "spec.support.openresty"

describe("nginx", function()
  local peer, site -- of one test

  after_each(function()
    if site and not site:wait(0) then site:stop(0) end
    if peer then peer:stop() end
    site, peer = nil, nil
  end)

  describe("with a real server", function()
    local site -- luacheck: ignore 431

    setup(function()
      site = openresty.start { locations = [[
        location = /echo { content_by_lua_block {
          local site = require "site"
          local run = assert(site.client():start_workflow(
            { task_queue = site.task_queue }, "Echo", ngx.var.arg_word))
          ngx.print(assert(run:get(20)))
        } }
        location = /many { content_by_lua_block {
          local site = require "site"
          local runs = {}
          for i = 1, 10 do
            runs[i] = site.client():execute_workflow({ task_queue = site.task_queue }, "Echo", i)
          end
          local _, first = assert(site.temporal.wait(runs, 20))
          assert(site.temporal.wait_all(runs, 20))
          local sum = 0
          for i = 1, 10 do sum = sum + runs[i]:get() end
          ngx.print(type(first), " ", sum)
        } }
        location = /late {
          content_by_lua_block {
            local site = require "site"
            ngx.ctx.id = "late-" .. ngx.var.arg_id
            ngx.print("answered")
          }
          log_by_lua_block {
            local site = require "site"
            site.client():execute_workflow({ task_queue = site.task_queue, id = ngx.ctx.id },
              "Echo", "of the log phase")
          }
        }
        location = /result { content_by_lua_block {
          local site = require "site"
          ngx.print(assert(site.client():workflow("late-" .. ngx.var.arg_id):get(20)))
        } }
        location = /accepted { content_by_lua_block {
          local site = require "site"
          local run = assert(site.client():start_workflow({ task_queue = site.task_queue },
            "Sleep", 60))
          local value, err = run:get(0.1)
          ngx.status = err and err.kind == "timeout" and err.acknowledged and 202 or 500
          ngx.print(tostring(value))
          run:terminate("no longer needed")
        } }
        location = /stream { content_by_lua_block {
          local site = require "site"
          local run = assert(site.client():start_workflow({ task_queue = site.task_queue },
            "Echo", "x"))
          local names = {}
          for event in run:history { wait = true } do
            names[#names + 1] = event.event_type:match("WORKFLOW_EXECUTION_(%u+)$")
          end
          ngx.print(table.concat(names, " "))
        } }
      ]] }
    end)

    teardown(function()
      assert.same({}, site:complaints())
      assert.same({ "exit", 0 }, { site:stop() })
    end)

    it("waits for a workflow", function()
      assert.same({ status = 200, body = "hello" }, site:get("/echo?word=hello"))
      assert.same({ status = 200, body = "again" }, site:get("/echo?word=again"))
    end)

    it("waits for the first and for all of many", function()
      assert.equal("number 55", site:get("/many").body)
    end)

    it("submits in the log phase", function()
      local id = env.uuid()
      assert.equal("answered", site:get("/late?id=" .. id).body)
      local answer
      env.wait_until(30, function()
        answer = site:get("/result?id=" .. id)
        return answer.status == 200
      end, "the workflow that the log phase started")
      assert.equal("of the log phase", answer.body)
    end)

    it("answers 202 when a result takes its time", function()
      assert.same({ status = 202, body = "nil" }, site:get("/accepted"))
    end)

    it("iterates over a history as it grows", function()
      assert.equal("STARTED COMPLETED", site:get("/stream").body)
    end)
  end)

  describe("with a peer that answers after 20 ms", function()
    local peer, site -- luacheck: ignore 431

    -- A wait in every phase; what it said goes into the header X-<phase>, or the log.
    local TRY = [[
      local site = require "site"
      local function try(phase)
        local future = site.client():submit("GetSystemInfo", {})
        local response, err = future:get(30)
        local said = response and "waited" or err.kind
        ngx.log(ngx.NOTICE, "tried ", phase, ": ", said)
        return said
      end
    ]]

    setup(function()
      peer = fault_peer.start { "call : wait 20; answer none" }
      local made = certificates.new()
      made:authority "ca"
      made:issue("server", { names = "DNS:localhost" })
      site = openresty.start { address = peer.address, http = [[
        server {
          listen unix:@folder@/tls ssl;
          ssl_certificate ]] .. made:path "server.pem" .. [[;
          ssl_certificate_key ]] .. made:path "server.key" .. [[;
          ssl_client_hello_by_lua_block { ]] .. TRY .. [[ try "ssl_client_hello" }
          ssl_certificate_by_lua_block { ]] .. TRY .. [[ try "ssl_cert" }
          location / { return 200 "shaken"; }
        }
        init_worker_by_lua_block { ]] .. TRY .. [[
          try "init_worker"
          ngx.timer.at(0, function() try "timer" end)
        }
        exit_worker_by_lua_block { ]] .. TRY .. [[ try "exit_worker" }
        upstream nowhere {
          server 127.0.0.1:1;
          balancer_by_lua_block { ]] .. TRY .. [[ try "balancer" ngx.exit(ngx.ERROR) }
        }
      ]], locations = [[
        server_rewrite_by_lua_block { ]] .. TRY .. [[
          if ngx.var.uri == "/phases" then try "server_rewrite" end
        }
        location = /balanced { proxy_pass http://nowhere; }
        location = /phases {
          set_by_lua_block $nothing { ]] .. TRY .. [[ return try "set" }
          rewrite_by_lua_block { ]] .. TRY .. [[ try "rewrite" }
          access_by_lua_block { ]] .. TRY .. [[ try "access" }
          content_by_lua_block { ]] .. TRY .. [[ ngx.print(try "content") }
          header_filter_by_lua_block { ]] .. TRY .. [[ try "header_filter" }
          body_filter_by_lua_block { ]] .. TRY .. [[ try "body_filter" }
          log_by_lua_block { ]] .. TRY .. [[ try "log" }
        }
        location = /between { content_by_lua_block {
          local site = require "site"
          local function get()
            local response, err = site.client():submit("GetSystemInfo", {}):get(30)
            return response and "waited" or err.kind
          end
          local function in_sort()
            local said
            table.sort({ 2, 1 }, function(a, b) said = said or get() return a < b end)
            return said
          end
          local said = {
            gsub = ("x"):gsub("x", get),
            sort = in_sort(),
            pcall = select(2, pcall(get)),
            xpcall = select(2, xpcall(get, debug.traceback)),
            wrap = coroutine.wrap(get)(),
            index = setmetatable({}, { __index = get }).x,
            dofile = (function()
              local path = ngx.config.prefix() .. "nested.lua"
              local file = io.open(path, "w")
              file:write("return package.loaded.nested()")
              file:close()
              package.loaded.nested = get
              return dofile(path)
            end)(),
          }
          for value in get do said.iterator = value break end
          for name, value in pairs(said) do ngx.say(name, " ", value) end
        } }
        location = /thread { content_by_lua_block {
          local site = require "site"
          local threads = {}
          for i = 1, 3 do
            threads[i] = ngx.thread.spawn(function()
              return site.client():call("GetSystemInfo", {}, { timeout = 30 }) and i
            end)
          end
          for i = 1, 3 do ngx.print(select(2, assert(ngx.thread.wait(threads[i]))), " ") end
        } }
        location = /timeout { content_by_lua_block {
          local site = require "site"
          local now, best = require "temporal.core".now, math.huge
          for _ = 1, 100 do -- a busy machine may be late, or not even look in time
            local future = site.client():submit("GetSystemInfo", {})
            local before = now()
            local answer, err = future:get(0.005)
            assert(answer or err.kind == "timeout", err)
            if not answer then best = math.min(best, now() - before) end
            assert(future:get(30))
            if best < 0.019 then break end
          end
          ngx.print("best ", best)
        } }
        location = /call { content_by_lua_block {
          local site = require "site"
          local ok, err = site.client():call("GetSystemInfo", {}, { timeout = 30 })
          ngx.status = ok and 200 or 500
          ngx.print(ok and "ok" or tostring(err))
        } }
        location = /tasks { content_by_lua_block {
          local site = require "site"
          local spawn, said = site.temporal.spawn, {}
          local function ask() return site.client():submit("GetSystemInfo", {}):get(30) ~= nil end
          local tasks = { spawn(ask), spawn(ask), spawn(function() return ask() and error {} end),
            spawn(function() site.client():workflow("x"):get() end) }
          for i, task in ipairs(tasks) do said[i] = tostring(task:ready()) end
          tasks[4]:kill()
          assert(site.temporal.wait_all(tasks, 5))
          for i, task in ipairs(tasks) do
            local value, err = task:get()
            said[#said + 1] = err and err.kind or tostring(value)
          end
          ngx.print(table.concat(said, " "))
        } }
        location = /reloaded { content_by_lua_block {
          local site = require "site"
          local future = site.client():submit("GetSystemInfo", {})
          for name in pairs(package.loaded) do
            if name:match("^temporal") then package.loaded[name] = nil end
          end
          local temporal = require "temporal"
          local client = temporal.client { target = site.address }
          ngx.print(client:call("GetSystemInfo", {}, { timeout = 30 }) ~= nil, " ",
            future:get(30) ~= nil)
          client:close()
        } }
      ]] }
    end)

    teardown(function()
      assert.same({}, site:complaints())
      assert.same({ "exit", 0 }, { site:stop() })
      assert.matches("tried exit_worker: cannot_wait", site:log(), 1, true)
      peer:stop()
    end)

    local function tried()
      local found = {}
      for phase, said in site:log():gmatch("tried ([%a_]+): ([%a_]+)") do found[phase] = said end
      return found
    end

    it("waits in rewrite, access, content, ssl_certificate and timers, and nowhere else", function()
      assert.equal("waited", site:get("/phases").body)
      local curl = env.spawn { "curl", "-sk", "--max-time", "30", "--unix-socket",
        site.folder .. "/tls", "https://localhost/" }
      assert.same({ "exit", 0 }, { curl:wait(60) })
      assert.equal("shaken", curl:output())
      assert.equal(500, site:get("/balanced").status)
      env.wait_until(30, function() return tried().log end, "the log phase")
      assert.same({
        init_worker = "cannot_wait", timer = "waited", server_rewrite = "waited",
        set = "cannot_wait", rewrite = "waited", access = "waited", balancer = "cannot_wait",
        content = "waited", header_filter = "cannot_wait", body_filter = "cannot_wait",
        log = "cannot_wait", ssl_client_hello = "cannot_wait", ssl_cert = "waited",
      }, tried())
    end)

    it("waits below Lua's own calls, and not below a C function", function()
      for _ = 1, 3 do
        local said = {}
        for name, value in site:get("/between").body:gmatch("(%a+) ([%a_]+)") do
          said[name] = value
        end
        assert.same({
          pcall = "waited", xpcall = "waited", wrap = "waited", index = "waited",
          iterator = "waited", gsub = "cannot_wait", sort = "cannot_wait",
          dofile = "cannot_wait",
        }, said)
      end
    end)

    it("waits in light threads", function()
      assert.equal("1 2 3 ", site:get("/thread").body)
    end)

    it("ends a wait at its time-out", function()
      local best = tonumber(site:get("/timeout").body:match("^best (%S+)$"))
      assert.is_true(best > 0.003 and best < 0.019, best) -- 0.02: the answer
    end)

    it("serves others meanwhile", function()
      local load = site:load("/call", "--connections", "100", "--seconds", "2", "--keepalive")
      local times = {}
      for i = 1, 11 do
        local began = env.now()
        assert.equal("pong", site:get("/ping").body)
        times[i] = env.now() - began
      end
      table.sort(times)
      local result = load:result()
      assert.same({}, result.errors)
      assert.is_true(result.statuses["200"] > 200)
      -- A blocking wait would serve 50 requests a second, and the ping behind 100 of them.
      assert.is_true(times[6] < 1, times[6] .. " s")
      -- Of the worker's one client, which all requests share.
      assert.equal(1, peer:stats().connections)
    end)

    it("runs tasks beside each other, as light threads", function()
      assert.equal("false false false false true true task_failed call_canceled",
        site:get("/tasks").body)
    end)

    it("finds the same engine when the package is loaded again", function()
      assert.equal("true true", site:get("/reloaded").body)
      assert.equal("ok", site:get("/call").body)
    end)

  end)

  describe("in the threads of ngx.run_worker_thread", function()
    local TASK = [[
      location = /task { content_by_lua_block {
        local path = ngx.config.prefix() .. "task.lua"
        local file = io.open(path, "w")
        file:write("return { run = function(address)"
          .. " local temporal = require 'temporal'"
          .. " local client = temporal.client { target = address }"
          .. " local response, err = client:call('GetSystemInfo', {}, { timeout = 20 })"
          .. " client:close()"
          .. " return response and 'waited' or tostring(err) end }")
        file:close()
        local ok, said = ngx.run_worker_thread("tasks", "task", "run",
          require("site").address)
        ngx.print(tostring(ok), " ", tostring(said))
      } } ]]

    local function start(answer)
      peer = fault_peer.start { "call : " .. answer }
      site = openresty.start {
        address = peer.address, main = "thread_pool tasks threads=2;", locations = TASK,
      }
    end

    it("waits as a plain script does", function()
      start "wait 20; answer none"
      for _ = 1, 3 do assert.equal("true waited", site:get("/task").body) end
      assert.same({}, site:complaints())
      assert.same({ "exit", 0 }, { site:stop() })
    end)

    it("holds up the end of the worker for as long as a thread waits", function()
      start "await; answer none"
      local load = site:load("/task", "--connections", "2", "--requests", "2")
      peer:wait_until "GetSystemInfo>=2"
      site:kill "TERM"
      peer:cmd "release"
      assert.same({ "exit", 0 }, { site:wait(60) })
      load:result()
      assert.same({}, site:complaints())
    end)
  end)

  describe("in init_by_lua", function()
    local SAY = [[
      init_by_lua_block {
        site = require "site"
        client = site.client()
        local future = client:submit("GetSystemInfo", {})
        local _, err = future:get(0)
        early = err.kind
        local run = client:execute_workflow({ task_queue = "q" }, "Echo")
        early = early .. " " .. select(2, run:get()).kind
        early = early .. " " .. select(2, client:workflow("some"):get(0)).kind
        early = early .. " " .. select(2, client:call("GetSystemInfo")).kind
        local file = io.open("/proc/self/status")
        early = early .. " " .. file:read("*a"):match("Threads:%s*(%d+)")
        file:close()
      }
    ]]
    local LOCATIONS = [[
      location = /early { content_by_lua_block { ngx.print(early) } }
      location = /call { content_by_lua_block {
        ngx.print(client:call("GetSystemInfo", {}, { timeout = 30 }) ~= nil)
      } }
    ]]

    for _, master in ipairs { "on", "off" } do
      it("submitting says fork, and works afterwards: master_process " .. master, function()
        peer = fault_peer.start { "call : answer none" }
        site = openresty.start {
          address = peer.address, http = SAY, locations = LOCATIONS, master = master, workers = 2,
        }
        -- Where it may not wait, a wait says so before it looks at what it waits for.
        assert.equal("fork fork fork cannot_wait 1", site:get("/early").body)
        for _ = 1, 10 do
          assert.equal("true", site:get("/call").body)
        end
        assert.same({}, site:complaints())
        assert.same({ "exit", 0 }, { site:stop() })
      end)
    end
  end)
end)
