/* JSON text as a Lua value (docs/conversion.md). Lua's thread only. Out of
** memory raises.
*/
#ifndef LTP_VALUE_DECODE_H
#define LTP_VALUE_DECODE_H

#include "value.h"

#pragma GCC visibility push(hidden)

/* Pushes the value and returns 0, or a message (with the byte offset) and -1,
** or LTP_TOO_MUCH: more than `max` tables and elements. `s` must stay where it
** is meanwhile. JSON null is lightuserdata NULL. `lenient`: as
** tp_json_be_lenient reads. */
int ltp_values_decode(lua_State *L, ltp_values *v, const char *s, size_t n,
                      size_t max, int lenient);

#pragma GCC visibility pop
#endif
