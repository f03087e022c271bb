/* Unit tests of the engine without a network: parking, the doorbell and what
** has fired, commands, notices, and every way in which it ends. The test's
** thread plays the host. How threads meet is in engine_threads_test.c.
*/
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "client/rpc_future.h"
#include "engine/process.h"
#include "check.h"
#include "fixture.h"

#define PATIENCE (20 * TP_SECOND)

/* A future of the test's own: it counts what is done to it. */
typedef struct item {
  tp_future future; /* first: a future is an item */
  int runs, ends;   /* atomic */
  unsigned bits;    /* of the last run */
  int place;        /* among all runs, from 1 */
} item;

static tp_engine *engine;
static tp_client *client;
static tp_channel *channel; /* the client's */
static int all_runs, destroyed; /* atomic */

static int count(int *n) {
  return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static void on_run(tp_command *command, unsigned bits) {
  item *i = (item *)command;
  i->bits = bits;
  i->place = __atomic_add_fetch(&all_runs, 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&i->runs, 1, __ATOMIC_SEQ_CST);
  if (bits & TP_WANT) tp_future_signal(&i->future, TP_RESULT);
  tp_future_release(&i->future);
}

static void on_end(tp_future *f) {
  __atomic_add_fetch(&((item *)f)->ends, 1, __ATOMIC_SEQ_CST);
  tp_future_signal(f, TP_CLOSED);
}

static void on_destroy(tp_future *f) {
  tp_client_free_future(f);
  __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

static item *new_item(void) {
  static const tp_future_class class = {
    .kind = TP_DRAIN, .silent = ~0u, .run = on_run, .end = on_end,
    .destroy = on_destroy};
  item *i = calloc(1, sizeof *i);
  tp_client_future(client, &i->future, &class);
  return i;
}

static void release(item *i) {
  tp_future_release(&i->future);
}

static bool post(item *i, unsigned bits) {
  return tp_engine_post(engine, &i->future.command, bits,
                        &i->future.references);
}

static void begin(void) {
  engine = tp_engine_new();
  client = fixture_client(engine);
  channel = client->channel;
  all_runs = destroyed = 0;
}

/* Lets go of both; the thread, if any, ends by itself. */
static void let_go(void) {
  tp_client_release(client);
  tp_engine_detach(engine);
  tp_engine_release(engine);
}

static void nap(void) {
  static const struct timespec t = {0, 1000000};
  nanosleep(&t, NULL);
}

/* Waits until *n has the value. */
static bool becomes(int *n, int value) {
  int64_t until = tp_now() + PATIENCE;
  while (count(n) != value && tp_now() < until) nap();
  return count(n) == value;
}

static bool ends(void) {
  int64_t until = tp_now() + PATIENCE;
  bool finished = false;
  while (!finished && tp_now() < until) {
    tp_engine_lock(engine);
    finished = engine->finished;
    tp_engine_unlock(engine);
    if (!finished) nap();
  }
  return finished;
}

/* --- parking ---------- */

static int64_t parked_for(int64_t wait) {
  int64_t from = tp_now();
  tp_engine_park(engine, tp_after(from, wait));
  return tp_now() - from;
}

static bool park_keeps_its_time(void) {
  return parked_for(20000) >= 20000 && parked_for(0) < TP_SECOND &&
         parked_for(-TP_SECOND) < TP_SECOND &&
         parked_for(TP_NEVER) >= TP_SECOND / 10 &&
         parked_for(TP_NEVER) < 5 * TP_SECOND && !fixture_is_rung(engine);
}

static void test_park_without_a_thread(void) {
  begin();
  CHECK(park_keeps_its_time());
  CHECK(!engine->thread_started);
  let_go();
}

static void test_park_with_a_thread(void) {
  begin();
  CHECK(tp_engine_start(engine) == TP_OK);
  CHECK(tp_engine_start(engine) == TP_OK); /* once is enough */
  CHECK(park_keeps_its_time());
  CHECK(tp_engine_shutdown(engine, PATIENCE));
  CHECK(park_keeps_its_time()); /* afterwards too */
  let_go();
}

static bool lasts(void) {
  return parked_for(TP_SECOND / 20) >= TP_SECOND / 20;
}

/* Is a park shorter than it may be? Others may hold the processor: one short
** one out of many will do, since a park that ignores what should end it never
** is. */
static bool ends_early(void) {
  int tries;
  for (tries = 0; tries < 50; tries++)
    if (parked_for(TP_SECOND / 10) < TP_SECOND / 12) return true;
  return false;
}

static void test_park_ends_when_rung(void) {
  item *i;
  int thread;
  for (thread = 0; thread <= 1; thread++) {
    begin();
    if (thread) CHECK(tp_engine_start(engine) == TP_OK);
    i = new_item();
    CHECK(lasts());
    fixture_fire(&i->future);
    CHECK(ends_early() && fixture_is_rung(engine));
    fixture_forget(&i->future);
    CHECK(ends_early()); /* still rung: what rang is gone, not the ring */
    CHECK(tp_engine_drain(engine) == NULL);
    CHECK(lasts());
    release(i);
    let_go();
  }
}

static pthread_t host;
static int stop_interrupting; /* atomic */

static void on_signal(int number) {
  (void)number;
}

static void *interrupt(void *unused) {
  while (!count(&stop_interrupting)) {
    tp_driver driver;
    tp_engine_lock(engine);
    driver = engine->driver;
    tp_engine_unlock(engine);
    if (driver == TP_HOST_THREAD) pthread_kill(host, SIGUSR1);
    nap();
  }
  return unused;
}

static void test_park_ends_on_a_signal(void) {
  struct sigaction action;
  pthread_t thread;
  bool early;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
  begin();
  CHECK(tp_engine_start(engine) == TP_OK);
  host = pthread_self();
  stop_interrupting = 0;
  CHECK(pthread_create(&thread, NULL, interrupt, NULL) == 0);
  early = ends_early();
  __atomic_store_n(&stop_interrupting, 1, __ATOMIC_SEQ_CST);
  pthread_join(thread, NULL);
  CHECK(early && !fixture_is_rung(engine));
  let_go();
}

/* --- firing ---------- */

/* Takes all that has fired, which must be those, in that order. */
static bool drains(item *first, item *second, item *third) {
  item *expected[3];
  tp_future *f;
  size_t n = 0;
  bool right = true;
  expected[0] = first;
  expected[1] = second;
  expected[2] = third;
  while ((f = fixture_drain(engine)) != NULL) {
    if (n == 3 || f != &expected[n]->future || f->wakeup.queued) right = false;
    tp_future_release(f);
    n++;
  }
  return right && (n == 3 || expected[n] == NULL) &&
         !fixture_is_rung(engine);
}

static void test_fired_futures_come_in_order_and_once(void) {
  item *a, *b, *c;
  begin();
  a = new_item();
  b = new_item();
  c = new_item();
  CHECK(drains(NULL, NULL, NULL));
  fixture_fire(&b->future);
  fixture_fire(&a->future);
  fixture_fire(&b->future); /* it is in the list already */
  fixture_fire(&c->future);
  CHECK(a->future.references == 2 && b->future.references == 2);
  CHECK(drains(b, a, c));
  CHECK(a->future.references == 1 && b->future.references == 1);
  fixture_fire(&b->future);
  CHECK(drains(b, NULL, NULL) && drains(NULL, NULL, NULL));
  release(a);
  release(b);
  release(c);
  CHECK(destroyed == 3);
  let_go();
}

static void test_forgets_first_middle_and_last(void) {
  item *i[4];
  int k;
  begin();
  for (k = 0; k < 4; k++) i[k] = new_item();
  for (k = 0; k < 4; k++) fixture_fire(&i[k]->future);
  fixture_forget(&i[1]->future);
  fixture_forget(&i[1]->future); /* is not there any more */
  CHECK(i[1]->future.references == 1);
  fixture_forget(&i[3]->future);
  fixture_forget(&i[0]->future);
  fixture_fire(&i[3]->future); /* the list's end is where it was */
  CHECK(drains(i[2], i[3], NULL));
  fixture_fire(&i[0]->future);
  fixture_forget(&i[0]->future); /* the only one */
  fixture_fire(&i[1]->future);
  CHECK(drains(i[1], NULL, NULL));
  for (k = 0; k < 4; k++) release(i[k]);
  let_go();
}

static void test_subscriptions(void) {
  item *i;
  begin();
  i = new_item();
  tp_future_signal(&i->future, TP_STARTED); /* nobody has asked */
  CHECK(!fixture_is_rung(engine));
  tp_future_subscribe(&i->future, TP_RESULT);
  CHECK(!fixture_is_rung(engine));
  tp_future_signal(&i->future, TP_FIRST); /* not what was asked for */
  CHECK(!fixture_is_rung(engine));
  tp_future_signal(&i->future, TP_RESULT);
  CHECK(drains(i, NULL, NULL));
  tp_future_unsubscribe(&i->future, TP_RESULT);
  tp_future_signal(&i->future, TP_CLOSED);
  CHECK(!fixture_is_rung(engine));
  tp_future_subscribe(&i->future, TP_STARTED); /* it is there: rings at once */
  CHECK(drains(i, NULL, NULL));
  release(i);
  let_go();
}

/* The end of everything rings for whoever still waits, whatever for. */
static void test_closing_rings_for_every_subscription(void) {
  static const unsigned ends_of_it[] = {TP_CLOSED, TP_ABANDONED};
  size_t k;
  for (k = 0; k < 2; k++) {
    item *i;
    begin();
    i = new_item();
    tp_future_subscribe(&i->future, TP_FIRST);
    tp_future_signal(&i->future, ends_of_it[k]);
    CHECK(tp_future_ready(&i->future, TP_RESULT));
    CHECK(drains(i, NULL, NULL));
    release(i);
    let_go();
  }
}

static bool readable(int fd) {
  struct pollfd p;
  p.fd = fd;
  p.events = POLLIN;
  return poll(&p, 1, 0) == 1;
}

static void test_the_doorbell(void) {
  item *i;
  int fd;
  begin();
  i = new_item();
  fd = tp_engine_pollfd(engine);
  CHECK(fd >= 0 && fd == tp_engine_pollfd(engine) && !readable(fd));
  fixture_fire(&i->future);
  CHECK(readable(fd) && readable(fd));
  CHECK(drains(i, NULL, NULL) && !readable(fd));
  release(i);
  let_go();
  begin(); /* asked for when it has rung already */
  i = new_item();
  fixture_fire(&i->future);
  fd = tp_engine_pollfd(engine);
  CHECK(fd >= 0 && readable(fd));
  CHECK(drains(i, NULL, NULL) && !readable(fd));
  release(i);
  let_go();
}

/* --- commands ---------- */

static void test_post_without_a_thread(void) {
  item *i;
  begin();
  i = new_item();
  CHECK(!post(i, TP_BEGIN));
  CHECK(i->future.command.bits == 0 && i->future.references == 1);
  release(i);
  let_go();
}

static void test_post_after_the_end(void) {
  item *i;
  begin();
  i = new_item();
  CHECK(tp_engine_start(engine) == TP_OK);
  CHECK(tp_engine_shutdown(engine, PATIENCE));
  CHECK(!post(i, TP_BEGIN));
  CHECK(i->future.references == 1 && i->ends == 1);
  CHECK(tp_engine_start(engine) == TP_OK); /* it is not started again */
  CHECK(!post(i, TP_BEGIN));
  release(i);
  CHECK(destroyed == 1);
  let_go();
}

static int gate; /* atomic: 0 until a blocking command may go on */

static void on_blocked(tp_command *command, unsigned bits) {
  on_run(command, bits);
  while (!count(&gate)) nap();
}

/* While the thread is held, what is posted queues up in order, once each. */
static void test_commands_keep_their_order_and_merge(void) {
  item *block, *a, *b;
  begin();
  block = new_item();
  a = new_item();
  b = new_item();
  block->future.command.run = on_blocked;
  gate = 0;
  CHECK(tp_engine_start(engine) == TP_OK);
  CHECK(post(block, TP_BEGIN) && becomes(&block->runs, 1));
  CHECK(post(b, TP_BEGIN) && post(a, TP_BEGIN) && post(b, TP_DROP));
  CHECK(b->future.references == 2 && a->future.references == 2);
  __atomic_store_n(&gate, 1, __ATOMIC_SEQ_CST);
  CHECK(becomes(&a->runs, 1) && becomes(&b->runs, 1));
  CHECK(b->bits == (TP_BEGIN | TP_DROP) && a->bits == TP_BEGIN);
  CHECK(block->place == 1 && b->place == 2 && a->place == 3);
  CHECK(post(b, TP_BEGIN) && becomes(&b->runs, 2) && b->bits == TP_BEGIN);
  release(block);
  release(a);
  release(b);
  let_go();
}

static int signals_open; /* atomic: 1 yes, 2 no */

static void on_mask(tp_command *command, unsigned bits) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGALRM};
  sigset_t mask;
  size_t i;
  int open = 2;
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (!sigismember(&mask, numbers[i])) open = 1;
  __atomic_store_n(&signals_open, open, __ATOMIC_SEQ_CST);
  on_run(command, bits);
}

