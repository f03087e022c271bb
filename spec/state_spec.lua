--- What belongs to the Lua state outlives one copy of the modules.

local function is_ours(name)
  return name == "temporal" or (name:match("^temporal%.") and name ~= "temporal.core")
end

local function forget()
  local kept = {}
  for name, module in pairs(package.loaded) do
    if is_ours(name) then kept[name] = module end
  end
  for name in pairs(kept) do package.loaded[name] = nil end
  return kept
end

describe("temporal.state", function()
  it("is the same for a package that is loaded a second time", function()
    local first = require "temporal.state"
    local kept = forget()
    local second = require "temporal.state"
    forget()
    for name, module in pairs(kept) do package.loaded[name] = module end
    assert.equal(first, second)
    assert.is_table(second.waiters)
    assert.equal("k", getmetatable(second.taken).__mode)
  end)
end)
