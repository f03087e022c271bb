/* A program with Lua inside, and Temporal inside that: both are linked into it,
** and scripts `require "temporal"` as everywhere.
**   usage: host SCRIPT [ARGUMENT ...]
** Nothing of the package is read from a file. The Makefile beside this file
** builds it.
*/
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int luaopen_temporal(lua_State *L); /* of libtemporal.a */

/* What `require "temporal"` calls, in place of looking for a file. */
static void preload(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_temporal);
  lua_setfield(L, -2, "temporal");
  lua_pop(L, 2);
}

static void set_arguments(lua_State *L, int count, char **words) {
  int i;
  lua_createtable(L, count, 1);
  for (i = 0; i < count; i++) {
    lua_pushstring(L, words[i]);
    lua_rawseti(L, -2, i);
  }
  lua_setglobal(L, "arg");
}

static int run(lua_State *L, const char *script) {
  if (luaL_loadfile(L, script) == 0 && lua_pcall(L, 0, 0, 0) == 0) return 1;
  lua_getglobal(L, "tostring"); /* an error may be any value */
  lua_insert(L, -2);
  lua_call(L, 1, 1);
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  return 0;
}

int main(int argc, char **argv) {
  lua_State *L;
  int ok;
  if (argc < 2) {
    fprintf(stderr, "usage: %s SCRIPT [ARGUMENT ...]\n", argv[0]);
    return EXIT_FAILURE;
  }
  L = luaL_newstate();
  if (L == NULL) return EXIT_FAILURE;
  luaL_openlibs(L);
  preload(L);
  set_arguments(L, argc - 1, argv + 1);
  ok = run(L, argv[1]);
  lua_close(L); /* at any time: what was submitted is still sent */
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