static void test_the_thread_takes_no_signals(void) {
  sigset_t before, after;
  item *i;
  begin();
  i = new_item();
  i->future.command.run = on_mask;
  signals_open = 0;
  pthread_sigmask(SIG_BLOCK, NULL, &before);
  CHECK(tp_engine_start(engine) == TP_OK);
  pthread_sigmask(SIG_BLOCK, NULL, &after);
  CHECK(sigismember(&before, SIGINT) == sigismember(&after, SIGINT));
  CHECK(post(i, TP_BEGIN) && becomes(&signals_open, 2));
  release(i);
  let_go();
}

/* --- the end ---------- */

static void test_detach_ends_an_idle_engine(void) {
  item *i;
  begin();
  i = new_item();
  CHECK(tp_engine_start(engine) == TP_OK);
  fixture_fire(&i->future);
  tp_engine_detach(engine); /* lets go of what has fired */
  CHECK(ends() && becomes(&i->ends, 1));
  fixture_fire(&i->future); /* nobody is left to be told */
  CHECK(i->future.references == 1);
  release(i);
  CHECK(destroyed == 1);
  let_go();
}

static void acknowledge(tp_command *command, unsigned bits) {
  tp_client_acknowledged(client);
  on_run(command, bits);
}

static void test_detach_waits_for_submissions(void) {
  item *i;
  begin();
  i = new_item();
  i->future.command.run = acknowledge;
  channel->source.unacknowledged = client->unacknowledged = 1;
  engine->shutdown_timeout = PATIENCE;
  CHECK(tp_engine_unacknowledged(engine) == 1);
  CHECK(tp_engine_start(engine) == TP_OK);
  tp_engine_detach(engine);
  CHECK(!fixture_is_rung(engine));
  CHECK(post(i, TP_BEGIN)); /* so it still runs */
  CHECK(ends() && i->runs == 1 && tp_engine_unacknowledged(engine) == 0);
  release(i);
  let_go();
}

