/* Unit tests of the bounded, rotating result polls: the bound, the order, the
** rotation after the slice, leaving in every state, a random test against a
** naive model, and that nobody starves. One thread; time is made up.
*/
#include <stdlib.h>
#include <string.h>
#include "base/limits.h"
#include "rpc/polls.h"
#include "check.h"
#include "random.h"

#define SLICE TP_POLL_SLICE
#define MANY 20000

typedef struct item {
  tp_poll poll; /* first: a poll is an item */
  int granted, revoked;
  int64_t granted_at;
  bool leaves_when_granted, leaves_when_revoked;
  bool has_stream;
} item;

static item items[MANY];
static tp_timers timers;
static tp_polls polls;
static item *grants[MANY]; /* in their order */
static size_t grant_count;
static bool over_the_limit;
static int depth, deepest; /* of grants in grants */

static void on_grant(tp_poll *poll, int64_t now) {
  item *i = (item *)poll;
  i->granted++;
  i->granted_at = now;
  grants[grant_count++ % MANY] = i;
  if (++depth > deepest) deepest = depth;
  if (polls.open_count > polls.limit) over_the_limit = true;
  if (i->leaves_when_granted) tp_polls_leave(&polls, poll, now);
  depth--;
}

static void on_revoke(tp_poll *poll, int64_t now) {
  item *i = (item *)poll;
  i->revoked++;
  if (i->leaves_when_revoked) tp_polls_leave(&polls, poll, now);
}

static bool on_stream(const tp_poll *poll) {
  return ((const item *)poll)->has_stream;
}

static void start(size_t limit) {
  size_t i;
  memset(items, 0, sizeof items);
  memset(&timers, 0, sizeof timers);
  for (i = 0; i < MANY; i++) {
    items[i].poll.grant = on_grant;
    items[i].poll.revoke = on_revoke;
    items[i].poll.on_stream = on_stream;
  }
  grant_count = 0;
  over_the_limit = false;
  depth = deepest = 0;
  tp_polls_init(&polls, &timers, limit);
}

static void ask(size_t first, size_t n, int64_t now) {
  size_t i;
  for (i = first; i < first + n; i++)
    tp_polls_ask(&polls, &items[i].poll, now);
}

static tp_poll_state state(size_t i) {
  return items[i].poll.state;
}

/* Are the first grants since `from` those of items a, a + 1, ...? */
static bool granted_in_order(size_t from, size_t a, size_t n) {
  size_t i;
  if (grant_count != from + n) return false;
  for (i = 0; i < n; i++)
    if (grants[from + i] != &items[a + i]) return false;
  return true;
}

static void test_opens_up_to_the_limit_in_order(void) {
  start(3);
  ask(0, 5, 100);
  CHECK(granted_in_order(0, 0, 3));
  CHECK(polls.open_count == 3);
  CHECK(state(2) == TP_POLL_OPEN && state(3) == TP_POLL_WAITING);
  CHECK(items[0].granted_at == 100);
  ask(3, 1, 101); /* waits already: keeps its place */
  tp_polls_leave(&polls, &items[1].poll, 102);
  CHECK(granted_in_order(3, 3, 1));
  tp_polls_leave(&polls, &items[0].poll, 103);
  CHECK(granted_in_order(3, 3, 2));
}

static void test_limit_at_n_and_one_more(void) {
  start(TP_MAX_POLLS);
  ask(0, TP_MAX_POLLS, 0);
  CHECK(polls.open_count == TP_MAX_POLLS && timers.count == 0);
  ask(TP_MAX_POLLS, 1, 0);
  CHECK(polls.open_count == TP_MAX_POLLS);
  CHECK(state(TP_MAX_POLLS) == TP_POLL_WAITING && timers.count == 1);
}

