local config = require "temporal.config.config"
local core = require "temporal.core"
local environment = require "spec.support.environment"
local temporal = require "temporal"
local types = require "temporal.value.types"

local CLI = ".deps/venv/bin/temporal"

local files = 0

-- A file of the spec's own.
local function write(text)
  files = files + 1
  local path = ("%s/config-%d.toml"):format(environment.tmp, files)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function load(text, env, more)
  local given = { file = text and write(text) or false, env = env or {} }
  for name, value in pairs(more or {}) do given[name] = value end
  return config.load(given)
end

local function run(command)
  local pipe = io.popen(command .. " 2>&1")
  local output = pipe:read("*a")
  pipe:close()
  return output
end

-- Every document is read with every environment, strictly and not.
local DOCUMENTS = {
  "",
  " \r\n\t\n",
  "# nothing",
  "[profile]",
  "[profile.default]",
  "[profile.default]\naddress = 'a:1'\nnamespace = 'n'\napi_key = 'k'",
  "[profile.default]\naddress = ''\nnamespace = ''\napi_key = ''",
  "[profile.other]\naddress = 'b:1'\n[profile.default]\naddress = 'a:1'",
  "[profile.other]\naddress = 'b:1'",
  "[profile.'my profile']\naddress = 'b:1'",
  "[profile.Other]\naddress = 'b:1'",
  "[profile.default]\nunknown = 1\n[other]\na = 1",
  "[profile.default.tls]\nunknown = 1",
  "[profile.default.codec]\nunknown = 1",
  "[profile.default.tls]",
  "[profile.default]\ntls = {}\napi_key = 'k'",
  "[profile.default.tls]\ndisabled = true",
  "[profile.default.tls]\ndisabled = false",
  "[profile.default]\napi_key = 'k'\ntls = { disabled = true, server_name = 's' }",
  "[profile.default.tls]\nclient_cert_path = '/c'\nclient_key_path = '/k'\nserver_name = 's'",
  "[profile.default.tls]\nclient_cert_data = '-----BEGIN C'\nclient_key_data = '-----BEGIN K'\n"
    .. "server_ca_cert_data = '-----BEGIN A'",
  "[profile.default.tls]\nclient_cert_path = '/c'\nclient_key_data = '''\n-----BEGIN K\n\nL\n'''",
  "[profile.default.tls]\nclient_cert_path = '/c'",
  "[profile.default.tls]\nclient_key_data = '-----BEGIN K'",
  "[profile.default.tls]\nclient_cert_path = ''\nclient_cert_data = ''",
  "[profile.default.tls]\nclient_key_path = '/k'\nclient_key_data = '-----BEGIN K'",
  "[profile.default.tls]\nserver_ca_cert_path = '/a'\nserver_ca_cert_data = '-----BEGIN A'",
  "[profile.other.tls]\nserver_ca_cert_path = '/a'\nserver_ca_cert_data = '-----BEGIN A'",
  "[profile.default.tls]\nserver_ca_cert_path = '/a'\ndisable_host_verification = true",
  "[profile.default.tls]\nserver_ca_cert_data = ''\nserver_name = ''",
  "[profile.default.tls]\nserver_ca_cert_path = ''",
  "[profile.default.codec]\nendpoint = 'http://c'\nauth = 'x'",
  "[profile.default.codec]\nauth = ''",
  "[profile.default.grpc_meta]\nSome_Key = 'v'\nempty = ''\nx-y = 'z'\n\"q.r\" = 's'",
  "[profile.default]\ngrpc_meta = {}",
  "profile.default.address = 'a:1'",
  "profile = { default = { address = 'a:1', tls = { server_name = 's' } } }",
  -- of TOML 1.1
  "profile = { default = {\n  address = 'a:1', # c\n  namespace = \"\\x41\",\n} }",
  -- wrong ones
  "profile = 1", "profile = []", "[[profile]]", "[profile]\ndefault = 1", "[[profile.default]]",
  "[profile]\nother = 'x'", "[profile.default]\naddress = 1", "[profile.default]\nnamespace = true",
  "[profile.default]\napi_key = 1979-05-27", "[profile.default]\naddress = ['a']",
  "[profile.default]\ntls = true", "[profile.default]\ncodec = ''",
  "[profile.default]\ngrpc_meta = 'x'", "[profile.default.grpc_meta]\na = 1",
  "[profile.default.grpc_meta]\na.b = 'x'", "[profile.default.tls]\ndisabled = 'true'",
  "[profile.default.tls]\ndisabled = 1", "[profile.default.tls]\nserver_name = false",
  "[profile.other.tls]\ndisable_host_verification = 0",
  "[profile.default]\naddress = 'a:1'\naddress = 'b:1'", "[profile.default", "address", "\255",
  "[profile.default]\n[profile.default]", "[profile.default]\naddress = \"\\q\"",
}

