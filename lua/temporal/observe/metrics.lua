--- Metrics: what a client's connection has counted, as a table or as text for
-- Prometheus, under the names all SDKs use.
--
-- Counted in C, for the client and those made from it with `client:with`.
-- `temporal_request` and its kin count whole calls with all their attempts,
-- as sdk-go does; those that end in `_attempt` count each attempt. Long polls
-- are `temporal_long_request`. A call counts when it ends; what this process
-- gave up by itself (`abandon`, `close`) does not.
-- @module temporal.metrics

local core = require "temporal.core"
local decimal = require "temporal.base.decimal"
local errors = require "temporal.error.error"
local meter = require "temporal.base.lazy" "temporal.observe.meter"
local misuse = require "temporal.base.misuse"
local options = require "temporal.base.options"

local next, type = next, type
local floor = math.floor
local concat, sort = table.concat, table.sort

-- Names of samples.

local KINDS = { [false] = "request", [true] = "long_request" }
local SCOPES = { calls = "", attempts = "_attempt" }

-- "rps_limit" as sdk-go says it: "RpsLimit".
local function camel(name)
  return (("_" .. name):gsub("_(%l)", string.upper))
end

local function request_families(families, long_poll, scope)
  local kind, suffix = KINDS[long_poll], SCOPES[scope]
  local what = long_poll and "long polls" or "requests"
  if scope == "attempts" then
    what = "attempts of " .. what
  end
  local function add(name, sort_of, help)
    families[#families + 1] = {
      name = "temporal_" .. kind .. name .. suffix, type = sort_of, help = help,
      long_poll = long_poll, scope = scope, what = name,
    }
  end
  add("", "counter", "Count of " .. what .. " that have ended, by operation")
  add("_failure", "counter", "Count of " .. what .. " that have failed, by status code")
  add("_latency", "histogram", "Latency of " .. what)
  if scope == "attempts" then
    families[#families].help = "Latency of " .. what .. ", from when each was due"
    families[#families + 1] = {
      name = "temporal_" .. kind .. "_resource_exhausted", type = "counter",
      help = "Count of " .. what .. " that the server refused for want of resources, by cause",
      long_poll = long_poll, scope = scope, what = "_resource_exhausted",
    }
  end
end

-- Of this SDK's own: the connection.
local GAUGES = {
  { name = "temporal_connections", type = "gauge", help = "Connections that are open now",
    value = function(counted) return counted.connections.open end },
  { name = "temporal_connections_dialled", type = "counter", help = "Connections made so far",
    value = function(counted) return counted.connections.dialled end },
  { name = "temporal_dial_failures", type = "counter",
    help = "Dials that failed, and connections that broke before they could be used",
    value = function(counted) return counted.connections.failed end },
  { name = "temporal_pending_requests", type = "gauge",
    help = "Submissions that wait for a connection or a free stream (see max_pending)",
    value = function(counted) return counted.pending end },
  { name = "temporal_unacknowledged_requests", type = "gauge",
    help = "Submissions that the server has not answered yet",
    value = function(counted) return counted.unacknowledged end },
}

local FAMILIES = {}
for _, long_poll in ipairs { false, true } do
  request_families(FAMILIES, long_poll, "calls")
  request_families(FAMILIES, long_poll, "attempts")
end
for _, gauge in ipairs(GAUGES) do
  FAMILIES[#FAMILIES + 1] = gauge
end

-- Samples.

local function sorted_keys(map)
  local keys = {}
  for key in next, map do
    keys[#keys + 1] = key
  end
  sort(keys)
  return keys
end

local function total(buckets)
  local count = 0
  for i = 1, #buckets do
    count = count + buckets[i]
  end
  return count
end

local function histogram(operation, tally, bounds)
  local buckets, count = {}, 0
  for i = 1, #bounds do
    count = count + tally.buckets[i]
    buckets[i] = { le = bounds[i], count = count }
  end
  return {
    operation = operation.name, namespace = operation.namespace,
    count = total(tally.buckets), sum = tally.seconds, buckets = buckets,
  }
end

-- One sample for each key of a map of counts.
local function add_each(samples, operation, map, tag, shown)
  for _, key in ipairs(sorted_keys(map)) do
    samples[#samples + 1] = {
      operation = operation.name, namespace = operation.namespace, [tag] = shown(key),
      value = map[key],
    }
  end
end

local ADD = {
  [""] = function(samples, operation, tally)
    samples[#samples + 1] = {
      operation = operation.name, namespace = operation.namespace, value = total(tally.buckets),
    }
  end,
  _failure = function(samples, operation, tally)
    add_each(samples, operation, tally.failures, "status_code", string.upper)
  end,
  _latency = function(samples, operation, tally, bounds)
    samples[#samples + 1] = histogram(operation, tally, bounds)
  end,
  _resource_exhausted = function(samples, operation)
    add_each(samples, operation, operation.exhausted, "cause", camel)
  end,
}

local function samples_of(family, counted)
  if family.value then
    return { { value = family.value(counted) } }
  end
  local samples = {}
  for _, operation in ipairs(counted.operations) do
    local tally = operation[family.scope]
    if operation.long_poll == family.long_poll and total(tally.buckets) > 0 then
      ADD[family.what](samples, operation, tally, counted.bounds)
    end
  end
  return samples
end

local function snapshot(counted, own)
  local result = {}
  for _, family in ipairs(FAMILIES) do
    result[family.name] = samples_of(family, counted)
  end
  for _, family in ipairs(own) do
    result[family.name] = family.samples
    for _, sample in ipairs(family.samples) do
      for name, value in next, sample.tags do
        sample[name] = value
      end
      sample.tags = nil
    end
  end
  return result
end

-- Prometheus' text format, version 0.0.4.

local ESCAPES = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local function label(name, value)
  return name .. '="' .. decimal.text(value):gsub('[\\"\n]', ESCAPES) .. '"'
end

-- All are counts or come from microseconds: the rest is what arithmetic has left.
local function number(value)
  return decimal.text(floor(value * 1000000 + 0.5) / 1000000)
end

local TAGS = { "operation", "namespace", "status_code", "cause" }

local function labels_of(sample, tags)
  local labels = {}
  for _, name in ipairs(sorted_keys(sample.tags or labels)) do
    labels[#labels + 1] = label(name, sample.tags[name])
  end
  for _, name in ipairs(TAGS) do
    if sample[name] then
      labels[#labels + 1] = label(name, sample[name])
    end
  end
  for _, name in ipairs(sorted_keys(tags)) do
    if not (sample.tags and sample.tags[name]) then
      labels[#labels + 1] = label(name, tags[name])
    end
  end
  return labels
end

local function line(lines, name, labels, value)
  local text = #labels > 0 and "{" .. concat(labels, ",") .. "}" or ""
  lines[#lines + 1] = ("%s%s %s"):format(name, text, number(value))
end

local function histogram_lines(lines, name, sample, tags, unit)
  local labels = labels_of(sample, tags)
  local last = #labels + 1
  for _, bucket in ipairs(sample.buckets) do
    labels[last] = label("le", number(bucket.le * unit))
    line(lines, name .. "_bucket", labels, bucket.count)
  end
  labels[last] = label("le", "+Inf")
  line(lines, name .. "_bucket", labels, sample.count)
  labels[last] = nil
  line(lines, name .. "_sum", labels, sample.sum * unit)
  line(lines, name .. "_count", labels, sample.count)
end

local function name_of(family, given)
  if family.type == "histogram" and given.unit_suffix then
    return family.name .. (given.durations_as_seconds and "_seconds" or "_milliseconds")
  elseif family.type == "counter" and given.counters_total_suffix then
    return family.name .. "_total"
  end
  return family.name
end

-- What the program counts: as it is, whatever its unit.
local function own_lines(lines, own, given)
  for _, family in ipairs(own) do
    local name = family.name
    if family.type == "counter" and given.counters_total_suffix then
      name = name .. "_total"
    end
    lines[#lines + 1] = ("# TYPE %s %s"):format(name, family.type)
    for _, sample in ipairs(family.samples) do
      if family.type == "histogram" then
        histogram_lines(lines, name, sample, given.tags, 1)
      else
        line(lines, name, labels_of(sample, given.tags), sample.value)
      end
    end
  end
end

local function prometheus(counted, given, own)
  local lines = {}
  local unit = given.durations_as_seconds and 1 or 1000
  for _, family in ipairs(FAMILIES) do
    local name, samples = name_of(family, given), samples_of(family, counted)
    if #samples > 0 then
      lines[#lines + 1] = ("# HELP %s %s"):format(name, family.help)
      lines[#lines + 1] = ("# TYPE %s %s"):format(name, family.type)
    end
    for _, sample in ipairs(samples) do
      if family.type == "histogram" then
        histogram_lines(lines, name, sample, given.tags, unit)
      else
        line(lines, name, labels_of(sample, given.tags), sample.value)
      end
    end
  end
  own_lines(lines, own, given)
  lines[#lines + 1] = ""
  return concat(lines, "\n")
end

-- Options.

local TAKEN = { le = true }
for _, name in ipairs(TAGS) do
  TAKEN[name] = true
end

local function set_tags(given, value, spec, name)
  if type(value) ~= "table" then
    options.fail(spec, name, "must be a table of values by name", options.kind_of(value))
  end
  for key, tag in next, value do
    if type(key) ~= "string" or not key:match("^[%a_][%w_]*$") or key:match("^__") then
      options.fail(spec, name, "must have names of letters, digits and underscores as keys",
        options.show(key))
    elseif TAKEN[key] then
      options.fail(spec, name .. "." .. key, "is a tag that the metrics have themselves")
    elseif type(tag) ~= "string" and type(tag) ~= "number" then
      options.fail(spec, name .. "." .. key, "must be a string or a number",
        options.kind_of(tag))
    end
    given.tags[key] = tag
  end
end

local METRICS = options.define("option of client:metrics", {
  format = options.choice("format", { prometheus = "prometheus" }),
  tags = set_tags,
  counters_total_suffix = options.boolean("counters_total_suffix"),
  unit_suffix = options.boolean("unit_suffix"),
  durations_as_seconds = options.boolean("durations_as_seconds"),
})

-- Each worker process of nginx answers a scrape with its own counts.
local function host_tags()
  local ngx = rawget(_G, "ngx")
  return type(ngx) == "table" and ngx.worker and { pid = core.pid() } or {}
end

local function check_options(given)
  if given == nil then
    return {}
  elseif type(given) ~= "table" then
    misuse.raisef("client:metrics takes a table of options, got %s", options.kind_of(given))
  end
  local checked = options.apply(METRICS, given, { tags = host_tags() })
  if not checked.format and next(given) ~= nil then
    misuse.raisef('option of client:metrics "%s" is for the text of format = "prometheus" only',
      (next(given)))
  end
  return checked
end

--- What a channel has counted so far.
-- @tparam userdata channel
-- @tparam table|nil given the options of `client:metrics`
-- @tparam table|nil registry what the program counts (temporal.meter)
-- @treturn table|string|nil the snapshot, the text, or nil
-- @treturn temporal.error of kind `fork`
-- @raise on a wrong or unknown option
local function read(channel, given, registry)
  local checked = check_options(given)
  local counted = channel:metrics()
  if not counted then
    return nil, errors.new {
      kind = "fork",
      message = "the process has forked since this client made its first call: make a new client",
    }
  end
  local own = registry and meter.families(registry) or {}
  if checked.format then
    return prometheus(counted, checked, own)
  end
  return snapshot(counted, own)
end

return { read = read }
