/* Channel userdata: what a Lua client stands on. Options arrive checked by the
** Lua side; the requests are encoded here, once, into the buffer that the
** engine sends. Lua thread; nothing here waits.
*/
#include <stdlib.h>
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/client/http_post.h"
#include "../../core/client/rpc_future.h"
#include "../../core/engine/process.h"
#include "../../core/net/grpc.h"
#include "../../core/proto/schema.h"
#include "../base/boxed_buffer.h"
#include "../base/parts.h"
#include "../message/message_encode.h"
#include "../message/message_names.h"
#include "channel.h"
#include "future.h"
#include "metadata.h"
#include "metrics.h"

#define SERVICE "temporal.api.workflowservice.v1."

typedef struct ltp_channel {
  ltp_box box;       /* first: a box is a channel */
  tp_client *client; /* NULL: not made yet */
} ltp_channel;

tp_client *ltp_checkclient(lua_State *L) {
  ltp_channel *box = lua_touserdata(L, 1);
  if (box && lua_getmetatable(L, 1)) {
    int ok = lua_rawequal(L, -1, LTP_CHANNEL_METATABLE);
    lua_pop(L, 1);
    if (ok && box->client) return box->client;
    if (ok) ltp_check_open(L, ltp_getstate(L));
  }
  luaL_argerror(L, 1, "a channel expected");
  return NULL;
}

static void empty(ltp_box *box) {
  tp_client *client = ((ltp_channel *)box)->client;
  if (client == NULL) return;
  ((ltp_channel *)box)->client = NULL;
  if (!tp_engine_forked(tp_client_engine(client))) tp_client_drop(client);
}

/* --- making a channel ---------- */

