--- The order service of examples/openresty, driven as by a browser.

local env = require "spec.support.environment"
local json = require "cjson"
local lfs = require "lfs"
local openresty = require "spec.support.openresty"

describe("the order service of examples/openresty", function()
  local site, worker

  setup(function()
    local where = { TEMPORAL_ADDRESS = env.address, TEMPORAL_NAMESPACE = env.namespace }
    worker = env.spawn { env.lua, "examples/openresty/worker.lua", env = where }
    assert.equal("ready", worker:readline(60), worker:errors())
    site = openresty.start_folder("examples/openresty", where)
  end)

  teardown(function()
    assert.same({ "exit", 0 }, { site:stop() })
    assert.equal("", site:errors())
    worker:stop(1)
  end)

  local function ask(path, arguments)
    local response = site:get(path, arguments)
    if response.body:sub(1, 1) == "{" then response.body = json.decode(response.body) end
    return response
  end

  local function order(text)
    return ask("/orders", "-d '" .. text .. "'")
  end

  local function post(path) return ask(path, "-X POST") end

  local function reaches(path, step)
    local answer
    env.wait_until(30, function()
      answer = ask(path)
      return answer.body.step == step
    end, path .. " to reach step " .. step)
    return answer.body
  end

  it("serves its page", function()
    local page = site:get("/")
    assert.equal(200, page.status)
    assert.matches("Order two teas", page.body, 1, true)
    assert.equal("pong\n", site:get("/ping").body)
  end)

  it("answers with the receipt when that comes soon", function()
    local answer = order [[{"item": "tea", "amount": 3, "express": true}]]
    assert.equal(200, answer.status)
    assert.equal("3 x tea", answer.body.receipt)
    local again = ask("/orders/" .. answer.body.id .. "/result")
    assert.same({ 200, "3 x tea" }, { again.status, again.body.receipt })
  end)

  it("answers 202 and a link after two seconds, shows progress, takes a confirmation", function()
    local began = env.now()
    local answer = order [[{"item": "mate", "amount": 2}]]
    local took = env.now() - began
    assert.equal(202, answer.status)
    assert.equal(answer.body.status, answer.location)
    assert.is_true(took > 1.9 and took < 15, took .. " s")
    local here = answer.location
    assert.equal("waiting for your confirmation", reaches(here, 3).text)
    local done = post(here .. "/confirm")
    assert.same({ 200, "2 x mate" }, { done.status, done.body.receipt })
    assert.equal("done", reaches(here, 4).text)
    local twice = post(here .. "/confirm")
    assert.is_true(twice.status == 409 or twice.status == 404, tostring(twice.status))
    assert.equal(200, ask(here .. "/result").status)
  end)

  it("refuses a confirmation that nothing waits for", function()
    local began = order [[{"item": "tea", "amount": 1}]]
    local waiting = reaches(began.location, 3)
    assert.equal(4, waiting.of)
    assert.equal(202, post(began.location .. "/cancel").status)
    assert.equal("given up", reaches(began.location, 5).text)
    local late = post(began.location .. "/confirm")
    assert.is_true(late.status >= 400 and late.status < 500, tostring(late.status))
    local result = ask(began.location .. "/result")
    assert.same({ 410, "the order was given up" }, { result.status, result.body.error })
  end)

  it("says what is wrong with a request", function()
    assert.equal(404, ask("/orders/order-00000000").status)
    assert.equal(400, order("no json").status)
    assert.equal(405, ask("/orders").status)
    assert.equal(405, ask("/orders/order-00000000/confirm").status)
  end)

  it("says why it does not start", function()
    local ok, problem = pcall(openresty.start_folder, "examples/openresty",
      { TEMPORAL_ADDRESS = "localhost:none" })
    assert.is_false(ok)
    assert.matches("init_by_lua error: .-TEMPORAL_ADDRESS is wrong: ", problem)
  end)

  it("lives beside its page: every file it needs is in its folder", function()
    for _, name in ipairs { "nginx.conf", "orders.lua", "page.html", "worker.lua", "check.py" } do
      assert.equal("file", lfs.attributes("examples/openresty/" .. name, "mode"), name)
    end
  end)
end)
