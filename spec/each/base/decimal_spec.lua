local decimal = require "temporal.base.decimal"
local locale = require "spec.support.locale"

describe("temporal.decimal", function()
  it("reads digits, a point, an exponent, and nothing else", function()
    assert.equal(0.25, decimal.read "0.25")
    assert.equal(-1234.5, decimal.read "-12.345e+2")
    assert.equal(7, decimal.read "+007")
    assert.equal(math.huge, decimal.read "1e999")
    assert.equal(-math.huge, decimal.read "-1e999")
    for _, text in ipairs { "", "-", "+-1", ".5", "5.", "1,5", "0x10", " 1", "1 ", "1e", "1e+",
                            "inf", "nan", "1\0" } do
      assert.is_nil(decimal.read(text), text)
    end
  end)

  it("writes a number in its shortest form, whole ones without a point", function()
    assert.equal("0.1", decimal.text(0.1))
    assert.equal("90", decimal.text(90))
    assert.equal("-2", decimal.text(-2.0))
    assert.equal("9007199254740991", decimal.text(2 ^ 53 - 1))
    assert.equal("1e300", decimal.text(1e300))
    assert.equal("inf", decimal.text(math.huge))
    assert.equal("-inf", decimal.text(-math.huge))
    assert.equal("nan", decimal.text(0 / 0))
    assert.equal("1.5", decimal.text "1.5")
    assert.equal("nil", decimal.text(nil))
  end)

  it("is what reads and writes numbers under a locale with a decimal comma", function()
    assert.equal([[
1.5h	5400 s 0 ns
250.5s	250 s 500000000 ns
0.25s	0 s 250000000 ns
1.5us	0 s 1500 ns
1.5d	129600 s 0 ns
text	0.25 s	90 s
toml	true	true	true
temporal_request_latency_bucket{operation="GetSystemInfo",namespace="n",ratio="1.5",le="25"} 1
temporal_request_latency_bucket{operation="GetSystemInfo",namespace="n",ratio="1.5",le="2500"} 1
temporal_request_latency_bucket{operation="GetSystemInfo",namespace="n",ratio="1.5",le="+Inf"} 1
temporal_request_latency_sum{operation="GetSystemInfo",namespace="n",ratio="1.5"} 171.082
temporal_request_latency_bucket{operation="GetSystemInfo",namespace="n",ratio="1.5",le="0.025"} 1
temporal_request_latency_bucket{operation="GetSystemInfo",namespace="n",ratio="1.5",le="2.5"} 1
temporal_request_latency_bucket{operation="GetSystemInfo",namespace="n",ratio="1.5",le="+Inf"} 1
temporal_request_latency_sum{operation="GetSystemInfo",namespace="n",ratio="1.5"} 0.171082
temporal: warn: logged (after=1.5)
spec/support/comma_locale.lua:43: client option "rpc_timeout" must not be negative, got -1.5
Duration.seconds: expected an integer, got number 1.5
]], (locale.run("spec/support/comma_locale.lua")))
  end)
end)
