/* Future userdata: a box around a tp_future. Lua thread. */
#ifndef LTP_FUTURE_H
#define LTP_FUTURE_H

#include "../../core/client/submission.h"
#include "../../core/engine/future.h"
#include "../base/state.h"

#pragma GCC visibility push(hidden)

typedef struct ltp_future {
  ltp_box box;       /* first: a box is a future */
  tp_future *future; /* NULL: not made yet */
} ltp_future;

/* Pushes an empty box of the class whose metatable is the upvalue. */
ltp_future *ltp_newfuture(lua_State *L, int metatable);
/* The future at `index`; raises when it is none. */
tp_future *ltp_checkfuture(lua_State *L, int index);
/* Sends what the future on the top stands for; what the method returns: that
** and the bytes of its request. */
int ltp_submit(lua_State *L, tp_submission *s, bool counted);

#pragma GCC visibility pop
#endif
