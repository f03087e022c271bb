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

-- Pages that have more than one program.
local COUNTS = { ["custom-host"] = 2 }

-- A machine without Copas has a stand-in.
local PATH = assert(os.getenv "LUA_PATH") .. ";./spec/support/copas/?.lua"

local function programs_of(page)
  local file = assert(io.open("docs/" .. page .. ".md"))
  local text = file:read "*a"
  file:close()
  local programs = {}
  for program in text:gmatch "```lua\n(.-)```" do
    programs[#programs + 1] = program
  end
  assert.equal(COUNTS[page] or 1, #programs)
  return programs
end

describe("the page of a host", function()
  local where = { TEMPORAL_NAMESPACE = "default", LUA_PATH = PATH }
  local worker

  setup(function()
    where.TEMPORAL_ADDRESS = env.address
    worker = env.spawn { env.lua, "examples/worker.lua", env = where }
    assert.equal("ready", worker:readline(60))
  end)

  teardown(function() worker:stop(1) end)

  local function run(text, prints)
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
  end

  for page, prints in pairs(PRINTS) do
    it("has programs that run: docs/" .. page .. ".md", function()
      for _, text in ipairs(programs_of(page)) do
        run(text, prints)
      end
    end)
  end
end)
