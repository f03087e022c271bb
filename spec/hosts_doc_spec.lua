-- The programs of docs/hosts.md run as they stand there.

local env = require "spec.support.environment"

-- What the program of each section prints, among other lines.
local SQUARES = { "1\t1", "2\t4", "3\t9", "10\t100" }
local PRINTS = {
  ["Plain scripts, and tasks"] = SQUARES,
  ["cqueues"] = SQUARES,
  ["luv, and Neovim"] = SQUARES,
  ["A loop of your own: games, tools"] = { "ordered 3" },
  ["A host of your own"] = SQUARES,
}

-- The programs of a page, by the title of their section.
local function programs(path)
  local found, title, lines = {}, nil, nil
  for line in io.lines(path) do
    if line == "```lua" then
      lines = {}
    elseif line == "```" then
      found[title] = table.concat(lines, "\n")
      lines = nil
    elseif lines then
      lines[#lines + 1] = line
    else
      title = line:match("^## (.+)$") or title
    end
  end
  return found
end

describe("docs/hosts.md", function()
  local where = { TEMPORAL_NAMESPACE = "default" }
  local worker

  setup(function()
    where.TEMPORAL_ADDRESS = env.address
    worker = env.spawn { env.python, "examples/worker.py", env = where }
    assert.equal("ready", worker:readline(60))
  end)

  teardown(function() worker:stop(1) end)

  for title, text in pairs(programs("docs/hosts.md")) do
    it("has a program that runs: " .. title, function()
      local path = env.tmp .. "/hosts.lua"
      local file = assert(io.open(path, "w"))
      file:write(text)
      file:close()
      local program = env.spawn { env.lua, path, env = where }
      local how, code = program:wait(100)
      assert.equal("", program:errors())
      assert.same({ "exit", 0 }, { how, code })
      local output = "\n" .. program:output()
      for _, line in ipairs(assert(PRINTS[title], "say here what it prints")) do
        assert.is_truthy(output:find("\n" .. line .. "\n", 1, true), output)
      end
    end)
  end
end)
