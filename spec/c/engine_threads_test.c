/* Unit tests of how threads meet in the engine: the host's (the test's main
** thread), the I/O thread, and a partner that acts at the same moment, round
** after round. No wake-up is lost, nothing leaks, nobody is forgotten; TSan
** sees the rest. No network but a port that nobody listens on.
*/
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include "client/rpc_future.h"
#include "check.h"
#include "fixture.h"
#include "random.h"

#define PATIENCE (20 * TP_SECOND)
#define SLOW (TP_SECOND / 20) /* much longer than a wake-up takes */

static tp_engine *engine;
static tp_client *client;
static tp_channel *channel; /* the client's */
static tp_future *shared; /* what both threads work on in this round */
static int destroyed;     /* atomic */

static int get(int *n) {
  return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static void set(int *n, int value) {
  __atomic_store_n(n, value, __ATOMIC_SEQ_CST);
}

/* --- two threads, round after round ---------- */

static int rounds_begun, rounds_done, given_up; /* atomic */
static void (*partner_acts)(void);
static int64_t acted_at; /* when the partner was through */

/* A little while, another one each time, so that the threads meet at every
** possible place. */
static void dawdle(uint64_t *seed) {
  volatile uint64_t n = random_below(seed, 400);
  while (n > 0) n--;
}

static void await(int *n, int value) {
  int spins = 0;
  while (get(n) < value)
    if (++spins > 2000) sched_yield();
}

static void *partner(void *argument) {
  int rounds = *(int *)argument, i;
  uint64_t seed = 11;
  for (i = 1; i <= rounds; i++) {
    await(&rounds_begun, i);
    dawdle(&seed);
    if (!get(&given_up)) partner_acts();
    __atomic_store_n(&acted_at, tp_now(), __ATOMIC_SEQ_CST);
    set(&rounds_done, i);
  }
  return NULL;
}

/* Runs `host` and `acts` in parallel; false once a round of the host's was
** wrong: that was the last one. */
static bool meet(int rounds, bool (*prepare)(void), void (*acts)(void),
                 bool (*host)(void), bool (*afterwards)(void)) {
  uint64_t seed = 5;
  pthread_t thread;
  bool right = true;
  int i;
  partner_acts = acts;
  set(&rounds_begun, 0);
  set(&rounds_done, 0);
  set(&given_up, 0);
  if (pthread_create(&thread, NULL, partner, &rounds) != 0) return false;
  for (i = 1; i <= rounds; i++) {
    if (right) right = prepare();
    if (!right) set(&given_up, 1);
    set(&rounds_begun, i);
    dawdle(&seed);
    if (right) right = host();
    await(&rounds_done, i);
    if (right) right = afterwards();
  }
  pthread_join(thread, NULL);
  return right;
}

/* --- futures of the test's own ---------- */

static void on_run(tp_command *command, unsigned bits) {
  tp_future *f = (tp_future *)command;
  if (bits & TP_WANT) tp_future_signal(f, TP_RESULT);
  tp_future_release(f);
}

static void on_end(tp_future *f) {
  tp_future_signal(f, TP_CLOSED);
}

static void on_destroy(tp_future *f) {
  tp_client_free_future(f);
  __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

static tp_future *new_future(void) {
  static const tp_future_class class = {
    .kind = TP_DRAIN, .silent = ~0u, .run = on_run, .end = on_end,
    .destroy = on_destroy};
  tp_future *f = calloc(1, sizeof *f);
  tp_client_future(client, f, &class);
  return f;
}

static void begin(void) {
  engine = tp_engine_new();
  client = fixture_client(engine);
  channel = client->channel;
  set(&destroyed, 0);
}

static void let_go(void) {
  tp_client_release(client);
  tp_engine_detach(engine);
  tp_engine_release(engine);
}

/* Lets go of what has fired; was `wanted` among it? */
static bool drain(const tp_future *wanted) {
  tp_future *f;
  bool found = false;
  while ((f = fixture_drain(engine)) != NULL) {
    if (f == wanted) found = true;
    tp_future_release(f);
  }
  return found;
}

/* A new future, which the partner holds too. */
static bool prepare_shared(void) {
  shared = new_future();
  tp_future_hold(shared);
  return true;
}

static void signal_shared(void) {
  tp_future_signal(shared, TP_RESULT);
  tp_future_release(shared);
}

/* --- no wake-up is lost ---------- */

static int slow;

/* Parks until the future has rung. What was signalled before a park has rung
** before it; what is signalled meanwhile ends it. */
static bool wait_for_ring(void) {
  int64_t until = tp_now() + PATIENCE;
  bool rang = false;
  while (!rang && tp_now() < until) {
    if (get(&rounds_done) == get(&rounds_begun) && !fixture_is_rung(engine))
      return false;
    tp_engine_park(engine, until);
    rang = drain(shared);
  }
  return rang;
}

static bool subscribe_and_wait(void) {
  tp_future_subscribe(shared, TP_RESULT);
  return wait_for_ring();
}

static bool was_quick(void) {
  if (tp_now() - __atomic_load_n(&acted_at, __ATOMIC_SEQ_CST) > SLOW) slow++;
  tp_future_unsubscribe(shared, TP_RESULT);
  fixture_forget(shared);
  tp_future_release(shared);
  return true;
}

static void test_signals_wake_a_parked_host(void) {
  int rounds = 10000;
  begin();
  slow = 0;
  CHECK(meet(rounds, prepare_shared, signal_shared, subscribe_and_wait,
             was_quick));
  CHECK(slow < rounds / 100);
  drain(NULL);
  CHECK(destroyed == rounds);
  let_go();
}

/* Through the I/O thread, or whoever drives just then. */
static bool subscribe_post_and_wait(void) {
  int64_t until = tp_now() + PATIENCE, from;
  bool rang = false;
  tp_future_subscribe(shared, TP_RESULT);
  if (!tp_engine_post(engine, &shared->command, TP_WANT, &shared->references))
    return false;
  from = tp_now();
  while (!rang && tp_now() < until) {
    tp_engine_park(engine, until);
    rang = drain(shared);
  }
  if (tp_now() - from > SLOW) slow++;
  return rang;
}

/* Others ring the bell of the same host meanwhile. */
static void ring_for_nothing(void) {
  fixture_fire(shared);
  tp_future_release(shared);
}

static bool release_shared(void) {
  tp_future_unsubscribe(shared, TP_RESULT);
  fixture_forget(shared);
  tp_future_release(shared);
  return true;
}

static void test_commands_wake_a_parked_host(void) {
  int rounds = 5000;
  begin();
  slow = 0;
  CHECK(tp_engine_start(engine) == TP_OK);
  CHECK(meet(rounds, prepare_shared, ring_for_nothing, subscribe_post_and_wait,
             release_shared));
  CHECK(slow < rounds / 100);
  CHECK(tp_engine_shutdown(engine, PATIENCE));
  drain(NULL);
  let_go();
}

/* An event loop sleeps on the descriptor instead, and looks at it again and
** again: it must not stay readable once all is drained. Every other round does
** not wait for the ring, but drains as programs do that poll by themselves. */
static bool subscribe_and_poll(void) {
  int64_t until = tp_now() + PATIENCE;
  struct pollfd p;
  bool found = false;
  p.fd = tp_engine_pollfd(engine);
  p.events = POLLIN;
  tp_future_subscribe(shared, TP_RESULT);
  if (get(&rounds_begun) % 2 == 0)
    return poll(&p, 1, (int)(PATIENCE / 1000)) == 1 && drain(shared);
  while (!found && tp_now() < until) found = drain(shared);
  return found;
}

static bool is_silent(void) {
  struct pollfd p;
  p.fd = tp_engine_pollfd(engine);
  p.events = POLLIN;
  release_shared();
  drain(NULL);
  return poll(&p, 1, 0) == 0;
}

static void test_the_doorbell_is_silent_after_the_drain(void) {
  begin();
  CHECK(meet(20000, prepare_shared, signal_shared, subscribe_and_poll,
             is_silent));
  let_go();
}

/* --- nothing leaks, nobody is forgotten ---------- */

static bool subscribe_and_leave(void) {
  tp_future_subscribe(shared, TP_RESULT);
  return release_shared();
}

/* What fired a moment too late is let go of by the next drain. */
static bool is_gone(void) {
  drain(NULL);
  destroyed = get(&destroyed);
  return engine->fired == NULL && channel->futures == NULL;
}

static void test_collected_while_it_is_signalled(void) {
  begin();
  CHECK(meet(20000, prepare_shared, signal_shared, subscribe_and_leave,
             is_gone));
  CHECK(destroyed == 20000);
  let_go();
}

static bool prepare_engine(void) {
  begin();
  prepare_shared();
  tp_future_subscribe(shared, TP_RESULT);
  return true;
}

static bool detach(void) {
  tp_engine_detach(engine);
  return true;
}

static bool detached_holds_nothing(void) {
  bool right = engine->fired == NULL && shared->references == 1;
  fixture_forget(shared);
  tp_future_release(shared);
  tp_client_release(client);
  tp_engine_release(engine);
  return right;
}

static void test_detached_while_it_is_signalled(void) {
  CHECK(meet(20000, prepare_engine, signal_shared, detach,
             detached_holds_nothing));
}

static void acknowledge(void) {
  tp_client_acknowledged(client);
}

static bool prepare_submission(void) {
  channel->source.unacknowledged = client->unacknowledged = 1;
  return true;
}

static bool new_drain(void) {
  shared = tp_drain_new(client);
  return shared != NULL;
}

static bool drain_is_told(void) {
  bool told = tp_future_ready(shared, TP_RESULT);
  tp_future_release(shared);
  return told && client->drains == NULL;
}

static void test_drain_made_while_the_last_one_ends(void) {
  begin();
  CHECK(meet(20000, prepare_submission, acknowledge, new_drain,
             drain_is_told));
  let_go();
}

/* A walk holds what others are letting go of. */
static void come_and_go(void) {
  tp_future *few[8];
  int i;
  for (i = 0; i < 8; i++) few[i] = new_future();
  for (i = 0; i < 8; i++) tp_future_release(few[i * 3 % 8]);
}

static bool walk(void) {
  static uint64_t seed = 23;
  int i;
  for (i = 0; i < 8; i++) {
    tp_future *f = NULL;
    while ((f = tp_client_next(client, f)) != NULL) dawdle(&seed);
  }
  return true;
}

static bool nothing(void) {
  return true;
}

static bool none_is_left(void) {
  return channel->futures == NULL && channel->source.references == 1;
}

static void test_walks_over_futures_that_go(void) {
  begin();
  CHECK(meet(3000, nothing, come_and_go, walk, none_is_left));
  CHECK(destroyed == 3000 * 8);
  let_go();
}

/* --- the end meets the host ---------- */

static tp_rpc_future *submissions[64];

static void stop(void) {
  tp_engine_stop(engine);
}

static tp_rpc_future *submit(void) {
  tp_rpc_future *rpc = tp_rpc_future_new(client);
  rpc->path = strdup("/service/method");
  rpc->base.call.path = rpc->path;
  tp_submission_send(&rpc->base, true);
  return rpc;
}

static bool prepare_running(void) {
  begin();
  channel->options.retry.attempts = 1000000;
  return tp_engine_start(engine) == TP_OK;
}

static bool submit_some(void) {
  size_t i;
  for (i = 0; i < 64; i++) submissions[i] = submit();
  return true;
}

/* Each of them has an end, whenever it came. */
static bool all_have_ended(void) {
  bool right = tp_engine_shutdown(engine, PATIENCE);
  size_t i;
  for (i = 0; i < 64; i++) {
    tp_future *f = &submissions[i]->base.future;
    int64_t until = tp_now() + (right ? PATIENCE / 20 : 0);
    while (!tp_future_ready(f, TP_RESULT) && tp_now() < until) sched_yield();
    if (!tp_future_ready(f, TP_RESULT)) right = false;
    tp_future_signal(f, TP_TAKEN);
    tp_future_collect(f);
  }
  let_go();
  return right;
}

static void test_submissions_while_the_engine_stops(void) {
  CHECK(meet(300, prepare_running, stop, submit_some, all_have_ended));
}

/* What the engine's end meets is whole, however new it is, and a drain is told
** by the last submission, not by the end. */
static tp_future *drains[64];

static bool make_drains(void) {
  size_t i;
  for (i = 0; i < 64; i++) drains[i] = tp_drain_new(client);
  return true;
}

static bool all_are_told(void) {
  bool right = tp_engine_shutdown(engine, PATIENCE);
  size_t i;
  for (i = 0; i < 64; i++) {
    if (!(tp_future_flags(drains[i]) & TP_RESULT)) right = false;
    tp_future_release(drains[i]);
  }
  let_go();
  return right;
}

static void test_drains_made_while_the_engine_stops(void) {
  CHECK(meet(3000, prepare_running, stop, make_drains, all_are_told));
}

/* The last reference goes on the host's thread, or on the other. */
static bool release_and_shut_down(void) {
  tp_rpc_future *rpc = submit();
  tp_future_signal(&rpc->base.future, TP_TAKEN);
  tp_future_collect(&rpc->base.future);
  tp_client_release(client);
  return true;
}

static bool is_shut_down(void) {
  bool right = tp_engine_shutdown(engine, PATIENCE);
  tp_engine_release(engine);
  return right;
}

static void test_channel_released_while_the_engine_stops(void) {
  CHECK(meet(300, prepare_running, stop, release_and_shut_down, is_shut_down));
}

/* The host waits while the end comes: it is not kept waiting. */
static bool park_until_finished(void) {
  int64_t until = tp_now() + PATIENCE;
  bool finished = false;
  while (!finished && tp_now() < until) {
    tp_engine_park(engine, until);
    tp_engine_lock(engine);
    finished = engine->finished;
    tp_engine_unlock(engine);
  }
  return finished;
}

static bool let_go_afterwards(void) {
  let_go();
  return true;
}

static void test_parked_while_the_engine_stops(void) {
  CHECK(meet(30, prepare_running, stop, park_until_finished,
             let_go_afterwards));
}

int main(void) {
  RUN(test_signals_wake_a_parked_host);
  RUN(test_commands_wake_a_parked_host);
  RUN(test_the_doorbell_is_silent_after_the_drain);
  RUN(test_collected_while_it_is_signalled);
  RUN(test_detached_while_it_is_signalled);
  RUN(test_drain_made_while_the_last_one_ends);
  RUN(test_walks_over_futures_that_go);
  RUN(test_submissions_while_the_engine_stops);
  RUN(test_drains_made_while_the_engine_stops);
  RUN(test_channel_released_while_the_engine_stops);
  RUN(test_parked_while_the_engine_stops);
  return check_end();
}
