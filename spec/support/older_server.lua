--- The part of `make test-all` with an older server: a test that fails because that server says
-- that it lacks what is tested is not applicable. Nobody keeps a list: the server's own words tell.

local older = { is = os.getenv("TEMPORAL_TEST_OLDER") == "1", inapplicable = 0 }

-- gRPC's words for a method, and protobuf's for a field, that the server does not know.
local WORDS = {
  "unknown method %w+ for service temporal%.[%w.]+",
  'invalid path "[%w_.]+" for message "temporal%.[%w.]+"',
}

local said -- by the server, in the test that runs
local listening = setmetatable({}, { __mode = "k" })

--- Listens to what a server says: an error's message, or what another program has written.
function older.hear(text)
  for _, words in ipairs(older.is and WORDS or {}) do
    said = said or text:match(words)
  end
end

--- What the server says it lacks, in the test that runs; nil when nothing.
function older.lacks()
  return said
end

--- Before every test: nothing is said yet; errors of this copy of the package are listened to.
function older.begin()
  said = nil
  local errors = older.is and package.loaded["temporal.error.error"]
  if type(errors) == "table" and not listening[errors] then
    listening[errors] = true
    local from_record = errors.from_record
    errors.from_record = function(...)
      local err = from_record(...)
      older.hear(tostring(err.message))
      return err
    end
  end
end

return older
