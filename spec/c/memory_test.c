/* Every allocation of the core fails once: the n-th alone, and all from the
** n-th on, for n = 1, 2, ... until all is well. No crash, no leak, and no
** future that never ends. The hidden definitions below stand between the core
** and the C library in this program alone; libcurl and nghttp2 have theirs.
*/
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include "client/rpc_future.h"
#include "client/workflow_fields.h"
#include "client/workflow_run.h"
#include "engine/process.h"
#include "proto/wire.h"
#include "canned_server.h"
#include "check.h"
#include "fixture.h"

#define PATIENCE (20 * TP_SECOND)

/* --- between the core and the C library ---------- */

static int allocations; /* atomic: while armed */
static int fail_at;     /* atomic: 0 is not armed */
static int and_beyond;  /* atomic: that one, or all from there on */
static int live;        /* atomic: blocks that are not freed */
static int no_eventfd, no_thread;

static int get(int *n) {
  return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static void set(int *n, int value) {
  __atomic_store_n(n, value, __ATOMIC_SEQ_CST);
}

/* Through memcpy: ISO C has no cast from an object to a function. */
static void find(void *function, const char *name) {
  void *address = dlsym(RTLD_NEXT, name);
  memcpy(function, &address, sizeof address);
}

static bool fails(void) {
  int at = get(&fail_at), n;
  if (at == 0) return false;
  n = __atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST);
  if (n != at && !(n > at && get(&and_beyond))) return false;
  errno = ENOMEM;
  return true;
}

static void *count(void *block) {
  if (block) __atomic_add_fetch(&live, 1, __ATOMIC_SEQ_CST);
  return block;
}

void *malloc(size_t n) {
  static void *(*real)(size_t);
  if (real == NULL) find(&real, "malloc");
  return fails() ? NULL : count(real(n));
}

void *calloc(size_t n, size_t size) {
  static void *(*real)(size_t, size_t);
  if (real == NULL) find(&real, "calloc");
  return fails() ? NULL : count(real(n, size));
}

void *realloc(void *block, size_t n) {
  static void *(*real)(void *, size_t);
  void *moved;
  if (real == NULL) find(&real, "realloc");
  if (fails()) return NULL;
  moved = real(block, n);
  return block ? moved : count(moved);
}

void free(void *block) {
  static void (*real)(void *);
  if (real == NULL) find(&real, "free");
  if (block) __atomic_sub_fetch(&live, 1, __ATOMIC_SEQ_CST);
  real(block);
}

char *strdup(const char *s) {
  size_t n = strlen(s) + 1;
  char *copy = malloc(n);
  return copy ? memcpy(copy, s, n) : NULL;
}

char *strndup(const char *s, size_t room) {
  size_t n = strnlen(s, room);
  char *copy = malloc(n + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, s, n);
  copy[n] = '\0';
  return copy;
}

int eventfd(unsigned initial, int flags) {
  static int (*real)(unsigned, int);
  if (real == NULL) find(&real, "eventfd");
  if (!no_eventfd) return real(initial, flags);
  errno = EMFILE;
  return -1;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*run)(void *), void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                     void *);
  if (real == NULL) find(&real, "pthread_create");
  return no_thread ? EAGAIN : real(thread, attributes, run, argument);
}

/* --- one life of an engine ---------- */

static tp_engine *engine;
static tp_client *client;
static tp_channel *channel; /* the client's */
static int port; /* 1: nobody listens there */
static unsigned reached; /* flags of the run when it was over */
static char said[TP_REASON]; /* of the run, if it failed */
static bool strayed; /* it knew less of its run than the server had said */

static bool await(tp_future *f, unsigned what) {
  int64_t until = tp_now() + PATIENCE;
  tp_future_subscribe(f, what);
  while (!tp_future_ready(f, what) && tp_now() < until) {
    tp_future *fired;
    tp_engine_park(engine, until);
    while ((fired = fixture_drain(engine)) != NULL) tp_future_release(fired);
  }
  return tp_future_ready(f, what);
}

