-- A Neovim plugin: runs a workflow while you go on editing.
--
--   :TemporalRun YourWorkflowDefinition {"amount": 3}
--
-- opens a small window that says how the workflow is doing, and in the end shows its result.
-- The argument is JSON and may be left out.
--
-- install: make install LUA=jit, then copy or link this folder, examples/neovim, to
--   ~/.local/share/nvim/site/pack/temporal/start/temporal
-- The server is that of temporal.toml and the TEMPORAL_* variables, as the other tools read them;
-- the task queue is "orders" unless you say so: let g:temporal_task_queue = "mine"

local vim = vim -- luacheck: globals vim
local api = vim.api

-- Loaded, and made, by the first use: an editor should open fast.
local temporal, client

local function notify(level, message)
  vim.notify("temporal: " .. message, vim.log.levels[level:upper()])
end

local function connect()
  if client then
    return nil
  end
  temporal = require "temporal"
  temporal.host.use "luv"
  local options, err = temporal.config.load()
  if options then
    options.logger = notify -- stderr is the screen
    client, err = temporal.client(options)
  end
  return err
end

-- A window of its own; returns the function that shows text in it, below the heading.
local function open_window(heading)
  vim.cmd "botright 8new"
  local buffer = api.nvim_get_current_buf()
  for option, value in pairs { buftype = "nofile", bufhidden = "wipe", swapfile = false } do
    vim.bo[buffer][option] = value
  end
  vim.cmd "wincmd p"
  return function(text)
    if api.nvim_buf_is_valid(buffer) then
      local lines = vim.split(heading .. "\n" .. text, "\n", { plain = true })
      api.nvim_buf_set_lines(buffer, 0, -1, true, lines)
    end
  end
end

-- JSON goes and comes as it is written: no Lua table is in between.
local function payload(json)
  return temporal.raw { metadata = { encoding = "json/plain" }, data = json }
end

local function text_of(result)
  return result.data ~= "" and result.data or "null"
end

-- A failure with its causes, one a line; and the first cause, which is the last line.
local function text_of_error(err)
  local lines = {}
  while err do
    lines[#lines + 1] = (err.type and err.type .. ": " or "") .. err.message
    err = err.cause
  end
  return table.concat(lines, "\nbecause: "), lines[#lines]
end

-- The body of a task: both waits let the editor go on.
local function run(workflow, ...)
  local show = open_window(workflow)
  local function fail(err)
    local text, first_cause = text_of_error(err)
    show("failed\n\n" .. text)
    notify("error", workflow .. " failed: " .. first_cause)
  end
  show "starting"
  local queue = vim.g.temporal_task_queue or "orders"
  local running, err = client:start_workflow({ task_queue = queue }, workflow, ...)
  if err then
    return fail(err)
  end
  show("running " .. running.id)
  local result
  result, err = running:get { raw = true }
  if err then
    return fail(err)
  end
  show("completed\n\n" .. text_of(result))
  notify("info", workflow .. " completed")
end

api.nvim_create_user_command("TemporalRun", function(command)
  local workflow, json = command.args:match "^(%S+)%s*(.*)$"
  if json ~= "" and not pcall(vim.json.decode, json) then
    return notify("error", "this is not JSON: " .. json)
  end
  local err = connect()
  if err then
    return notify("error", err.message)
  end
  if json == "" then
    temporal.spawn(run, workflow)
  else
    temporal.spawn(run, workflow, payload(json))
  end
end, { nargs = "+", desc = "Run a Temporal workflow and show its result" })
