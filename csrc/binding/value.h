/* Lua values as JSON and as payloads (api.md section 7). Lua's thread only.
** Raw access throughout: no metamethod and no function of the user runs.
** What cannot be converted is a message, not an error; out of memory raises.
*/
#ifndef LTP_VALUE_H
#define LTP_VALUE_H

#include "../core/buffer.h"
#include "compat.h"

#pragma GCC visibility push(hidden)

/* Adds the functions of this part to the module table on top of the stack. */
void ltp_open_value(lua_State *L);

/* Append the value at `index` to `out`, which must be owned by a userdata.
** 0, or -1 with a message pushed and `out` as long as before. The message
** begins with the value's place: `name`, then the path within the value
** (`argument 1.items[3].price`). nil is JSON null; as a payload, and so are
** temporal.bytes and temporal.raw, it has its own encoding. */
int ltp_json_encode_as(lua_State *L, int index, const char *name,
                       tp_buffer *out);
int ltp_json_encode(lua_State *L, int index, tp_buffer *out);
int ltp_payload_encode(lua_State *L, int index, const char *name,
                       tp_buffer *out);

/* Pushes the value and returns 0, or a message (with the byte offset) and -1.
** `s` must stay where it is meanwhile. JSON null is lightuserdata NULL. */
int ltp_json_decode(lua_State *L, const char *s, size_t n);

/* ---- between the value_*.c files ---- */

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
  LTP_EMPTY_ARRAY /* cjson.empty_array: not a table */
} ltp_kind;

#define LTP_MARK "temporal.array_mark"  /* registry: arrays are made with it */
#define LTP_MAKE "temporal.int64_make"  /* registry, LuaJIT: types.lua's */
#define LTP_TEXT "temporal.int64_text"  /* functions for int64_t cdata */

ltp_values *ltp_values_get(lua_State *L);
ltp_kind ltp_value_kind(lua_State *L, ltp_values *v, int index);
/* Looks for lua-cjson among the loaded modules, until it is there. */
void ltp_values_find_cjson(lua_State *L, ltp_values *v);

/* A buffer for the time until close, without an allocation when nobody else
** uses the kept one. Pushes one slot, which must stay until then. */
tp_buffer *ltp_scratch_open(lua_State *L, ltp_values *v);
void ltp_scratch_close(ltp_values *v, tp_buffer *b);

int ltp_values_encode(lua_State *L, ltp_values *v, int index,
                      const char *name, tp_buffer *out);
int ltp_values_decode(lua_State *L, ltp_values *v, const char *s, size_t n);
void ltp_push_int64(lua_State *L, ltp_values *v, int64_t value);
/* The value of temporal.int64 or cdata; 0 when it is something else. */
int ltp_to_int64(lua_State *L, ltp_values *v, int index, int64_t *value);

int Ltp_payload(lua_State *L);
int Ltp_payloads(lua_State *L);
int Ltp_payload_value(lua_State *L);

#pragma GCC visibility pop
#endif