static tp_client *make_client(void) {
  tp_channel_options o = fixture_options();
  o.dial.port = port;
  o.retry.initial = 1000;
  o.retry.max = 2000;
  o.retry.attempts = 3;
  return tp_client_new(engine, &o);
}

static void put_request(tp_call *call) {
  static const uint8_t request[] = {0, 0, 0, 0, 2, 8, 1};
  tp_buffer_put(&call->request, request, sizeof request);
}

#define RUN_ID "aaaaaaaa-0000-4000-8000-00000000000a"

/* Whoever knows less than was said would act on another run of the id. */
static bool knows_its_run(const tp_run *run) {
  unsigned flags = tp_future_flags(&run->base.future);
  const char *names[] = {run->run_id, run->first_execution_run_id,
                         run->result_run_id};
  size_t known = flags & TP_RESULT && !(flags & TP_POLL_FAILED) ? 3 : 2, i;
  if (!(flags & TP_STARTED) || flags & TP_FAILED) return true;
  for (i = 0; i < known; i++)
    if (names[i] == NULL || strcmp(names[i], RUN_ID) != 0) return false;
  return true;
}

/* A start, then its result. What the binding raises, ends it here too. */
static bool run_a_workflow(void) {
  static const tp_run_names names = {"default", "w-1", NULL, NULL};
  tp_run *run = tp_run_new(client, &names);
  bool ended = true;
  if (run == NULL) return true;
  put_request(&run->base.call);
  if (run->base.call.request.status == TP_OK) {
    tp_submission_send(&run->base, true);
    ended = await(&run->base.future, TP_STARTED);
    if (ended && !(tp_future_flags(&run->base.future) & TP_FAILED) &&
        !tp_run_want(run, TP_RESULT, false))
      ended = await(&run->base.future, TP_RESULT);
  }
  reached = tp_future_flags(&run->base.future);
  snprintf(said, sizeof said, "%s", reached & TP_FAILED &&
           run->base.call.failure.message ? run->base.call.failure.message
                                          : "");
  strayed = !knows_its_run(run);
  tp_future_collect(&run->base.future);
  return ended && !strayed;
}

static bool make_a_call(void) {
  tp_rpc_future *rpc = tp_rpc_future_new(client);
  bool ended = true;
  if (rpc == NULL) return true;
  rpc->path = strdup("/service/method");
  rpc->base.call.path = rpc->path;
  put_request(&rpc->base.call);
  if (rpc->path && rpc->base.call.request.status == TP_OK) {
    tp_submission_send(&rpc->base, false);
    ended = await(&rpc->base.future, TP_RESULT);
  }
  if (rpc->path == NULL) rpc->path = strdup("");
  tp_future_signal(&rpc->base.future, TP_TAKEN);
  tp_future_collect(&rpc->base.future);
  return ended;
}

static void take_notices(void) {
  tp_notice *n = tp_notices_take(&engine->notices, TP_LOST), *next;
  for (; n; n = next) {
    next = n->next;
    tp_notice_free(n);
  }
}

/* Everything a program does with a client, from nothing to nothing. */
static bool live_once(void) {
  tp_future *drain;
  bool ended = true;
  reached = 0;
  engine = tp_engine_new();
  if (engine == NULL) return true;
  client = make_client();
  if (client) {
    ended = run_a_workflow() && make_a_call();
    drain = tp_drain_new(client);
    if (drain) ended = await(drain, TP_RESULT) && ended;
    if (drain) tp_future_collect(drain);
    tp_client_finish(client);
    tp_client_release(client);
  }
  take_notices();
  ended = tp_engine_shutdown(engine, PATIENCE) && ended;
  tp_engine_release(engine);
  return ended;
}

/* The thread lets go of its engine a moment after it has told its end. */
static bool nothing_is_left(int before) {
  int64_t until = tp_now() + PATIENCE;
  while (get(&live) != before && tp_now() < until) sched_yield();
  return get(&live) == before;
}