local ENVIRONMENTS = {
  {},
  { TEMPORAL_ADDRESS = "e:1", TEMPORAL_NAMESPACE = "en", TEMPORAL_API_KEY = "ek" },
  { TEMPORAL_ADDRESS = "", TEMPORAL_NAMESPACE = "", TEMPORAL_API_KEY = "" },
  { TEMPORAL_PROFILE = "other" }, { TEMPORAL_PROFILE = "" }, { TEMPORAL_PROFILE = "default" },
  { TEMPORAL_PROFILE = "my profile" }, { TEMPORAL_PROFILE = "OTHER" },
  { TEMPORAL_TLS = "1" }, { TEMPORAL_TLS = "TRUE" }, { TEMPORAL_TLS = "0" },
  { TEMPORAL_TLS = "False", TEMPORAL_API_KEY = "ek" }, { TEMPORAL_TLS = "yes" },
  { TEMPORAL_TLS = "" }, { TEMPORAL_TLS = " true" },
  { TEMPORAL_TLS_CLIENT_CERT_PATH = "/ec", TEMPORAL_TLS_CLIENT_KEY_PATH = "/ek" },
  { TEMPORAL_TLS_CLIENT_CERT_DATA = "-----BEGIN C", TEMPORAL_TLS_CLIENT_KEY_DATA = "-----BEGIN K" },
  { TEMPORAL_TLS_CLIENT_CERT_PATH = "/ec" }, { TEMPORAL_TLS_CLIENT_KEY_DATA = "-----BEGIN K" },
  { TEMPORAL_TLS_CLIENT_CERT_PATH = "", TEMPORAL_TLS_CLIENT_KEY_PATH = "" },
  { TEMPORAL_TLS_CLIENT_CERT_DATA = "", TEMPORAL_TLS_CLIENT_KEY_DATA = "" },
  { TEMPORAL_TLS_CLIENT_KEY_PATH = "", TEMPORAL_TLS_CLIENT_KEY_DATA = "" },
  { TEMPORAL_TLS_SERVER_CA_CERT_PATH = "/ea" },
  { TEMPORAL_TLS_SERVER_CA_CERT_DATA = "-----BEGIN A" },
  { TEMPORAL_TLS_SERVER_CA_CERT_PATH = "" }, { TEMPORAL_TLS_SERVER_CA_CERT_DATA = "" },
  { TEMPORAL_TLS_SERVER_CA_CERT_PATH = "/ea", TEMPORAL_TLS_SERVER_CA_CERT_DATA = "-----BEGIN A" },
  { TEMPORAL_TLS_SERVER_NAME = "es" }, { TEMPORAL_TLS_SERVER_NAME = "" },
  { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION = "1" },
  { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION = "false" },
  { TEMPORAL_TLS_DISABLE_HOST_VERIFICATION = "x" },
  { TEMPORAL_CODEC_ENDPOINT = "http://e", TEMPORAL_CODEC_AUTH = "ea" },
  { TEMPORAL_CODEC_ENDPOINT = "" }, { TEMPORAL_CODEC_AUTH = "" },
  { TEMPORAL_GRPC_META_SOME_KEY = "ev", TEMPORAL_GRPC_META_New_1 = "w" },
  { TEMPORAL_GRPC_META_SOME_KEY = "", TEMPORAL_GRPC_META_EMPTY = "", TEMPORAL_GRPC_META_X_Y = "" },
  { TEMPORAL_CLIENT_AUTHORITY = "x", TEMPORAL_TLS_CERT = "y", TEMPORAL = "z" },
}

