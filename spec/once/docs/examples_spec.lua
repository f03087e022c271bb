--- Every program of examples/ runs to its end on the real server, with the examples' own worker.

local lfs = require "lfs"
local certificates = require "spec.support.certificates"
local env = require "spec.support.environment"
local nginx = require "spec.support.nginx"
local older = require "spec.support.older_server"

local where = { TEMPORAL_NAMESPACE = "default" }
local secure = { TEMPORAL_NAMESPACE = "default" } -- of tls.lua

-- What each prints, in order, as patterns.
local prints = {
  ["hello.lua"] = { "^ordered 3$" },
  ["demo.lua"] = {
    "^workflow id%s+order%-%d+$", "^run id%s+%x+%-", "^web ui%s+http://ui/namespaces/default/",
    "^result%s+ordered 3$", "^square of 5%s+25$", "^failed%s+.*cannot ship",
    "^  because%s+application%s+Shipping%s+cannot ship$",
    "^  because%s+application%s+Payment%s+card declined$", "^retryable%s+false$",
  },
  ["diagnosis.lua"] = {
    "^warn%s+%S+ has waited %d+ s for its first task: nobody polls task queue odrers$",
    "^no result%s+timeout$", "^pollers%s+0%s+scheduled$",
    "^because%s+.* workflow task has failed %a+: .*arithmetic on a nil value",
    "^attempt%s+%d+%s+application$",
  },
  ["start_options.lua"] = {
    "^joined the running one%s+true%s+true$", "^the other answer%s+already_started%s+true$",
    "^not yet%s+timeout$", "^result%s+ordered 1$",
  },
  ["async_activity.lua"] = {
    "^alive%s+true$", "^waiting%s+mail sent%s+false$", "^laptop%s+Ann$",
    "^yacht%s+activity_failed%s+Rejected%s+too expensive$", "^boat%s+activity_canceled%s+true$",
  },
  ["tracing.lua"] = {
    "^StartWorkflow:YourWorkflowDefinition%s+%x+%s+%x+%s+no parent$", "^result%s+ordered 3$",
  },
  ["visibility.lua"] = {
    "^described%s+completed%s+YourWorkflowDefinition%s+1%s+an order to look at$",
    "^amounts listed%s+6$", "^counted%s+3%s+Completed%s+3$",
    "^1%s+EVENT_TYPE_WORKFLOW_EXECUTION_STARTED$", "%sEVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED$",
    "^history for replay%s+true$",
  },
  ["signals_and_queries.lua"] = {
    "^joined the running one%s+true%s+true$", "^items%s+6$", "^sugar%s+3$", "^biscuit.*%s+10$",
    "^no answer%s+query_failed$", "^left behind%s+Ada: 16 items$",
    "^too late%s+not_found%s+workflow execution already completed$",
    "^not any more%s+query_rejected%s+completed$", "^but still%s+16$",
    "^terminated%s+out of stock%s+tea$",
  },
  ["updates.lua"] = {
    "^balance%s+100$", "^balance%s+120$", "^once%s+125$", "^once%s+125$",
    "^refused%s+update_failed%s+BadAmount%s+a deposit must be positive$",
    "^done already%s+false$", "^not yet%s+timeout%s+true$", "^after the transfer%s+75$",
    "^the same%s+75$", "^closed with%s+75$",
    "^lost%s+update_failed%s+AcceptedUpdateCompletedWorkflow$",
  },
  ["schedules.lua"] = {
    "^temporal%.schedule %(nightly%-%d+%)$", "^acts at%s+2026%-12%-21 01:00$",
    "^acts at%s+2026%-12%-28 01:00$", "^result%s+ordered 3$", "^now%s+600%.?0?%s+5$",
    "^paused%s+inventory$", "^gone%s+not_found$",
  },
  ["tls.lua"] = {
    "^result%s+ordered 3$", "^asked for the key%s+2$", "^also%s+temporal%-system$",
    "^another key%s+unauthenticated$", "^unknown authority%s+unavailable$",
    "^no such file%s+config$",
  },
  ["cqueues.lua"] = { "^the sum of the squares%s+2870$", "^ticks meanwhile%s+true$" },
  ["luv.lua"] = {
    "^the sum of the squares%s+2870$", "^ticks meanwhile%s+true$", "^and once more%s+49$",
  },
  ["worker/order.lua"] = {
    "^reminder%s+somebody has to approve the tea$", "^refused%s+who approves it%?$",
    "^approve%s+thank you, ann$", "^result%s+receipt of 3 for tea, approved by ann$",
    "^released%s+yacht$", "^canceled%s+true$",
  },
  ["worker/shop.lua"] = {
    "^parcels%s+tea in a box, sugar in a box, tea in a box$", "^bill%s+paid 8 at attempt 1$",
  },
  ["game_loop.lua"] = { "^gold 97, items lamp, ordered 3$", "^%d+ frames, ", "^poll: " },
  ["many_in_flight.lua"] = { "^300 workflows, the sum of their squares is 9045050$" },
}

