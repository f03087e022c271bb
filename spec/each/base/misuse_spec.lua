local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

-- A function of this file that lies below the package on the stack.
local function line_of(fn)
  return debug.getinfo(fn, "S").linedefined
end

describe("temporal.misuse", function()
  it("raises at the first line outside the package", function()
    local function at_fault()
      options.timeout("soon", "future:get")
      return true
    end
    local ok, message = pcall(at_fault)
    assert.is_false(ok)
    local line = message:match("misuse_spec%.lua:(%d+): the timeout of future:get")
    assert.equal(line_of(at_fault) + 1, tonumber(line))
  end)

  it("passes over C functions that call into the package", function()
    local function at_fault()
      local ok, message = pcall(options.timeout, "soon", "future:get")
      return ok, message
    end
    local ok, message = at_fault()
    assert.is_false(ok)
    local line = message:match("misuse_spec%.lua:(%d+): ")
    assert.equal(line_of(at_fault) + 1, tonumber(line))
  end)

  it("raises without a position when the package was called by nobody in Lua", function()
    local thread = coroutine.create(options.timeout)
    local ok, message = coroutine.resume(thread, "soon", "future:get")
    assert.is_false(ok)
    assert.matches("^the timeout of future:get must be", message)
  end)

  it("formats", function()
    local ok, message = pcall(misuse.raisef, "%s is %d", "x", 3)
    assert.is_false(ok)
    assert.matches("x is 3$", message)
  end)
end)
