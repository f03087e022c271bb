-- The shop: every purchase is a workflow, and a task that waits for it between two frames.

local temporal = require "temporal"

local shop = {
  goods = {
    { name = "lantern", price = 12 },
    { name = "map", price = 8 },
    { name = "boots", price = 20 },
    { name = "dragon egg", price = 15 },
  },
}

local client, purse

--- Begins: the server is that of temporal.toml and the TEMPORAL_* variables.
-- @tparam table of_player where `gold` is
function shop.open(of_player)
  temporal.host.use "loop"
  client, purse = temporal.assert(temporal.client()), of_player
  for _, item in ipairs(shop.goods) do
    item.owned, item.state = 0, "for sale"
  end
end

-- Reads like a script, but each of its two waits takes many frames.
local function order(item)
  local run, err = client:start_workflow({ task_queue = "shop" }, "Purchase",
    { item = item.name, price = item.price })
  if err then
    return err
  end
  item.state = "on its way"
  item.receipt, err = run:get(30)
  return err
end

local function buy(item)
  item.state, purse.gold = "ordering", purse.gold - item.price
  local err = order(item)
  if err then
    local refusal = err:find "application" -- what the workflow raised
    item.state, purse.gold = refusal and refusal.message or err.kind, purse.gold + item.price
    print(item.name, refusal and refusal.message or err)
  else
    item.state, item.owned = "for sale", item.owned + 1
    print(item.name, item.receipt)
  end
  item.busy = nil
end

--- Buys an item, if there is gold for it and it is not being bought.
-- @tparam integer number of the item
function shop.buy(number)
  local item = shop.goods[number]
  if item and not item.busy and purse.gold >= item.price then
    item.busy = true
    temporal.spawn(buy, item)
  end
end

--- Once a frame: whoever has got an answer goes on. Never waits.
-- @treturn integer how many purchases are on their way
function shop.update()
  return temporal.poll()
end

--- What is on its way goes on without us.
function shop.close()
  client:close(0)
end

return shop
