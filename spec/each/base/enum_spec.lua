local core = require "temporal.core"
local enum = require "temporal.base.enum"

describe("temporal.enum", function()
  it("shortens names, each prefix by itself", function()
    assert.equal("in_progress", enum.short("RETRY_STATE_", "RETRY_STATE_IN_PROGRESS"))
    assert.equal("start_to_close", enum.short("TIMEOUT_TYPE_", "TIMEOUT_TYPE_START_TO_CLOSE"))
    assert.equal("in_progress", enum.short("RETRY_STATE_", "RETRY_STATE_IN_PROGRESS"))
    assert.equal("other_name", enum.short("RETRY_STATE_", "OTHER_NAME"))
  end)

  it("has nothing for what is unspecified, and keeps unknown numbers", function()
    for _ = 1, 2 do
      assert.is_nil(enum.short("RETRY_STATE_", "RETRY_STATE_UNSPECIFIED"))
    end
    assert.is_nil(enum.short("RETRY_STATE_", 0))
    assert.is_nil(enum.short("RETRY_STATE_", nil))
    assert.equal(77, enum.short("RETRY_STATE_", 77))
  end)

  it("agrees with the schema", function()
    for number = 1, 7 do
      local name = core.enum("temporal.api.enums.v1.RetryState")[number]
      assert.equal(core.enum_short("temporal.api.enums.v1.RetryState", number),
        enum.short("RETRY_STATE_", name))
    end
  end)
end)
