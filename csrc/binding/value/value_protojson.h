/* ProtoJSON (csrc/core/json/protojson.h) for Lua, by way of the message's
** bytes: tables follow the rules of message_encode.h. Lua's thread only. What
** cannot be converted is a message, not an error; out of memory raises.
*/
#ifndef LTP_VALUE_PROTOJSON_H
#define LTP_VALUE_PROTOJSON_H

#include "../../core/json/protojson.h"
#include "value.h"

#pragma GCC visibility push(hidden)

/* Pushes the table of the message in JSON text and returns 0, or an error
** string and what ltp_message_decode says. `flags` are TP_PROTOJSON_*; `s` must
** stay put meanwhile. */
int ltp_protojson_decode(lua_State *L, ltp_values *v, const char *s, size_t n,
                         int type, int flags, size_t max);

#pragma GCC visibility pop
#endif
