/* Starting from plain options: what most starts ask for is read from the user's
** table and written in one pass. All else, another option or a value that has
** to be converted or refused, is left to run/start.lua, which alone makes the
** errors; of what both can do they make the same bytes. Lua thread.
*/
#include <math.h>
#include <string.h>

#include "../../core/base/limits.h"
#include "../../core/base/utf8.h"
#include "../../core/client/workflow_fields.h"
#include "../../core/proto/wire.h"
#include "../system/system.h"
#include "../value/value_payload.h"
#include "channel.h"
#include "future.h"

#define MAX_ID 1000
#define MAX_SECONDS 315576000000.0 /* google.protobuf.Duration's */

typedef struct text {
  const char *s; /* NULL: not given */
  size_t n;
} text;

typedef struct start {
  text namespace, identity, workflow_type, id, task_queue, request_id;
  double execution_timeout, run_timeout, task_timeout; /* below 0: not given */
  double timeout;                      /* 0: not given */
  int reuse, conflict, already_started; /* place in the list; 0: not given */
  char made[2][LTP_UUID + 1];          /* ids that were not given */
} start;

/* How an option is read: the value is on the top. False: it is not plain. */
typedef struct option {
  const char *name;
  bool (*read)(lua_State *L, const struct option *option, void *place);
  size_t at;                /* offset of the place in `start` */
  size_t limit;             /* of a text, in bytes */
  const char *const *words; /* of a choice */
} option;

static bool read_text(lua_State *L, int index, size_t limit, text *out) {
  if (lua_type(L, index) != LUA_TSTRING) return false;
  out->s = lua_tolstring(L, index, &out->n);
  return out->n > 0 && out->n <= limit && strlen(out->s) == out->n &&
         tp_utf8_valid_prefix(out->s, out->n) == out->n;
}

static bool text_option(lua_State *L, const option *o, void *place) {
  return read_text(L, -1, o->limit, place);
}

static bool seconds_option(lua_State *L, const option *o, void *place) {
  double d = lua_type(L, -1) == LUA_TNUMBER ? (double)lua_tonumber(L, -1) : -1;
  (void)o;
  *(double *)place = d;
  return d >= 0 && d <= MAX_SECONDS && d == floor(d);
}

static bool timeout_option(lua_State *L, const option *o, void *place) {
  double d = lua_type(L, -1) == LUA_TNUMBER ? (double)lua_tonumber(L, -1) : 0;
  (void)o;
  *(double *)place = d;
  return d > 0 && d <= MAX_SECONDS;
}

static bool choice_option(lua_State *L, const option *o, void *place) {
  text word;
  int i;
  if (!read_text(L, -1, SIZE_MAX, &word)) return false;
  for (i = 0; o->words[i] && strcmp(o->words[i], word.s) != 0; i++) continue;
  *(int *)place = i + 1;
  return o->words[i] != NULL;
}

/* In the order of their enums. */
static const char *const reuse_words[] = {
  "allow_duplicate", "allow_duplicate_failed_only", "reject_duplicate", NULL};
static const char *const conflict_words[] = {"fail", "use_existing",
                                             "terminate_existing", NULL};
static const char *const already_started_words[] = {"error", "attach", NULL};

enum { REJECT_DUPLICATE = 3, TERMINATE_EXISTING = 3, ATTACH = 2 };

#define AT(member) offsetof(start, member)

static const option options[] = {
  {"id", text_option, AT(id), MAX_ID, NULL},
  {"task_queue", text_option, AT(task_queue), SIZE_MAX, NULL},
  {"execution_timeout", seconds_option, AT(execution_timeout), 0, NULL},
  {"run_timeout", seconds_option, AT(run_timeout), 0, NULL},
  {"task_timeout", seconds_option, AT(task_timeout), 0, NULL},
  {"id_reuse_policy", choice_option, AT(reuse), 0, reuse_words},
  {"id_conflict_policy", choice_option, AT(conflict), 0, conflict_words},
  {"on_already_started", choice_option, AT(already_started), 0,
   already_started_words},
  {"timeout", timeout_option, AT(timeout), 0, NULL},
  {"request_id", text_option, AT(request_id), MAX_ID, NULL}};

#define OPTIONS (sizeof options / sizeof *options)

/* The option whose name is at `index`; NULL: none of the plain ones. */
static const option *find_option(lua_State *L, int index) {
  const char *name;
  size_t n, i;
  if (lua_type(L, index) != LUA_TSTRING) return NULL;
  name = lua_tolstring(L, index, &n);
  for (i = 0; i < OPTIONS; i++)
    if (strcmp(options[i].name, name) == 0)
      return strlen(name) == n ? &options[i] : NULL;
  return NULL;
}

