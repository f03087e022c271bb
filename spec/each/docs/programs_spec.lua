-- What users start from is Lua in every version of Lua. That it does what it should is shown on one
-- of them, in spec/once.

local lfs = require "lfs"

local function find(folder, found)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if name:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
      find(path, found)
    elseif name:match "%.lua$" then
      found[#found + 1] = path
    end
  end
  return found
end

describe("every program of examples/", function()
  it("compiles", function()
    local programs = find("examples", {})
    assert.is_true(#programs > 10)
    for _, path in ipairs(programs) do assert(loadfile(path)) end
  end)
end)
