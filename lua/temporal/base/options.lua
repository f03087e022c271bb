--- Tables of options: one declaration says which options there are, what
-- each may be and where it goes; everything else raises at the user's line.
--
-- A specification maps an option's name to a handler
-- `handler(target, value, spec, name, context)`, which checks the value and
-- stores it in `target`. Handlers are made once, at load: applying a
-- specification to a table makes no closure and no string.
-- @module temporal.options

local decimal = require "temporal.base.decimal"
local duration = require "temporal.base.duration"
local foreign = require "temporal.base.lazy" "temporal.base.foreign"
local misuse = require "temporal.base.misuse"

local floor = math.floor
local huge = math.huge
local getmetatable, next, type = getmetatable, next, type

local MAX_SHOWN = 40

local function escape(text)
  return (text:gsub(".", function(c)
    return ("\\%d"):format(c:byte())
  end))
end

local function show(value)
  local kind = type(value)
  if kind == "string" then
    if #value > MAX_SHOWN then
      value = value:sub(1, MAX_SHOWN) .. "..."
    end
    value = ("%q"):format(value):gsub("\\\n", "\\n")
    -- Of control characters %q escapes some, on 5.1 and LuaJIT few.
    return (value:gsub("%c", escape):gsub("\194[\128-\159]", escape))
  elseif kind == "number" or kind == "boolean" then
    return decimal.text(value)
  end
  return kind == "nil" and "nothing" or "a " .. kind
end

-- A scheme that is none may be a part of a password.
local SCHEMES = {}
for scheme in ("http https socks4 socks4a socks5 socks5h dns unix ftp ws wss tcp tls grpc grpcs")
  :gmatch "%S+" do
  SCHEMES[scheme] = true
end

