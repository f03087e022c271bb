local duration = require "temporal.base.duration"

describe("temporal.duration", function()
  local function parts(value)
    local message, problem = duration.message(value)
    return message and { message.seconds, message.nanos } or { nil, problem }
  end

  it("reads every form of api.md exactly", function()
    assert.same({ 90, 0 }, parts("90s"))
    assert.same({ 5400, 0 }, parts("1h30m"))
    assert.same({ 604800, 0 }, parts("7d"))
    assert.same({ 0, 250000000 }, parts("250ms"))
    assert.same({ 1, 500000000 }, parts("1s500ms"))
    assert.same({ 0, 1000 }, parts("1us"))
    assert.same({ 0, 1 }, parts("1ns"))
    assert.same({ 1, 1 }, parts("1000000001ns"))
    assert.same({ 90, 0 }, parts("1.5m"))
    assert.same({ 0, 1500 }, parts("1.5us"))
    assert.same({ 0, 0 }, parts("0s"))
  end)

  it("reads numbers as seconds", function()
    assert.same({ 2, 0 }, parts(2))
    assert.same({ 0, 250000000 }, parts(0.25))
    assert.same({ 1, 100000000 }, parts(1.1))
    -- Rounding up to a whole second carries.
    assert.same({ 1, 0 }, parts(0.9999999999))
    assert.equal(0.25, duration.seconds(0.25))
    assert.equal(0.25, duration.seconds("250ms"))
  end)

  it("makes and reads the message", function()
    assert.same({ seconds = 3600, nanos = 5000000 }, duration.message("1h5ms"))
    assert.equal(1.5, duration.from_message({ seconds = 1, nanos = 500000000 }))
    assert.equal(0, duration.from_message({}))
    assert.is_nil(duration.from_message(nil))
  end)

  it("refuses everything else, saying what would be right", function()
    for _, wrong in ipairs { "", "90", "s", "1x", "1h30", "1 h", "1..5s", "h1", {}, true } do
      local message, why = duration.message(wrong)
      assert.is_nil(message)
      assert.matches("1h30m", why, 1, true)
    end
    for _, wrong in ipairs { -1, "-1s", -0.001 } do
      assert.same({ nil, "must not be negative" }, parts(wrong))
    end
    for _, wrong in ipairs { 0 / 0, 1 / 0 } do
      local seconds, why = duration.seconds(wrong)
      assert.is_nil(seconds)
      assert.matches("finite", why)
    end
    local seconds, why = duration.message("9999999999999999999999d")
    assert.is_nil(seconds)
    assert.matches("10,000 years", why)
    assert.same({ 315576000000, 0 }, parts(315576000000))
    assert.is_nil((duration.message(315576000001)))
  end)
end)
