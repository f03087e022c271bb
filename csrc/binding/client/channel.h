/* What the files share that make requests on a channel. Lua thread. */
#ifndef LTP_CHANNEL_H
#define LTP_CHANNEL_H

#include "../../core/client/workflow_run.h"
#include "../base/state.h"

#pragma GCC visibility push(hidden)

/* The client at index 1; raises when it is none. */
tp_client *ltp_checkclient(lua_State *L);
/* Pushes the future of a run of the client at index 1. */
tp_run *ltp_newrun(lua_State *L, const tp_run_names *names);

/* Room for most requests, and an empty prefix, which end fills in; raises when
** there was no memory. In between the message is appended. */
void ltp_request_begin(tp_buffer *request);
void ltp_request_end(lua_State *L, tp_buffer *request);

/* start_plain.c's method */
int ltp_channel_start_plain(lua_State *L);

#pragma GCC visibility pop
#endif
