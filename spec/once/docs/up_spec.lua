--- `make up`: a server with its Web UI and the worker of the examples, until Ctrl-C.

local env = require "spec.support.environment"
local temporal = require "temporal"

local HUNG = 60

local function page_of(url)
  local pipe = io.popen("curl -sS " .. url)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

describe("make up", function()
  it("runs workflows, shows them, says what to paste, and leaves nothing behind", function()
    local process = env.spawn { env.python, "tools/demo", "--up", "--lua", env.lua,
      "--build", env.build }
    local said = ""
    repeat
      local line = assert(process:readline(HUNG), process:errors())
      said = said .. line .. "\n"
    until line:find "Ctrl%-C"
    local address, namespace =
      said:match "\n    export TEMPORAL_ADDRESS=(%S+) TEMPORAL_NAMESPACE=(%S+)\n"
    assert.matches("<html", page_of(said:match "Web UI (http://%S+)"), 1, true)

    local client = temporal.client { target = address, namespace = namespace }
    assert.equal("ordered 3", temporal.assert(client:execute_workflow({ task_queue = "orders" },
      "YourWorkflowDefinition", { amount = 3 }):get(HUNG)))
    client:close(0)

    os.execute("kill -INT " .. process.pid)
    assert.same({ "exit", 130 }, { process:wait(HUNG) })
    client = temporal.client { target = address, namespace = namespace, rpc_timeout = 1 }
    assert.is_nil(client:connect())
    client:close(0)
  end)
end)