static void test_detach_gives_up_in_time(void) {
  int64_t from;
  begin();
  channel->source.unacknowledged = client->unacknowledged = 1;
  engine->shutdown_timeout = TP_SECOND / 5;
  CHECK(tp_engine_start(engine) == TP_OK);
  from = tp_now();
  tp_engine_detach(engine);
  CHECK(ends() && tp_now() - from >= TP_SECOND / 5);
  let_go();
}

static void test_stop_ends_all_futures(void) {
  item *a, *b;
  begin();
  a = new_item();
  b = new_item();
  channel->source.unacknowledged = 1; /* it is not waited for */
  CHECK(tp_engine_start(engine) == TP_OK);
  tp_future_subscribe(&a->future, TP_RESULT);
  tp_engine_stop(engine);
  CHECK(ends() && a->ends == 1 && b->ends == 1);
  CHECK(drains(a, NULL, NULL));
  release(a);
  release(b);
  let_go();
}

static void test_shutdown(void) {
  item *i;
  begin();
  CHECK(tp_engine_shutdown(engine, 0)); /* nothing runs */
  i = new_item();
  i->future.command.run = on_blocked;
  gate = 0;
  CHECK(tp_engine_start(engine) == TP_OK);
  CHECK(post(i, TP_BEGIN) && becomes(&i->runs, 1));
  CHECK(!tp_engine_shutdown(engine, TP_SECOND / 20)); /* it is held up */
  __atomic_store_n(&gate, 1, __ATOMIC_SEQ_CST);
  CHECK(tp_engine_shutdown(engine, PATIENCE));
  CHECK(tp_engine_shutdown(engine, 0));
  CHECK(i->ends == 1);
  release(i);
  let_go();
}

