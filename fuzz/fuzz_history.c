/* libFuzzer target for the index of histories; fuzz/README.md says what it
** checks. Byte 1: with the top bit the allocation fails whose number is in the
** others, else the id of the last event that is known. The rest is a History.
** Every Lua allocation must be given back when the state closes. One thread.
*/
#include "sparse.h"

#define INPUTS_OF_ONE_STATE 1000
#define HISTORY "temporal.api.history.v1.History"

static void open_parts(lua_State *L) {
  ltp_open_message(L, 0);
  ltp_open_history(L, 0);
  ltp_open_value(L, 0);
  ltp_open_payload(L, 0);
}

/* Stack slots of `check`. */
enum { BYTES = 1, CORE, KINDS, PAGE, FULL };

static void push_function(lua_State *L, const char *name) {
  lua_getfield(L, CORE, name);
  ASSERT(lua_isfunction(L, -1));
}

/* Leaves the page and its last id, or nil and why. */
static void push_page(lua_State *L, int last) {
  push_function(L, "history_page");
  lua_pushvalue(L, BYTES);
  lua_pushinteger(L, last);
  lua_pushvalue(L, KINDS);
  lua_pushinteger(L, 0);
  lua_call(L, 4, 2);
}

/* A function that is told of an event, and its first two arguments. */
static void push_asking(lua_State *L, const char *name, int place) {
  push_function(L, name);
  lua_pushvalue(L, PAGE);
  lua_pushinteger(L, place);
}

/* The attributes at a place; all are table, nil, or nil and why. */
static void push_attributes(lua_State *L, int place) {
  push_asking(L, "history_attributes", place);
  lua_rawgeti(L, KINDS, place);
  lua_call(L, 3, 2);
  if (lua_isnil(L, -2) && !lua_isnil(L, -1))
    ASSERT(strchr(lua_tostring(L, -1), ':') != NULL);
  else
    ASSERT(lua_istable(L, -2) || lua_isnil(L, -2));
  lua_pop(L, 1);
}

/* Bytes of the attributes without some fields, or nil: pushed; their length. */
static size_t push_rest(lua_State *L, int place, lua_Number without) {
  push_asking(L, "history_rest", place);
  lua_rawgeti(L, KINDS, place);
  lua_pushnumber(L, without);
  lua_call(L, 4, 1);
  return ltp_rawlen(L, -1);
}

static int has_some(lua_State *L, int place, lua_Number wanted) {
  int found;
  push_asking(L, "history_has", place);
  lua_pushnumber(L, wanted);
  lua_call(L, 3, 1);
  found = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return found;
}

/* The attributes with some fields only are part of what they are with all; of
** unknown fields they have fewer. */
static void check_wanted(lua_State *L, int place, lua_Number wanted) {
  int some = lua_gettop(L) + 1;
  push_asking(L, "history_attributes", place);
  lua_rawgeti(L, KINDS, place);
  lua_pushnumber(L, wanted);
  lua_call(L, 4, 1);
  push_attributes(L, place);
  if (lua_istable(L, some) && lua_istable(L, some + 1)) {
    for (lua_pushnil(L); lua_next(L, some); lua_pop(L, 1)) {
      if (strcmp(lua_tostring(L, -2), "_unknown") == 0) continue;
      lua_pushvalue(L, -2);
      lua_rawget(L, some + 1);
      ASSERT(reads_as(L, some + 4, some + 3));
      lua_pop(L, 1);
    }
  }
  lua_settop(L, some - 1);
}

/* Some fields and the others are together all. */
static void check_parts(lua_State *L, int place, int some) {
  const lua_Number all = 9007199254740991.0, wanted = some * 2;
  luaL_checkstack(L, 30, "parts");
  lua_rawgeti(L, KINDS, place);
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t whole = push_rest(L, place, 0);
    size_t none = push_rest(L, place, all);
    size_t with = push_rest(L, place, all - wanted);
    size_t without = push_rest(L, place, wanted);
    ASSERT(with + without == whole + none);
    if (with > none) ASSERT(has_some(L, place, wanted));
    check_wanted(L, place, wanted);
  }
  has_some(L, place, wanted);
}

