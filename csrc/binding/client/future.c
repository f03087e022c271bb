/* Functions on futures: state, waiting, results. See future.h. Nothing here
** blocks for longer than 0.1 s; the loops are in Lua.
*/
#include "future.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "../../core/base/one_line.h"
#include "../../core/client/http_post.h"
#include "../../core/client/rpc_future.h"
#include "../../core/client/workflow_run.h"
#include "../../core/engine/drive.h"
#include "../../core/proto/schema.h"
#include "../base/parts.h"
#include "../message/message_decode.h"
#include "metadata.h"

#define HISTORY_EVENT "temporal.api.history.v1.HistoryEvent"
#define TASK "temporal.api.workflowservice.v1.PollWorkflowTaskQueueResponse"
#define JOIN_TIMEOUT TP_SECOND /* it ends at once, unless it is starved */
#define GC_STEP_FROM 65536 /* bytes the collector cannot see */

static void empty(ltp_box *box) {
  tp_future *f = ((ltp_future *)box)->future;
  if (f == NULL) return;
  ((ltp_future *)box)->future = NULL;
  /* A child leaves alone what belongs to the parent's engine. */
  if (f->orphan || !tp_engine_forked(f->engine)) tp_future_collect(f);
}

ltp_future *ltp_newfuture(lua_State *L, int metatable) {
  ltp_state *state = ltp_getstate(L);
  ltp_future *box;
  ltp_check_open(L, state);
  box = ltp_newuserdata(L, sizeof *box);
  memset(box, 0, sizeof *box);
  lua_pushvalue(L, metatable);
  lua_setmetatable(L, -2);
  ltp_box_add(state, &box->box, empty);
  return box;
}

int ltp_submit(lua_State *L, tp_submission *s, bool counted) {
  size_t size = s->call.request.length; /* from now on the engine's */
  tp_submission_send(s, counted);
  lua_pushinteger(L, (lua_Integer)size);
  return ltp_return(L, 2);
}

static ltp_future *check_box(lua_State *L, int index) {
  ltp_future *box = lua_touserdata(L, index);
  if (box && lua_getmetatable(L, index)) {
    int ok = lua_rawequal(L, -1, LTP_RUN_METATABLE) ||
             lua_rawequal(L, -1, LTP_CALL_METATABLE);
    lua_pop(L, 1);
    if (ok) return box;
  }
  luaL_argerror(L, index, "a future of temporal expected");
  return NULL;
}

tp_future *ltp_checkfuture(lua_State *L, int index) {
  ltp_future *box = check_box(L, index);
  if (box->future == NULL) {
    ltp_check_open(L, ltp_getstate(L));
    luaL_argerror(L, index, "the future was never made");
  }
  return box->future;
}

static unsigned check_what(lua_State *L, int index) {
  const char *what = luaL_checkstring(L, index);
  switch (what[0]) {
    case 's': return TP_STARTED;
    case 'f': return TP_FIRST;
    case 'r': return TP_RESULT;
    case 'a': return TP_STARTED | TP_HOWEVER;
    default:
      return (unsigned)luaL_argerror(L, index,
                                     "started, first, result or answered");
  }
}

/* Handles from client:workflow are started from the beginning. */
static int Ltp_ready(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  unsigned what = check_what(L, 2);
  lua_pushboolean(L, tp_engine_forked(f->engine) || tp_future_ready(f, what));
  return 1;
}

/* core.want(future, what[, for_good]): is it there? Asks for it on behalf of
** who waits, until core.leave; or for good. */
static int Ltp_want(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  unsigned what = check_what(L, 2);
  bool for_good = lua_toboolean(L, 3);
  bool forked = tp_engine_forked(f->engine);
  bool ready = forked || tp_future_ready(f, what);
  if (f->class->kind == TP_RUN && !forked && !(what & TP_HOWEVER))
    ready = tp_run_want((tp_run *)f, what, for_good);
  else if (f->class->kind == TP_RPC && !ready)
    tp_rpc_future_want((tp_rpc_future *)f, for_good);
  lua_pushboolean(L, ready);
  return 1;
}