-- What Lua read, in the form of config_peer.py's answers. The codec is seen
-- by what makes it, as it is a pair of functions in the options.
local function answer(given)
  local codec
  local codec_module = package.loaded["temporal.codec.codec"]
  package.loaded["temporal.codec.codec"] = { remote = function(it) codec = it return it end }
  package.loaded["temporal.config.config"] = nil
  local found, err = require "temporal.config.config".load(given)
  package.loaded["temporal.config.config"] = config
  package.loaded["temporal.codec.codec"] = codec_module
  if not found then
    assert.equal("config", err.kind)
    return { error = tostring(err) }
  end
  -- Python passes the authority over.
  found.codecs, found.codec, found.authority = nil, codec, nil
  return found
end

local function ask_peer(cases)
  local path = write(core.json_encode(types.array(cases)))
  local output = run(environment.python .. " spec/support/config_peer.py " .. path)
  local answers = core.json_decode(output)
  assert(type(answers) == "table", output)
  assert.equal(#cases, #answers)
  return answers
end

local function show(case)
  return core.json_encode(case)
end

describe("temporal.config.load", function()
  it("answers as the Python SDK does, for every file with every environment", function()
    local cases, texts = {}, {}
    for _, text in ipairs(DOCUMENTS) do
      local path = write(text)
      for _, env in ipairs(ENVIRONMENTS) do
        for _, strict in ipairs { false, true } do
          cases[#cases + 1] = { file = path, env = env, strict = strict }
          texts[#cases] = text
        end
      end
    end
    local good = 0
    for i, expected in ipairs(ask_peer(cases)) do
      local case = cases[i]
      local got = answer { file = case.file, env = case.env, strict = case.strict, codec = true }
      local told = ("%q with %s: Lua %s, Python %s"):format(texts[i], show(case), show(got),
        show(expected))
      assert(not got.error == not expected.error, told)
      if not got.error then
        -- A codec without an endpoint is none in Lua.
        if expected.codec and (expected.codec.endpoint or "") == "" then expected.codec = nil end
        if expected.codec and expected.codec.auth == "" then expected.codec.auth = nil end
        assert(pcall(assert.same, expected, got), told)
        good = good + 1
      end
    end
    assert(good > 500, good)
  end)

  it("answers as the Python SDK does about profiles and missing files", function()
    local there = write("[profile.other]\naddress = 'b:1'\n[profile.default]\nnamespace = 'n'")
    local cases = {}
    for _, file in ipairs { there, environment.tmp .. "/not-there.toml", there .. "/below.toml",
      environment.tmp } do
      for _, profile in ipairs { "", "default", "other", "Other", "absent" } do
        for _, in_env in ipairs { false, true } do
          for _, variables in ipairs { false, true } do
            local env = { TEMPORAL_ADDRESS = "e:1" }
            if in_env then env.TEMPORAL_PROFILE = "other" end
            if variables then env.TEMPORAL_CONFIG_FILE = file end
            for _, no_env in ipairs { false, true } do
              cases[#cases + 1] = { file = not variables and file or nil, env = env,
                profile = profile ~= "" and profile or nil, no_env = no_env }
            end
          end
        end
      end
    end
    cases[#cases + 1] = { no_file = true, env = { TEMPORAL_PROFILE = "absent" } }
    for i, expected in ipairs(ask_peer(cases)) do
      local case = cases[i]
      -- Without variables only the file is still found by them; a table takes their place.
      if not (case.no_env and not case.file) then
        local file = case.file
        if case.no_file then file = false end
        local got = answer { file = file, env = not case.no_env and case.env,
          profile = case.profile }
        local told = ("%s: Lua %s, Python %s"):format(show(case), show(got), show(expected))
        assert(not got.error == not expected.error, told)
        if not got.error then assert(pcall(assert.same, expected, got), told) end
      end
    end
  end)

  it("reads what the CLI's `temporal config set` writes", function()
    local path = ("%s/written-by-the-cli.toml"):format(environment.tmp)
    local pem = "-----BEGIN CERTIFICATE-----\nAAAA/+==\n-----END CERTIFICATE-----\n"
    local function set(name, value, profile)
      local output = run(("%s config set --config-file '%s' --profile '%s' --prop '%s' "
        .. "--value '%s'"):format(CLI, path, profile or "default", name, value))
      assert.equal("", output)
    end
    set("address", "localhost:7234")
    set("namespace", "caf\195\169 \"x\" \\y")
    set("api_key", "a\"b\\c")
    set("tls", "true")
    set("tls.disabled", "false")
    set("tls.client_cert_data", pem)
    set("tls.client_key_path", "/keys/a b.pem")
    set("tls.server_name", "name")
    set("tls.disable_host_verification", "true")
    set("codec.endpoint", "http://localhost:1")
    set("codec.auth", "Bearer x")
    set("grpc_meta.Some_Key", "a=b # c")
    set("grpc_meta.empty", "")
    set("tls.disabled", "true", "my profile")
    set("address", "[::1]:1", "my profile")
    local found = assert(config.load { file = path, env = {}, strict = true })
    assert.same({
      target = "localhost:7234", namespace = "caf\195\169 \"x\" \\y", api_key = "a\"b\\c",
      tls = { cert_pem = pem, key_file = "/keys/a b.pem", server_name = "name", verify = false },
      metadata = { ["some-key"] = "a=b # c", empty = "" },
    }, found)
    assert.same({ target = "[::1]:1", tls = false },
      assert(config.load { file = path, env = {}, profile = "my profile", strict = true }))
  end)

  it("reads the authority, as Go and the CLI do", function()
    local path = write("[profile.default]\nauthority = 'temporal.internal:7233'\n")
    local function authority(env)
      return assert(config.load { file = path, env = env, strict = true }).authority
    end
    assert.equal("temporal.internal:7233", authority {})
    assert.equal("other", authority { TEMPORAL_CLIENT_AUTHORITY = "other" })
    assert.is_nil(authority { TEMPORAL_CLIENT_AUTHORITY = "" })
    local found, err = config.load { file = path, env = { TEMPORAL_CLIENT_AUTHORITY = "s3 cret" } }
    assert.is_nil(found)
    assert.same({ "config", "TEMPORAL_CLIENT_AUTHORITY", "TEMPORAL_CLIENT_AUTHORITY must be a name "
      .. "with or without a port" }, { err.kind, err.variable, err.message })
  end)

  it("gives options that a client takes", function()
    local path = write(("[profile.spec]\naddress = '%s'\nnamespace = '%s'\n"):format(
      environment.address, environment.namespace))
    local found = assert(config.load { file = path, env = { TEMPORAL_PROFILE = "spec",
      TEMPORAL_GRPC_META_SPEC = "config" } })
    found.rpc_timeout = 5
    local client = temporal.client(found)
    assert.equal(environment.address, client.target)
    assert(client:connect())
    client:close()
    for _, env in ipairs(ENVIRONMENTS) do
      local options = config.load { file = false, env = env, codec = true }
      if options then
        options.logger = function() end
        temporal.client(options):close()
      end
    end
  end)

  it("goes by the environment of the process", function()
    local path = write("[profile.p]\nnamespace = 'from the file'\ngrpc_meta = { a = '1', b = '2' }")
    local process = environment.spawn {
      environment.lua, "-e", [[
        local config = require "temporal.config.config"
        local found = assert(config.load())
        local metadata = found.metadata
        print(found.target, found.namespace, metadata.a, metadata.b, metadata["c-d"])
        print((config.load { env = false }).namespace)
      ]],
      env = { TEMPORAL_CONFIG_FILE = path, TEMPORAL_PROFILE = "p", TEMPORAL_ADDRESS = "env:1",
        TEMPORAL_GRPC_META_A = "", TEMPORAL_GRPC_META_C_D = "x=y" },
    }
    assert.equal("", process:errors())
    assert.equal("env:1\tfrom the file\tnil\t2\tx=y", process:readline())
  end)

  it("finds the file in the user's configuration folder", function()
    local base = environment.tmp .. "/folders"
    run(("mkdir -p '%s/.config/temporalio' '%s/xdg/temporalio'"):format(base, base))
    for path, address in pairs { ["/.config"] = "home:1", ["/xdg"] = "xdg:1" } do
      local file = assert(io.open(base .. path .. "/temporalio/temporal.toml", "w"))
      file:write("[profile.default]\naddress = '" .. address .. "'\n")
      file:close()
    end
    local function target(env) return assert(config.load { env = env }).target end
    assert.equal("home:1", target { HOME = base })
    assert.equal("xdg:1", target { HOME = base, XDG_CONFIG_HOME = base .. "/xdg" })
    assert.equal("home:1", target { HOME = base, XDG_CONFIG_HOME = "" })
    assert.equal("home:1", target { HOME = base, XDG_CONFIG_HOME = "xdg" })
    assert.equal("home:1", target { HOME = base, TEMPORAL_CONFIG_FILE = "" })
    assert.equal("xdg:1", target { HOME = base, TEMPORAL_CONFIG_FILE =
      base .. "/xdg/temporalio/temporal.toml" })
    assert.is_nil(target { HOME = base .. "/nowhere" })
    assert.is_nil(target { HOME = "" })
    assert.is_nil(target {})
    local found, err = config.load { env = { TEMPORAL_PROFILE = "p" } }
    assert.is_nil(found)
    assert.equal('config: there is no configuration file for the profile "p"', tostring(err))
  end)

  it("leaves the codec server to who asks for it", function()
    local text = "[profile.default.codec]\nendpoint = 'http://localhost:1/{namespace}'\nauth = 'x'"
    assert.same({}, load(text))
    local found = assert(load(text, {}, { codec = true }))
    assert.equal(1, #found.codecs)
    assert.equal("function", type(found.codecs[1].encode))
    assert.equal("function", type(found.codecs[1].decode))
    assert.same({}, assert(load("[profile.default.codec]", {}, { codec = true })))
    assert.same({}, assert(load(nil, {}, { codec = true })))
  end)

  -- { document or false, environment, options, message, line, key or variable }
  local PROBLEMS = {
    { "[profile.default]\naddress = 'x", {}, {},
      "FILE: line 2, column 11: the string has no end", 2 },
    { "a = 1\na = 2", {}, {}, "FILE: line 2, column 1: a is already defined, in line 1", 2 },
    { "\n[profile.default]\naddress = 1", {}, {},
      "FILE: line 3: profile.default.address must be a string, got an integer", 3,
      "profile.default.address" },
    { "[profile.'a b']\ntls.disabled = 'true'", {}, {},
      'FILE: line 2: profile."a b".tls.disabled must be true or false, got a string', 2 },
    { "[profile.x]\ntls = true", {}, {},
      "FILE: line 2: profile.x.tls must be a table, got a boolean" },
    { "[profile.x]\napi_key = 2001-01-01", {}, {},
      "FILE: line 2: profile.x.api_key must be a string, got a local date" },
    { "[profile.x.grpc_meta]\na = 1.5", {}, {},
      "FILE: line 2: profile.x.grpc_meta.a must be a string, got a float" },
    { "[profile.x]\ntls = []", {}, {},
      "FILE: line 2: profile.x.tls must be a table, got an array" },
    { "[[profile]]", {}, {}, "FILE: line 1: profile must be a table, got an array" },
    { "[profile.x]\nadress = ''", {}, { strict = true },
      'FILE: line 2: profile.x.adress is no key that is known here; did you mean "address"?', 2,
      "profile.x.adress" },
    { "[profile.x.codec]\nq = ''", {}, { strict = true },
      "FILE: line 2: profile.x.codec.q is no key that is known here; known are: auth, endpoint" },
    { "[x]", {}, { strict = true },
      "FILE: line 1: x is no key that is known here; known are: profile" },
    { "[profile.x.tls]\nclient_key_path = ''\nclient_key_data = ''", {}, {},
      "FILE: line 3: profile.x.tls.client_key_data and client_key_path are both given; "
      .. "only one may be", 3 },
    { "[profile.x]\n[profile.a]", {}, { profile = "y" },
      'FILE has no profile "y"; it has: "a", "x"' },
    { "", { TEMPORAL_PROFILE = "y" }, {}, 'FILE has no profile "y"; it has: none' },
    { false, { TEMPORAL_TLS_CLIENT_CERT_PATH = "", TEMPORAL_TLS_CLIENT_CERT_DATA = "" }, {},
      "TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_CERT_DATA are both set; "
      .. "only one may be", nil, "TEMPORAL_TLS_CLIENT_CERT_DATA" },
    { "[profile.default.tls]\nserver_ca_cert_data = 'x'",
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH = "y" }, {},
      "TEMPORAL_TLS_SERVER_CA_CERT_PATH is set, but FILE: line 2: "
      .. "profile.default.tls.server_ca_cert_data is given: only one may be" },
    { "[profile.default.tls]\nclient_key_path = 'x'", { TEMPORAL_TLS_CLIENT_KEY_DATA = "y" }, {},
      "TEMPORAL_TLS_CLIENT_KEY_DATA is set, but FILE: line 2: "
      .. "profile.default.tls.client_key_path is given: only one may be" },
    { "[profile.default.tls]\nclient_cert_path = 'x'", {}, {},
      "FILE: line 2: profile.default.tls.client_cert_path is given, but no client key: "
      .. "they go together", 2 },
    { false, { TEMPORAL_TLS_CLIENT_KEY_DATA = "x" }, {},
      "TEMPORAL_TLS_CLIENT_KEY_DATA is given, but no client certificate: they go together" },
    { false, { TEMPORAL_ADDRESS = "https://s3cr3t@x:1" }, {},
      'TEMPORAL_ADDRESS is wrong: it has a scheme; it must be "host", "host:port", "[v6]:port", '
      .. '"dns:///host:port" or "unix:/path"', nil, "TEMPORAL_ADDRESS" },
    { "[profile.default]\naddress = 'a:99999'", {}, {},
      "FILE: line 2: profile.default.address is wrong: it has no valid port (1 to 65535) after "
      .. 'the host; it must be "host", "host:port", "[v6]:port", "dns:///host:port" or '
      .. '"unix:/path"', 2 },
    { false, { TEMPORAL_API_KEY = "s3cr3t\n" }, {},
      "TEMPORAL_API_KEY is wrong: the key may have printable ASCII without blanks only" },
    { false, { TEMPORAL_TLS_CLIENT_CERT_PATH = "/c", TEMPORAL_TLS_CLIENT_KEY_DATA = "s3cr3t" }, {},
      'TEMPORAL_TLS_CLIENT_KEY_DATA is wrong: client option "tls.key_pem" must be PEM text '
      .. '("-----BEGIN ..."); a path goes to tls.key_file' },
    { "[profile.default.tls]\nserver_ca_cert_path = '-----BEGIN s3cr3t'", {}, {},
      'FILE: line 2: profile.default.tls.server_ca_cert_path is wrong: client option "tls.ca_file" '
      .. "must be a path; PEM text goes to tls.ca_pem", 2 },
    { "[profile.default.tls]\nserver_name = 'a:1'", {}, {},
      'FILE: line 2: profile.default.tls.server_name is wrong: client option "tls.server_name" '
      .. 'must be a host name without a port, got "a:1"' },
    { false, { TEMPORAL_GRPC_META_X = "s3cr3t\1" }, {},
      'TEMPORAL_GRPC_META_X is wrong: the header: the value of "x" may have printable ASCII only; '
      .. 'bytes go under a key that ends in "-bin"' },
    { "[profile.default.grpc_meta]\ngrpc-x = 's3cr3t'", {}, {},
      'FILE: line 2: profile.default.grpc_meta.grpc-x is wrong: the header: the key "grpc-x" is '
      .. "reserved for the protocol", 2 },
    { false, { TEMPORAL_CODEC_AUTH = "s3cr3t" }, { codec = true },
      "TEMPORAL_CODEC_AUTH is given, but no endpoint of a codec server" },
    { false, { TEMPORAL_CODEC_AUTH = "s3cr3t\n", TEMPORAL_CODEC_ENDPOINT = "http://x" },
      { codec = true },
      "TEMPORAL_CODEC_AUTH has control characters (does it end in a newline?)" },
    { false, { TEMPORAL_CODEC_ENDPOINT = "s3cr3t:1" }, { codec = true },
      "TEMPORAL_CODEC_ENDPOINT must begin with http:// or https:// and a host" },
  }

  it("says which file, line, key or variable is wrong, and no value", function()
    for _, case in ipairs(PROBLEMS) do
      local given = { env = case[2], file = case[1] and write(case[1]) or false }
      for name, value in pairs(case[3]) do given[name] = value end
      local found, err = config.load(given)
      assert.is_nil(found, case[4])
      assert(temporal.is_error(err))
      assert.equal("config", err.kind)
      local message = err.message
      if given.file then
        local first, last = message:find(given.file, 1, true)
        while first do
          message = message:sub(1, first - 1) .. "FILE" .. message:sub(last + 1)
          first, last = message:find(given.file, 1, true)
        end
      end
      assert.equal(case[4], message)
      if case[5] then assert.equal(case[5], err.line) end
      if case[6] then assert.equal(case[6], err.key or err.variable) end
      if err.line then assert.equal(given.file, err.file) end
      assert.is_nil(tostring(err):find("s3cr3t", 1, true))
    end
  end)

  it("is an error when the file is there and cannot be read", function()
    local found, err = config.load { file = environment.tmp, env = {} }
    assert.is_nil(found)
    assert.equal("config", err.kind)
    assert(err.message:find("cannot read the configuration file " .. environment.tmp, 1, true),
      err.message)
    assert.equal(environment.tmp, err.file)
  end)

  it("takes no pipe, no device and no large file, whoever has named it", function()
    local pipe = environment.tmp .. "/config.pipe"
    assert(os.execute("mkfifo " .. pipe))
    for path, why in pairs { [write(("# 4567890123456789\n"):rep(60000))] = "more than 1 MiB",
                             ["/dev/zero"] = "no regular file", [pipe] = "no regular file" } do
      for _, given in ipairs { { file = path, env = {} },
                               { env = { TEMPORAL_CONFIG_FILE = path } } } do
        local found, err = config.load(given)
        assert.is_nil(found)
        assert.equal("config", err.kind)
        assert.matches("cannot read the configuration file .*: .*" .. why, err.message)
      end
    end
    os.remove(pipe)
  end)

  it("raises at the caller's line when it is misused", function()
    local function raises(pattern, given)
      local ok, message = pcall(config.load, given)
      assert.is_false(ok)
      assert(message:find(pattern, 1, true), message)
      assert(message:find("config_spec.lua:", 1, true), message)
    end
    raises('unknown option of temporal.config.load "profil"; did you mean "profile"?',
      { profil = "" })
    raises("temporal.config.load takes a table of options, got a string", "default")
    raises('"profile" must be a string, got 1', { profile = 1 })
    raises('"profile" must not be empty', { profile = "" })
    raises('"file" must be a string, got true', { file = true })
    raises('"strict" must be true or false', { strict = "yes" })
    raises('"codec" must be true or false', { codec = 1 })
    raises('"env" must be a table of strings by name, or false for none, got a string',
      { env = "A=b" })
    raises('"env" of temporal.config.load must be a table of strings by name, got 1 under "A"',
      { env = { A = 1 } })
    raises("there is none without a file", { file = false, profile = "p" })
  end)
end)
