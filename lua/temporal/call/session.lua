--- The session: what a request needs of whoever makes it. A client builds one,
-- and it is all of a client that the rooms below know, by `session.of(client)`.
-- A worker will build one from its client, and need nothing else of it.
--
-- Fields: `client` (for interceptors, and the owner of futures), `namespace`,
-- `connection`, `channel` (once opened), `metadata` (what the connection does
-- not send by itself: a list, a function or nil), `unchanging` (nothing has to
-- be asked before a call), `timeout` (seconds, where it is not the
-- connection's), `query_timeout` (of queries), `max_decoded`, `logger`,
-- `interceptors` and their `hooks` (nil without any), `builtin` (values need
-- neither codecs nor converters of the user), `blob_limit` (what the namespace
-- takes, once it has been asked), `payload_warning` (bytes, or false), `large`
-- (bytes, from which on a request is looked at), `diagnose_after` (seconds, where
-- long waits are looked into), `closed`.
-- @module temporal.session

local core = require "temporal.core"
local credentials = require "temporal.connection.credentials"
local interceptor = require "temporal.base.lazy" "temporal.observe.interceptor"
local state = require "temporal.base.state"

local type = type

-- Of a request, in bytes: what the server itself warns of (limit.blobSize.warn).
local LARGE = 512 * 1024

local methods = {}
local metatable = { __name = "temporal.session", __index = methods }

local session = {}

--- The session of whoever makes requests.
-- @param maker a client
-- @treturn temporal.session
function session.of(maker)
  return maker._session
end

--- Runs an operation through the interceptors of whoever makes it.
-- @tparam string name of the operation, such as `"signal"`
-- @tparam table input what it is about to do, with its `client`; interceptors
--   may change it
-- @tparam function perform `perform(input)` does it
-- @return what `perform` returned, or an interceptor in its place
-- @raise what an interceptor raises
function session.run(name, input, perform)
  local chains = session.of(input.client).interceptors
  if not chains then
    return perform(input)
  end
  return interceptor.run(chains, name, input, perform)
end

--- Makes a session; its maker keeps it where `of` finds it.
-- @param client
-- @tparam table fields `namespace connection converter`, and where there are
--   any `identity metadata timeout logger interceptors builtin`; becomes the
--   session
-- @treturn temporal.session
function session.new(client, fields)
  fields.client = client
  fields.hooks = fields.interceptors and fields.interceptors.hooks
  fields.large = math.min(fields.payload_warning or LARGE, LARGE)
  setmetatable(fields, metatable)
  fields:key_changed()
  return fields
end

--- The connection has another API key.
function methods:key_changed()
  local source = type(self.connection.credentials.source)
  self.unchanging = self.metadata == nil and source ~= "table" and source ~= "function"
end

-- nginx runs init_by_lua in the process that its workers are forked from.
local function before_fork()
  local ngx = package.loaded.ngx
  return type(ngx) == "table" and ngx.get_phase ~= nil and ngx.get_phase() == "init"
end

--- Opens the channel: called by the first call, so that a client that has made
-- none works after a fork; and by every call while `may_fork` is set.
function methods:open()
  local early = before_fork()
  if early or self.may_fork then
    core.before_fork(early)
    self.may_fork = early
  end
  self.channel = self.channel or self.connection:open()
end

--- Who we are to the server. Computed by the first submission, so that clients
-- made before a fork tell the processes apart.
-- @treturn string
function methods:identify()
  local identity = self.identity
  if not identity then
    identity = ("%d@%s"):format(core.pid(), core.hostname())
    self.identity, self.client.identity = identity, identity
  end
  return identity
end

--- The converter for values of one purpose: the client's own, with its codecs
-- bound to a context.
-- @tparam string kind `"arguments" "result" "memo" "details" "failure"
--   "header" "summary"`
-- @tparam string|nil workflow_id
-- @tparam string|nil activity_id
-- @return an object with `payload payloads value values`
function methods:values(kind, workflow_id, activity_id)
  return self.converter:bind(kind, self.namespace, workflow_id, activity_id)
end

--- Before a call is submitted: brings the key up to date, and makes the
-- metadata of the call. Needed where the call has metadata of its own, or the
-- session is not `unchanging`.
-- @tparam table|nil metadata of the call itself
-- @treturn table|nil a list for the engine
-- @treturn temporal.error|nil why there is no key, or no metadata
function methods:prepare(metadata)
  local problem = self.connection.credentials:refresh()
  if problem then
    return nil, problem
  end
  return credentials.metadata(self.metadata, metadata)
end

--- The server refused the key of a call: is there another one to try with?
-- @param future of the call
-- @treturn boolean
function methods:renew(future)
  local memory = state.renewals[future]
  if not memory then
    memory = {}
    state.renewals[future] = memory
  end
  return self.connection.credentials:renew(memory)
end

--- The answer of a call has been taken, or its failure: the hooks hear of it.
-- @param future of the call
-- @tparam temporal.error|nil err why there is no answer
function methods:taken(future, err)
  if state.hooked[future] then
    interceptor.after(self, future, err)
  end
end

return session