static void test_nothing_rotates_while_nobody_waits(void) {
  start(3);
  ask(0, 3, 0);
  CHECK(tp_timers_next(&timers) == TP_NEVER);
  tp_timers_run(&timers, 100 * SLICE);
  CHECK(items[0].revoked == 0);
  ask(3, 1, 100 * SLICE); /* the others are overdue at once */
  CHECK(tp_timers_next(&timers) <= 100 * SLICE);
  tp_timers_run(&timers, 100 * SLICE);
  CHECK(items[0].revoked == 1 && state(0) == TP_POLL_WAITING);
  CHECK(items[1].revoked == 0 && state(3) == TP_POLL_OPEN);
}

static void test_rotates_after_the_slice_and_not_before(void) {
  start(2);
  ask(0, 1, 10);
  ask(1, 1, 20);
  ask(2, 2, 30);
  CHECK(tp_timers_next(&timers) == 10 + SLICE);
  tp_timers_run(&timers, 10 + SLICE - 1);
  CHECK(grant_count == 2);
  tp_timers_run(&timers, 10 + SLICE);
  CHECK(state(0) == TP_POLL_WAITING && state(2) == TP_POLL_OPEN);
  CHECK(state(1) == TP_POLL_OPEN && state(3) == TP_POLL_WAITING);
  CHECK(tp_timers_next(&timers) == 20 + SLICE);
  tp_timers_run(&timers, 20 + SLICE);
  CHECK(state(1) == TP_POLL_WAITING && state(3) == TP_POLL_OPEN);
  tp_timers_run(&timers, 10 + 2 * SLICE); /* and back, in turn */
  CHECK(state(2) == TP_POLL_WAITING && state(0) == TP_POLL_OPEN);
  CHECK(polls.open_count == 2);
}

/* One rotation serves each that waits at most once, however late it comes. */
static void test_a_late_rotation_swaps_once(void) {
  start(3);
  ask(0, 4, 0);
  tp_timers_run(&timers, 10 * SLICE);
  CHECK(grant_count == 4 && items[0].revoked == 1);
  CHECK(items[1].revoked == 0 && items[2].revoked == 0);
  start(2);
  ask(0, 6, 0);
  tp_timers_run(&timers, 10 * SLICE);
  CHECK(granted_in_order(2, 2, 2)); /* 4 and 5: once 2 and 3 had theirs */
  CHECK(state(2) == TP_POLL_OPEN && state(3) == TP_POLL_OPEN);
}

/* One poll more than there is room for is no reason to reopen all of them. */
static void test_swaps_no_more_than_there_wait(void) {
  int slice;
  start(TP_MAX_POLLS);
  ask(0, TP_MAX_POLLS + 1, 0);
  for (slice = 1; slice <= 10; slice++) {
    tp_timers_run(&timers, slice * SLICE);
    CHECK(grant_count == TP_MAX_POLLS + (size_t)slice);
  }
}

static void test_asks_again_while_open(void) {
  start(2);
  ask(0, 2, 0);
  ask(0, 1, 5); /* nobody waits: a new turn at once */
  CHECK(items[0].granted == 2 && items[0].poll.since == 5);
  ask(2, 1, 6);
  CHECK(tp_timers_next(&timers) == SLICE); /* 1 is the oldest now */
  ask(1, 1, 7); /* somebody waits: to the end of the queue */
  CHECK(state(1) == TP_POLL_WAITING && state(2) == TP_POLL_OPEN);
  CHECK(items[1].granted == 1 && items[1].revoked == 0);
  tp_polls_leave(&polls, &items[0].poll, 8);
  CHECK(state(1) == TP_POLL_OPEN && items[1].granted == 2);
}

