/* The module temporal in one file, with its Lua inside: luaopen. Once it is
** open, require finds every module of the package in package.preload, as if
** the files were there.
*/
#include "bundle.h"

#include <string.h>

#include "../binding/base/compat.h"

#define EXPORT __attribute__((visibility("default")))

int luaopen_temporal_core(lua_State *L);
EXPORT int luaopen_temporal(lua_State *L);
EXPORT int luaopen_temporal_activity(lua_State *L);
EXPORT int luaopen_temporal_toml(lua_State *L);
EXPORT int luaopen_temporal_workflow(lua_State *L);

/* What is in package.preload: upvalue 1 tells which module. */
static int open_module(lua_State *L) {
  const ltp_bundled *module =
    &ltp_bundle[lua_tointeger(L, lua_upvalueindex(1))];
  if (luaL_loadbuffer(L, (const char *)module->code, module->size,
                      module->name) != 0)
    return luaL_error(L, "temporal: this library was built for another Lua "
                      "than this one: for %s (%s)", ltp_bundle_lua,
                      lua_tostring(L, -1));
  lua_insert(L, 1);
  if (lua_pcall(L, lua_gettop(L) - 1, 1, 0) == 0) return 1;
  /* Lua 5.1 and LuaJIT would take it for being loaded for ever. */
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  lua_pushnil(L);
  lua_setfield(L, -2, module->name);
  lua_pop(L, 1);
  return lua_error(L);
}

/* The value on the top is popped. What the program has put there stays. */
static void set_default(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  if (lua_isnil(L, -1)) {
    lua_pushvalue(L, -2);
    lua_setfield(L, table, name);
  }
  lua_pop(L, 2);
}

static void fill_preload(lua_State *L) {
  int i, preload;
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  luaL_checktype(L, -1, LUA_TTABLE);
  preload = lua_gettop(L);
  lua_pushcfunction(L, luaopen_temporal_core);
  set_default(L, preload, "temporal.core");
  for (i = 0; ltp_bundle[i].name; i++) {
    lua_pushinteger(L, i);
    lua_pushcclosure(L, open_module, 1);
    set_default(L, preload, ltp_bundle[i].name);
  }
  lua_pop(L, 2);
}

/* Opens a module with the arguments of require. */
static int open(lua_State *L, const char *name) {
  int i = 0;
  fill_preload(L);
  while (strcmp(ltp_bundle[i].name, name) != 0) i++;
  lua_pushinteger(L, i);
  lua_pushcclosure(L, open_module, 1);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

int luaopen_temporal(lua_State *L) {
  return open(L, "temporal");
}

/* For programs that ask for these before they ask for temporal. */

int luaopen_temporal_toml(lua_State *L) {
  return open(L, "temporal.toml");
}

int luaopen_temporal_workflow(lua_State *L) {
  return open(L, "temporal.workflow");
}

int luaopen_temporal_activity(lua_State *L) {
  return open(L, "temporal.activity");
}
