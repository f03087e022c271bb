/* The Lua C API from 5.1 to 5.4 and LuaJIT under one set of names. Only what
** this project uses. Included by the binding, never by csrc/core.
*/
#ifndef LTP_COMPAT_H
#define LTP_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM >= 503
#define ltp_isinteger(L, i) lua_isinteger(L, i)
#define LTP_HAS_INTEGERS 1
#else
#define ltp_isinteger(L, i) 0
#define LTP_HAS_INTEGERS 0
#endif

#if LUA_VERSION_NUM >= 502
#define ltp_rawlen(L, i) lua_rawlen(L, i)
#define ltp_absindex(L, i) lua_absindex(L, i)
#else
#define ltp_rawlen(L, i) lua_objlen(L, i)
#define ltp_absindex(L, i) \
  ((i) > 0 || (i) <= LUA_REGISTRYINDEX ? (i) : lua_gettop(L) + (i) + 1)
#endif

/* One user value (a table on 5.1) for each userdata. */
#if LUA_VERSION_NUM >= 504
#define ltp_newuserdata(L, size) lua_newuserdatauv(L, size, 1)
#define ltp_setuservalue(L, i) ((void)lua_setiuservalue(L, i, 1))
#define ltp_getuservalue(L, i) ((void)lua_getiuservalue(L, i, 1))
#elif LUA_VERSION_NUM >= 502
#define ltp_newuserdata(L, size) lua_newuserdata(L, size)
#define ltp_setuservalue(L, i) lua_setuservalue(L, i)
#define ltp_getuservalue(L, i) lua_getuservalue(L, i)
#else
#define ltp_newuserdata(L, size) lua_newuserdata(L, size)
#define ltp_setuservalue(L, i) ((void)lua_setfenv(L, i))
#define ltp_getuservalue(L, i) lua_getfenv(L, i)
#endif

/* Pushes the main thread. 5.1 tells only that thread itself that it is the
** main one: there it is known since ltp_mark_main in it, and nil before. */
#if LUA_VERSION_NUM >= 502
#define ltp_mark_main(L) ((void)(L))
#define ltp_push_main(L) \
  ((void)lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD))
#else
#define ltp_mark_main(L)                                           \
  (lua_pushthread(L)                                               \
       ? lua_setfield(L, LUA_REGISTRYINDEX, "temporal.main_thread") \
       : lua_pop(L, 1))
#define ltp_push_main(L) \
  lua_getfield(L, LUA_REGISTRYINDEX, "temporal.main_thread")
#endif

#endif
