/* What other rooms take of the system. Lua thread. */
#ifndef LTP_SYSTEM_H
#define LTP_SYSTEM_H

#include "../base/compat.h"

#pragma GCC visibility push(hidden)

#define LTP_UUID 36 /* bytes of its text, without a terminator */

/* A UUID of version 4 (RFC 9562); raises when there are no random bytes. */
void ltp_write_uuid(lua_State *L, char text[LTP_UUID]);

#pragma GCC visibility pop
#endif
