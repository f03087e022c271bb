/* A Lua value as JSON text (docs/conversion.md). Lua's thread only. What cannot
** be converted is a message, not an error; out of memory raises.
*/
#ifndef LTP_VALUE_ENCODE_H
#define LTP_VALUE_ENCODE_H

#include "value.h"

#pragma GCC visibility push(hidden)

/* Appends the value at `index` to `out`, which must be owned by a userdata.
** 0, or -1 with a message pushed and `out` as long as before. The message
** begins with the value's place: `name`, then the path within the value
** (`argument 1.items[3].price`). nil is JSON null. */
int ltp_values_encode(lua_State *L, ltp_values *v, int index,
                      const char *name, tp_buffer *out);

#pragma GCC visibility pop
#endif
