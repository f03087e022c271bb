/* Monotonic time and timers: see timer.h. */
#include "timer.h"

#include <stdlib.h>
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
  timer->place = 0;
  timer->fire = fire;
}

static void put(tp_timers *t, size_t i, tp_timer *timer) {
  t->heap[i] = timer;
  timer->place = i + 1;
}

static void sift_up(tp_timers *t, size_t i) {
  tp_timer *timer = t->heap[i];
  while (i > 0 && t->heap[(i - 1) / 2]->at > timer->at) {
    put(t, i, t->heap[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
  put(t, i, timer);
}

static void sift_down(tp_timers *t, size_t i) {
  tp_timer *timer = t->heap[i];
  size_t child;
  while ((child = 2 * i + 1) < t->count) {
    if (child + 1 < t->count && t->heap[child + 1]->at < t->heap[child]->at)
      child++;
    if (t->heap[child]->at >= timer->at) break;
    put(t, i, t->heap[child]);
    i = child;
  }
  put(t, i, timer);
}

tp_status tp_timer_set(tp_timers *t, tp_timer *timer, int64_t at) {
  int64_t before = timer->at;
  if (at == TP_NEVER) {
    tp_timer_clear(t, timer);
    return TP_OK;
  }
  if (timer->place == 0) {
    if (t->count == t->capacity) {
      size_t capacity = t->capacity ? t->capacity * 2 : 64;
      tp_timer **heap = realloc(t->heap, capacity * sizeof *heap);
      if (heap == NULL) return TP_ENOMEM;
      t->heap = heap;
      t->capacity = capacity;
    }
    before = TP_NEVER;
    put(t, t->count++, timer);
  }
  timer->at = at;
  if (at < before) sift_up(t, timer->place - 1);
  else sift_down(t, timer->place - 1);
  return TP_OK;
}

void tp_timer_clear(tp_timers *t, tp_timer *timer) {
  size_t i = timer->place - 1;
  tp_timer *last;
  if (timer->place == 0) return;
  timer->place = 0;
  timer->at = TP_NEVER;
  last = t->heap[--t->count];
  if (last == timer) return;
  put(t, i, last);
  sift_up(t, i);
  sift_down(t, last->place - 1);
}

int64_t tp_timers_next(const tp_timers *t) {
  return t->count ? t->heap[0]->at : TP_NEVER;
}

void tp_timers_run(tp_timers *t, int64_t now) {
  while (t->count && t->heap[0]->at <= now) {
    tp_timer *timer = t->heap[0];
    tp_timer_clear(t, timer);
    timer->fire(timer, now);
  }
}

void tp_timers_free(tp_timers *t) {
  free(t->heap);
  t->heap = NULL;
  t->count = t->capacity = 0;
}
