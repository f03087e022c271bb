/* What every function of the module shares: the engine of this Lua state and
** the metatables, as upvalues 1 to 3 of each C function. Lua thread.
*/
#ifndef LTP_STATE_H
#define LTP_STATE_H

#include "../../core/engine/engine.h"
#include "compat.h"

#define LTP_RANDOM 512 /* bytes asked of the system at once */

#pragma GCC visibility push(hidden)

/* First member of every userdata that holds something of C. Lua calls no
** finalizer of what is made while a state closes: the state empties it then. */
typedef struct ltp_box {
  struct ltp_box *next, **link; /* the state's list */
  void (*empty)(struct ltp_box *box); /* lets go; does nothing once it has */
} ltp_box;

typedef struct ltp_state {
  tp_engine *engine; /* NULL before the first channel */
  int closed;        /* the Lua state is being closed: no new one */
  ltp_box *boxes;    /* all that there are */
  tp_notice *notices[TP_NOTICE_KINDS]; /* taken, but not yet told to Lua */
  uint8_t random[LTP_RANDOM]; /* of which so many are used */
  size_t random_used;
  unsigned random_forks; /* a child must not repeat its parent's */
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

/* The engine, made at need; a forked child gets a new one. NULL: no memory, or
** the Lua state is being closed. */
tp_engine *ltp_engine(ltp_state *state);

/* Puts a box into the list. */
void ltp_box_add(ltp_state *state, ltp_box *box, void (*empty)(ltp_box *box));
/* Raises once the Lua state is being closed. */
void ltp_check_open(lua_State *L, ltp_state *state);
/* The end of a function that makes a box or allocates while it uses one: before
** 5.4.4 a collector that runs in it may have called the state's finalizer. */
int ltp_return(lua_State *L, int results);
/* The finalizer of all boxes. */
int ltp_box_gc(lua_State *L);
/* The state where it is no upvalue. */
ltp_state *ltp_findstate(lua_State *L);

#pragma GCC visibility pop
#endif
