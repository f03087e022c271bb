/* What the nginx host (lua/temporal/wait/host_nginx.lua) needs of C: the far
** end of its wake-up socket, whether a coroutine may be suspended here, and no
** thread before nginx has forked. Lua thread; raises only misuse and out of
** memory.
*/
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "../../core/engine/line.h"
#include "../base/parts.h"
#include "../base/state.h"

#define LISTENER "temporal.listener"

/* core.listener(folder) -> listener, or nil and why not */
static int Ltp_listener(lua_State *L) {
  const char *folder = luaL_checkstring(L, 1);
  tp_listener *listener = ltp_newuserdata(L, sizeof *listener);
  tp_listener_init(listener);
  luaL_getmetatable(L, LISTENER);
  lua_setmetatable(L, -2);
  if (tp_listener_open(listener, folder) == TP_OK) return 1;
  lua_pushnil(L);
  lua_pushstring(L, strerror(errno));
  return 2;
}

/* listener:path() -> what to connect to */
static int Ltp_listener_path(lua_State *L) {
  tp_listener *listener = luaL_checkudata(L, 1, LISTENER);
  lua_pushstring(L, listener->at.sun_path);
  return 1;
}

/* listener:accept() -> true once the engine rings the one that has connected,
** and nobody else any more; or nil and why not */
static int Ltp_listener_accept(lua_State *L) {
  tp_listener *listener = luaL_checkudata(L, 1, LISTENER);
  tp_engine *engine = ltp_engine(ltp_getstate(L));
  int fd;
  if (engine == NULL) return luaL_error(L, "not enough memory");
  fd = tp_listener_accept(listener);
  if (fd >= 0) {
    tp_engine_set_line(engine, fd);
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(errno));
  return 2;
}

static int Ltp_listener_gc(lua_State *L) {
  tp_listener_close(luaL_checkudata(L, 1, LISTENER));
  return 0;
}

/* core.hang_up(): whoever is connected reads the end of the stream */
static int Ltp_hang_up(lua_State *L) {
  ltp_state *state = ltp_getstate(L);
  if (state->engine && !tp_engine_forked(state->engine))
    tp_engine_set_line(state->engine, -1);
  return 0;
}

#if LUA_VERSION_NUM < 503
/* LuaJIT has it, Lua 5.1 and 5.2 have not; one module serves 5.1 and LuaJIT. */
extern int lua_isyieldable(lua_State *L) __attribute__((weak));
#define may_yield(L) (lua_isyieldable == NULL || lua_isyieldable(L))
#else
#define may_yield(L) lua_isyieldable(L)
#endif

/* core.yieldable() -> false where the running coroutine cannot be suspended:
** the main one, or a C function such as string.gsub lies in between. True also
** where this Lua cannot tell. */
static int Ltp_yieldable(lua_State *L) {
  lua_pushboolean(L, may_yield(L));
  return 1;
}

/* core.before_fork(yes): refuses threads in this process, which is about to
** fork others that would miss them */
static int Ltp_before_fork(lua_State *L) {
  ltp_state *state = ltp_getstate(L);
  tp_engine *engine = ltp_engine(state);
  if (engine) tp_engine_set_before_fork(engine, lua_toboolean(L, 1));
  return 0;
}

/* core.in_nginx() -> is this process nginx, whatever a global ngx says? Its
** modules need this variable of the program. */
static int Ltp_in_nginx(lua_State *L) {
  lua_pushboolean(L, dlsym(RTLD_DEFAULT, "ngx_cycle") != NULL);
  return 1;
}

static const luaL_Reg methods[] = {
  {"path", Ltp_listener_path},
  {"accept", Ltp_listener_accept},
  {"__gc", Ltp_listener_gc},
  {NULL, NULL}};

static const luaL_Reg functions[] = {
  {"listener", Ltp_listener},
  {"hang_up", Ltp_hang_up},
  {"yieldable", Ltp_yieldable},
  {"before_fork", Ltp_before_fork},
  {"in_nginx", Ltp_in_nginx},
  {NULL, NULL}};

void ltp_open_nginx(lua_State *L, int first) {
  if (luaL_newmetatable(L, LISTENER)) {
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    ltp_register(L, first, methods);
  }
  lua_pop(L, 1);
  ltp_register(L, first, functions);
}
