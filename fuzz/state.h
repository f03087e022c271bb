/* What the fuzz targets share: the Lua state, which is made anew after many
** inputs and must then have given every byte back; an allocator that can be
** told to run out; an assertion that says where. One thread, one target a
** program.
*/
#ifndef FUZZ_STATE_H
#define FUZZ_STATE_H

#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../csrc/binding/base/parts.h"

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

/* The state of the next input, which is one of `inputs`; `open` adds parts of
** temporal.core to the table on top, which is "core" in the registry. */
static lua_State *state(int inputs, void (*open)(lua_State *L)) {
  static lua_State *L;
  static int left;
  if (left-- > 0) return L;
  if (L != NULL) {
    lua_close(L);
    ASSERT(live == 0);
  }
  L = lua_newstate(allocate, NULL);
  ASSERT(L != NULL);
  lua_newtable(L);
  open(L);
  lua_setfield(L, LUA_REGISTRYINDEX, "core");
  left = inputs;
  return L;
}

/* A call as Lua makes it, when memory runs out: the function and its arguments
** are on the stack. True when it returned a value. */
static int scarce_call(lua_State *L, int arguments, int allocations) {
  int status;
  budget = allocations;
  status = lua_pcall(L, arguments, 1, 0);
  budget = -1;
  ASSERT(status == 0 || status == LUA_ERRMEM);
  return status == 0 && !lua_isnil(L, -1);
}

#endif
