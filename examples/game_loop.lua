-- A game in text mode at 60 frames a second; its shop sells through workflows. No frame ever waits.
-- usage: lua5.4 examples/game_loop.lua [FRAMES]      (with FRAMES: draws nothing, ends after them)
-- needs: a Temporal server at TEMPORAL_ADDRESS and examples/worker.lua
local temporal = require "temporal"
local now = require("temporal.core").now -- any clock will do

temporal.host.use "loop"
local client = temporal.client{
  target = os.getenv("TEMPORAL_ADDRESS") or "localhost:7233",
  namespace = os.getenv("TEMPORAL_NAMESPACE") or "default",
}

local frames = tonumber(arg and arg[1]) or 0
local game = { gold = 100, items = {}, player = 1, message = "welcome" }

-- Reads like a script; each wait lies between two frames.
local function buy(item, price)
  game.message = "buying a " .. item
  local run = client:execute_workflow({ task_queue = "orders" }, "YourWorkflowDefinition",
    { amount = price })
  local receipt = temporal.assert(run:get(60))
  game.gold = game.gold - price
  table.insert(game.items, item)
  game.message = receipt
end

local function update(frame)
  game.player = frame % 40 + 1
  if frame == 10 then game.purchase = temporal.spawn(buy, "lamp", 3) end
end

local function draw()
  local line = ("%-40s %3d gold  %-20s"):format((" "):rep(game.player - 1) .. "@", game.gold,
    game.message)
  if frames == 0 then
    io.write("\r", line)
    io.flush()
  end
end

local began, frame, spent, longest = now(), 0, 0, 0
repeat
  frame = frame + 1
  update(frame)
  local before = now()
  temporal.poll() -- resumes what is ready, and never waits
  local took = now() - before
  spent, longest = spent + took, math.max(longest, took)
  draw()
  -- A game library waits for the display here.
  local next_frame = began + frame / 60
  while now() < next_frame do temporal.poll(next_frame - now()) end
until frame >= frames and game.purchase and game.purchase:ready()

temporal.assert(game.purchase:get())
print(("\ngold %d, items %s, %s"):format(game.gold, table.concat(game.items, ", "), game.message))
print(("%d frames, %.1f a second"):format(frame, frame / (now() - began)))
print(("poll: %.1f us a frame, %.3f ms at most"):format(spent / frame * 1e6, longest * 1e3))
client:close(0)
