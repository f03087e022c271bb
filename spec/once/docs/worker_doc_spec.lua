-- The programs of the worker's pages run as they stand there. What does not begin with a require of
-- its own goes on where the program above it ended.

local env = require "spec.support.environment"

-- What the programs of each page print, among other lines.
local PRINTS = {
  workflows = {
    "there is nothing to pay\npaid 6 with a card\n2\n",
    "activity: the truck is broken; hotel reserved released\n",
  },
  determinism = { "1\tmilk sugar tea\ttrue\n1\tmilk sugar tea\ttrue\n" },
  versioning = { "paid\ntrue\nnil\tnondeterminism\tevent 5\n" },
  testing = { "false\tcanceled\t3 4\nmailed\nann\n" },
  ["writing-activities"] = { "3 rows at attempt 2\n" },
}

local function programs_of(page)
  local file = assert(io.open("docs/" .. page .. ".md"))
  local text = file:read "*a"
  file:close()
  local programs = {}
  for part in text:gmatch "```lua\n(.-)```" do
    if part:find('local temporal = require "temporal"', 1, true) == 1 then
      programs[#programs + 1] = part
    else
      programs[#programs] = programs[#programs] .. part
    end
  end
  return programs
end

describe("the programs of", function()
  local where = { TEMPORAL_ADDRESS = env.address, TEMPORAL_NAMESPACE = env.namespace }

  local function run(text, prints)
    local path = env.tmp .. "/doc.lua"
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    local program = env.spawn { env.lua, path, env = where }
    local how, code = program:wait(100)
    assert.same({ "exit", 0 }, { how, code }, program:errors())
    assert.equal(prints, program:output())
  end

  for page, prints in pairs(PRINTS) do
    it("docs/" .. page .. ".md", function()
      local programs = programs_of(page)
      assert.equal(#prints, #programs)
      for i, text in ipairs(programs) do run(text, prints[i]) end
    end)
  end
end)
