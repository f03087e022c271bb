-- No message has a user's secret in it: options that are wrong may be URLs with a password, or
-- the secret itself in the wrong place.
local options = require "temporal.base.options"
local temporal = require "temporal"

local SECRET = "s3cr3t"

local function load(given)
  given.file = given.file or false
  given.env = given.env or {}
  given.codec = true
  return temporal.config.load(given)
end

-- What is said, raised or returned.
local function said(f, ...)
  local ok, value, err = pcall(f, ...)
  assert.is_true(not ok or value == nil, "nothing was wrong")
  err = ok and err or value
  local words = { tostring(err) }
  for _, field in pairs(type(err) == "table" and err or {}) do
    words[#words + 1] = tostring(field)
  end
  return table.concat(words, "\n")
end

local function toml(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write("[profile.default]\n" .. text)
  file:close()
  local words = said(load, { file = path })
  os.remove(path)
  return words
end

local URLS = {
  "ftp://user:s3cr3t@codec.example", "user:s3cr3t@codec.example:7233",
  "https://user:s3cr3t@codec.example:x", "user:" .. ("x"):rep(60) .. "s3cr3t@codec.example",
  "https://user:s3cr3t/more@codec.example", "user:s3cr3t@more@codec.example",
  "ftp://codec.example?token=s3cr3t", "ftp://codec.example#s3cr3t", "s3cr3t://codec.example",
  "ftp://user:s3cr3t\n@codec.example",
}

describe("a message", function()
  for _, url in ipairs(URLS) do
    local shown = ("%q"):format(url):gsub("\n", "n")

    it("says nothing secret of the target " .. shown, function()
      for _, words in ipairs {
        said(temporal.client, { target = url }),
        said(load, { env = { TEMPORAL_ADDRESS = url } }),
        toml(("address = %q"):format(url:gsub("\n", " "))),
      } do
        assert.is_nil(words:find(SECRET, 1, true), words)
      end
      assert.matches("codec.example", said(temporal.client, { target = url }), 1, true)
    end)

    it("says nothing secret of the proxy " .. shown, function()
      for _, words in ipairs {
        said(temporal.client, { proxy = url .. "/%00" }),
        said(temporal.client, { proxy = { url = url .. "/%00@" } }),
        said(temporal.client, { proxy = "x" .. url, target = "example.com" }),
      } do
        assert.is_nil(words:find(SECRET, 1, true), words)
      end
    end)

    it("says nothing secret of the codec server " .. shown, function()
      for _, words in ipairs {
        said(temporal.codec.remote, { endpoint = "x" .. url }),
        said(load, { env = { TEMPORAL_CODEC_ENDPOINT = "x" .. url } }),
        toml(("codec.endpoint = %q"):format("x" .. url:gsub("\n", " "))),
      } do
        assert.is_nil(words:find(SECRET, 1, true), words)
      end
    end)

    it("says nothing secret of the name " .. shown, function()
      for _, words in ipairs {
        said(temporal.client, { tls = { server_name = url .. " " } }),
        said(temporal.client, { namespace = url .. "\n" }),
      } do
        assert.is_nil(words:find(SECRET, 1, true), words)
      end
    end)
  end

  it("says nothing secret of a codec server that is not there", function()
    for _, endpoint in ipairs { "http://user:s3cr3t@127.0.0.1:1", "http://user:s3cr3t/@127.0.0.1:1",
      "http://127.0.0.1:1/?token=s3cr3t" } do
      local codec = temporal.codec.remote { endpoint = endpoint }
      local words = said(codec.encode, { { metadata = {}, data = "" } }, { namespace = "n" })
      assert.is_nil(words:find(SECRET, 1, true), words)
    end
  end)

  it("says nothing of a key that is no key, or stands where a path should", function()
    local jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6IldIYVRjIn0." .. ("s3cr3t"):rep(20) .. ".c2ln"
    local client = temporal.client { target = "127.0.0.1:1", api_key = { file = jwt }, tls = false,
      retry = false }
    for _, words in ipairs {
      said(temporal.client, { api_key = SECRET .. "\n" }),
      said(temporal.client, { api_key = { SECRET } }),
      said(client.set_api_key, client, SECRET .. " x"),
      said(load, { env = { TEMPORAL_API_KEY = SECRET .. "\n" } }),
      toml(('api_key = "%s x"'):format(SECRET)),
      said(client.call, client, "GetSystemInfo", {}),
    } do
      assert.is_nil(words:find(SECRET, 1, true), words)
    end
    client:close()
  end)
end)

describe("what may be a URL", function()
  it("is shown without what may be a secret in it", function()
    for _, case in ipairs {
      { "https://codec.example/x", '"https://codec.example/x"' },
      { "ftp://user:pass@codec.example/x", '"ftp://...@codec.example/x"' },
      { "user:pass@host:7233", '"...@host:7233"' },
      { "https://a:b/c@d@host?token=x", '"https://...@host?..."' },
      { "pass://host", '"...://host"' }, { "dns:///host", '"dns:///host"' },
      { "host#pass", '"host#..."' }, { 7, "7" }, { false, "false" },
    } do
      assert.equal(case[2], options.show_url(case[1]))
    end
  end)
end)
