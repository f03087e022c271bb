--- What a client says more where nobody listens at the default target.

local core = require "temporal.core"
local listener = require "spec.support.listener"
local system = require "temporal.base.system"
local temporal = require "temporal"

describe("the default target, refused,", function()
  local channel, getenv, in_nginx = core.channel, system.getenv, core.in_nginx
  local port, variables

  setup(function() port = listener.port() end)

  -- Nobody may listen there, whatever runs on this machine.
  before_each(function()
    variables = {}
    system.getenv = function(name) return variables[name] end
    core.channel = function(options)
      assert.equal(7233, options.port)
      options.port = port
      return channel(options)
    end
  end)
  after_each(function()
    core.channel, system.getenv, core.in_nginx = channel, getenv, in_nginx
  end)

  local function message(options)
    options.retry, options.logger = false, function() end
    local client = temporal.client(options)
    local _, err = client:connect(20)
    client:close(0)
    assert.equal("unavailable", err.kind)
    assert.matches("Connection refused", err.message, 1, true)
    return err.message
  end

  local UNREAD = "(no target was given: TEMPORAL_ADDRESS is set, but is read by "
    .. "temporal.client() only)"

  it("is told from TEMPORAL_ADDRESS, which is not read with options", function()
    assert.not_matches("no target was given", message {})
    variables.TEMPORAL_ADDRESS = "temporal.example:7233"
    assert.matches(UNREAD, message {}, 1, true)
    assert.matches(UNREAD, message { tls = true }, 1, true)
    assert.not_matches("no target was given", message { target = "localhost:7233" })
    variables.TEMPORAL_ADDRESS = "localhost:7233"
    assert.not_matches("no target was given", message {})
    variables.TEMPORAL_ADDRESS = ""
    assert.not_matches("no target was given", message {})
  end)

  it("in nginx is told with the line that keeps the variable", function()
    core.in_nginx = function() return true end
    assert.matches("nginx clears the environment; env TEMPORAL_ADDRESS; keeps it", message {}, 1,
      true)
  end)
end)
