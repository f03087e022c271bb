-- A small game in LOVE: catch coins, and buy with the keys 1 to 4. The shop sells through
-- workflows, and no frame waits for one.
-- usage: love examples/love
-- needs: make LUA=jit; eval "$(make -s LUA=jit env)"; a Temporal server at TEMPORAL_ADDRESS, and
--   examples/love/worker.lua
-- With TEMPORAL_GAME_SECONDS=10 it plays by itself, and ends then; half-way it makes a picture, the
-- file TEMPORAL_GAME_PICTURE.

local love = love -- luacheck: globals love
local frames = require "frames"
local shop = require "shop"
local view = require "view"

local SECONDS = tonumber(os.getenv "TEMPORAL_GAME_SECONDS")
local PICTURE = os.getenv "TEMPORAL_GAME_PICTURE"

local game = { gold = 50, x = 300, coins = {}, sparks = {}, next_coin = 0 }
local unfinished = 0

function love.load()
  view.open()
  shop.open(game)
  frames.open()
end

function love.keypressed(key)
  if key == "escape" then
    love.event.quit()
  else
    shop.buy(tonumber(key))
  end
end

function love.mousepressed(x, y)
  shop.buy(view.item_at(x, y))
end

local function lowest_coin()
  local found
  for _, coin in ipairs(game.coins) do
    if not found or coin.y > found.y then
      found = coin
    end
  end
  return found
end

-- Where the basket should be.
local function wish()
  if SECONDS then
    local coin = lowest_coin()
    return coin and coin.x or game.x
  end
  local step = love.keyboard.isDown("left") and -60 or love.keyboard.isDown("right") and 60
  if step then
    return game.x + step
  end
  return love.mouse.getX()
end

local function play(dt)
  local way = math.max(-520 * dt, math.min(520 * dt, wish() - game.x))
  game.x = math.max(40, math.min(view.field.width - 40, game.x + way))
  game.next_coin = game.next_coin - dt
  if game.next_coin <= 0 then
    game.next_coin = 0.35
    table.insert(game.coins, { x = love.math.random(40, view.field.width - 40), y = -20,
      speed = love.math.random(140, 220), phase = love.math.random() })
  end
  for i = #game.coins, 1, -1 do
    local coin = game.coins[i]
    coin.y = coin.y + coin.speed * dt
    local caught = math.abs(coin.x - game.x) < 44 and math.abs(coin.y - view.basket_y) < 14
    if caught then
      game.gold = game.gold + 5
      table.insert(game.sparks, { x = coin.x, y = coin.y, left = 0.6 })
    end
    if caught or coin.y > view.field.height then
      table.remove(game.coins, i)
    end
  end
  for i = #game.sparks, 1, -1 do
    game.sparks[i].left = game.sparks[i].left - dt
    if game.sparks[i].left <= 0 then
      table.remove(game.sparks, i)
    end
  end
end

local function take_picture(path)
  love.graphics.captureScreenshot(function(image)
    local file = assert(io.open(path, "wb"))
    file:write(image:encode("png"):getString())
    file:close()
  end)
end

-- Buys one thing after the other, and ends when all has come.
local function play_alone()
  local time = frames.elapsed()
  if time < SECONDS then
    shop.buy(math.floor(time / 0.7) % #shop.goods + 1)
  elseif unfinished == 0 then
    love.event.quit()
  end
  if PICTURE and time > SECONDS / 2 and unfinished > 0 then
    take_picture(PICTURE)
    PICTURE = nil
  end
end

function love.update(dt)
  frames.begin()
  play(dt)
  if SECONDS then
    play_alone()
  end
  unfinished = frames.measure(shop.update)
end

function love.draw()
  view.draw(game, shop.goods, frames)
  frames.finish()
end

function love.quit()
  shop.close()
  frames.report()
end
