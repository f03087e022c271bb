/* The module temporal.core: luaopen. The only exported symbol is here. */
#include "../core/base/limits.h"
#include "../core/base/version.h"
#include "../core/engine/process.h"
#include "base/parts.h"
#include "base/state.h"

/* In this order. */
static void (*const parts[])(lua_State *L, int first) = {
  ltp_open_system,
  ltp_open_decimal,
  ltp_open_nginx,
  ltp_open_zlib,
  ltp_open_random,
  ltp_open_signals,
  ltp_open_step,
  ltp_open_sorted,
  ltp_open_message,
  ltp_open_history,
  ltp_open_value,
  ltp_open_json,
  ltp_open_payload,
  ltp_open_protojson,
  ltp_open_future,
  ltp_open_channel,
  ltp_open_heartbeat};

__attribute__((visibility("default"))) int luaopen_temporal_core(lua_State *L);

int luaopen_temporal_core(lua_State *L) {
  int first;
  size_t i;
  tp_process_load();
  luaL_checkstack(L, 16, "temporal.core");
  ltp_mark_main(L);
  first = lua_gettop(L) + 1;
  ltp_push_upvalues(L);
  lua_newtable(L);
  lua_pushliteral(L, TP_CLIENT_NAME);
  lua_setfield(L, -2, "name");
  lua_pushliteral(L, TP_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushinteger(L, TP_MAX_DECODED);
  lua_setfield(L, -2, "MAX_DECODED");
  lua_pushvalue(L, first + 1);
  lua_setfield(L, -2, "run_metatable");
  lua_pushvalue(L, first + 2);
  lua_setfield(L, -2, "call_metatable");
  for (i = 0; i < sizeof parts / sizeof *parts; i++) parts[i](L, first);
  return 1;
}