/* Whether all goes well for every n; `n` says which did not. */
static bool survives(bool beyond, int *n) {
  set(&and_beyond, beyond);
  for (*n = 1;; (*n)++) {
    int before = get(&live);
    bool ended;
    set(&allocations, 0);
    set(&fail_at, *n);
    ended = live_once();
    set(&fail_at, 0);
    if (!nothing_is_left(before) || !ended) {
      printf("allocation %d%s: %s, %d blocks left\n", *n,
             beyond ? " and all later ones" : "",
             ended ? "ended" : strayed ? "lost its run id"
                   : "something never ended", get(&live) - before);
      return false;
    }
    if (get(&allocations) < *n) return true;
  }
}

static canned_message answers[2];
static canned_server server;

/* The bytes of a start's answer and of a close event, laid out once. */
static bool start_server(void) {
  static tp_buffer started, closed;
  size_t history, event, attributes;
  tp_buffer_init(&started, 200);
  tp_buffer_init(&closed, 200);
  tp_wire_put_string(&started, START_RESPONSE_RUN_ID, RUN_ID);
  tp_wire_put_bool(&started, START_RESPONSE_STARTED, 1);
  history = tp_wire_begin(&closed, HISTORY_RESPONSE_HISTORY);
  event = tp_wire_begin(&closed, HISTORY_EVENTS);
  attributes = tp_wire_begin(&closed, EVENT_COMPLETED);
  tp_wire_end(&closed, attributes);
  tp_wire_end(&closed, event);
  tp_wire_end(&closed, history);
  answers[0].bytes = started.data;
  answers[0].length = started.length;
  answers[1].bytes = closed.data;
  answers[1].length = closed.length;
  server.messages = answers;
  server.count = 2;
  return canned_start(&server);
}

static void test_without_failures(void) {
  int before = get(&live);
  port = 1;
  CHECK(live_once() && nothing_is_left(before));
  CHECK(reached & TP_FAILED);
  port = server.port;
  CHECK(live_once() && nothing_is_left(before));
  CHECK((reached & (TP_STARTED | TP_RESULT | TP_FAILED | TP_POLL_FAILED)) ==
        (TP_STARTED | TP_RESULT));
}

static void test_one_failure_without_a_server(void) {
  int n;
  port = 1;
  CHECK(survives(false, &n));
  CHECK(n > 10);
}

static void test_all_fail_without_a_server(void) {
  int n;
  port = 1;
  CHECK(survives(true, &n));
  CHECK(n > 10);
}

static void test_one_failure_with_a_server(void) {
  int n;
  port = server.port;
  CHECK(survives(false, &n));
  CHECK(n > 20);
}

static void test_all_fail_with_a_server(void) {
  int n;
  port = server.port;
  CHECK(survives(true, &n));
  CHECK(n > 20);
}

/* Its first attempt is over, and the next far away. */
static bool has_failed_once(tp_rpc_future *rpc) {
  int64_t until = tp_now() + PATIENCE;
  bool failed = false;
  while (!failed && tp_now() < until) {
    tp_engine_park(engine, until);
    tp_engine_lock(engine);
    failed = rpc->base.call.failure.message != NULL;
    tp_engine_unlock(engine);
  }
  return failed;
}

/* Whoever still waits at the end is told so, memory or not. */
static void test_the_end_without_memory(void) {
  int before = get(&live);
  tp_rpc_future *rpc;
  bool ended;
  port = 1;
  engine = tp_engine_new();
  client = make_client();
  channel = client->channel;
  channel->options.retry.initial = channel->options.retry.max = PATIENCE;
  rpc = tp_rpc_future_new(client);
  rpc->path = strdup("/service/method");
  rpc->base.call.path = rpc->path;
  put_request(&rpc->base.call);
  tp_submission_send(&rpc->base, true);
  CHECK(has_failed_once(rpc));
  set(&and_beyond, 1);
  set(&fail_at, 1);
  tp_client_finish(client);
  ended = tp_engine_shutdown(engine, PATIENCE);
  set(&fail_at, 0);
  CHECK(ended && tp_future_flags(&rpc->base.future) & TP_CLOSED);
  CHECK(rpc->base.future.references == 1);
  CHECK(channel->source.unacknowledged == 0);
  tp_future_collect(&rpc->base.future);
  tp_client_release(client);
  tp_engine_release(engine);
  CHECK(nothing_is_left(before));
}

