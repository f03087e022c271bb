/* Unit tests of monotonic time and the heap of timers: order, moving,
** clearing, timers that touch timers while they fire, and many random
** operations against a naive model. One thread.
*/
#include <math.h>
#include <string.h>
#include "base/timer.h"
#include "check.h"
#include "random.h"

#define COUNT 200

typedef struct clock_model {
  tp_timer timer; /* first: a timer is a clock */
  int64_t at;     /* what the model says; TP_NEVER: not set */
  int fired;
} clock_model;

static clock_model clocks[COUNT];
static tp_timers timers;
static clock_model *order[COUNT];
static size_t fired;

static void note(tp_timer *timer, int64_t now) {
  clock_model *c = (clock_model *)timer;
  (void)now;
  c->fired++;
  if (fired < COUNT) order[fired] = c;
  fired++;
}

static void start(void (*fire)(tp_timer *, int64_t)) {
  size_t i;
  memset(&timers, 0, sizeof timers);
  for (i = 0; i < COUNT; i++) {
    tp_timer_init(&clocks[i].timer, fire);
    clocks[i].at = TP_NEVER;
    clocks[i].fired = 0;
  }
  fired = 0;
}

/* Children are not earlier than parents, and the links agree. */
static int is_heap_below(const tp_timer *parent, size_t *count) {
  const tp_timer *child = parent->child, *before = parent;
  for (; child; before = child, child = child->next) {
    if (child->prev != before || child->at < parent->at) return 0;
    if (!is_heap_below(child, count)) return 0;
  }
  ++*count;
  return 1;
}

static int is_heap(void) {
  size_t count = 0;
  if (timers.first == NULL) return timers.count == 0;
  if (timers.first->prev || timers.first->next) return 0;
  return is_heap_below(timers.first, &count) && count == timers.count;
}

static void test_now_is_monotonic(void) {
  int64_t last = tp_now();
  int i;
  CHECK(last > 0);
  for (i = 0; i < 1000; i++) {
    int64_t now = tp_now();
    CHECK(now >= last);
    last = now;
  }
}

static void test_microseconds(void) {
  CHECK(tp_microseconds(0) == 0 && tp_microseconds(-1) == 0);
  CHECK(tp_microseconds(-INFINITY) == 0 && tp_microseconds(NAN) == 0);
  CHECK(tp_microseconds(1) == TP_SECOND);
  CHECK(tp_microseconds(0.25) == TP_SECOND / 4);
  CHECK(tp_microseconds(1e-7) == 0);
  CHECK(tp_microseconds(9.1e12) == INT64_C(9100000000000000000));
  CHECK(tp_microseconds(9.3e12) == TP_NEVER);
  CHECK(tp_microseconds(1e300) == TP_NEVER);
  CHECK(tp_microseconds(INFINITY) == TP_NEVER);
}

static void test_after_never_wraps(void) {
  CHECK(tp_after(5, 10) == 15);
  CHECK(tp_after(5, TP_NEVER) == TP_NEVER);
  CHECK(tp_after(5, TP_NEVER - 5) == TP_NEVER);
  CHECK(tp_after(5, TP_NEVER - 6) == TP_NEVER - 1);
  CHECK(tp_after(TP_NEVER, 0) == TP_NEVER);
  CHECK(tp_after(TP_NEVER, TP_NEVER) == TP_NEVER);
}

static void test_empty_heap(void) {
  start(note);
  CHECK(tp_timers_next(&timers) == TP_NEVER);
  tp_timers_run(&timers, TP_NEVER - 1);
  tp_timer_clear(&timers, &clocks[0].timer); /* was not set */
  CHECK(fired == 0 && timers.count == 0);
}

static void test_fires_in_order_and_only_what_is_due(void) {
  static const int64_t times[] = {50, 10, 40, 10, 30, 20};
  static const size_t first[] = {5, 4, 2};
  size_t i;
  start(note);
  for (i = 0; i < 6; i++)
    tp_timer_set(&timers, &clocks[i].timer, times[i]);
  CHECK(tp_timers_next(&timers) == 10);
  tp_timers_run(&timers, 9);
  CHECK(fired == 0);
  tp_timers_run(&timers, 10);
  CHECK(fired == 2 && clocks[1].fired == 1 && clocks[3].fired == 1);
  CHECK(tp_timers_next(&timers) == 20);
  tp_timers_run(&timers, 40);
  CHECK(fired == 5);
  for (i = 0; i < 3; i++) CHECK(order[2 + i] == &clocks[first[i]]);
  CHECK(clocks[0].timer.at == 50 && clocks[1].timer.at == TP_NEVER);
  tp_timers_run(&timers, 1000);
  CHECK(fired == 6 && tp_timers_next(&timers) == TP_NEVER);
}

static void test_moves_both_ways(void) {
  start(note);
  tp_timer_set(&timers, &clocks[0].timer, 10);
  tp_timer_set(&timers, &clocks[1].timer, 20);
  tp_timer_set(&timers, &clocks[2].timer, 30);
  tp_timer_set(&timers, &clocks[0].timer, 40);
  CHECK(timers.count == 3 && tp_timers_next(&timers) == 20 && is_heap());
  tp_timer_set(&timers, &clocks[2].timer, 5);
  CHECK(timers.count == 3 && tp_timers_next(&timers) == 5 && is_heap());
  tp_timer_set(&timers, &clocks[2].timer, 5); /* the same */
  tp_timer_set(&timers, &clocks[2].timer, TP_NEVER);
  CHECK(timers.count == 2 && clocks[2].timer.at == TP_NEVER);
  tp_timer_set(&timers, &clocks[2].timer, TP_NEVER);
  tp_timers_run(&timers, 100);
  CHECK(fired == 2 && order[0] == &clocks[1] && order[1] == &clocks[0]);
}

