/* What the conversions of Lua values share: what belongs to one Lua state, the
** marked values (temporal.array, bytes, raw, int64, typed search attributes),
** scratch buffers. Lua's thread only. Raw access throughout: no metamethod and
** no function of the user runs.
*/
#ifndef LTP_VALUE_H
#define LTP_VALUE_H

#include "../../core/base/buffer.h"
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

/* One for each Lua state, in the registry and in upvalue 1 of every function
** of this part. Tables are told apart by the address of their metatable. */
typedef struct ltp_values {
  tp_buffer scratch;
  int busy; /* scratch is in use: somebody called us from a finaliser. After
            ** an error in use it stays so: then nobody shares it any more */
  const void *array_mt, *bytes_mt, *raw_mt, *attribute_mt, *int64_mt;
  int cjson_known; /* lua-cjson was found loaded; its marks, or NULL: */
  const void *cjson_array_mt, *cjson_empty_array_mt, *cjson_empty_array;
} ltp_values;

typedef enum {
  LTP_PLAIN, /* everything else */
  LTP_NULL,
  LTP_ARRAY,
  LTP_BYTES,
  LTP_RAW,
  LTP_ATTRIBUTE, /* a typed search attribute */
  LTP_INT64,
  LTP_EMPTY_ARRAY, /* cjson.empty_array: not a table */
  LTP_FUTURE       /* a table that is waited for: an update, a task ... */
} ltp_kind;

#define LTP_MARK "temporal.array_mark"  /* registry: arrays are made with it */
#define LTP_MAKE "temporal.int64_make"  /* registry, LuaJIT: types.lua's */
#define LTP_TEXT "temporal.int64_text"  /* functions for int64_t cdata */

/* That of this Lua state. */
ltp_values *ltp_getvalues(lua_State *L);

ltp_kind ltp_value_kind(lua_State *L, ltp_values *v, int index);
/* Looks for lua-cjson among the loaded modules, until it is there. */
void ltp_values_find_cjson(lua_State *L, ltp_values *v);

/* A buffer for the time until close, without an allocation when nobody else
** uses the kept one. Pushes one slot, which must stay until then. */
tp_buffer *ltp_scratch_open(lua_State *L, ltp_values *v);
void ltp_scratch_close(ltp_values *v, tp_buffer *b);
/* Closes it and pushes what it holds, or, if it failed, nil below the message
** on top. Returns how many that are. */
int ltp_scratch_push(lua_State *L, ltp_values *v, tp_buffer *b, int failed);

void ltp_push_int64(lua_State *L, ltp_values *v, int64_t value);
/* The value of temporal.int64 or cdata; 0 when it is something else. */
int ltp_to_int64(lua_State *L, ltp_values *v, int index, int64_t *value);

/* Adds functions, with the ltp_values as upvalue 1, to the table on top. */
void ltp_values_register(lua_State *L, const luaL_Reg *functions);

#pragma GCC visibility pop
#endif