static lua_Number number_option(lua_State *L, const char *name) {
  lua_Number value;
  lua_getfield(L, 1, name);
  if (!lua_isnumber(L, -1)) {
    luaL_error(L, "channel option %s must be a number", name);
    return 0;
  }
  value = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

static int64_t seconds_option(lua_State *L, const char *name) {
  return tp_microseconds((double)number_option(L, name));
}

static size_t size_option(lua_State *L, const char *name) {
  lua_Number value = number_option(L, name);
  return value < 1 ? 1 : value > (lua_Number)INT32_MAX ? INT32_MAX
                                                      : (size_t)value;
}

/* The string stays on the stack, so that it lives; NULL for nil. */
static const char *optional_string(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  return luaL_optstring(L, -1, NULL);
}

static const char *string_option(lua_State *L, const char *name) {
  const char *value = optional_string(L, name);
  if (value == NULL) luaL_error(L, "channel option %s must be a string", name);
  return value;
}

static bool flag_option(lua_State *L, const char *name) {
  bool value;
  lua_getfield(L, 1, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

int ltp_refuse(lua_State *L) {
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static int refuse_for(lua_State *L, const char *problem) {
  lua_pushstring(L, problem);
  return ltp_refuse(L);
}

static void read_dial_options(lua_State *L, tp_dial_options *o) {
  luaL_checkstack(L, 21, NULL);
  o->host = string_option(L, "host");
  o->unix_path = optional_string(L, "unix_path");
  o->unix_abstract = flag_option(L, "unix_abstract");
  o->port = (int)number_option(L, "port");
  o->connect_timeout = seconds_option(L, "connect_timeout");
  o->secure = flag_option(L, "secure");
  o->secure_by_key = flag_option(L, "secure_by_key");
  o->refused_hint = optional_string(L, "refused_hint");
  o->tls.ca_file = optional_string(L, "ca_file");
  o->tls.ca_pem = optional_string(L, "ca_pem");
  o->tls.system_file = optional_string(L, "system_ca_file");
  o->tls.system_dir = optional_string(L, "system_ca_dir");
  o->tls.cert_file = optional_string(L, "cert_file");
  o->tls.cert_pem = optional_string(L, "cert_pem");
  o->tls.key_file = optional_string(L, "key_file");
  o->tls.key_pem = optional_string(L, "key_pem");
  o->tls.server_name = optional_string(L, "server_name");
  o->tls.verify = !flag_option(L, "insecure");
  o->proxy = optional_string(L, "proxy");
  o->proxy_ca_file = optional_string(L, "proxy_ca_file");
  o->proxy_ca_pem = optional_string(L, "proxy_ca_pem");
}

/* A connection weighs far more than what Lua sees of it: the collector is
** told, or clients that are dropped would pile up (5.3's lets them). */
#define GC_STEP_KB 64

static ltp_channel *new_box(lua_State *L) {
  ltp_channel *box;
  ltp_check_open(L, ltp_getstate(L));
  lua_gc(L, LUA_GCSTEP, GC_STEP_KB);
  box = ltp_newuserdata(L, sizeof *box);
  memset(box, 0, sizeof *box);
  lua_pushvalue(L, LTP_CHANNEL_METATABLE);
  lua_setmetatable(L, -2);
  ltp_box_add(ltp_getstate(L), &box->box, empty);
  return box;
}

static int Ltp_channel(lua_State *L) {
  ltp_channel *box;
  tp_engine *engine;
  tp_channel_options o;
  const char *problem;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  memset(&o, 0, sizeof o);
  o.rpc_timeout = seconds_option(L, "rpc_timeout");
  o.shutdown_timeout = seconds_option(L, "shutdown_timeout");
  o.keepalive_interval = seconds_option(L, "keepalive_interval");
  o.keepalive_timeout = seconds_option(L, "keepalive_timeout");
  o.max_message = size_option(L, "max_message");
  o.max_decoded = size_option(L, "max_decoded");
  o.max_pending = size_option(L, "max_pending");
  o.retry.initial = seconds_option(L, "retry_initial");
  o.retry.max = seconds_option(L, "retry_max");
  o.retry.factor = (double)number_option(L, "retry_factor");
  o.retry.jitter = (double)number_option(L, "retry_jitter");
  o.retry.attempts = (int)size_option(L, "retry_attempts");
  read_dial_options(L, &o.dial);
  o.authority = string_option(L, "authority");
  lua_getfield(L, 1, "metadata");
  problem = ltp_check_metadata(L, lua_gettop(L), NULL);
  if (problem) return refuse_for(L, problem);
  box = new_box(L);
  engine = ltp_engine(ltp_getstate(L));
  if (engine == NULL) {
    ltp_check_open(L, ltp_getstate(L));
    return luaL_error(L, "not enough memory");
  }
  o.metadata = ltp_read_metadata(L, lua_gettop(L) - 1);
  box->client = tp_client_new(engine, &o);
  if (box->client == NULL) {
    tp_metadata_release(o.metadata);
    return luaL_error(L, "not enough memory");
  }
  return ltp_return(L, 1);
}

/* channel:share() -> another one on the same connection */
static int Ltp_channel_share(lua_State *L) {
  ltp_channel *box;
  ltp_checkclient(L);
  box = new_box(L);
  box->client = tp_client_share(ltp_checkclient(L));
  if (box->client == NULL) return luaL_error(L, "not enough memory");
  return ltp_return(L, 1);
}

/* channel:authorize(value): the header authorization of later attempts */
static int Ltp_channel_authorize(lua_State *L) {
  tp_channel *channel = ltp_checkclient(L)->channel;
  const char *value = luaL_optstring(L, 2, NULL);
  if (tp_engine_forked(channel->engine)) return 0;
  if (!tp_channel_authorize(channel, value))
    return luaL_error(L, "not enough memory");
  return 0;
}

/* --- requests ---------- */

/* The string at `index`, where it lies; NULL for nil. An embedded zero would
** be cut off, and no id of the server's has one. */
static int read_string(lua_State *L, int index, const char **out,
                       const char *what) {
  size_t n;
  *out = NULL;
  if (lua_isnoneornil(L, index)) return 0;
  *out = luaL_checklstring(L, index, &n);
  if (strlen(*out) == n) return 0;
  lua_pushfstring(L, "%s: a zero byte cannot be part of it", what);
  return -1;
}

int ltp_copy_string(lua_State *L, int index, char **out, const char *what) {
  const char *s;
  if (read_string(L, index, &s, what) != 0) return -1;
  if (s == NULL) return 0;
  *out = strdup(s);
  if (*out == NULL) return luaL_error(L, "not enough memory");
  return 0;
}

void ltp_request_begin(tp_buffer *request) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0};
  tp_buffer_reserve(request, 384); /* what most requests need, at once */
  tp_buffer_put(request, prefix, sizeof prefix);
}

void ltp_request_end(lua_State *L, tp_buffer *request) {
  if (request->status != TP_OK) luaL_error(L, "not enough memory");
  tp_grpc_write_prefix(request->data,
                       (uint32_t)(request->length - TP_GRPC_PREFIX));
}

/* The same index every time: whichever thread looks first keeps it. */
static int start_request_type(bool signals) {
  static int types[] = {-1, -1};
  static const char *const names[] = {
    SERVICE "StartWorkflowExecutionRequest",
    SERVICE "SignalWithStartWorkflowExecutionRequest"};
  int known = __atomic_load_n(&types[signals], __ATOMIC_RELAXED);
  if (known < 0) {
    known = tp_schema_message(names[signals], strlen(names[signals]));
    __atomic_store_n(&types[signals], known, __ATOMIC_RELAXED);
  }
  return known;
}

static const char *check_metadata(lua_State *L, const tp_client *client,
                                  int list) {
  return ltp_check_metadata(L, list, tp_client_metadata(client));
}

tp_run *ltp_newrun(lua_State *L, const tp_run_names *names) {
  ltp_future *box = ltp_newfuture(L, LTP_RUN_METATABLE);
  tp_run *run = tp_run_new(ltp_checkclient(L), names);
  if (run == NULL) luaL_error(L, "not enough memory");
  else box->future = &run->base.future;
  return run;
}

/* Where the names of a run are among the arguments. */
static int read_names(lua_State *L, int namespace, int request_id,
                      int workflow_type, tp_run_names *out) {
  return read_string(L, namespace, &out->namespace, "namespace") ||
         read_string(L, namespace + 1, &out->workflow_id, "id") ||
         read_string(L, request_id, &out->request_id, "request_id") ||
         read_string(L, workflow_type, &out->workflow_type, "workflow type");
}

/* channel:start(request, namespace, workflow_id, request_id, workflow_type,
** timeout, metadata, attach, signals, task): with `signals` the request is a
** SignalWithStartWorkflowExecutionRequest; `task`: it asks for the first task,
** which core.first_task takes. */
static int Ltp_channel_start(lua_State *L) {
  tp_client *client = ltp_checkclient(L);
  const char *problem = check_metadata(L, client, 8);
  tp_run_names names;
  tp_run *run;
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstring(L, 3);
  luaL_checkstring(L, 4);
  lua_settop(L, 11);
  if (problem) return refuse_for(L, problem);
  if (read_names(L, 3, 5, 6, &names) != 0) return ltp_refuse(L);
  run = ltp_newrun(L, &names);
  ltp_request_begin(&run->base.call.request);
  if (ltp_message_encode(L, 2, start_request_type(lua_toboolean(L, 10)),
                         &run->base.call.request, LTP_ALLOW_ENCODED) != 0)
    return ltp_refuse(L);
  ltp_request_end(L, &run->base.call.request);
  if (lua_isnumber(L, 7))
    run->base.call.timeout = tp_microseconds((double)lua_tonumber(L, 7));
  run->base.call.metadata = ltp_read_metadata(L, 8);
  run->attach = lua_toboolean(L, 9);
  run->signals = lua_toboolean(L, 10);
  if (lua_toboolean(L, 11) && !tp_run_want_task(run))
    return luaL_error(L, "not enough memory");
  return ltp_submit(L, &run->base, true);
}

/* channel:run(namespace, workflow_id, run_id, first_execution_run_id,
** metadata, workflow_type, request_id, attached) */
static int Ltp_channel_run(lua_State *L) {
  tp_client *client = ltp_checkclient(L);
  const char *problem = check_metadata(L, client, 6);
  tp_run_names names;
  tp_run *run;
  luaL_checkstring(L, 2);
  luaL_checkstring(L, 3);
  lua_settop(L, 9);
  if (problem) return refuse_for(L, problem);
  if (read_names(L, 2, 8, 7, &names) != 0) return ltp_refuse(L);
  run = ltp_newrun(L, &names);
  if (ltp_copy_string(L, 4, &run->run_id, "run_id") ||
      ltp_copy_string(L, 5, &run->first_execution_run_id,
                  "first_execution_run_id"))
    return ltp_refuse(L);
  run->attached = lua_toboolean(L, 9);
  run->base.call.metadata = ltp_read_metadata(L, 6);
  tp_future_signal(&run->base.future, TP_STARTED);
  return ltp_return(L, 1);
}

/* Why something may fail in Lua, before it is sent. */
static const char *const refusals[] = {"codec", "unauthenticated", "config",
                                       "cannot_wait", "application", NULL};

/* channel:refused(namespace, workflow_id, request_id, workflow_type, kind,
** message): the future of a start that failed before anything was sent; it is
** of one of the kinds below */
static int Ltp_channel_refused(lua_State *L) {
  int kind = luaL_checkoption(L, 6, "codec", refusals);
  const char *message = luaL_checkstring(L, 7);
  tp_run_names names;
  tp_run *run;
  ltp_checkclient(L);
  if (read_names(L, 2, 4, 5, &names) != 0) return ltp_refuse(L);
  run = ltp_newrun(L, &names);
  tp_future_refuse(&run->base.future, refusals[kind], -1, message);
  return ltp_return(L, 1);
}

/* channel:refused_call(path, kind, message): the same of a call */
static int Ltp_channel_refused_call(lua_State *L) {
  int kind = luaL_checkoption(L, 3, "codec", refusals);
  const char *message = luaL_checkstring(L, 4);
  tp_rpc_future *rpc;
  ltp_checkclient(L);
  luaL_checkstring(L, 2);
  rpc = ltp_newrpc(L);
  if (ltp_copy_string(L, 2, &rpc->path, "path")) return ltp_refuse(L);
  tp_future_refuse(&rpc->base.future, refusals[kind], -1, message);
  return ltp_return(L, 1);
}

/* --- HTTP beside the server ---------- */

/* 0, or -1 with the error string pushed. */
static int add_header(lua_State *L, tp_http_post *post, int i) {
  size_t n;
  const char *line, *problem;
  lua_rawgeti(L, 3, i);
  line = luaL_checklstring(L, -1, &n);
  problem = tp_http_post_header(post, line, n);
  if (problem) {
    lua_pushlstring(L, line, strcspn(line, ":;"));
    lua_pushfstring(L, "the header \"%s\" %s", lua_tostring(L, -1), problem);
    return -1;
  }
  lua_pop(L, 1);
  return 0;
}

/* channel:post(url, {"Name: value", ...}, body, timeout) -> a future of
** {status=, body=}, or nil and what is wrong */
static int Ltp_channel_post(lua_State *L) {
  ltp_future *box;
  tp_http_post *post;
  const char *body;
  size_t n;
  int i;
  ltp_checkclient(L);
  lua_settop(L, 5);
  luaL_checktype(L, 3, LUA_TTABLE);
  body = luaL_checklstring(L, 4, &n);
  box = ltp_newfuture(L, LTP_CALL_METATABLE);
  post = tp_http_post_new(ltp_checkclient(L));
  if (post == NULL) return luaL_error(L, "not enough memory");
  box->future = &post->future;
  if (ltp_copy_string(L, 2, &post->url, "url")) return ltp_refuse(L);
  for (i = 1; i <= (int)ltp_rawlen(L, 3); i++)
    if (add_header(L, post, i) != 0) return ltp_refuse(L);
  if (post->header_lines.status != TP_OK ||
      tp_buffer_put(&post->request, body, n) != TP_OK)
    return luaL_error(L, "not enough memory");
  post->timeout = tp_microseconds((double)luaL_checknumber(L, 5));
  tp_http_post_submit(post);
  return ltp_return(L, 1);
}

/* load_libcurl([host, secure, proxy]): if dialling so needs it. For later, when
** the program may be another user's or in another root. What goes wrong is told
** by the first call, which tries again. */
static int Ltp_load_libcurl(lua_State *L) {
  char reason[TP_REASON];
  tp_dial_options dial = {0};
  dial.host = luaL_optstring(L, 1, "");
  dial.secure = lua_toboolean(L, 2);
  dial.proxy = luaL_optstring(L, 3, NULL);
  if (!tp_dial_without_libcurl(&dial)) (void)tp_process_libcurl(reason);
  return 0;
}

/* --- closing ---------- */

/* channel:close() -> a future that is ready once nothing is unacknowledged */
static int Ltp_channel_close(lua_State *L) {
  ltp_future *box;
  tp_client *client;
  ltp_checkclient(L);
  box = ltp_newfuture(L, LTP_CALL_METATABLE);
  client = ltp_checkclient(L);
  if (tp_engine_forked(tp_client_engine(client))) {
    lua_pushnil(L);
    return 1;
  }
  box->future = tp_drain_new(client);
  if (box->future == NULL) return luaL_error(L, "not enough memory");
  return ltp_return(L, 1);
}

static int Ltp_channel_finish(lua_State *L) {
  tp_client *client = ltp_checkclient(L);
  if (!tp_engine_forked(tp_client_engine(client))) tp_client_finish(client);
  return 0;
}

static bool is_unacknowledged(const tp_future *f) {
  const tp_future_class *class = f->class;
  return f->submission && !(tp_future_flags(f) & (class->acknowledged |
                                                  TP_FAILED | class->silent));
}

/* With its final NUL; the byte before tells it from NULL. */
static void note_text(tp_buffer *out, const char *text) {
  tp_buffer_byte(out, text != NULL);
  if (text) tp_buffer_put(out, text, strlen(text) + 1);
}

/* The cause and names of a submission under way. */
static void note(tp_buffer *out, tp_future *f) {
  tp_failure *failure = tp_future_failure(f);
  tp_names names = tp_future_names(f);
  tp_engine_lock(f->engine);
  note_text(out, failure->message ? failure->message : "not answered yet");
  tp_engine_unlock(f->engine);
  note_text(out, names.workflow_id);
  note_text(out, names.request_id);
  note_text(out, names.method);
}

/* What note() wrote, as a table; behind it. */
static const uint8_t *push_noted(lua_State *L, const uint8_t *at) {
  static const char *const fields[] = {"cause", "workflow_id", "request_id",
                                       "method"};
  size_t i;
  lua_createtable(L, 0, 4);
  for (i = 0; i < sizeof fields / sizeof *fields; i++) {
    const char *text = (const char *)at + 1;
    if (*at++ == 0) continue;
    lua_pushstring(L, text);
    lua_setfield(L, -2, fields[i]);
    at += strlen(text) + 1;
  }
  return at;
}

/* Lua may raise wherever it needs memory: it gets none while a future is held.
*/
static int Ltp_channel_unacknowledged(lua_State *L) {
  tp_buffer *noted = ltp_newbuffer(L, SIZE_MAX);
  const uint8_t *at;
  tp_client *client;
  tp_future *f = NULL;
  int k = 0;
  lua_newtable(L);
  client = ltp_checkclient(L);
  if (tp_engine_forked(tp_client_engine(client))) return 1;
  while ((f = tp_client_next(client, f)) != NULL)
    if (f->client == client && is_unacknowledged(f)) note(noted, f);
  if (noted->status != TP_OK) return luaL_error(L, "not enough memory");
  for (at = noted->data; at < noted->data + noted->length;) {
    at = push_noted(L, at);
    lua_rawseti(L, -2, ++k);
  }
  tp_buffer_free(noted);
  return ltp_return(L, 1);
}

/* channel:metrics() -> what it has counted (metrics.h); nil in a child of the
** process that counted, whose lock may be held for ever */
static int Ltp_channel_metrics(lua_State *L) {
  tp_channel *c = ltp_checkclient(L)->channel;
  if (tp_engine_forked(c->engine))
    lua_pushnil(L);
  else
    ltp_pushmetrics(L, c->metrics, tp_channel_pending(c),
                    tp_channel_unacknowledged(c));
  return 1;
}

static const luaL_Reg methods[] = {
  {"start", Ltp_channel_start},
  {"start_plain", ltp_channel_start_plain},
  {"run", Ltp_channel_run},
  {"refused", Ltp_channel_refused},
  {"refused_call", Ltp_channel_refused_call},
  {"post", Ltp_channel_post},
  {"share", Ltp_channel_share},
  {"authorize", Ltp_channel_authorize},
  {"call", ltp_channel_call},
  {"caller", ltp_channel_caller},
  {"close", Ltp_channel_close},
  {"finish", Ltp_channel_finish},
  {"unacknowledged", Ltp_channel_unacknowledged},
  {"metrics", Ltp_channel_metrics},
  {NULL, NULL}};

static const luaL_Reg functions[] = {
  {"channel", Ltp_channel},
  {"load_libcurl", Ltp_load_libcurl},
  {"header_problem", ltp_header_problem},
  {NULL, NULL}};

void ltp_open_channel(lua_State *L, int first) {
  ltp_register(L, first, functions);
  lua_pushvalue(L, first + 3);
  lua_newtable(L);
  ltp_register(L, first, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, ltp_box_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