/* An event of the full decode, on top, against the index's at a place. */
static void compare(lua_State *L, int place) {
  int event = lua_gettop(L);
  char name[160];
  const char *kind;
  push_attributes(L, place);
  lua_rawgeti(L, KINDS, place);
  kind = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?";
  snprintf(name, sizeof name, "%s_event_attributes", kind);
  lua_getfield(L, event, name);
  if (!lua_isnil(L, -1)) {
    ASSERT(reads_as(L, event + 3, event + 1));
  } else if (lua_istable(L, event + 1)) {
    lua_pushnil(L);
    ASSERT(lua_next(L, event + 1) == 0);
  }
  lua_settop(L, event);
  push_asking(L, "history_may_be_ignored", place);
  lua_call(L, 2, 1);
  lua_getfield(L, event, "worker_may_ignore");
  ASSERT(lua_rawequal(L, -1, -2));
  lua_settop(L, event);
}

/* All events of the full decode that the page took. */
static void compare_all(lua_State *L, int last) {
  int place = 0, i, events, count = (int)ltp_rawlen(L, KINDS);
  lua_getfield(L, FULL, "events");
  events = lua_gettop(L);
  for (i = 1; i <= (int)ltp_rawlen(L, events); i++) {
    lua_rawgeti(L, events, i);
    lua_getfield(L, -1, "event_id");
    if (lua_tointeger(L, -1) == last + 1) {
      lua_pop(L, 1);
      last++;
      compare(L, ++place);
    }
    lua_settop(L, events);
  }
  ASSERT(place == count);
}

/* It needs no more than the first event that can be read. */
static void check_first_id(lua_State *L) {
  push_function(L, "history_first_id");
  lua_pushvalue(L, BYTES);
  lua_call(L, 1, 1);
  ASSERT(lua_isnil(L, -1) || lua_isnumber(L, -1));
  lua_pop(L, 1);
}

static void check(lua_State *L, const uint8_t *data, size_t n, int last) {
  int full, i, count;
  lua_pushlstring(L, (const char *)data, n);
  lua_getfield(L, LUA_REGISTRYINDEX, "core");
  lua_newtable(L);
  check_first_id(L);
  push_page(L, last);
  full = ltp_message_decode(L, data, n,
                            tp_schema_message(HISTORY, sizeof HISTORY - 1),
                            TP_MAX_DECODED) == 0;
  if (lua_isnil(L, PAGE)) {
    const char *why = lua_tostring(L, PAGE + 1);
    ASSERT(strstr(why, "offset") != NULL || strstr(why, "gap") != NULL);
    ASSERT(!full || strstr(why, "gap") != NULL);
    return;
  }
  lua_remove(L, PAGE + 1);
  count = (int)ltp_rawlen(L, KINDS);
  for (i = 1; i <= count; i++) {
    push_attributes(L, i);
    check_parts(L, i, last);
    push_asking(L, "history_time", i);
    lua_call(L, 2, 1);
    lua_settop(L, FULL);
  }
  if (full) compare_all(L, last);
  push_function(L, "payload_values");
  lua_pushvalue(L, BYTES);
  lua_call(L, 1, 1);
  ASSERT(lua_isnil(L, -1) || lua_istable(L, -1));
}

static void scarce_rest(lua_State *L, int allocations) {
  push_asking(L, "history_rest", 1);
  lua_rawgeti(L, KINDS, 1);
  lua_pushnumber(L, 2);
  if (lua_isstring(L, -2)) scarce_call(L, 4, allocations);
}

static void scarce_memory(lua_State *L, const uint8_t *data, size_t n,
                          int allocations) {
  lua_pushlstring(L, (const char *)data, n);
  lua_getfield(L, LUA_REGISTRYINDEX, "core");
  lua_newtable(L);
  push_function(L, "history_page");
  lua_pushvalue(L, BYTES);
  lua_pushinteger(L, 0);
  lua_pushvalue(L, KINDS);
  lua_pushinteger(L, 0);
  if (!scarce_call(L, 4, allocations)) return;
  if (ltp_rawlen(L, KINDS) > 0) {
    push_function(L, "history_attributes");
    lua_pushvalue(L, PAGE);
    lua_pushinteger(L, 1);
    lua_rawgeti(L, KINDS, 1);
    scarce_call(L, 3, allocations);
    if (lua_type(L, -1) == LUA_TTABLE) scarce_rest(L, allocations);
  }
  lua_settop(L, PAGE);
  push_function(L, "payload_values");
  lua_pushvalue(L, BYTES);
  scarce_call(L, 1, allocations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  lua_State *L;
  if (n < 1) return 0;
  L = state(INPUTS_OF_ONE_STATE, open_parts);
  if (data[0] & 0x80) scarce_memory(L, data + 1, n - 1, data[0] & 0x7F);
  else check(L, data + 1, n - 1, data[0]);
  lua_settop(L, 0);
  return 0;
}
