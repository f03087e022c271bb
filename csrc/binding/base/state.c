/* What belongs to one Lua state: see state.h. */
#include "state.h"

#define STATE_KEY "temporal.state"

void ltp_register(lua_State *L, int first, const luaL_Reg *functions) {
  int i;
  for (; functions->name; functions++) {
    for (i = 0; i < LTP_UPVALUES; i++) lua_pushvalue(L, first + i);
    lua_pushcclosure(L, functions->func, LTP_UPVALUES);
    lua_setfield(L, -2, functions->name);
  }
}

tp_engine *ltp_engine(ltp_state *state) {
  /* The parent's engine is left as it is: its locks may be held. */
  if (state->engine && tp_engine_forked(state->engine)) state->engine = NULL;
  if (state->engine == NULL) state->engine = tp_engine_new();
  return state->engine;
}

/* The Lua state closes, or is reloaded: nobody waits here. */
static int Ltp_state_gc(lua_State *L) {
  ltp_state *state = lua_touserdata(L, 1);
  tp_engine *engine = state->engine;
  state->engine = NULL;
  state->closed = 1;
  if (engine == NULL || tp_engine_forked(engine)) return 0;
  tp_engine_detach(engine);
  tp_engine_release(engine);
  return 0;
}

/* Pushes the state's userdata: the one of an earlier require, if any. */
static void push_state(lua_State *L) {
  ltp_state *state;
  lua_getfield(L, LUA_REGISTRYINDEX, STATE_KEY);
  if (lua_isuserdata(L, -1)) return;
  lua_pop(L, 1);
  state = ltp_newuserdata(L, sizeof *state);
  state->engine = NULL;
  state->closed = 0;
  lua_newtable(L);
  lua_pushcfunction(L, Ltp_state_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, STATE_KEY);
}

/* A metatable of the registry. */
static void push_metatable(lua_State *L, const char *name) {
  if (luaL_newmetatable(L, name)) {
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
  }
}

void ltp_push_upvalues(lua_State *L) {
  push_state(L);
  push_metatable(L, "temporal.future");
  push_metatable(L, "temporal.rpc_future");
  push_metatable(L, "temporal.channel");
}