-- What a server of this suite bears, which shares a machine with others: of a thousand workflows
-- at once it may end some by itself.
local arguments = { ["many_in_flight.lua"] = "300" }

describe("examples", function()
  local worker, front

  -- What stands before a server that asks for a certificate and a key.
  local function start_front()
    local made = certificates.new()
    made:authority "ca"
    made:issue "server"
    made:issue("client", { names = "DNS:client" })
    front = nginx.start(made, {
      tls = "ssl_certificate server.pem; ssl_certificate_key server.key; "
        .. "ssl_client_certificate ca.pem; ssl_verify_client on;",
    }, { guarded = { tls = true }, keys = { "right" } })
    secure.TEMPORAL_ADDRESS = "localhost:" .. front.ports.tls
    secure.TEMPORAL_TLS_SERVER_CA = made:path "ca.pem"
    secure.TEMPORAL_TLS_CERT = made:path "client.pem"
    secure.TEMPORAL_TLS_KEY = made:path "client.key"
    secure.TEMPORAL_API_KEY_FILE = made:write("api-key", "right\n")
  end

  setup(function()
    start_front()
    where.TEMPORAL_ADDRESS = env.address
    where.TEMPORAL_UI = "http://ui"
    worker = env.spawn { env.lua, "examples/worker.lua", env = where }
    assert.equal("ready", worker:readline(60))
  end)

  teardown(function()
    worker:stop(1)
    front:stop()
  end)

  local names = { "worker/order.lua", "worker/shop.lua" }
  for name in lfs.dir("examples") do names[#names + 1] = name end
  for _, name in ipairs(names) do
    if name:match("%.lua$") and name ~= "worker.lua" then
      it("run: " .. name, function()
        local patterns = assert(prints[name], "say here what " .. name .. " prints")
        local program = env.spawn{ env.lua, "examples/" .. name, arguments[name],
          env = name == "tls.lua" and secure or where }
        local how, code = program:wait(300)
        older.hear(program:errors())
        assert.equal("", program:errors())
        assert.same({ "exit", 0 }, { how, code })
        local next_pattern = 1
        for line in program:output():gmatch("[^\n]+") do
          local pattern = patterns[next_pattern]
          if pattern and line:match(pattern) then next_pattern = next_pattern + 1 end
        end
        assert.is_nil(patterns[next_pattern], "missing in: " .. program:output())
      end)
    end
  end

  it("run: the program of README.md", function()
    local file = assert(io.open "README.md")
    local text = file:read("*a"):match "```lua\n(.-)```"
    file:close()
    local path = env.tmp .. "/readme.lua"
    file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local program = env.spawn{ env.lua, path, env = where }
    local how, code = program:wait(100)
    assert.equal("", program:errors())
    assert.same({ "exit", 0 }, { how, code })
    assert.equal("charged 3\n", program:output())
  end)
end)
