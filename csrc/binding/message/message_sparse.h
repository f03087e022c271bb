/* What a sparse table needs: its message's fields that are absent read, through
** a metatable for each type of message, as they do in a full one. Lua thread;
** raises only when out of memory. Only for message_decode.c, history.c.
*/
#ifndef LTP_MESSAGE_SPARSE_H
#define LTP_MESSAGE_SPARSE_H

#include "../../core/proto/schema.h"
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

typedef enum {
  LTP_SPARSE_TABLE,
  LTP_SPARSE_BYTES, /* stays a string: a history, payloads */
  LTP_SPARSE_FULL   /* as in a full message: a failure, which users see */
} ltp_sparse;

/* Pushes the table with what is known of each type. */
void ltp_push_sparse(lua_State *L);
/* What a message of a type becomes; `types` is the slot of that table. */
ltp_sparse ltp_sparse_of(lua_State *L, int types, int type);
/* Sets the metatable of the table on top of the stack; `names` is the slot of
** what ltp_push_names pushed. */
void ltp_make_sparse(lua_State *L, int types, int names, int type);

/* Pushes what a scalar that is absent reads as. */
void ltp_push_zero(lua_State *L, int names, const tp_field *field);

#pragma GCC visibility pop
#endif
