/* Lua values as a temporal.api.common.v1.Payloads: the built-in conversion
** of docs/conversion.md. Lua's thread only. What cannot be converted is a
** message, not an error; out of memory raises.
*/
#ifndef LTP_VALUE_PAYLOAD_H
#define LTP_VALUE_PAYLOAD_H

#include "value.h"

#pragma GCC visibility push(hidden)

/* Appends the `n` values from `first` on, arguments of a call, to `out`, which
** must be owned by a userdata. 0, or -1 with a message pushed. */
int ltp_payloads_encode(lua_State *L, ltp_values *v, int first, int n,
                        tp_buffer *out);

#pragma GCC visibility pop
#endif