static void test_leaves_in_every_state(void) {
  start(2);
  tp_polls_leave(&polls, &items[0].poll, 0); /* never asked */
  CHECK(state(0) == TP_POLL_NONE && polls.open_count == 0);
  ask(0, 6, 0);
  tp_polls_leave(&polls, &items[3].poll, 1); /* in the middle of the queue */
  tp_polls_leave(&polls, &items[5].poll, 1); /* the last: the tail moves */
  tp_polls_leave(&polls, &items[2].poll, 1); /* the first */
  CHECK(state(2) == TP_POLL_NONE && state(3) == TP_POLL_NONE);
  CHECK(grant_count == 2);
  ask(6, 1, 2);
  tp_polls_leave(&polls, &items[1].poll, 3); /* the last open one */
  tp_polls_leave(&polls, &items[0].poll, 3);
  CHECK(items[4].granted == 1 && items[6].granted == 1);
  CHECK(items[3].granted == 0 && items[5].granted == 0);
  tp_polls_leave(&polls, &items[0].poll, 4); /* twice */
  tp_polls_leave(&polls, &items[4].poll, 4);
  tp_polls_leave(&polls, &items[6].poll, 4);
  CHECK(polls.open_count == 0 && timers.count == 0);
  ask(0, 3, 5); /* the lists are whole */
  CHECK(polls.open_count == 2 && state(2) == TP_POLL_WAITING);
}

static void test_leaves_inside_its_callbacks(void) {
  start(2);
  items[1].leaves_when_granted = true;
  items[0].leaves_when_revoked = true;
  ask(0, 5, 0);
  CHECK(state(1) == TP_POLL_NONE && items[1].granted == 1);
  CHECK(state(2) == TP_POLL_OPEN && polls.open_count == 2);
  tp_timers_run(&timers, SLICE);
  CHECK(state(0) == TP_POLL_NONE && items[0].revoked == 1);
  CHECK(polls.open_count == 2 && !over_the_limit);
  tp_timers_run(&timers, 2 * SLICE);
  CHECK(items[3].granted >= 1 && items[4].granted >= 1);
}

/* When memory is short they all do: no stack must grow with them. */
static void test_all_leave_when_granted(void) {
  size_t i;
  start(1);
  ask(0, MANY, 0);
  for (i = 1; i < MANY; i++) items[i].leaves_when_granted = true;
  tp_polls_leave(&polls, &items[0].poll, 1);
  CHECK(grant_count == MANY && granted_in_order(0, 0, MANY));
  CHECK(polls.open_count == 0 && polls.waiting.first == NULL);
  CHECK(deepest == 1 && timers.count == 0);
}

static void test_a_smaller_limit_turns_out_the_newest(void) {
  start(TP_MAX_POLLS);
  ask(0, 6, 0);
  tp_polls_set_limit(&polls, 2, 1);
  CHECK(polls.open_count == 2 && grant_count == 6);
  CHECK(state(0) == TP_POLL_OPEN && state(1) == TP_POLL_OPEN);
  CHECK(items[1].revoked == 0 && items[2].revoked == 1);
  tp_polls_leave(&polls, &items[0].poll, 2);
  tp_polls_leave(&polls, &items[1].poll, 2);
  CHECK(granted_in_order(6, 2, 2)); /* they wait in their order */
  tp_timers_run(&timers, 2 + SLICE);
  CHECK(granted_in_order(8, 4, 2));
  tp_polls_set_limit(&polls, 4, 3 + SLICE);
  CHECK(polls.open_count == 4 && granted_in_order(10, 2, 2));
  items[3].leaves_when_revoked = true;
  tp_polls_set_limit(&polls, 1, 4 + SLICE);
  CHECK(polls.open_count == 1 && state(4) == TP_POLL_OPEN);
  CHECK(state(3) == TP_POLL_NONE && state(2) == TP_POLL_WAITING);
}

