/* What every function of the module shares: the engine of this Lua state and
** the metatables, as upvalues 1 to 3 of each C function. Lua thread.
*/
#ifndef LTP_STATE_H
#define LTP_STATE_H

#include "../../core/engine/engine.h"
#include "compat.h"

#pragma GCC visibility push(hidden)

typedef struct ltp_state {
  tp_engine *engine; /* NULL before the first channel */
  int closed;        /* the Lua state is being closed: no new one */
} ltp_state;

#define LTP_STATE_UPVALUE lua_upvalueindex(1)
#define LTP_RUN_METATABLE lua_upvalueindex(2)
#define LTP_CALL_METATABLE lua_upvalueindex(3)
#define LTP_CHANNEL_METATABLE lua_upvalueindex(4)
#define LTP_UPVALUES 4

#define ltp_getstate(L) ((ltp_state *)lua_touserdata(L, LTP_STATE_UPVALUE))

/* Pushes the LTP_UPVALUES upvalues of every function; the state's userdata is
** that of an earlier require, if any. */
void ltp_push_upvalues(lua_State *L);
/* Adds functions to the table at the top of the stack, below which lie the
** LTP_UPVALUES upvalues at `first`. */
void ltp_register(lua_State *L, int first, const luaL_Reg *functions);

/* The engine, made at need; a forked child gets a new one. NULL: no memory. */
tp_engine *ltp_engine(ltp_state *state);

#pragma GCC visibility pop
#endif
