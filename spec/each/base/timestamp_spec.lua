local timestamp = require "temporal.base.timestamp"

describe("temporal.timestamp", function()
  it("reads RFC 3339", function()
    assert.same({ seconds = 0, nanos = 0 }, timestamp.message("1970-01-01T00:00:00Z"))
    assert.same({ seconds = 1795381568, nanos = 0 }, timestamp.message("2026-11-22T21:06:08Z"))
    assert.same({ seconds = 1795381568, nanos = 123456789 },
      timestamp.message("2026-11-22T22:36:08.123456789+01:30"))
    assert.same({ seconds = 951782400, nanos = 0 }, timestamp.message("2000-02-29t00:00:00z"))
    assert.same({ seconds = -1, nanos = 500000000 }, timestamp.message("1969-12-31T23:59:59.5Z"))
    assert.same({ seconds = 253402300799, nanos = 0 }, timestamp.message("9999-12-31T23:59:59Z"))
    assert.same({ seconds = -62135596800, nanos = 0 }, timestamp.message("0001-01-01T00:00:00Z"))
    assert.equal(1795381568.5, timestamp.seconds("2026-11-22T21:06:08.5Z"))
  end)

  it("reads epoch seconds and keeps microseconds", function()
    assert.same({ seconds = 1795381568, nanos = 123456000 },
      timestamp.message(1795381568.123456))
    assert.same({ seconds = 10, nanos = 0 }, timestamp.message(9.9999999))
    assert.equal(1795381568.123456,
      timestamp.from_message({ seconds = 1795381568, nanos = 123456000 }))
    assert.is_nil(timestamp.from_message(nil))
  end)

  it("refuses what is no point in time", function()
    for _, wrong in ipairs {
      "", "2026-11-22", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-00-01T00:00:00Z",
      "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
      "2026-01-01T00:00:61Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
      "2026-01-01T00:00:00+25:00", "tomorrow", {}, true, 0 / 0, 1 / 0,
    } do
      local message, why = timestamp.message(wrong)
      assert.is_nil(message, tostring(wrong))
      assert.matches("RFC 3339", why)
    end
    local message, why = timestamp.seconds(1e15)
    assert.is_nil(message)
    assert.matches("between the years 1 and 9999", why)
  end)
end)