/* --- other things that run out ---------- */

/* --- an attempt for which memory is short for a while ---------- */

#define SHORT_FOR 30

static int tries; /* atomic */

static bool open_at_last(tp_attempt *attempt, tp_http2 *session, int64_t now) {
  (void)attempt;
  (void)session;
  (void)now;
  return __atomic_add_fetch(&tries, 1, __ATOMIC_SEQ_CST) > SHORT_FOR;
}

static void on_dial_failed(tp_attempt *attempt, const char *reason,
                           bool misconfigured, int64_t now) {
  (void)attempt;
  (void)reason;
  (void)misconfigured;
  (void)now;
}

static void enqueue(tp_command *command, unsigned bits) {
  static const tp_attempt_class class = {open_at_last, NULL, on_dial_failed};
  static tp_attempt attempt;
  (void)command;
  (void)bits;
  memset(&attempt, 0, sizeof attempt);
  attempt.class = &class;
  tp_channel_enqueue(channel, &attempt, true);
}

/* Nothing else happens meanwhile, and the host does not drive. */
static void test_tries_again_without_being_asked(void) {
  tp_command command = {NULL, 0, NULL};
  int before = get(&live);
  int64_t until;
  port = server.port;
  engine = tp_engine_new();
  client = make_client();
  channel = client->channel;
  command.run = enqueue;
  CHECK(run_a_workflow());
  set(&tries, 0);
  CHECK(tp_engine_post(engine, &command, 1, NULL));
  until = tp_now() + PATIENCE;
  while (get(&tries) <= SHORT_FOR && tp_now() < until) sched_yield();
  CHECK(get(&tries) == SHORT_FOR + 1);
  tp_client_finish(client);
  tp_client_release(client);
  CHECK(tp_engine_shutdown(engine, PATIENCE));
  tp_engine_release(engine);
  CHECK(nothing_is_left(before));
}

static void test_no_descriptors(void) {
  int before = get(&live);
  no_eventfd = 1;
  engine = tp_engine_new();
  CHECK(tp_engine_pollfd(engine) == -1);
  CHECK(tp_engine_start(engine) == TP_ESYSTEM && !engine->thread_started);
  CHECK(errno == EMFILE);
  tp_engine_release(engine);
  port = 1;
  CHECK(live_once() && nothing_is_left(before));
  CHECK(reached & TP_FAILED && strstr(said, strerror(EMFILE)));
  no_eventfd = 0;
}

static void test_no_thread(void) {
  int before = get(&live);
  no_thread = 1;
  engine = tp_engine_new();
  CHECK(tp_engine_start(engine) == TP_ESYSTEM && errno == EAGAIN);
  CHECK(!engine->thread_started && engine->references == 1);
  no_thread = 0;
  CHECK(tp_engine_start(engine) == TP_OK); /* the next try may succeed */
  CHECK(tp_engine_shutdown(engine, PATIENCE));
  tp_engine_release(engine);
  no_thread = 1;
  port = 1;
  CHECK(live_once() && nothing_is_left(before));
  CHECK(reached & TP_FAILED && strstr(said, strerror(EAGAIN)));
  no_thread = 0;
}

int main(void) {
  tp_process_start(); /* what libcurl allocates once for all is not ours */
  if (!start_server()) return 1;
  RUN(test_without_failures);
  RUN(test_one_failure_without_a_server);
  RUN(test_all_fail_without_a_server);
  RUN(test_one_failure_with_a_server);
  RUN(test_all_fail_with_a_server);
  RUN(test_the_end_without_memory);
  RUN(test_tries_again_without_being_asked);
  RUN(test_no_descriptors);
  RUN(test_no_thread);
  return check_end();
}
