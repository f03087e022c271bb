--- Orders as workflows: what the locations of nginx.conf do. Each answers with a JSON object.

-- luacheck: globals ngx

local cjson = require "cjson"
local temporal = require "temporal"

local orders = {}

local PATIENCE = 2 -- seconds a request waits for a result; after that it is 202 and a link

-- What an error of this package is to a browser; all others are 503.
local STATUS = { not_found = 404, update_failed = 409, workflow_failed = 410 }

-- One client for each worker, shared by its requests. From the environment: TEMPORAL_ADDRESS ...
local client, problem = temporal.client()
if not client then error(tostring(problem)) end -- of an error that is no string nginx says nothing

local function answer(status, body)
  ngx.status = status
  ngx.print(cjson.encode(body))
end

local function link(id)
  return "/orders/" .. id
end

local function refuse(err)
  local status = STATUS[err.kind] or 503
  if status == 503 then ngx.log(ngx.ERR, tostring(err)) end
  local cause = err.cause or err
  answer(status, { error = cause.message })
end

-- The result of an order if it comes soon, else where to ask for it.
local function answer_result(run)
  local receipt, err = run:get(PATIENCE)
  if not err then return answer(200, { id = run.id, receipt = receipt }) end
  if err.kind ~= "timeout" then return refuse(err) end
  ngx.header["Location"] = link(run.id)
  answer(202, { id = run.id, status = link(run.id) })
end

local function method_is(expected)
  if ngx.req.get_method() == expected then return true end
  ngx.header["Allow"] = expected
  answer(405, { error = "this is for " .. expected })
end

--- POST /orders {"item": "tea", "amount": 2, "express": false}: starts the workflow. "Accepted" is
-- said only once the server has it.
function orders.create()
  if not method_is "POST" then return end
  ngx.req.read_body()
  local ok, order = pcall(cjson.decode, ngx.req.get_body_data() or "")
  if not ok or type(order) ~= "table" then
    return answer(400, { error = "the body is no JSON object" })
  end
  local id = "order-" .. ngx.var.request_id
  local run, err = client:start_workflow({ id = id, task_queue = "shop", timeout = 1 }, "ShopOrder",
    { item = tostring(order.item), amount = tonumber(order.amount) or 1,
      express = order.express == true })
  if not run then return refuse(err) end
  answer_result(run)
end

--- GET /orders/ID: how far it is, by query.
function orders.show(id)
  if not method_is "GET" then return end
  local progress, err = client:workflow(id):query({ name = "progress", timeout = 5 })
  if err then return refuse(err) end
  progress.id = id
  answer(200, progress)
end

--- POST /orders/ID/confirm: an update, which the workflow may refuse.
function orders.confirm(id)
  if not method_is "POST" then return end
  local receipt, err = client:workflow(id):update({ name = "confirm", timeout = 5 })
  if err then return refuse(err) end
  answer(200, { id = id, receipt = receipt })
end

--- POST /orders/ID/cancel: a signal.
function orders.cancel(id)
  if not method_is "POST" then return end
  local ok, err = client:workflow(id):signal({ name = "give_up", timeout = 5 })
  if not ok then return refuse(err) end
  answer(202, { id = id, status = link(id) })
end

--- GET /orders/ID/result: waits a little for the end.
function orders.result(id)
  if not method_is "GET" then return end
  answer_result(client:workflow(id))
end

return orders
