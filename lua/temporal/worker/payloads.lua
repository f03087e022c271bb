--- The payloads of a message, wherever they stand in it, through the codecs.
-- @module temporal.worker.payloads

local next, rawget, type = next, rawget, type

-- What no codec encodes: search attributes, which the server reads; headers.
local LEFT = { search_attributes = true, header = true }

local payloads = {}

local function is_payload(message)
  return type(rawget(message, "metadata")) == "table" and type(rawget(message, "data")) == "string"
end

local function walk(message, converter)
  for name, child in next, message do
    if type(child) == "table" and not LEFT[name] then
      if is_payload(child) then
        local list, problem = converter:decode { child }
        if not list then
          return nil, problem
        end
        message[name] = list[1]
      else
        local ok, problem = walk(child, converter)
        if not ok then
          return nil, problem
        end
      end
    end
  end
  return message
end

--- Decodes what codecs have encoded.
-- @tparam temporal.converter converter bound, of a client with codecs
-- @tparam table message decoded; changed in place
-- @treturn table|nil the message, or nil
-- @treturn temporal.error of kind `codec`
-- @raise what a codec raises
function payloads.decode(converter, message)
  return walk(message, converter)
end

return payloads
