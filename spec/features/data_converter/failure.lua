--- The message and the stack of a failure are encoded, those of its cause too.

local temporal = require "temporal"

local function Workflow()
  error(temporal.application_error("main error",
    { cause = temporal.application_error "cause error" }))
end

local function check_failure(t, failure, message)
  t:same({ "Encoded failure", "" }, { failure.message, failure.stack_trace })
  t:equal("json/plain", failure.encoded_attributes.metadata.encoding)
  local attributes = temporal.assert(t.client:decode(failure.encoded_attributes))
  t:equal(message, attributes.message)
  t:equal("string", type(attributes.stack_trace))
end

return {
  workflows = { Workflow = Workflow },
  client = { failure_converter = temporal.failure_converter { encode_common_attributes = true } },
  check = function(t, run)
    t:equal("main error", t:failure(run).cause.message)
    local failure = t:attributes(run, "WORKFLOW_EXECUTION_FAILED")[1].failure
    check_failure(t, failure, "main error")
    check_failure(t, failure.cause, "cause error")
  end,
}