/* The values stay on the stack: a finaliser may change the table meanwhile. */
static bool read_options(lua_State *L, int table, start *s) {
  luaL_checkstack(L, (int)OPTIONS + 8, "start options");
  lua_pushnil(L);
  while (lua_next(L, table)) {
    const option *o = find_option(L, -2);
    if (o == NULL || !o->read(L, o, (char *)s + o->at)) return false;
    lua_insert(L, -2);
  }
  return s->task_queue.s != NULL &&
         !(s->reuse == REJECT_DUPLICATE && s->conflict == TERMINATE_EXISTING);
}

static void make_id(lua_State *L, text *id, char made[LTP_UUID + 1]) {
  if (id->s) return;
  ltp_write_uuid(L, made);
  made[LTP_UUID] = '\0';
  id->s = made;
  id->n = LTP_UUID;
}

static void put_text(tp_buffer *out, uint32_t number, const text *t) {
  tp_wire_put_bytes(out, number, t->s, t->n);
}

/* A message whose only field is a name. */
static void put_named(tp_buffer *out, uint32_t number, uint32_t name,
                      const text *t) {
  size_t mark = tp_wire_begin(out, number);
  put_text(out, name, t);
  tp_wire_end(out, mark);
}

static void put_seconds(tp_buffer *out, uint32_t number, double seconds) {
  size_t mark;
  if (seconds < 0) return;
  mark = tp_wire_begin(out, number);
  if (seconds > 0) tp_wire_put_varint(out, 1, (uint64_t)seconds);
  tp_wire_end(out, mark);
}

static void put_choice(tp_buffer *out, uint32_t number, int value) {
  if (value) tp_wire_put_varint(out, number, (uint64_t)value);
}

/* A StartWorkflowExecutionRequest, its fields by number; the `n` arguments of
** the workflow lie from `first` on. False: one of them has no payload. */
static bool put_request(lua_State *L, const start *s, int first, int n,
                        tp_buffer *out) {
  put_text(out, START_REQUEST_NAMESPACE, &s->namespace);
  put_text(out, START_REQUEST_WORKFLOW_ID, &s->id);
  put_named(out, START_REQUEST_WORKFLOW_TYPE, WORKFLOW_TYPE_NAME,
            &s->workflow_type);
  put_named(out, START_REQUEST_TASK_QUEUE, TASK_QUEUE_NAME, &s->task_queue);
  if (n > 0) {
    size_t mark = tp_wire_begin(out, START_REQUEST_INPUT);
    if (ltp_payloads_encode(L, ltp_getvalues(L), first, n, out) != 0)
      return false;
    tp_wire_end(out, mark);
  }
  put_seconds(out, START_REQUEST_EXECUTION_TIMEOUT, s->execution_timeout);
  put_seconds(out, START_REQUEST_RUN_TIMEOUT, s->run_timeout);
  put_seconds(out, START_REQUEST_TASK_TIMEOUT, s->task_timeout);
  put_text(out, START_REQUEST_IDENTITY, &s->identity);
  put_text(out, START_REQUEST_REQUEST_ID, &s->request_id);
  put_choice(out, START_REQUEST_ID_REUSE_POLICY, s->reuse);
  put_choice(out, START_REQUEST_ID_CONFLICT_POLICY, s->conflict);
  return out->status != TP_ETOOBIG;
}

/* The options, and what the session adds to them. */
static bool read_start(lua_State *L, start *s) {
  memset(s, 0, offsetof(start, made));
  s->execution_timeout = s->run_timeout = s->task_timeout = -1;
  if (lua_type(L, 3) != LUA_TTABLE || !read_options(L, 3, s) ||
      !read_text(L, 4, SIZE_MAX, &s->namespace) ||
      !read_text(L, 5, SIZE_MAX, &s->identity) ||
      !read_text(L, 7, SIZE_MAX, &s->workflow_type))
    return false;
  if (s->timeout == 0) s->timeout = (double)lua_tonumber(L, 6);
  make_id(L, &s->id, s->made[0]);
  make_id(L, &s->request_id, s->made[1]);
  return true;
}

/* channel:start_plain(client, start_options, namespace, identity, timeout,
** workflow_type, ...) -> the future, whose owner is the client, and the bytes
** of its request; nil: left to run/start.lua */
int ltp_channel_start_plain(lua_State *L) {
  int top = lua_gettop(L);
  tp_run_names names;
  tp_run *run;
  start s;
  ltp_checkclient(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkany(L, 7);
  if (!read_start(L, &s)) return 0;
  names.namespace = s.namespace.s;
  names.workflow_id = s.id.s;
  names.request_id = s.request_id.s;
  names.workflow_type = s.workflow_type.s;
  run = ltp_newrun(L, &names);
  lua_pushvalue(L, 2);
  ltp_setuservalue(L, -2);
  ltp_request_begin(&run->base.call.request);
  if (!put_request(L, &s, 8, top - 7, &run->base.call.request)) return 0;
  ltp_request_end(L, &run->base.call.request);
  if (s.timeout > 0) run->base.call.timeout = tp_microseconds(s.timeout);
  run->attach = s.already_started == ATTACH;
  return ltp_submit(L, &run->base, true);
}
