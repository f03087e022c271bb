local love = love -- luacheck: globals love

function love.conf(t)
  t.identity = "temporal-shop"
  t.version = "11.4"
  t.window.title = "Coins and lanterns"
  t.window.width, t.window.height = 900, 560
  for _, module in ipairs { "audio", "joystick", "physics", "sound", "touch", "video" } do
    t.modules[module] = false
  end
end
