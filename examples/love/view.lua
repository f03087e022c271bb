-- What the game looks like.

local love = love -- luacheck: globals love
local graphics = love.graphics

local view = { field = { width = 600, height = 450 }, basket_y = 405 }

local ROW, TOP = 84, 74 -- of the shop's list
local WIDTH, HEIGHT = 900, 560

local COLOURS = {
  text = { 0.93, 0.92, 0.86 }, dim = { 0.60, 0.62, 0.70 }, gold = { 0.98, 0.80, 0.29 },
  panel = { 0.11, 0.12, 0.19 }, card = { 0.16, 0.18, 0.27 }, bad = { 0.93, 0.45, 0.40 },
  good = { 0.49, 0.83, 0.56 }, busy = { 0.45, 0.70, 0.98 },
}

local fonts, sky, stars = {}, nil, {}

local function colour(name, alpha)
  local c = COLOURS[name]
  graphics.setColor(c[1], c[2], c[3], alpha or 1)
end

local function text(font, name, words, x, y, width, align)
  graphics.setFont(fonts[font])
  colour(name)
  graphics.printf(words, x, y, width or 400, align or "left")
end

-- With an edge that is drawn smoothly.
local function disc(x, y, width, height)
  graphics.setLineWidth(1)
  graphics.ellipse("fill", x, y, width, height or width)
  graphics.ellipse("line", x, y, width, height or width)
end

function view.open()
  fonts.small, fonts.normal = graphics.newFont(13), graphics.newFont(16)
  fonts.large = graphics.newFont(24)
  local w, h = view.field.width, view.field.height
  sky = graphics.newMesh({
    { 0, 0, 0, 0, 0.05, 0.06, 0.16 }, { w, 0, 1, 0, 0.05, 0.06, 0.16 },
    { w, h, 1, 1, 0.33, 0.22, 0.38 }, { 0, h, 0, 1, 0.33, 0.22, 0.38 },
  }, "fan", "static")
  for i = 1, 90 do
    stars[i] = { love.math.random(0, w), love.math.random(0, h * 0.6), love.math.random() }
  end
end

--- The item whose card is at a place of the window.
-- @treturn integer|nil
function view.item_at(x, y)
  local number = math.floor((y - TOP) / ROW) + 1
  return x > view.field.width and number > 0 and number or nil
end