--- What may be a URL, without what may be a secret in it: the user and the
-- password, the query, a scheme that nobody knows.
-- @tparam string url whatever was given for one
-- @treturn string
local function without_secrets(url)
  local scheme = url:match("^(%a[%w+.-]*)://")
  local rest = scheme and url:sub(#scheme + 4) or url
  if scheme then
    scheme = (SCHEMES[scheme:lower()] and scheme or "...") .. "://"
  end
  -- Up to the last "@": a wrong URL may have a "/" or a "@" in its password.
  rest = rest:gsub("^.*@", "...@"):gsub("([?#]).+$", "%1...")
  return (scheme or "") .. rest
end

--- A value that may be a URL, for messages; as `show` in everything else.
local function show_url(value)
  return show(type(value) == "string" and without_secrets(value) or value)
end

-- What a value is, without its text: it may be a secret.
local function kind_of(value)
  local kind = type(value)
  if kind == "number" or kind == "boolean" then
    return tostring(value)
  end
  return kind == "nil" and "nothing" or "a " .. kind
end

--- The string keys of a table in words, for what is not among them.
-- @tparam table map
-- @treturn string sorted, with commas; `"none"` when there is none
local function names_of(map)
  local names = {}
  for name in next, map do
    if type(name) == "string" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return #names > 0 and table.concat(names, ", ") or "none"
end

--- Raises that an option is not what it must be.
-- @tparam table spec
-- @tparam string name of the option
-- @tparam string expected what is right, beginning with a verb
-- @tparam[opt] string got what was given, already in words
-- @raise always
local function fail(spec, name, expected, got)
  local message = ('%s "%s%s" %s'):format(spec.label, spec.prefix, name, expected)
  if got then
    message = message .. ", got " .. got
  end
  return misuse.raise(message)
end

--- Checks that a method has its object: that it was called with a colon.
-- @param self the first argument of the method
-- @tparam table metatable of its objects
-- @tparam string noun what they are called, such as `"workflow"`
-- @raise when it has not
local function check_self(self, metatable, noun)
  if getmetatable(self) ~= metatable then
    misuse.raisef("this is a method of %s objects: write %s:method(...), with a colon; got %s",
      noun, noun, kind_of(self))
  end
end

--- Checks that a function of the package was called with a dot.
-- @param first its first argument
-- @tparam string name such as `"temporal.client"`
-- @raise when that is the package itself
local function check_dot(first, name)
  if first ~= nil and rawequal(first, package.loaded.temporal) then
    misuse.raisef("%s is a function, no method: write %s(...), with a dot", name, name)
  end
end

-- The number of single-character edits between two names (Levenshtein).
local function edit_distance(a, b)
  local row = {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = diagonal + cost
      if row[j] + 1 < best then best = row[j] + 1 end
      if row[j - 1] + 1 < best then best = row[j - 1] + 1 end
      diagonal, row[j] = row[j], best
    end
  end
  return row[#b]
end

local function folded(name)
  return (name:lower():gsub("[_%-]", ""))
end

--- The name in a list that a mistyped one most likely means.
-- @tparam string name as typed
-- @tparam {string,...} candidates sorted
-- @treturn string|nil
local function nearest(name, candidates)
  if #name > 64 then
    return nil
  end
  local wanted = folded(name)
  local best, best_distance
  for i = 1, #candidates do
    local candidate = folded(candidates[i])
    local distance = edit_distance(wanted, candidate)
    -- A name cut short is as good as one slip.
    if distance > 1 and #wanted >= 3 and candidate:sub(1, #wanted) == wanted then
      distance = 1
    end
    if not best_distance or distance < best_distance then
      best, best_distance = candidates[i], distance
    end
  end
  if best and best_distance <= floor((#wanted + 2) / 3) then
    return best
  end
  return nil
end

-- The handlers by label, for options that belong to another list.
local lists = {}

local function unknown(spec, name)
  if type(name) ~= "string" then
    -- "start options", "options of workflow:signal"
    local label = spec.label:gsub("option", "options", 1)
    local parent = spec.prefix ~= "" and (' "%s"'):format(spec.prefix:sub(1, -2)) or ""
    return misuse.raisef("%s%s are given by name, got the key %s", label, parent, show(name))
  end
  local shown = spec.prefix .. name
  local here = foreign.option(spec.label, spec.handlers, name, lists)
  if here then
    return misuse.raisef('unknown %s "%s": %s', spec.label, shown, here)
  end
  local suggestion = nearest(name, spec.names)
  if suggestion then
    return misuse.raisef('unknown %s "%s"; did you mean "%s%s"?',
      spec.label, shown, spec.prefix, suggestion)
  end
  return misuse.raisef('unknown %s "%s"; known are: %s',
    spec.label, shown, table.concat(spec.names, ", "))
end

--- Declares a table of options.
-- @tparam string label what one of them is called in messages, such as
--   `"start option"`
-- @tparam {[string]=function,...} handlers by option name
-- @tparam[opt] string parent the option this table is the value of
-- @treturn table the specification
local function define(label, handlers, parent)
  local names = {}
  for name in pairs(handlers) do
    names[#names + 1] = name
  end
  table.sort(names)
  if not parent and not lists[label] then
    lists[label] = handlers
  end
  return {
    label = label,
    prefix = parent and parent .. "." or "",
    handlers = handlers,
    names = names,
  }
end

--- Checks the names in a table of options, before anything else is said of it.
-- @tparam table spec
-- @tparam table given
-- @raise on an unknown option
local function check_names(spec, given)
  for name in next, given do
    if not spec.handlers[name] then
      return unknown(spec, name)
    end
  end
end

--- Checks a table of options and stores them in a target.
-- @tparam table spec
-- @tparam table given what the user passed; raw access, no metamethods
-- @tparam table target what the handlers store into
-- @param[opt] context passed to the handlers
-- @treturn table the target
-- @raise on an unknown option or a wrong value
local function apply(spec, given, target, context)
  local handlers = spec.handlers
  for name, value in next, given do
    local handler = handlers[name]
    if not handler then
      return unknown(spec, name)
    end
    handler(target, value, spec, name, context)
  end
  return target
end

-- Handlers. Each constructor takes the field of the target to store into.

local function ignore()
end

--- A string, not empty unless `limits.empty`.
local function string_option(field, limits)
  local max = limits and limits.max or huge
  local may_be_empty = limits and limits.empty
  return function(target, value, spec, name)
    if type(value) ~= "string" then
      return fail(spec, name, "must be a string", kind_of(value))
    end
    if value == "" and not may_be_empty then
      return fail(spec, name, "must not be empty")
    end
    if #value > max then
      return fail(spec, name, ("must have at most %d bytes"):format(max),
        ("%d"):format(#value))
    end
    target[field] = value
  end
end

local function boolean_option(field)
  return function(target, value, spec, name)
    if type(value) ~= "boolean" then
      return fail(spec, name, "must be true or false", show(value))
    end
    target[field] = value
  end
end

local function check_number(value, limits)
  if type(value) ~= "number" or value ~= value or value == huge or value == -huge then
    return false
  end
  return not (limits.integer and value ~= floor(value))
    and not (limits.min and value < limits.min)
    and not (limits.above and value <= limits.above)
    and not (limits.max and value > limits.max)
end

local function number_words(limits)
  local words = limits.integer and "must be a whole number" or "must be a number"
  if limits.above then
    words = words .. " above " .. decimal.text(limits.above)
  end
  if limits.min and limits.max then
    words = words .. (" from %s to %s"):format(decimal.text(limits.min), decimal.text(limits.max))
  elseif limits.min then
    words = words .. " of at least " .. decimal.text(limits.min)
  elseif limits.max then
    words = words .. " of at most " .. decimal.text(limits.max)
  end
  return words
end

--- A number within `limits` (`integer`, `min`, `above`, `max`).
local function number_option(field, limits)
  local words = number_words(limits)
  return function(target, value, spec, name)
    if not check_number(value, limits) then
      return fail(spec, name, words, show(value))
    end
    target[field] = value
  end
end

--- A duration, stored in seconds; `limits.min` and `limits.above` in seconds.
local function seconds_option(field, limits)
  local min, above = limits and limits.min, limits and limits.above
  return function(target, value, spec, name)
    local seconds, why = duration.seconds(value)
    if not seconds then
      return fail(spec, name, why, show(value))
    end
    if above and seconds <= above then
      return fail(spec, name, ("must be above %s"):format(duration.text(above)), show(value))
    end
    if min and seconds < min then
      return fail(spec, name, ("must be at least %s"):format(duration.text(min)), show(value))
    end
    target[field] = seconds
  end
end

--- A duration, stored exactly, as the table of a google.protobuf.Duration.
local function duration_option(field)
  return function(target, value, spec, name)
    local message, why = duration.message(value)
    if not message then
      return fail(spec, name, why, show(value))
    end
    target[field] = message
  end
end

--- One of the names that are keys of `values`; its value is stored.
local function choice_option(field, values)
  local names = {}
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  local quoted = {}
  for i, name in ipairs(names) do
    quoted[i] = '"' .. name .. '"'
  end
  local words = "must be one of " .. table.concat(quoted, ", ")
  return function(target, value, spec, name)
    local stored
    if type(value) == "string" then
      stored = values[value]
    end
    if stored == nil then
      local expected = words
      local suggestion = type(value) == "string" and nearest(value, names)
      if suggestion then
        expected = ('%s (did you mean "%s"?)'):format(words, suggestion)
      end
      return fail(spec, name, expected, show(value))
    end
    target[field] = stored
  end
end

local function function_option(field)
  return function(target, value, spec, name)
    if type(value) ~= "function" then
      return fail(spec, name, "must be a function", kind_of(value))
    end
    target[field] = value
  end
end

--- A list (1..n) whose elements pass `check(element)`; `words` says what an
-- element must be.
local function list_option(field, check, words)
  return function(target, value, spec, name)
    if type(value) ~= "table" then
      return fail(spec, name, "must be a list", kind_of(value))
    end
    local count = 0
    for _ in next, value do
      count = count + 1
    end
    for i = 1, count do
      local element = value[i]
      if element == nil then
        return fail(spec, name, "must be a list with the keys 1 to n")
      end
      if not check(element) then
        return fail(spec, ("%s[%d]"):format(name, i), words, kind_of(element))
      end
    end
    target[field] = value
  end
end

--- A table of options with a specification of its own; `finish(result, spec)`
-- may look at all of them together.
local function group_option(field, nested, finish)
  return function(target, value, spec, name, context)
    if type(value) ~= "table" then
      return fail(spec, name, "must be a table", kind_of(value))
    end
    local result = apply(nested, value, {}, context)
    if finish then
      result = finish(result, nested) or result
    end
    target[field] = result
  end
end

--- The timeout of a method that waits: nil for none, a duration, or a table
-- `{timeout=}`.
-- @tparam nil|number|string|table value
-- @tparam string method for messages, such as `"future:get"`
-- @treturn number|nil seconds
-- @raise when it is none of these
local function timeout(value, method)
  if value == nil then
    return nil
  end
  if type(value) == "table" then
    for name in next, value do
      if name ~= "timeout" then
        return misuse.raisef('unknown option %s of %s; known are: timeout', show(name), method)
      end
    end
    value = value.timeout
    if value == nil then
      return nil
    end
  end
  local seconds, why = duration.seconds(value)
  if not seconds then
    return misuse.raisef("the timeout of %s %s, got %s", method, why, show(value))
  end
  return seconds
end

--- The options of a method that waits: a timeout, or a table of options.
-- @tparam table spec with an option `timeout`
-- @tparam nil|number|string|table given
-- @tparam string method for messages, such as `"future:get"`
-- @treturn table options
-- @raise when it is neither, or has an unknown option
local function get(spec, given, method)
  if type(given) == "table" then
    return apply(spec, given, {})
  end
  return { timeout = timeout(given, method) }
end

return {
  define = define,
  apply = apply,
  fail = fail,
  nearest = nearest,
  names_of = names_of,
  show = show,
  show_url = show_url,
  without_secrets = without_secrets,
  kind_of = kind_of,
  check_dot = check_dot,
  check_names = check_names,
  check_self = check_self,
  timeout = timeout,
  get = get,
  ignore = ignore,
  string = string_option,
  boolean = boolean_option,
  number = number_option,
  seconds = seconds_option,
  duration = duration_option,
  choice = choice_option,
  func = function_option,
  list = list_option,
  group = group_option,
}