/* What is under way ends as closed, and only then is the drain told; nobody
** listens on the port. */
static void test_shutdown_with_a_call_under_way(void) {
  tp_rpc_future *rpc;
  tp_future *told;
  begin();
  channel->options.retry.attempts = 1000000;
  rpc = tp_rpc_future_new(client);
  rpc->path = strdup("/service/method");
  rpc->base.call.path = rpc->path;
  tp_submission_send(&rpc->base, true);
  told = tp_drain_new(client);
  tp_future_subscribe(&rpc->base.future, TP_RESULT);
  tp_future_subscribe(told, TP_RESULT);
  CHECK(tp_engine_shutdown(engine, PATIENCE));
  CHECK(tp_future_flags(&rpc->base.future) & TP_CLOSED);
  CHECK(tp_future_flags(told) == TP_RESULT);
  CHECK(drains((item *)rpc, (item *)told, NULL));
  tp_future_release(told);
  CHECK(channel->source.unacknowledged == 0 && channel->pending == 0);
  CHECK(rpc->base.future.references == 1);
  tp_future_signal(&rpc->base.future, TP_TAKEN);
  tp_future_collect(&rpc->base.future);
  let_go();
}

static void test_a_forked_child_knows(void) {
  int status = -1;
  pid_t child;
  tp_process_load();
  begin();
  CHECK(!tp_engine_forked(engine));
  CHECK(tp_engine_start(engine) == TP_OK);
  CHECK(!tp_engine_forked(engine));
  child = fork();
  if (child == 0) _exit(tp_engine_forked(engine) ? 42 : 1);
  CHECK(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  CHECK(!tp_engine_forked(engine));
  let_go();
}

/* --- drains, notices, jitter ---------- */

static void test_drain_is_told_by_the_last(void) {
  tp_future *told;
  begin();
  channel->source.unacknowledged = client->unacknowledged = 2;
  told = tp_drain_new(client);
  tp_future_subscribe(told, TP_RESULT);
  tp_client_acknowledged(client);
  CHECK(!tp_future_ready(told, TP_RESULT));
  tp_client_acknowledged(client);
  CHECK(tp_future_ready(told, TP_RESULT) && fixture_is_rung(engine));
  CHECK(fixture_drain(engine) == told);
  tp_future_release(told);
  tp_future_release(told);
  told = tp_drain_new(client); /* nothing to wait for: at once */
  CHECK(tp_future_ready(told, TP_RESULT));
  tp_future_release(told);
  let_go();
}

static void test_jitter(void) {
  double least = 2, most = 0;
  int i;
  begin();
  for (i = 0; i < 10000; i++) {
    double factor = tp_engine_jitter(engine, 0.25);
    CHECK(factor >= 0.75 && factor <= 1.25);
    if (factor < least) least = factor;
    if (factor > most) most = factor;
    CHECK(tp_engine_jitter(engine, 0) == 1);
  }
  CHECK(least < 0.77 && most > 1.23);
  let_go();
}

int main(void) {
  RUN(test_park_without_a_thread);
  RUN(test_park_with_a_thread);
  RUN(test_park_ends_when_rung);
  RUN(test_park_ends_on_a_signal);
  RUN(test_fired_futures_come_in_order_and_once);
  RUN(test_forgets_first_middle_and_last);
  RUN(test_subscriptions);
  RUN(test_closing_rings_for_every_subscription);
  RUN(test_the_doorbell);
  RUN(test_post_without_a_thread);
  RUN(test_post_after_the_end);
  RUN(test_commands_keep_their_order_and_merge);
  RUN(test_the_thread_takes_no_signals);
  RUN(test_detach_ends_an_idle_engine);
  RUN(test_detach_waits_for_submissions);
  RUN(test_detach_gives_up_in_time);
  RUN(test_stop_ends_all_futures);
  RUN(test_shutdown);
  RUN(test_shutdown_with_a_call_under_way);
  RUN(test_a_forked_child_knows);
  RUN(test_drain_is_told_by_the_last);
  RUN(test_jitter);
  return check_end();
}