static void test_clears_first_last_and_middle(void) {
  size_t i;
  start(note);
  for (i = 0; i < 7; i++)
    tp_timer_set(&timers, &clocks[i].timer, (int64_t)i * 10);
  tp_timer_clear(&timers, &clocks[0].timer);
  tp_timer_clear(&timers, &clocks[6].timer);
  tp_timer_clear(&timers, &clocks[3].timer);
  tp_timer_clear(&timers, &clocks[3].timer); /* twice is fine */
  CHECK(timers.count == 4 && is_heap());
  tp_timers_run(&timers, 100);
  CHECK(fired == 4 && order[0] == &clocks[1] && order[1] == &clocks[2] &&
        order[2] == &clocks[4] && order[3] == &clocks[5]);
}

/* The last leaf of another branch may be earlier than where it is put. */
static void test_clearing_sifts_up_too(void) {
  static const int64_t times[] = {1, 10, 2, 11, 12, 3, 4};
  size_t i;
  start(note);
  for (i = 0; i < 7; i++)
    tp_timer_set(&timers, &clocks[i].timer, times[i]);
  tp_timer_clear(&timers, &clocks[3].timer); /* 4 replaces 11 below 10 */
  CHECK(is_heap());
}

/* Sets itself again, later. */
static void again(tp_timer *timer, int64_t now) {
  note(timer, now);
  tp_timer_set(&timers, timer, now + 10);
}

static void test_sets_itself_while_firing(void) {
  start(again);
  tp_timer_set(&timers, &clocks[0].timer, 10);
  tp_timers_run(&timers, 15);
  CHECK(fired == 1 && tp_timers_next(&timers) == 25);
  tp_timers_run(&timers, 25);
  CHECK(fired == 2 && tp_timers_next(&timers) == 35);
}

/* Clears its neighbour and pulls another one forward, into this very run. */
static void meddle(tp_timer *timer, int64_t now) {
  note(timer, now);
  if (timer != &clocks[0].timer) return;
  tp_timer_clear(&timers, &clocks[1].timer);
  tp_timer_set(&timers, &clocks[2].timer, now);
}

static void test_touches_others_while_firing(void) {
  start(meddle);
  tp_timer_set(&timers, &clocks[0].timer, 10);
  tp_timer_set(&timers, &clocks[1].timer, 11);
  tp_timer_set(&timers, &clocks[2].timer, 1000);
  tp_timers_run(&timers, 20);
  CHECK(fired == 2 && order[0] == &clocks[0] && order[1] == &clocks[2]);
  CHECK(timers.count == 0);
}

static int64_t model_next(void) {
  int64_t next = TP_NEVER;
  size_t i;
  for (i = 0; i < COUNT; i++)
    if (clocks[i].at < next) next = clocks[i].at;
  return next;
}

/* All that is due by the model has fired once, in order; nothing else has. */
static int run_agrees(int64_t now) {
  size_t i, due = 0;
  fired = 0;
  for (i = 0; i < COUNT; i++) clocks[i].fired = 0;
  tp_timers_run(&timers, now);
  for (i = 0; i < COUNT; i++) {
    int expected = clocks[i].at <= now;
    if (clocks[i].fired != expected) return 0;
    due += (size_t)expected;
  }
  if (due != fired) return 0;
  for (i = 1; i < fired; i++)
    if (order[i - 1]->at > order[i]->at) return 0;
  for (i = 0; i < fired; i++) order[i]->at = TP_NEVER;
  return 1;
}

static void test_random_operations_against_a_model(void) {
  uint64_t seed = 20250101;
  int64_t now = 0;
  int step;
  start(note);
  for (step = 0; step < 200000; step++) {
    clock_model *c = &clocks[random_below(&seed, COUNT)];
    switch (random_below(&seed, 20)) {
      case 0:
        now += (int64_t)random_below(&seed, 300);
        CHECK(run_agrees(now));
        break;
      case 1: case 2: case 3: case 4:
        tp_timer_clear(&timers, &c->timer);
        c->at = TP_NEVER;
        break;
      default: /* few different times: many equal ones; some in the past */
        c->at = now - 20 + (int64_t)random_below(&seed, 1000);
        tp_timer_set(&timers, &c->timer, c->at);
        break;
    }
    CHECK(tp_timers_next(&timers) == model_next());
    if (step % 64 == 0) CHECK(is_heap());
  }
  CHECK(run_agrees(TP_NEVER - 1) && timers.count == 0);
  CHECK(timers.first == NULL);
}

int main(void) {
  RUN(test_now_is_monotonic);
  RUN(test_microseconds);
  RUN(test_after_never_wraps);
  RUN(test_empty_heap);
  RUN(test_fires_in_order_and_only_what_is_due);
  RUN(test_moves_both_ways);
  RUN(test_clears_first_last_and_middle);
  RUN(test_clearing_sifts_up_too);
  RUN(test_sets_itself_while_firing);
  RUN(test_touches_others_while_firing);
  RUN(test_random_operations_against_a_model);
  return check_end();
}
