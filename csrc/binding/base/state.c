/* What belongs to one Lua state: see state.h. */
#include "state.h"

#include <stdbool.h>
#include <string.h>

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
  if (state->engine == NULL && !state->closed) state->engine = tp_engine_new();
  return state->engine;
}

void ltp_box_add(ltp_state *state, ltp_box *box, void (*empty)(ltp_box *box)) {
  box->empty = empty;
  box->next = state->boxes;
  box->link = &state->boxes;
  if (box->next) box->next->link = &box->next;
  state->boxes = box;
}

static void box_remove(ltp_box *box) {
  *box->link = box->next;
  if (box->next) box->next->link = box->link;
  box->empty(box);
  box->empty = NULL;
}

int ltp_box_gc(lua_State *L) {
  ltp_box *box = lua_touserdata(L, 1);
  if (box && box->empty) box_remove(box);
  return 0;
}

/* What Lua has not been told goes back: the engine says it. */
static void give_back_notices(ltp_state *state, tp_engine *engine) {
  tp_notice *notice;
  int kind;
  for (kind = 0; kind < TP_NOTICE_KINDS; kind++)
    while ((notice = state->notices[kind]) != NULL) {
      state->notices[kind] = notice->next;
      if (engine)
        tp_notices_add(&engine->notices, (tp_notice_kind)kind, notice);
      else
        tp_notice_free(notice);
    }
}

static void empty_boxes(ltp_state *state) {
  while (state->boxes) box_remove(state->boxes);
}

void ltp_check_open(lua_State *L, ltp_state *state) {
  if (!state->closed) return;
  empty_boxes(state);
  luaL_error(L, "the Lua state is being closed");
}

int ltp_return(lua_State *L, int results) {
  ltp_state *state = ltp_getstate(L);
  if (state->closed) empty_boxes(state);
  return results;
}

/* Is one of our functions at work? */
static bool is_nested(lua_State *L, const ltp_state *state) {
  lua_Debug at;
  bool ours = false;
  int level;
  for (level = 1; !ours && lua_getstack(L, level, &at); level++) {
    lua_getinfo(L, "f", &at);
    if (lua_iscfunction(L, -1) && lua_getupvalue(L, -1, 1)) {
      ours = lua_touserdata(L, -1) == state;
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return ours;
}

/* The Lua state closes: nobody waits here. It was made before all boxes, so
** this is called after their finalizers. */
static int Ltp_state_gc(lua_State *L) {
  ltp_state *state = lua_touserdata(L, 1);
  tp_engine *engine = state->engine;
  if (engine && tp_engine_forked(engine)) engine = NULL;
  state->engine = NULL;
  state->closed = 1;
  if (!is_nested(L, state)) empty_boxes(state); /* else ltp_return does */
  give_back_notices(state, engine);
  if (engine == NULL) return 0;
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
  memset(state, 0, sizeof *state);
  state->random_used = LTP_RANDOM;
  lua_newtable(L);
  lua_pushcfunction(L, Ltp_state_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, STATE_KEY);
}

ltp_state *ltp_findstate(lua_State *L) {
  ltp_state *state;
  push_state(L);
  state = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return state;
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