static void set_text(lua_State *L, const char *name, const char *value) {
  if (value == NULL) return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, lua_Number value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

/* A table that describes it. */
static void push_failure(lua_State *L, const tp_failure *failure) {
  static const char *const outcomes[] = {NULL, "not_started", "unknown"};
  lua_createtable(L, 0, 8);
  set_text(L, "kind", failure->kind);
  set_text(L, "message", failure->message ? failure->message
                                          : "out of memory");
  set_text(L, "outcome", outcomes[failure->outcome]);
  if (failure->code >= 0) {
    lua_pushinteger(L, failure->code);
    lua_setfield(L, -2, "code");
  }
  lua_pushinteger(L, failure->attempts);
  lua_setfield(L, -2, "attempts");
  if (failure->details) {
    lua_pushlstring(L, (const char *)failure->details,
                    failure->details_length);
    lua_setfield(L, -2, "details");
  }
  if (failure->http_status) {
    lua_pushinteger(L, failure->http_status);
    lua_setfield(L, -2, "http_status");
  }
  if (failure->limit) {
    set_number(L, "size", (lua_Number)failure->size);
    set_number(L, "limit", (lua_Number)failure->limit);
  }
}

static void set_names(lua_State *L, const tp_future *f) {
  tp_names names = tp_future_names(f);
  set_text(L, "workflow_id", names.workflow_id);
  set_text(L, "request_id", names.request_id);
  set_text(L, "method", names.method);
}

static int push_end(lua_State *L, const tp_future *f, const char *kind,
                    const char *message) {
  lua_pushnil(L);
  lua_createtable(L, 0, 5);
  set_text(L, "kind", kind);
  set_text(L, "message", message);
  set_names(L, f);
  return 2;
}

static int push_failed(lua_State *L, tp_future *f) {
  lua_pushnil(L);
  push_failure(L, tp_future_failure(f));
  set_names(L, f);
  tp_future_signal(f, TP_TAKEN);
  return 2;
}

/* The bytes were read into C memory: let the collector know of them. */
static void account(lua_State *L, size_t n) {
  if (n >= GC_STEP_FROM) lua_gc(L, LUA_GCSTEP, (int)(n >> 10));
}

/* The answer makes more than it may; where is said by the string on the top. */
static int push_too_much(lua_State *L, size_t max) {
  lua_pushnil(L);
  lua_insert(L, -2);
  lua_createtable(L, 0, 3);
  set_text(L, "kind", "message_too_large");
  set_number(L, "limit", (lua_Number)max);
  lua_insert(L, -2);
  lua_pushliteral(L, LTP_RAISE_LIMIT);
  lua_concat(L, 2);
  lua_setfield(L, -2, "message");
  return 2;
}

/* `wanted`: fields of a sparse table; 0: a full one. */
static int push_message(lua_State *L, const tp_future *f, const tp_buffer *b,
                        int type, uint64_t wanted) {
  size_t max = f->client->channel->options.max_decoded;
  int wrong = wanted ? ltp_message_decode_sparse(L, b->data, b->length, type,
                                                 wanted, max)
                     : ltp_message_decode(L, b->data, b->length, type, max);
  if (wrong == 0) {
    account(L, b->length);
    return 1;
  }
  if (wrong == LTP_TOO_MUCH) return push_too_much(L, max);
  lua_pushnil(L);
  lua_insert(L, -2);
  lua_createtable(L, 0, 3);
  set_text(L, "kind", "internal");
  lua_pushinteger(L, TP_GRPC_INTERNAL);
  lua_setfield(L, -2, "code");
  lua_insert(L, -2);
  lua_setfield(L, -2, "message");
  return 2;
}

static int take_run(lua_State *L, tp_run *run, unsigned what, unsigned flags) {
  const tp_buffer *event = &run->first_event;
  const char *run_id;
  int pushed;
  if (what == TP_STARTED) { /* the rest may still be being written */
    lua_pushboolean(L, 1);
    return 1;
  }
  run_id = run->first_closed_run_id;
  if (what == TP_FIRST && event->length == 0)
    return push_failed(L, &run->base.future);
  if (what == TP_RESULT) {
    if (flags & TP_POLL_FAILED) return push_failed(L, &run->base.future);
    if (run->result_event.length) event = &run->result_event;
    run_id = run->result_run_id;
  }
  pushed = push_message(L, &run->base.future, event,
                        tp_schema_message(HISTORY_EVENT,
                                          sizeof HISTORY_EVENT - 1),
                        0);
  if (pushed == 1) {
    lua_pushstring(L, run_id); /* nil when nobody has named it */
    pushed = 2;
  }
  return pushed;
}

static int take_rpc(lua_State *L, tp_rpc_future *rpc) {
  return push_message(L, &rpc->base.future, tp_call_answer(&rpc->base.call),
                      rpc->response, rpc->sparse ? rpc->wanted : 0);
}

/* core.first_task(run): the PollWorkflowTaskQueueResponse that came with the
** answer to its start, once; nil without one, and what is wrong with it. */
static int Ltp_first_task(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  tp_run *run = f->class->kind == TP_RUN ? (tp_run *)f : NULL;
  int pushed;
  if (run == NULL || tp_engine_forked(f->engine) ||
      !(tp_future_flags(f) & TP_STARTED) || !run->task || !run->task->length)
    return 0;
  pushed = push_message(L, f, run->task,
                        tp_schema_message(TASK, sizeof TASK - 1),
                        LTP_ALL_FIELDS);
  tp_buffer_free(run->task);
  return pushed;
}

static int push_answer(lua_State *L, const tp_http_post *post) {
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, post->status);
  lua_setfield(L, -2, "status");
  lua_pushlstring(L, post->body.length ? (const char *)post->body.data : "",
                  post->body.length);
  lua_setfield(L, -2, "body");
  return 1;
}

