--- What a definition or a handler says of its arguments: `args={"string", "number?",
-- "table", "any", "raw"}`, the Lua types of what arrives. `?` may be missing or nil;
-- `any` is not looked at; `raw` is not decoded, but handed on as `temporal.raw`.
-- @module temporal.arguments

local core = require "temporal.core"
local options = require "temporal.base.options"
local payload_list = require("temporal.base.payloads").list

local max, next, setmetatable, type = math.max, next, setmetatable, type
local value_kind = core.value_kind

local TYPES = {
  any = true, boolean = true, number = true, raw = true, string = true, table = true,
}
local FORM = 'must be one of "string", "number", "boolean", "table", "any", "raw", each perhaps '
  .. 'with a "?" behind it'

local arguments = {}

-- The wanted types by place, and whether each may be nil; `n`, how many.
local methods = {}
local metatable = { __index = methods }

local function compile(list, spec, name)
  local count = 0
  for _ in next, list do
    count = count + 1
  end
  local self = { n = count, optional = {} }
  for i = 1, count do
    local word = list[i]
    if word == nil then
      return options.fail(spec, name, "must be a list with the keys 1 to n")
    end
    local wanted, mark = (type(word) == "string" and word or ""):match "^(%a+)(%??)$"
    if not TYPES[wanted] then
      return options.fail(spec, ("%s[%d]"):format(name, i), FORM, options.show(word))
    end
    self[i], self.optional[i] = wanted, mark == "?" or wanted == "any"
  end
  return setmetatable(self, metatable)
end

--- The option `args` of a definition or a handler.
-- @tparam string field where the compiled list goes
-- @treturn function a handler for `options.define`
function arguments.option(field)
  return function(target, value, spec, name)
    if type(value) ~= "table" then
      return options.fail(spec, name, 'must be a list of types, such as {"string", "number?"}',
        options.kind_of(value))
    end
    target[field] = compile(value, spec, name)
  end
end

--- A payload as it came, to pass on.
-- @tparam table payload
-- @treturn temporal.raw
local function raw(payload)
  return core.raw {
    metadata = payload.metadata, data = payload.data,
    external_payloads = payload.external_payloads, _unknown = payload._unknown,
  }
end

-- What a value is, in the words of `args`. An exact integer of a VM without
-- integers is a number.
local function type_of(value)
  local kind = value_kind(value)
  return kind == "int64" and "number" or kind == "null" and "nil" or type(value)
end

local function breach(self, i, got)
  return {
    kind = "conversion", index = i,
    message = ("argument %d must be %s, got %s"):format(i,
      self[i] == "raw" and "there" or "a " .. self[i], got),
  }
end

local function check(self, i, value)
  if value == nil then
    return not self.optional[i] and breach(self, i, "nil") or nil
  elseif self[i] ~= "any" and type_of(value) ~= self[i] then
    return breach(self, i, "a " .. type_of(value))
  end
  return nil
end

-- One argument: its value, and what is wrong with it.
local function read_one(self, converter, payload, i)
  if payload and self[i] == "raw" then
    return raw(payload)
  end
  local value, problem = converter:value(payload)
  if problem then
    problem.index = i
    return nil, problem
  end
  return value, check(self, i, value)
end

--- The values of a Payloads message, as `converter:values` gives them, but of the
-- wanted types.
-- @tparam temporal.arguments|nil self what `option` compiled; nil: whatever comes
-- @param converter
-- @tparam table|string|nil payloads `{payloads={...}}`, or its bytes
-- @treturn table|nil the values, with their number in `n`, or nil
-- @treturn table `{kind="conversion", message=, index=}`
function arguments.read(self, converter, payloads)
  if not self then
    return converter:values(payloads)
  end
  local source, unreadable = payload_list(payloads)
  if source and converter.plain then -- what is raw passes the codecs, too
    source, unreadable = converter:decode(source)
    converter = converter.plain
  end
  if not source then
    return nil, unreadable
  elseif #source > self.n then
    return nil, { kind = "conversion", index = self.n + 1, message =
      ("%d argument%s wanted, got %d"):format(self.n, self.n == 1 and " is" or "s are", #source) }
  end
  local list = { n = #source }
  for i = 1, max(self.n, #source) do
    local value, problem = read_one(self, converter, source[i], i)
    if problem then
      return nil, problem
    end
    list[i] = value
  end
  return list
end

arguments.raw = raw

return arguments
