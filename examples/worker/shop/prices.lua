-- Plain Lua, which workflows may use: the same for the same items.
local prices = { tea = 3, sugar = 2 }

local function sum(items)
  local total = 0
  for _, item in ipairs(items) do total = total + prices[item] end
  return total
end

return { sum = sum }
