/* Where in a message the codec is, for its errors: a chain of levels on the C
** stack. Lua thread. Only for message_encode.c, message_decode.c, message.c.
*/
#ifndef LTP_MESSAGE_PATH_H
#define LTP_MESSAGE_PATH_H

#include "../../core/proto/schema.h"
#include "../../core/proto/wire.h"
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

typedef struct ltp_level {
  const struct ltp_level *up;
  int type;              /* message index */
  const tp_field *field; /* being looked at, or NULL */
  size_t index;          /* its element, from 1; 0 = none */
  int key;               /* stack slot of its map key; 0 = none */
} ltp_level;

/* Pushes "Message.field[2].field: text" and returns -1. `format` takes what
** vsnprintf takes; numbers in it must not depend on the locale. */
int ltp_path_error(lua_State *L, const ltp_level *level, const char *format,
                   ...);

/* Describes a value for "got ...": string "x", number 1.5, table. */
#define LTP_DESCRIBED 80
const char *ltp_describe(lua_State *L, int index, char out[LTP_DESCRIBED]);

/* `"text"`, cut at about 40 bytes and free of control characters. */
const char *ltp_quote(const char *s, size_t n, char out[LTP_DESCRIBED]);

/* The names of a message's fields in their order, as many as there is room
** for: "a, b, c, ...". */
#define LTP_LISTED 360
const char *ltp_list_fields(int type, char out[LTP_LISTED]);

/* The wire type of each field type, as it is written unpacked. */
extern const uint8_t ltp_wire_types[];
#define ltp_wire_of(type) ((tp_wire_type)ltp_wire_types[type])

#pragma GCC visibility pop
#endif
