/* libFuzzer target for the message codec: bytes -> table -> bytes -> table ->
** bytes. What decodes must encode, decode to an equal table, and encode to the
** same bytes; every Lua allocation must be given back when the state closes,
** every other one right away (the leak check sees those). One thread.
** Bytes 1, 2: message type; the top bit lets the allocation fail whose number
** is byte 3. The rest is the message. See fuzz/README.md.
*/
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../csrc/binding/message.h"
#include "../csrc/core/limits.h"

#define INPUTS_OF_ONE_STATE 1000

#define ASSERT(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      abort(); \
    } \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t live;      /* bytes the Lua state holds */
static long budget = -1; /* allocations that still succeed; -1: all */

static void *allocate(void *nothing, void *block, size_t old, size_t size) {
  void *moved;
  (void)nothing;
  if (block == NULL) old = 0; /* then it says what the block is for */
  if (size == 0) {
    free(block);
    live -= old;
    return NULL;
  }
  if (size > old && budget >= 0 && budget-- == 0) {
    budget = 0; /* and so do all that follow */
    return NULL;
  }
  moved = realloc(block, size);
  if (moved != NULL) live += size - old;
  return moved;
}

/* The state of the next input; a new one after many, the old one checked. */
static lua_State *state(void) {
  static lua_State *L;
  static int inputs;
  if (inputs-- > 0) return L;
  if (L != NULL) {
    lua_close(L);
    ASSERT(live == 0);
  }
  L = lua_newstate(allocate, NULL);
  ASSERT(L != NULL);
  lua_newtable(L);
  ltp_open_message(L);
  lua_setfield(L, LUA_REGISTRYINDEX, "core");
  inputs = INPUTS_OF_ONE_STATE;
  return L;
}

static int equal(lua_State *L, int a, int b);

/* Every pair of the table at `a` is in the one at `b`. */
static int contains(lua_State *L, int a, int b) {
  int same = 1;
  luaL_checkstack(L, 8, "comparison");
  lua_pushnil(L);
  while (same && lua_next(L, a)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, b);
    same = equal(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 2);
  }
  if (!same) lua_pop(L, 1);
  return same;
}

static int equal(lua_State *L, int a, int b) {
  if (lua_type(L, a) != lua_type(L, b)) return 0;
  if (lua_type(L, a) == LUA_TTABLE)
    return contains(L, a, b) && contains(L, b, a);
  if (lua_type(L, a) == LUA_TNUMBER && !lua_rawequal(L, a, a))
    return !lua_rawequal(L, b, b); /* not a number, both */
  return lua_rawequal(L, a, b);
}

static void round_trip(lua_State *L, int type, const uint8_t *data, size_t n) {
  tp_buffer first, second;
  if (ltp_message_decode(L, data, n, type) != 0) {
    ASSERT(lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING);
    ASSERT(strchr(lua_tostring(L, 1), ':') != NULL);
    return;
  }
  tp_buffer_init(&first, TP_MAX_MESSAGE);
  tp_buffer_init(&second, TP_MAX_MESSAGE);
  ASSERT(lua_gettop(L) == 1);
  ASSERT(ltp_message_encode(L, 1, type, &first, 0) == 0);
  ASSERT(lua_gettop(L) == 1);
  ASSERT(ltp_message_decode(L, first.data, first.length, type) == 0);
  ASSERT(lua_gettop(L) == 2);
  ASSERT(equal(L, 1, 2));
  ASSERT(ltp_message_encode(L, -1, type, &second, 0) == 0);
  ASSERT(first.length == second.length);
  ASSERT(first.length == 0 ||
         memcmp(first.data, second.data, first.length) == 0);
  tp_buffer_free(&first);
  tp_buffer_free(&second);
}

/* A call as Lua makes it, when memory runs out: function, type name and
** argument are on the stack. True when it returned a value. */
static int scarce_call(lua_State *L, uint8_t allocations) {
  int status;
  budget = allocations;
  status = lua_pcall(L, 2, 1, 0);
  budget = -1;
  ASSERT(status == LUA_OK || status == LUA_ERRMEM);
  return status == LUA_OK && !lua_isnil(L, -1);
}

static void scarce_memory(lua_State *L, int type, const uint8_t *data,
                          size_t n, uint8_t allocations) {
  lua_getfield(L, LUA_REGISTRYINDEX, "core"); /* 1 */
  lua_getfield(L, 1, "encode");
  lua_pushstring(L, tp_schema_message_name(type));
  lua_getfield(L, 1, "decode");
  lua_pushvalue(L, 3);
  lua_pushlstring(L, (const char *)data, n);
  if (scarce_call(L, allocations)) scarce_call(L, allocations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  lua_State *L;
  int type;
  if (n < 3) return 0;
  L = state();
  type = ((data[0] & 0x7F) << 8 | data[1]) % tp_schema_count.messages;
  if (tp_schema_messages[type].flags & TP_MESSAGE_ENTRY) return 0;
  if (data[0] & 0x80) scarce_memory(L, type, data + 3, n - 3, data[2]);
  else round_trip(L, type, data + 3, n - 3);
  lua_settop(L, 0);
  return 0;
}
