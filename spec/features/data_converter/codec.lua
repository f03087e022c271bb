--- A codec stands around every payload.

local ENCODING = "my-encoding"

-- The inner payload as hexadecimal digits.
local codec = {
  encode = function(payloads)
    local list = {}
    for i, payload in ipairs(payloads) do
      local inner = payload.metadata.encoding .. "\n" .. payload.data
      list[i] = {
        metadata = { encoding = ENCODING },
        data = inner:gsub(".", function(c) return ("%02x"):format(c:byte()) end),
      }
    end
    return list
  end,
  decode = function(payloads)
    local list = {}
    for i, payload in ipairs(payloads) do
      list[i] = payload
      if payload.metadata.encoding == ENCODING then
        local inner = payload.data:gsub("..", function(hex)
          return string.char(tonumber(hex, 16))
        end)
        local encoding, data = inner:match "^([^\n]*)\n(.*)$"
        list[i] = { metadata = { encoding = encoding }, data = data }
      end
    end
    return list
  end,
}

local function Workflow(arg) return arg end

return {
  workflows = { Workflow = Workflow },
  client = { codecs = { codec } },
  arguments = { { spec = true } },
  check = function(t, run)
    t:same({ spec = true }, t:result(run))
    local argument, result = t:payloads(run)
    t:equal(ENCODING, result.metadata.encoding)
    t:same({ { metadata = { encoding = "json/plain" }, data = '{"spec":true}' } },
      codec.decode { result })
    t:same(argument, result)
  end,
  survives = true,
}
