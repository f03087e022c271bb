package = "temporal"
version = "scm-1"
rockspec_format = "3.0"
source = {
  url = "git+file://.", -- until there is a public repository: `luarocks make` in the tree
}
description = {
  summary = "Temporal for Lua: start workflows and get their results",
  detailed = "A client for Temporal (durable execution): many workflows in flight from one "
    .. "thread, without blocking the host. Needs libcurl and nghttp2. Linux.",
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.1, < 5.5" }
build = {
  type = "builtin",
  modules = {
    ["temporal.core"] = {
      defines = { "_GNU_SOURCE" },
      -- No external_dependencies: LuaRocks does not look where Debian keeps curl's headers.
      libraries = { "curl", "nghttp2", "pthread" },
      sources = {
        "csrc/core/buffer.c",
        "csrc/core/call.c",
        "csrc/core/call_answer.c",
        "csrc/core/channel.c",
        "csrc/core/dial.c",
        "csrc/core/doorbell.c",
        "csrc/core/engine.c",
        "csrc/core/exit.c",
        "csrc/core/future.c",
        "csrc/core/grpc.c",
        "csrc/core/http2.c",
        "csrc/core/http2_response.c",
        "csrc/core/json.c",
        "csrc/core/json_number.c",
        "csrc/core/notice.c",
        "csrc/core/polls.c",
        "csrc/core/rpc_future.c",
        "csrc/core/schema.c",
        "csrc/core/schema_table.c",
        "csrc/core/status.c",
        "csrc/core/timer.c",
        "csrc/core/utf8.c",
        "csrc/core/wire.c",
        "csrc/core/workflow_run.c",
        "csrc/core/workflow_wire.c",
        "csrc/binding/client.c",
        "csrc/binding/future.c",
        "csrc/binding/message.c",
        "csrc/binding/message_decode.c",
        "csrc/binding/message_encode.c",
        "csrc/binding/message_entries.c",
        "csrc/binding/message_names.c",
        "csrc/binding/message_path.c",
        "csrc/binding/module.c",
        "csrc/binding/value.c",
        "csrc/binding/value_decode.c",
        "csrc/binding/value_encode.c",
        "csrc/binding/value_payload.c",
      },
    },
    ["temporal.client"] = "lua/temporal/client.lua",
    ["temporal.converter.cjson"] = "lua/temporal/converter/cjson.lua",
    ["temporal.converter"] = "lua/temporal/converter.lua",
    ["temporal.definition"] = "lua/temporal/definition.lua",
    ["temporal.duration"] = "lua/temporal/duration.lua",
    ["temporal.enum"] = "lua/temporal/enum.lua",
    ["temporal.error"] = "lua/temporal/error.lua",
    ["temporal.failure"] = "lua/temporal/failure.lua",
    ["temporal.future"] = "lua/temporal/future.lua",
    ["temporal.host.plain"] = "lua/temporal/host/plain.lua",
    ["temporal.host"] = "lua/temporal/host.lua",
    ["temporal"] = "lua/temporal/init.lua",
    ["temporal.lazy"] = "lua/temporal/lazy.lua",
    ["temporal.logger"] = "lua/temporal/logger.lua",
    ["temporal.misuse"] = "lua/temporal/misuse.lua",
    ["temporal.options"] = "lua/temporal/options.lua",
    ["temporal.search_attributes"] = "lua/temporal/search_attributes.lua",
    ["temporal.service"] = "lua/temporal/service.lua",
    ["temporal.start"] = "lua/temporal/start.lua",
    ["temporal.state"] = "lua/temporal/state.lua",
    ["temporal.target"] = "lua/temporal/target.lua",
    ["temporal.timestamp"] = "lua/temporal/timestamp.lua",
    ["temporal.types"] = "lua/temporal/types.lua",
    ["temporal.wait"] = "lua/temporal/wait.lua",
  },
}
