/* Heartbeats of activities: the future that sends them, what it is given to
** send, and what the server has answered. Lua thread; nothing here waits.
*/
#include "../../core/client/heartbeat.h"

#include <string.h>

#include "../../core/base/limits.h"
#include "../base/boxed_buffer.h"
#include "../base/parts.h"
#include "../message/message_encode.h"
#include "../message/message_names.h"
#include "channel.h"
#include "future.h"
#include "metadata.h"

#define SERVICE "/temporal.api.workflowservice.v1.WorkflowService/"

/* channel:heartbeat(namespace, interval, metadata) -> a future that is ready
** once the server wants something of the activity; or nil and what is wrong
** with the metadata */
static int Ltp_channel_heartbeat(lua_State *L) {
  tp_client *client = ltp_checkclient(L);
  const char *namespace = luaL_checkstring(L, 2);
  lua_Number interval = luaL_checknumber(L, 3);
  const char *problem = ltp_check_metadata(L, 4, tp_client_metadata(client));
  ltp_future *box;
  tp_heartbeat *h;
  lua_settop(L, 4);
  if (problem) {
    lua_pushnil(L);
    lua_pushstring(L, problem);
    return 2;
  }
  box = ltp_newfuture(L, LTP_CALL_METATABLE);
  h = tp_heartbeat_new(ltp_checkclient(L));
  if (h == NULL) return luaL_error(L, "not enough memory");
  box->future = &h->base.future;
  h->interval = tp_microseconds((double)interval);
  h->path = strdup(SERVICE "RecordActivityTaskHeartbeat");
  h->namespace = strdup(namespace);
  if (h->path == NULL || h->namespace == NULL)
    return luaL_error(L, "not enough memory");
  h->base.call.path = h->path;
  h->base.call.namespace = h->namespace;
  h->base.call.metadata = ltp_read_metadata(L, 4);
  return ltp_return(L, 1);
}

static tp_heartbeat *check_heartbeat(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  if (f->class->kind != TP_HEARTBEAT)
    luaL_argerror(L, 1, "a heartbeat expected");
  return (tp_heartbeat *)f;
}

/* beat(heartbeat, request_type, request): true, or nil and what is wrong with
** the request; false: it cannot be sent any more */
static int Ltp_beat(lua_State *L) {
  tp_heartbeat *h = check_heartbeat(L);
  int type = ltp_check_message_type(L, 2);
  tp_buffer *request;
  if (type < 0) return lua_error(L);
  luaL_checktype(L, 3, LUA_TTABLE);
  request = ltp_newbuffer(L, TP_MAX_MESSAGE);
  ltp_request_begin(request);
  if (ltp_message_encode(L, 3, type, request, LTP_ALLOW_ENCODED) != 0) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  ltp_request_end(L, request);
  lua_pushboolean(L, !tp_engine_forked(h->base.future.engine) &&
                     tp_heartbeat_beat(h, request));
  tp_buffer_free(request);
  return ltp_return(L, 1);
}

/* wanted(heartbeat): what the server wants of the activity; nil: nothing */
static int Ltp_wanted(lua_State *L) {
  unsigned wanted = tp_heartbeat_wanted(check_heartbeat(L));
  lua_pushstring(L, wanted & TP_BEAT_GONE ? "not_found"
                    : wanted & TP_BEAT_CANCEL ? "requested"
                    : wanted & TP_BEAT_RESET ? "reset"
                    : wanted & TP_BEAT_PAUSE ? "paused" : NULL);
  return 1;
}

static const luaL_Reg methods[] = {
  {"heartbeat", Ltp_channel_heartbeat},
  {NULL, NULL}};

static const luaL_Reg functions[] = {
  {"beat", Ltp_beat},
  {"wanted", Ltp_wanted},
  {NULL, NULL}};

void ltp_open_heartbeat(lua_State *L, int first) {
  ltp_register(L, first, functions);
  lua_getfield(L, first + 3, "__index"); /* the channel's methods */
  ltp_register(L, first, methods);
  lua_pop(L, 1);
}
