--- Metrics of the program's own: counters, gauges and histograms that workflows and
-- activities make, counted beside those of their client's connection
-- (temporal.metrics).
-- @module temporal.meter

local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local concat, huge, sort = table.concat, math.huge, table.sort
local next, setmetatable, tostring, type = next, setmetatable, tostring, type

-- Of a histogram, whatever it measures.
local BOUNDS = {
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000,
}
-- Combinations of tags for one name; beyond them all count as one.
local MAX_SAMPLES = 1000

local METHOD = { counter = "add", gauge = "set", histogram = "record" }

local function check_name(what, name)
  if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
    misuse.raisef("%s: the name must have letters, digits and underscores, got %s", what,
      options.show(name))
  elseif name:find "^temporal_" then
    misuse.raisef('%s: names that begin with "temporal_" are the SDK\'s own, got %s', what,
      options.show(name))
  end
end

-- The tags of a sample: those of the meter and those of the call.
local function merge(what, own, tags)
  local all = {}
  for name, value in next, own do
    all[name] = tostring(value)
  end
  if tags ~= nil and type(tags) ~= "table" then
    misuse.raisef("%s: the tags must be a table, got %s", what, options.kind_of(tags))
  end
  for name, value in next, tags or {} do
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" or name == "le" then
      misuse.raisef("%s: the names of tags must have letters, digits and underscores, got %s", what,
        options.show(name))
    elseif type(value) == "table" or type(value) == "function" then
      misuse.raisef("%s: the tag %q must be a string, a number or a boolean, got %s", what, name,
        options.kind_of(value))
    end
    all[name] = tostring(value)
  end
  return all
end

local function key_of(tags)
  local parts = {}
  for name, value in next, tags do
    parts[#parts + 1] = ("%s=%q"):format(name, value)
  end
  sort(parts)
  return concat(parts, ",")
end

local function family_of(registry, what, name, kind)
  local family = registry[name]
  if not family then
    family = { name = name, type = kind, samples = {}, count = 0 }
    registry[name] = family
  elseif family.type ~= kind then
    misuse.raisef("%s: %s is a %s already", what, name, family.type)
  end
  return family
end

local function sample_of(family, tags)
  local key = key_of(tags)
  local sample = family.samples[key]
  if sample then
    return sample
  elseif family.count >= MAX_SAMPLES then
    key, tags = "", { other = "true" }
    sample = family.samples[key]
  end
  if not sample then
    sample = { tags = tags, value = 0, sum = 0, count = 0, buckets = {} }
    for i = 1, #BOUNDS do
      sample.buckets[i] = 0
    end
    family.samples[key], family.count = sample, family.count + 1
  end
  return sample
end

-- What takes the values.

local instrument = {}
local metatables = {}
for kind in next, METHOD do
  metatables[kind] = { __name = "temporal." .. kind, __index = {} }
end

local function check_value(self, what, value, least)
  if getmetatable(self) ~= metatables[self and self.kind] then
    misuse.raisef("%s is a method: write it with a colon", what)
  elseif type(value) ~= "number" or value ~= value or value == huge or value == -huge
    or value < least then
    misuse.raisef("%s takes a number%s, got %s", what, least == 0 and " of at least 0" or "",
      options.show(value))
  end
  return not (self.silent and self.silent.replaying)
end

function instrument.counter(self, n)
  if check_value(self, "counter:add", n == nil and 1 or n, 0) then
    self.sample.value = self.sample.value + (n or 1)
  end
end

function instrument.gauge(self, value)
  if check_value(self, "gauge:set", value, -huge) then
    self.sample.value = value
  end
end

function instrument.histogram(self, value)
  if check_value(self, "histogram:record", value, -huge) then
    local sample = self.sample
    sample.count, sample.sum = sample.count + 1, sample.sum + value
    for i = 1, #BOUNDS do
      if value <= BOUNDS[i] then
        sample.buckets[i] = sample.buckets[i] + 1
      end
    end
  end
end

local methods = {}
local metatable = { __name = "temporal.meter", __index = methods }

for kind, name in next, METHOD do
  metatables[kind].__index[name] = instrument[kind]
  methods[kind] = function(self, given, tags)
    local what = "metrics():" .. kind
    options.check_self(self, metatable, "metrics()")
    check_name(what, given)
    local family = family_of(self.registry, what, given, kind)
    local all = merge(what, self.tags, tags)
    return setmetatable({ kind = kind, sample = sample_of(family, all), silent = self.silent },
      metatables[kind])
  end
end

local meter = {}

--- Where the metrics of a client are, and of those made from it.
-- @tparam temporal.session session
-- @treturn table families by name
function meter.registry_of(session)
  local connection = session.connection
  connection.meter = connection.meter or {}
  return connection.meter
end

--- What makes metrics.
-- @tparam table registry
-- @tparam table tags of all of them
-- @tparam[opt] table silent nothing is counted while it is `replaying`
-- @treturn temporal.meter `counter(name[, tags])`, with `add([n])`, `gauge`, with
--   `set(value)`, `histogram`, with `record(value)`
function meter.new(registry, tags, silent)
  return setmetatable({ registry = registry, tags = tags, silent = silent }, metatable)
end

--- The metrics of a registry, by name.
-- @tparam table registry
-- @treturn table list of `{name=, type=, samples=}`; a sample has `tags`, and `value`,
--   or `count`, `sum`, `buckets` (`{le=, count=}`)
function meter.families(registry)
  local list = {}
  for name, family in next, registry do
    local samples, keys = {}, {}
    for key in next, family.samples do
      keys[#keys + 1] = key
    end
    sort(keys)
    for i = 1, #keys do
      local sample, buckets = family.samples[keys[i]], {}
      if family.type == "histogram" then
        for b = 1, #BOUNDS do
          buckets[b] = { le = BOUNDS[b], count = sample.buckets[b] }
        end
        samples[i] = { tags = sample.tags, count = sample.count, sum = sample.sum,
          buckets = buckets }
      else
        samples[i] = { tags = sample.tags, value = sample.value }
      end
    end
    list[#list + 1] = { name = name, type = family.type, samples = samples }
  end
  sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

return meter
