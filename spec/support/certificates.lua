--- Real certificates, made with openssl(1) in a folder of their own.
--
--     local made = certificates.new()
--     made:authority "ca"                                  -- ca.pem, ca.key
--     made:issue("server", { names = "DNS:localhost" })    -- server.pem, server.key, signed by ca
--     made:path "server.pem"; made:text "ca.pem"

local env = require "spec.support.environment"

local certificates = {}
local methods = {}
local metatable = { __name = "spec.certificates", __index = methods }

local KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

local function run(self, command)
  local log = self.directory .. "/openssl.log"
  local ok = os.execute(("cd '%s' && { %s; } >openssl.log 2>&1"):format(self.directory, command))
  if ok ~= true and ok ~= 0 then
    local file = io.open(log)
    error("openssl failed: " .. file:read("*a"), 3)
  end
end

--- A folder for certificates, below the test run's.
function certificates.new()
  local self = setmetatable({
    directory = ("%s/certificates-%s"):format(env.tmp, env.uuid()),
  }, metatable)
  assert(os.execute("mkdir " .. self.directory))
  return self
end

--- Makes an authority: NAME.pem and NAME.key.
function methods:authority(name)
  run(self, ("openssl req -x509 %s -keyout %s.key -out %s.pem -days 2 -subj /CN=%s")
    :format(KEY, name, name, name))
end

--- Makes a certificate: NAME.pem and NAME.key.
-- @tparam string name
-- @tparam[opt] table given `by` (authority, "ca"), `names` (as openssl's subjectAltName has them,
--   "DNS:localhost,IP:127.0.0.1"), `days` (2; negative: it has expired)
function methods:issue(name, given)
  given = given or {}
  local by = given.by or "ca"
  run(self, ([[
    openssl req %s -keyout %s.key -out %s.csr -subj /CN=%s &&
    echo subjectAltName=%s >%s.ext &&
    openssl x509 -req -in %s.csr -CA %s.pem -CAkey %s.key -CAcreateserial -out %s.pem \
      -days %d -extfile %s.ext]])
    :format(KEY, name, name, name, given.names or "DNS:localhost,IP:127.0.0.1", name,
      name, by, by, name, given.days or 2, name))
end

--- Puts a file in another's place at once, as a rotation does.
function methods:replace(old, new)
  run(self, ("cp %s new.tmp && mv new.tmp %s"):format(new, old))
end

function methods:remove(name)
  assert(os.remove(self:path(name)))
end

--- Writes a file; its path.
function methods:write(name, text)
  local file = assert(io.open(self:path(name), "wb"))
  file:write(text)
  file:close()
  return self:path(name)
end

function methods:path(name)
  return self.directory .. "/" .. name
end

function methods:text(name)
  local file = assert(io.open(self:path(name), "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

return certificates
