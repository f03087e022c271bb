/* A buffer that Lua owns: freed when its userdata is collected, whatever was
** raised in between. Lua thread.
*/
#ifndef LTP_BOXED_BUFFER_H
#define LTP_BOXED_BUFFER_H

#include <lua.h>

#include "../../core/base/buffer.h"

#pragma GCC visibility push(hidden)

/* Pushes an empty one. It may be freed earlier, by tp_buffer_free. */
tp_buffer *ltp_newbuffer(lua_State *L, size_t ceiling);

#pragma GCC visibility pop
#endif
