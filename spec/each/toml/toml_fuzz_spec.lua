-- Documents made at random, the same at every run: see fuzz/README.md.

local fuzz = require "fuzz.toml"

describe("the TOML reader", function()
  it("reads what is valid, and says where what is broken is so", function()
    for number = 1, 1000 do
      assert.is_nil(fuzz.try(number))
    end
  end)
end)
