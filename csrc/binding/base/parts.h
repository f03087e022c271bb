/* The parts of temporal.core, each opened once, from the table of module.c. A
** part adds its functions to the module table on top of the stack; the
** upvalues of state.h lie from `first` on. Lua thread.
*/
#ifndef LTP_PARTS_H
#define LTP_PARTS_H

#include "compat.h"

#pragma GCC visibility push(hidden)

void ltp_open_system(lua_State *L, int first);
void ltp_open_decimal(lua_State *L, int first);
void ltp_open_nginx(lua_State *L, int first);
void ltp_open_zlib(lua_State *L, int first);
void ltp_open_random(lua_State *L, int first);
void ltp_open_signals(lua_State *L, int first);
void ltp_open_step(lua_State *L, int first);
void ltp_open_sorted(lua_State *L, int first);
void ltp_open_message(lua_State *L, int first);
void ltp_open_history(lua_State *L, int first);
void ltp_open_value(lua_State *L, int first);
void ltp_open_json(lua_State *L, int first);
void ltp_open_payload(lua_State *L, int first);
void ltp_open_protojson(lua_State *L, int first);
void ltp_open_future(lua_State *L, int first);
void ltp_open_channel(lua_State *L, int first);
/* After the channel, to which it adds a method. */
void ltp_open_heartbeat(lua_State *L, int first);

#pragma GCC visibility pop
#endif