static void test_steady_ones_stay_open(void) {
  start(2);
  polls.steady = true;
  ask(0, 3, 0);
  CHECK(polls.open_count == 2 && state(2) == TP_POLL_WAITING);
  tp_timers_run(&timers, 100 * SLICE);
  CHECK(items[0].revoked == 0 && state(2) == TP_POLL_WAITING);
  tp_polls_set_limit(&polls, 1, 1);
  CHECK(items[0].revoked + items[1].revoked == 0 && polls.open_count == 2);
  tp_polls_leave(&polls, &items[0].poll, 2);
  CHECK(polls.open_count == 1 && state(2) == TP_POLL_WAITING);
  tp_polls_leave(&polls, &items[1].poll, 3);
  CHECK(polls.open_count == 1 && state(2) == TP_POLL_OPEN);
  polls.steady = false;
}

static void test_yields_its_stream(void) {
  start(1);
  CHECK(!tp_polls_yield(&polls, 0));
  ask(0, 1, 0);
  CHECK(!tp_polls_yield(&polls, 1) && items[0].revoked == 0);
  items[0].has_stream = true;
  CHECK(tp_polls_yield(&polls, 2)); /* nobody waits: to the end of the queue */
  CHECK(items[0].revoked == 1 && items[0].granted == 2);
  CHECK(state(0) == TP_POLL_OPEN && polls.open_count == 1);
  ask(1, 1, 3);
  CHECK(tp_polls_yield(&polls, 4));
  CHECK(state(0) == TP_POLL_WAITING && state(1) == TP_POLL_OPEN);
  CHECK(polls.open_count == 1 && !over_the_limit);
}

/* --- against a model ---------- */

#define FEW 40
#define FEW_LIMIT 7

typedef struct model {
  int open[FEW], waiting[FEW]; /* in their orders */
  int64_t since[FEW]; /* open or waiting; who is new has waited long enough */
  size_t opens, waits;
} model;

static void model_remove(int *list, size_t *n, int item_number) {
  size_t i, k = 0;
  for (i = 0; i < *n; i++)
    if (list[i] != item_number) list[k++] = list[i];
  *n = k;
}

static void model_fill(model *m, int64_t now) {
  while (m->waits && m->opens < FEW_LIMIT) {
    int i = m->waiting[0];
    model_remove(m->waiting, &m->waits, i);
    m->open[m->opens++] = i;
    m->since[i] = now;
  }
}

static void model_ask(model *m, int i, int64_t now) {
  if (state((size_t)i) == TP_POLL_WAITING) return;
  m->since[i] = now - SLICE;
  if (state((size_t)i) == TP_POLL_OPEN) {
    model_remove(m->open, &m->opens, i);
    m->since[i] = now;
    if (m->waits == 0) {
      m->open[m->opens++] = i;
      return;
    }
  }
  m->waiting[m->waits++] = i;
  model_fill(m, now);
}

static void model_leave(model *m, int i, int64_t now) {
  model_remove(m->open, &m->opens, i);
  model_remove(m->waiting, &m->waits, i);
  model_fill(m, now);
}

/* When the oldest open one makes room for the first that waits: both have had
** a slice of what they have. */
static int64_t model_next(const model *m) {
  int64_t open, wait;
  if (m->waits == 0) return TP_NEVER;
  open = m->since[m->open[0]];
  wait = m->since[m->waiting[0]];
  return (open > wait ? open : wait) + SLICE;
}

static void model_rotate(model *m, int64_t now) {
  while (model_next(m) <= now) {
    int i = m->open[0];
    model_remove(m->open, &m->opens, i);
    m->waiting[m->waits++] = i;
    m->since[i] = now;
    model_fill(m, now);
  }
}

/* Both lists, in order, by following the links; and the timer. */
static bool agrees(const model *m) {
  size_t n = 0;
  const tp_poll *p;
  for (p = polls.open.first; p; p = p->next, n++)
    if (n == m->opens || p != &items[m->open[n]].poll ||
        p->state != TP_POLL_OPEN || p->since != m->since[m->open[n]])
      return false;
  if (n != m->opens || n != polls.open_count) return false;
  n = 0;
  for (p = polls.waiting.first; p; p = p->next, n++)
    if (n == m->waits || p != &items[m->waiting[n]].poll ||
        p->state != TP_POLL_WAITING)
      return false;
  return n == m->waits && tp_timers_next(&timers) == model_next(m);
}

