-- The programs of the hosts' pages run as they stand there.

local env = require "spec.support.environment"

-- What the program of each page prints, among other lines.
local SQUARES = { "1\t1", "2\t4", "3\t9", "10\t100" }
local PRINTS = {
  ["scripts"] = SQUARES,
  ["cqueues"] = SQUARES,
  ["luv"] = SQUARES,
  ["game-loop"] = { "ordered 3" },
  ["custom-host"] = SQUARES,
}

-- The one program of a page.
local function program_of(page)
  local file = assert(io.open("docs/" .. page .. ".md"))
  local text = file:read "*a"
  file:close()
  local program, rest = text:match "```lua\n(.-)```(.*)"
  assert.is_nil(rest:find "```lua")
  return program
end

describe("the page of a host", function()
  local where = { TEMPORAL_NAMESPACE = "default" }
  local worker

  setup(function()
    where.TEMPORAL_ADDRESS = env.address
    worker = env.spawn { env.python, "examples/worker.py", env = where }
    assert.equal("ready", worker:readline(60))
  end)

  teardown(function() worker:stop(1) end)

  for page, prints in pairs(PRINTS) do
    it("has a program that runs: docs/" .. page .. ".md", function()
      local text = program_of(page)
      local path = env.tmp .. "/hosts.lua"
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      local program = env.spawn { env.lua, path, env = where }
      local how, code = program:wait(100)
      assert.equal("", program:errors())
      assert.same({ "exit", 0 }, { how, code })
      local output = "\n" .. program:output()
      for _, line in ipairs(prints) do
        assert.is_truthy(output:find("\n" .. line .. "\n", 1, true), output)
      end
    end)
  end
end)
