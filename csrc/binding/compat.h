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

#endif