static void test_random_operations_against_a_model(void) {
  uint64_t seed = 42;
  int64_t now = 1;
  model m;
  int step;
  memset(&m, 0, sizeof m);
  start(FEW_LIMIT);
  for (step = 0; step < 100000; step++) {
    int i = (int)random_below(&seed, FEW);
    switch (random_below(&seed, 5)) {
      case 0: case 1:
        model_ask(&m, i, now); /* looks at the state before */
        tp_polls_ask(&polls, &items[i].poll, now);
        break;
      case 2:
        model_leave(&m, i, now);
        tp_polls_leave(&polls, &items[i].poll, now);
        break;
      default:
        now += (int64_t)random_below(&seed, (uint64_t)SLICE);
        model_rotate(&m, now);
        tp_timers_run(&timers, now);
        break;
    }
    CHECK(agrees(&m));
    CHECK(polls.open_count <= FEW_LIMIT);
  }
  CHECK(!over_the_limit);
}

/* --- nobody starves ---------- */

static size_t never_open(void) {
  size_t i, n = 0;
  for (i = 0; i < MANY; i++)
    if (items[i].granted == 0) n++;
  return n;
}

static void test_all_are_open_once_within_twenty_rotations(void) {
  int rotation;
  start(TP_MAX_POLLS);
  ask(0, MANY, 0);
  CHECK(never_open() == MANY - TP_MAX_POLLS);
  for (rotation = 1; rotation <= 20; rotation++) {
    tp_timers_run(&timers, rotation * SLICE);
    CHECK(polls.open_count == TP_MAX_POLLS);
  }
  CHECK(never_open() == 0);
  CHECK(grant_count == MANY + TP_MAX_POLLS);
}

/* Polls that are answered, and asked again at once, do not push others back;
** nor do some that come and go. */
static void test_none_starves_while_others_keep_asking(void) {
  uint64_t seed = 1;
  int64_t now = 0;
  int round;
  size_t k;
  start(TP_MAX_POLLS);
  ask(0, MANY, 0);
  for (round = 0; round < 80; round++) { /* 20 slices in quarters */
    for (k = 0; k < 300; k++) {
      item *i = &items[random_below(&seed, MANY)];
      if (i->poll.state == TP_POLL_OPEN) tp_polls_ask(&polls, &i->poll, now);
      i = &items[random_below(&seed, 500)];
      tp_polls_leave(&polls, &i->poll, now);
      tp_polls_ask(&polls, &i->poll, now);
    }
    now += SLICE / 4;
    tp_timers_run(&timers, now);
    CHECK(polls.open_count == TP_MAX_POLLS);
  }
  for (k = 500; k < MANY; k++) CHECK(items[k].granted > 0);
  CHECK(!over_the_limit);
}

int main(void) {
  RUN(test_opens_up_to_the_limit_in_order);
  RUN(test_limit_at_n_and_one_more);
  RUN(test_nothing_rotates_while_nobody_waits);
  RUN(test_rotates_after_the_slice_and_not_before);
  RUN(test_a_late_rotation_swaps_once);
  RUN(test_swaps_no_more_than_there_wait);
  RUN(test_asks_again_while_open);
  RUN(test_leaves_in_every_state);
  RUN(test_leaves_inside_its_callbacks);
  RUN(test_all_leave_when_granted);
  RUN(test_a_smaller_limit_turns_out_the_newest);
  RUN(test_steady_ones_stay_open);
  RUN(test_yields_its_stream);
  RUN(test_random_operations_against_a_model);
  RUN(test_all_are_open_once_within_twenty_rotations);
  RUN(test_none_starves_while_others_keep_asking);
  return check_end();
}