static int Ltp_take(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  unsigned what = check_what(L, 2), flags = tp_future_flags(f);
  if (f->orphan && flags & TP_FAILED) return push_failed(L, f);
  if (tp_engine_forked(f->engine))
    return push_end(L, f, "fork", "the process has forked since this future "
                    "was made: make a new client");
  if (flags & TP_FAILED) return push_failed(L, f);
  if (flags & what) {
    if (f->class->kind == TP_RUN) return take_run(L, (tp_run *)f, what, flags);
    if (f->class->kind == TP_RPC) return take_rpc(L, (tp_rpc_future *)f);
    if (f->class->kind == TP_HTTP) return push_answer(L, (tp_http_post *)f);
    lua_pushboolean(L, 1);
    return 1;
  }
  if (flags & TP_CLOSED)
    return push_end(L, f, "closed", "the client was closed");
  if (flags & TP_ABANDONED)
    return push_end(L, f, "call_canceled", "the future was abandoned");
  return luaL_error(L, "nothing to take yet");
}

/* core.resend(future): sends once more what the server refused as
** unauthenticated; false when it did not end that way. */
static int Ltp_resend(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  tp_submission *s = tp_submission_of(f);
  lua_pushboolean(L, !tp_engine_forked(f->engine) && s &&
                     tp_submission_repeat(s));
  return 1;
}

/* core.replace_metadata(run, list): of its later polls; an error string when
** it is too much */
static int Ltp_replace_metadata(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  tp_submission *s = tp_submission_of(f);
  const char *problem = ltp_check_metadata(L, 2,
                                           tp_client_metadata(f->client));
  if (problem == NULL && s && !tp_engine_forked(f->engine))
    tp_call_replace_metadata(&s->call, ltp_read_metadata(L, 2));
  lua_pushstring(L, problem);
  return 1;
}

static int Ltp_abandon(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  if (!tp_engine_forked(f->engine)) tp_future_abandon(f);
  return 0;
}

/* core.end_poll(call, cut): see tp_rpc_future_end_poll. */
static int Ltp_end_poll(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  if (f->class->kind == TP_RPC && !tp_engine_forked(f->engine))
    tp_rpc_future_end_poll((tp_rpc_future *)f, lua_toboolean(L, 2));
  return 0;
}

static int Ltp_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)ltp_checkfuture(L, 1)->id);
  return 1;
}

/* core.subscribe(future, what) -> is it there already? */
static int Ltp_subscribe(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  bool ready = tp_engine_forked(f->engine) ||
               tp_future_subscribe(f, check_what(L, 2));
  lua_pushboolean(L, ready);
  return 1;
}

static int Ltp_unsubscribe(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  if (!tp_engine_forked(f->engine)) tp_future_unsubscribe(f, check_what(L, 2));
  return 0;
}

/* core.leave(future, what): nobody waits for it any more. */
static int Ltp_leave(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  if (!(check_what(L, 2) & TP_STARTED) && !tp_engine_forked(f->engine))
    tp_future_leave(f);
  return 0;
}

