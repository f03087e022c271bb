--- Every program of examples/ runs to its end on the real server, with the examples' own worker.

local lfs = require "lfs"
local env = require "spec.support.environment"

local where = { TEMPORAL_NAMESPACE = "default" }

-- What each prints, in order, as patterns.
local prints = {
  ["hello.lua"] = { "^ordered 3$" },
  ["demo.lua"] = {
    "^workflow id%s+order%-%d+$", "^run id%s+%x+%-", "^web ui%s+http://ui/namespaces/default/",
    "^result%s+ordered 3$", "^square of 5%s+25$", "^failed%s+.*cannot ship",
    "^  because%s+application%s+Shipping%s+cannot ship$",
    "^  because%s+application%s+Payment%s+card declined$", "^retryable%s+false$",
  },
  ["start_options.lua"] = {
    "^joined the running one%s+true%s+true$", "^the other answer%s+already_started%s+true$",
    "^not yet%s+timeout$", "^result%s+ordered 1$",
  },
  ["many_in_flight.lua"] = { "^1000 workflows, the sum of their squares is 333833500$" },
}

describe("examples", function()
  local worker

  setup(function()
    where.TEMPORAL_ADDRESS = env.address
    where.TEMPORAL_UI = "http://ui"
    worker = env.spawn{ env.python, "examples/worker.py", env = where }
    assert.equal("ready", worker:readline(60))
  end)

  teardown(function() worker:stop(1) end)

  for name in lfs.dir("examples") do
    if name:match("%.lua$") then
      it("run: " .. name, function()
        local patterns = assert(prints[name], "say here what " .. name .. " prints")
        local program = env.spawn{ env.lua, "examples/" .. name, env = where }
        local how, code = program:wait(120)
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
end)