local function hill(height, wave, shift, r, g, b)
  graphics.setColor(r, g, b)
  local points = { 0, view.field.height }
  for x = 0, view.field.width, 20 do
    points[#points + 1] = x
    points[#points + 1] = view.field.height - height - math.sin(x / wave + shift) * 22
  end
  points[#points + 1], points[#points + 2] = view.field.width, view.field.height
  for _, triangle in ipairs(love.math.triangulate(points)) do
    graphics.polygon("fill", triangle)
  end
end

local function draw_landscape(time)
  graphics.setColor(1, 1, 1)
  graphics.draw(sky)
  for _, star in ipairs(stars) do
    graphics.setColor(1, 1, 0.9, 0.35 + 0.4 * math.abs(math.sin(time * 0.8 + star[3] * 6)))
    graphics.circle("fill", star[1], star[2], 0.6 + star[3])
  end
  graphics.setColor(0.96, 0.94, 0.82)
  disc(490, 84, 32)
  graphics.setColor(0.86, 0.83, 0.72)
  disc(480, 78, 6)
  disc(500, 94, 4)
  hill(92, 120, 0.4, 0.20, 0.16, 0.30)
  hill(58, 80, 2.2, 0.13, 0.12, 0.22)
  graphics.setColor(0.07, 0.08, 0.13)
  graphics.rectangle("fill", 0, view.field.height - 34, view.field.width, 34)
end

local function draw_coin(x, y, turn)
  local width = 3 + 9 * math.abs(math.cos(turn))
  graphics.setColor(0.72, 0.50, 0.12)
  disc(x, y, width, 12)
  colour "gold"
  disc(x, y, width * 0.78, 9.5)
end

local function draw_basket(x, y)
  graphics.setColor(0.44, 0.28, 0.16)
  graphics.setLineWidth(4)
  graphics.arc("line", "open", x, y + 4, 34, math.pi, 2 * math.pi)
  graphics.setColor(0.55, 0.36, 0.20)
  graphics.polygon("fill", x - 40, y, x + 40, y, x + 30, y + 30, x - 30, y + 30)
  graphics.setColor(0.68, 0.47, 0.27)
  graphics.rectangle("fill", x - 43, y - 5, 86, 10, 5)
end

local icons = {}

function icons.lantern(x, y)
  graphics.setColor(0.98, 0.80, 0.35, 0.25)
  graphics.circle("fill", x, y + 2, 22)
  graphics.setColor(0.40, 0.42, 0.50)
  graphics.rectangle("fill", x - 10, y - 14, 20, 4, 2)
  graphics.rectangle("fill", x - 10, y + 14, 20, 4, 2)
  graphics.setLineWidth(2)
  graphics.circle("line", x, y - 18, 4)
  graphics.setColor(0.99, 0.85, 0.42)
  graphics.rectangle("fill", x - 8, y - 10, 16, 24, 5)
end

function icons.map(x, y)
  graphics.setColor(0.90, 0.83, 0.66)
  graphics.polygon("fill", x - 20, y - 12, x - 7, y - 16, x - 7, y + 12, x - 20, y + 16)
  graphics.polygon("fill", x + 6, y - 12, x + 20, y - 16, x + 20, y + 12, x + 6, y + 16)
  graphics.setColor(0.80, 0.72, 0.54)
  graphics.polygon("fill", x - 7, y - 16, x + 6, y - 12, x + 6, y + 16, x - 7, y + 12)
  graphics.setColor(0.80, 0.30, 0.26)
  graphics.setLineWidth(2)
  graphics.line(x - 15, y + 8, x - 6, y + 1, x + 3, y + 5, x + 12, y - 6)
  disc(x + 12, y - 6, 3)
end

function icons.boots(x, y)
  for _, left in ipairs { x - 18, x + 2 } do
    graphics.setColor(0.52, 0.33, 0.22)
    graphics.rectangle("fill", left, y - 16, 10, 26, 3)
    graphics.rectangle("fill", left, y + 2, 17, 11, 5)
    graphics.setColor(0.30, 0.19, 0.14)
    graphics.rectangle("fill", left, y + 11, 17, 4, 2)
  end
end

icons["dragon egg"] = function(x, y)
  graphics.setColor(0.36, 0.62, 0.50)
  disc(x, y, 14, 19)
  graphics.setColor(0.55, 0.82, 0.66)
  for _, spot in ipairs { { -4, -8, 4 }, { 6, 0, 3 }, { -5, 7, 3 }, { 4, 11, 2 } } do
    disc(x + spot[1], y + spot[2], spot[3])
  end
end

local function draw_spinner(x, y, time)
  graphics.setLineWidth(3)
  colour("busy", 0.25)
  graphics.circle("line", x, y, 9)
  colour "busy"
  graphics.arc("line", "open", x, y, 9, time * 6, time * 6 + 1.8)
end

-- How an item does: its words, and their colour.
local function state_of(item, gold)
  if item.busy then
    return item.state, "busy"
  elseif item.state ~= "for sale" then
    return item.state, "bad"
  elseif gold < item.price then
    return "too dear", "dim"
  end
  return "for sale", "good"
end

local function draw_item(number, item, gold, time)
  local x, y = view.field.width + 16, TOP + (number - 1) * ROW
  colour "card"
  graphics.rectangle("fill", x, y, 268, ROW - 10, 8)
  icons[item.name](x + 36, y + 37)
  text("normal", "text", number .. "  " .. item.name, x + 70, y + 14)
  local words, name = state_of(item, gold)
  text("small", name, words, x + 70, y + 40)
  text("normal", "gold", tostring(item.price), x + 200, y + 14, 54, "right")
  if item.busy then
    draw_spinner(x + 242, y + 50, time)
  elseif item.owned > 0 then
    text("small", "text", "you have " .. item.owned, x + 154, y + 40, 100, "right")
  end
end

local function draw_shop(game, goods, time)
  local x = view.field.width
  colour "panel"
  graphics.rectangle("fill", x, 0, WIDTH - x, HEIGHT)
  text("large", "text", "Shop", x + 18, 22)
  draw_coin(x + 212, 38, time * 2)
  text("large", "gold", tostring(game.gold), x + 190, 22, 94, "right")
  for number, item in ipairs(goods) do
    draw_item(number, item, game.gold, time)
  end
  text("small", "dim", "Each purchase is a workflow. Mouse or arrow keys catch coins; a click, or "
    .. "a key from 1 to 4, buys.", x + 18, view.field.height + 18, 264)
end

local function draw_frames(frames)
  local left, bottom, height = 18, HEIGHT - 18, 56
  graphics.setColor(0.08, 0.09, 0.14)
  graphics.rectangle("fill", 0, view.field.height, view.field.width, HEIGHT - view.field.height)
  colour "good"
  for i, seconds in ipairs(frames.recent) do
    local bar = math.min(height, math.max(1, seconds * 60 * height))
    graphics.rectangle("fill", left + (i - 1) * 1.5, bottom - bar, 1.2, bar)
  end
  colour("dim", 0.6)
  graphics.setLineWidth(1)
  graphics.line(left, bottom - height, left + frames.kept * 1.5, bottom - height)
  text("small", "dim", "work of each frame; the line is 1/60 s", left, view.field.height + 12)
  local x, y = left + frames.kept * 1.5 + 20, bottom - height
  text("small", "text", ("%.1f frames a second"):format(frames.count / frames.elapsed()), x, y)
  text("small", "text", ("longest %.1f ms"):format(frames.longest * 1e3), x, y + 20)
  text("small", "text", ("temporal.poll %.2f us"):format(frames.last_poll * 1e6), x, y + 40)
end

function view.draw(game, goods, frames)
  local time = frames.elapsed()
  draw_landscape(time)
  for _, coin in ipairs(game.coins) do
    draw_coin(coin.x, coin.y, time * 3 + coin.phase * 6)
  end
  draw_basket(game.x, view.basket_y)
  graphics.setFont(fonts.normal)
  for _, spark in ipairs(game.sparks) do
    colour("gold", spark.left / 0.6)
    graphics.print("+5", spark.x - 8, spark.y - 20 - (0.6 - spark.left) * 50)
  end
  draw_shop(game, goods, time)
  draw_frames(frames)
end

return view
