local options = require "temporal.base.options"

local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok, "expected an error")
  assert.is_string(message)
  return message
end

describe("temporal.options", function()
  local NESTED = options.define("start option", {
    key = options.number("key", { integer = true, min = 1, max = 5 }),
    weight = options.number("weight", { above = 0 }),
  }, "priority")

  local SPEC = options.define("start option", {
    id = options.string("workflow_id", { max = 10 }),
    note = options.string("note", { empty = true }),
    task_queue = options.string("task_queue"),
    eager = options.boolean("eager"),
    wait = options.seconds("wait", { above = 0 }),
    keep = options.seconds("keep", { min = 10 }),
    delay = options.duration("delay"),
    policy = options.choice("policy", { allow = 1, reject = 3 }),
    logger = options.func("logger"),
    types = options.list("types", function(v) return type(v) == "string" end, "must be a string"),
    priority = options.group("priority", NESTED),
    retry_policy = options.ignore,
  })

  local function apply(given)
    return options.apply(SPEC, given, {})
  end

  it("stores what is right", function()
    local logger = print
    assert.same({
      workflow_id = "a", note = "", eager = false, wait = 1.5, keep = 10,
      delay = { seconds = 0, nanos = 5000000 }, policy = 3, logger = logger,
      types = { "A" }, priority = { key = 5, weight = 0.5 },
    }, apply {
      id = "a", note = "", eager = false, wait = "1s500ms", keep = 10, delay = "5ms",
      policy = "reject", logger = logger, types = { "A" },
      priority = { key = 5, weight = 0.5 }, retry_policy = "ignored",
    })
    assert.same({}, apply {})
  end)

  it("names the unknown option and the nearest one", function()
    local cases = {
      { "taskqueue", "task_queue" }, { "taskQueue", "task_queue" }, { "task-queue", "task_queue" },
      { "retry_polcy", "retry_policy" }, { "Id", "id" }, { "TaskQueues", "task_queue" },
    }
    for _, case in ipairs(cases) do
      local message = raised(apply, { [case[1]] = 1 })
      assert.matches(('unknown start option "%s"; did you mean "%s"?'):format(case[1], case[2]),
        message, 1, true)
    end
    local message = raised(apply, { zzzzzzzzzz = 1 })
    assert.matches('unknown start option "zzzzzzzzzz"; known are: delay, eager, id,', message, 1,
      true)
    message = raised(apply, { priority = { keys = 1 } })
    assert.matches('unknown start option "priority.keys"; did you mean "priority.key"?', message,
      1, true)
    message = raised(apply, { "x" })
    assert.matches("start options are given by name, got the key 1", message, 1, true)
  end)

  it("says what was wrong, where, and what would be right", function()
    local cases = {
      { { id = 7 }, 'start option "id" must be a string, got 7' },
      { { id = "" }, 'start option "id" must not be empty' },
      { { id = ("x"):rep(11) }, 'start option "id" must have at most 10 bytes, got 11' },
      { { eager = 1 }, 'start option "eager" must be true or false, got 1' },
      { { wait = 0 }, 'start option "wait" must be above 0 s, got 0' },
      { { keep = "9s" }, 'start option "keep" must be at least 10 s, got "9s"' },
      { { delay = "soon" }, 'start option "delay" must be a number of seconds or a string such' },
      { { delay = -1 }, 'start option "delay" must not be negative, got -1' },
      { { policy = "alow" },
        'must be one of "allow", "reject" (did you mean "allow"?), got "alow"' },
      { { policy = 1 }, 'start option "policy" must be one of "allow", "reject", got 1' },
      { { logger = {} }, 'start option "logger" must be a function, got a table' },
      { { types = "A" }, 'start option "types" must be a list, got a string' },
      { { types = { "A", 2 } }, 'start option "types[2]" must be a string, got 2' },
      { { types = { a = "A" } }, 'start option "types" must be a list with the keys 1 to n' },
      { { priority = 3 }, 'start option "priority" must be a table, got 3' },
      { { priority = { key = 6 } },
        'start option "priority.key" must be a whole number from 1 to 5, got 6' },
      { { priority = { key = 1.5 } }, 'must be a whole number from 1 to 5, got 1.5' },
      { { priority = { weight = 0 } },
        'start option "priority.weight" must be a number above 0, got 0' },
      { { priority = { weight = 0 / 0 } }, 'must be a number above 0' },
    }
    for _, case in ipairs(cases) do
      assert.matches(case[2], raised(apply, case[1]), 1, true)
    end
  end)

  it("shows text without its control characters", function()
    local shown = options.show("a\27[31m\1\127\194\155b\nc\rd\0")
    assert.not_matches("[%c\194]", shown)
    assert.matches([["a\0?27%[31m\0?0?1\127\194\155b\nc\[r1]3?d\0]], shown)
  end)

  it("does not show strings that may be secrets", function()
    assert.not_matches("s3cret", raised(apply, { logger = "s3cret" }))
    assert.not_matches("s3cret", raised(apply, { types = { types = "s3cret" } }))
  end)

  it("ignores metamethods of the table it is given", function()
    local given = setmetatable({ id = "a" }, {
      __index = function() error("must not be called") end,
      __pairs = function() error("must not be called") end,
    })
    assert.same({ workflow_id = "a" }, apply(given))
  end)

  it("reads timeouts of methods", function()
    assert.is_nil(options.timeout(nil, "future:get"))
    assert.is_nil(options.timeout({}, "future:get"))
    assert.equal(0, options.timeout(0, "future:get"))
    assert.equal(90, options.timeout("90s", "future:get"))
    assert.equal(1.5, options.timeout({ timeout = 1.5 }, "future:get"))
    assert.matches("the timeout of future:get must not be negative, got -1",
      raised(options.timeout, -1, "future:get"), 1, true)
    assert.matches('unknown option "time" of future:get; known are: timeout',
      raised(options.timeout, { time = 1 }, "future:get"), 1, true)
  end)
end)
