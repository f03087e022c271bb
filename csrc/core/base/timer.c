/* Monotonic time and timers: see timer.h. */
#include "timer.h"

#include <time.h>

int64_t tp_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * TP_SECOND + t.tv_nsec / 1000;
}

int64_t tp_microseconds(double seconds) {
  if (!(seconds > 0)) return 0;
  if (seconds >= 9.2e12) return TP_NEVER;
  return (int64_t)(seconds * 1e6);
}

int64_t tp_after(int64_t now, int64_t delay) {
  return delay >= TP_NEVER - now ? TP_NEVER : now + delay;
}

void tp_timer_init(tp_timer *timer, void (*fire)(tp_timer *, int64_t)) {
  timer->at = TP_NEVER;
  timer->child = timer->next = timer->prev = NULL;
  timer->fire = fire;
}

/* One heap of two: the later root becomes the first child of the earlier. */
static tp_timer *meld(tp_timer *a, tp_timer *b) {
  if (b->at < a->at) {
    tp_timer *earlier = b;
    b = a;
    a = earlier;
  }
  b->prev = a;
  b->next = a->child;
  if (b->next) b->next->prev = b;
  a->child = b;
  return a;
}

/* One heap of a list of siblings: in pairs, then the pairs from the last to
** the first, which is what keeps the heap shallow. */
static tp_timer *meld_all(tp_timer *list) {
  tp_timer *pairs = NULL, *whole = NULL;
  while (list) {
    tp_timer *a = list, *b = a->next;
    list = b ? b->next : NULL;
    a->next = a->prev = NULL;
    if (b) {
      b->next = b->prev = NULL;
      a = meld(a, b);
    }
    a->next = pairs;
    pairs = a;
  }
  while (pairs) {
    tp_timer *pair = pairs;
    pairs = pair->next;
    pair->next = NULL;
    whole = whole ? meld(whole, pair) : pair;
  }
  return whole;
}

void tp_timer_clear(tp_timers *t, tp_timer *timer) {
  tp_timer *rest;
  if (timer->at == TP_NEVER) return;
  rest = meld_all(timer->child);
  if (timer == t->first) {
    t->first = rest;
  } else {
    if (timer->prev->child == timer) timer->prev->child = timer->next;
    else timer->prev->next = timer->next;
    if (timer->next) timer->next->prev = timer->prev;
    if (rest) t->first = meld(t->first, rest);
  }
  timer->child = timer->next = timer->prev = NULL;
  timer->at = TP_NEVER;
  t->count--;
}

void tp_timer_set(tp_timers *t, tp_timer *timer, int64_t at) {
  tp_timer_clear(t, timer);
  if (at == TP_NEVER) return;
  timer->at = at;
  t->first = t->first ? meld(t->first, timer) : timer;
  t->count++;
}

int64_t tp_timers_next(const tp_timers *t) {
  return t->first ? t->first->at : TP_NEVER;
}

void tp_timers_run(tp_timers *t, int64_t now) {
  while (t->first && t->first->at <= now) {
    tp_timer *timer = t->first;
    tp_timer_clear(t, timer);
    timer->fire(timer, now);
  }
}
