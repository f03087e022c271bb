-- A payload codec: AES-256-GCM, as in the encryption samples of Temporal's Go and Python SDKs, so
-- that all three read each other. Needs luaossl (Debian: lua-luaossl; LuaRocks: luaossl).
--
-- A sealed payload has the metadata encoding = "binary/encrypted" and encryption-key-id, and as its
-- data a nonce of 12 bytes, the encrypted protobuf bytes of the payload, and a tag of 16 bytes.
local cipher = require "openssl.cipher"
local rand = require "openssl.rand"
local temporal = require "temporal"

local ENCODING = "binary/encrypted"
local NONCE, TAG = 12, 16

local function seal(payload, key, key_id)
  local nonce = rand.bytes(NONCE)
  local aes = cipher.new("aes-256-gcm"):encrypt(key, nonce)
  local sealed = aes:final(temporal.codec.serialize(payload))
  return {
    metadata = { encoding = ENCODING, ["encryption-key-id"] = key_id },
    data = nonce .. sealed .. aes:getTag(TAG),
  }
end

local function open(payload, key)
  local data = payload.data
  if #data < NONCE + TAG then
    return nil, "the encrypted payload is too short"
  end
  local aes = cipher.new("aes-256-gcm"):decrypt(key, data:sub(1, NONCE))
  aes:setTag(data:sub(-TAG))
  local bytes = aes:final(data:sub(NONCE + 1, -TAG - 1))
  if not bytes then
    return nil, "the encrypted payload was changed, or its key is another one"
  end
  return temporal.codec.parse(bytes)
end

-- keys: 32 bytes each, by id; what is sent is sealed with keys[key_id]. To rotate, add a key and
-- name it: the old one stays for what is already there.
return function(keys, key_id)
  return {
    encode = function(payloads)
      local list = {}
      for i, payload in ipairs(payloads) do
        list[i] = seal(payload, keys[key_id], key_id)
      end
      return list
    end,

    decode = function(payloads)
      local list = {}
      for i, payload in ipairs(payloads) do
        list[i] = payload -- what is not encrypted passes
        if payload.metadata.encoding == ENCODING then
          local id = payload.metadata["encryption-key-id"]
          if not keys[id] then
            return nil, ("there is no key %q"):format(tostring(id))
          end
          local problem
          list[i], problem = open(payload, keys[id])
          if not list[i] then
            return nil, problem
          end
        end
      end
      return list
    end,
  }
end