static int Ltp_set_owner(lua_State *L) {
  check_box(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  ltp_setuservalue(L, 1);
  return 0;
}

static int Ltp_owner(lua_State *L) {
  check_box(L, 1);
  ltp_getuservalue(L, 1);
  return 1;
}

/* One field of a run by name; nil while it is not known. */
static int push_field(lua_State *L, const tp_run *run, const char *name) {
  unsigned flags = tp_future_flags(&run->base.future);
  bool named = (flags & (TP_STARTED | TP_FAILED)) == TP_STARTED;
  const char *value = NULL;
  if (strcmp(name, "id") == 0) value = run->names.workflow_id;
  else if (strcmp(name, "run_id") == 0) value = named ? run->run_id : NULL;
  else if (strcmp(name, "first_execution_run_id") == 0)
    value = named ? run->first_execution_run_id : NULL;
  else if (strcmp(name, "request_id") == 0) value = run->names.request_id;
  else if (strcmp(name, "namespace") == 0) value = run->names.namespace;
  else if (strcmp(name, "workflow_type") == 0)
    value = run->names.workflow_type;
  else if (strcmp(name, "result_run_id") == 0) {
    bool failed = flags & (TP_POLL_FAILED | TP_FAILED);
    value = flags & TP_RESULT && !failed ? run->result_run_id : NULL;
  } else if (strcmp(name, "attached") == 0) {
    lua_pushboolean(L, named && run->attached);
    return 1;
  } else if (strcmp(name, "started") == 0) {
    lua_pushboolean(L, named && !run->attached);
    return 1;
  } else if (strcmp(name, "attempts") == 0) { /* of the start */
    lua_pushinteger(L, run->start_attempts);
    return 1;
  } else if (strcmp(name, "seconds") == 0) {
    lua_pushnumber(L, (lua_Number)run->start_latency / 1e6);
    return 1;
  }
  lua_pushstring(L, value); /* NULL: nil */
  return 1;
}

static int Ltp_field(lua_State *L) {
  tp_future *f = ltp_checkfuture(L, 1);
  const char *name = luaL_checkstring(L, 2);
  tp_names names;
  if (f->class->kind == TP_RUN) return push_field(L, (tp_run *)f, name);
  if (f->class->kind == TP_RPC && strcmp(name, "attempts") == 0) {
    lua_pushinteger(L, tp_submission_of(f)->call.attempts);
    return 1;
  } else if (f->class->kind == TP_RPC && strcmp(name, "seconds") == 0) {
    lua_pushnumber(L, (lua_Number)tp_submission_of(f)->call.latency / 1e6);
    return 1;
  }
  names = tp_future_names(f);
  lua_pushstring(L, strcmp(name, "method") == 0 ? names.method
                    : strcmp(name, "request_id") == 0 ? names.request_id
                    : strcmp(name, "id") == 0 ? names.workflow_id : NULL);
  return 1;
}

/* --- waiting ---------- */

/* The stand-alone interpreter's SIGINT handler sets a hook that raises on the
** main thread, to fire at once, whatever runs. A coroutine that waits would
** never run into it: it is called here. The hook of debug.sethook looks the
** same, but does nothing for another thread than its own, and stays. */
static void heed_interrupt(lua_State *L) {
  const int at_once = LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT;
  lua_State *main;
  lua_Debug where;
  lua_Hook hook;
  int mask;
  ltp_mark_main(L);
  ltp_push_main(L);
  main = lua_tothread(L, -1);
  lua_pop(L, 1);
  if (main == NULL || main == L) return;
  hook = lua_gethook(main);
  mask = lua_gethookmask(main);
  if (hook == NULL || (mask & at_once) != at_once ||
      lua_gethookcount(main) != 1)
    return;
  memset(&where, 0, sizeof where);
  if (!lua_getstack(L, 0, &where)) return;
  where.event = LUA_HOOKCOUNT;
  where.currentline = -1;
  lua_sethook(main, NULL, 0, 0);
  hook(L, &where); /* lua.c's raises */
  lua_sethook(main, hook, mask, 1);
}

static int Ltp_park(lua_State *L) {
  ltp_state *state = ltp_getstate(L);
  lua_Number seconds = luaL_optnumber(L, 1, 0.1);
  int64_t wait;
  if (seconds > 0.1) seconds = 0.1;
  wait = tp_microseconds((double)seconds);
  if (state->engine && !tp_engine_forked(state->engine)) {
    tp_engine_park(state->engine, tp_now() + wait);
  } else {
    struct timespec t = {0, 0};
    t.tv_nsec = (long)wait * 1000;
    nanosleep(&t, NULL);
  }
  heed_interrupt(L);
  return 0;
}

static int Ltp_drain(lua_State *L) {
  ltp_state *state = ltp_getstate(L);
  tp_wakeup *w;
  int n = 0;
  if (state->engine == NULL || tp_engine_forked(state->engine)) return 0;
  while ((w = tp_engine_drain(state->engine)) != NULL) {
    lua_Integer id = (lua_Integer)tp_future_of(w)->id;
    w->release(w);
    if (n == 0) lua_newtable(L);
    lua_pushinteger(L, id);
    lua_rawseti(L, -2, ++n);
  }
  return n > 0;
}

static int Ltp_pollfd(lua_State *L) {
  tp_engine *engine = ltp_engine(ltp_getstate(L));
  int fd;
  if (engine == NULL) return luaL_error(L, "not enough memory");
  fd = tp_engine_pollfd(engine);
  if (fd < 0)
    return luaL_error(L, "no descriptor to be had for the doorbell: %s",
                      strerror(errno));
  lua_pushinteger(L, fd);
  return 1;
}

/* Pushes a list of what was noticed, or nothing. Where memory ends in between
** the state keeps the notices, for the next call. */
static int push_notices(lua_State *L, tp_notice_kind kind) {
  ltp_state *state = ltp_getstate(L);
  tp_notice **list = &state->notices[kind], *notice;
  int n = 0;
  if (state->engine == NULL || tp_engine_forked(state->engine)) return 0;
  if (*list == NULL) *list = tp_notices_take(&state->engine->notices, kind);
  if (*list == NULL) return 0;
  lua_newtable(L);
  for (notice = *list; notice; notice = notice->next) {
    push_failure(L, &notice->failure);
    set_text(L, "workflow_id", notice->workflow_id);
    set_text(L, "request_id", notice->request_id);
    set_text(L, "method", notice->method);
    lua_rawseti(L, -2, ++n);
  }
  while ((notice = *list) != NULL) {
    *list = notice->next;
    tp_notice_free(notice);
  }
  return 1;
}

static int Ltp_lost(lua_State *L) {
  return push_notices(L, TP_LOST);
}

static int Ltp_warnings(lua_State *L) {
  return push_notices(L, TP_WARNING);
}

/* Ends the engine and joins its thread, or, if submissions are still
** unacknowledged, leaves it to finish them by itself: false. Another engine,
** without a thread yet, takes its place. */
static int Ltp_shutdown(lua_State *L) {
  ltp_state *state = ltp_getstate(L);
  tp_engine *engine = state->engine, *next;
  bool ended = true;
  if (engine && !tp_engine_forked(engine)) {
    ended = tp_engine_unacknowledged(engine) == 0 &&
            tp_engine_shutdown(engine, JOIN_TIMEOUT);
    if (!ended) tp_engine_detach(engine);
    state->engine = NULL;
    next = ltp_engine(state);
    if (next) tp_engine_hand_over_bell(engine, next);
    tp_engine_release(engine);
  }
  lua_pushboolean(L, ended);
  return 1;
}

/* one_line(text): for people, without control characters */
static int Ltp_one_line(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  char *line = ltp_newuserdata(L, n + 1);
  lua_pushlstring(L, line, tp_one_line(line, text, n));
  return 1;
}

static const luaL_Reg functions[] = {
  {"ready", Ltp_ready},
  {"want", Ltp_want},
  {"take", Ltp_take},
  {"abandon", Ltp_abandon},
  {"first_task", Ltp_first_task},
  {"end_poll", Ltp_end_poll},
  {"replace_metadata", Ltp_replace_metadata},
  {"resend", Ltp_resend},
  {"id", Ltp_id},
  {"field", Ltp_field},
  {"subscribe", Ltp_subscribe},
  {"unsubscribe", Ltp_unsubscribe},
  {"leave", Ltp_leave},
  {"set_owner", Ltp_set_owner},
  {"owner", Ltp_owner},
  {"park", Ltp_park},
  {"drain", Ltp_drain},
  {"pollfd", Ltp_pollfd},
  {"lost", Ltp_lost},
  {"warnings", Ltp_warnings},
  {"one_line", Ltp_one_line},
  {"shutdown", Ltp_shutdown},
  {NULL, NULL}};

void ltp_open_future(lua_State *L, int first) {
  int i;
  ltp_register(L, first, functions);
  for (i = 1; i <= 2; i++) {
    lua_pushcfunction(L, ltp_box_gc);
    lua_setfield(L, first + i, "__gc");
  }
}
