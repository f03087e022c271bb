/* Monotonic time in microseconds, and a binary heap of timers. A heap belongs
** to one engine and is touched only by the thread that drives it.
*/
#ifndef TP_TIMER_H
#define TP_TIMER_H

#include <stddef.h>
#include <stdint.h>
#include "status.h"

#pragma GCC visibility push(hidden)

#define TP_NEVER INT64_MAX
#define TP_SECOND INT64_C(1000000)

typedef struct tp_timer {
  int64_t at;     /* TP_NEVER when it is not set */
  size_t place;   /* 1-based place in the heap, 0 when not set */
  void (*fire)(struct tp_timer *timer, int64_t now);
} tp_timer;

typedef struct tp_timers {
  tp_timer **heap; /* heap[0] is the earliest */
  size_t count;
  size_t capacity;
} tp_timers;

int64_t tp_now(void);

/* Seconds to microseconds; what is too large or infinite becomes ~292 years. */
int64_t tp_microseconds(double seconds);
/* now + delay, never past TP_NEVER. */
int64_t tp_after(int64_t now, int64_t delay);

void tp_timer_init(tp_timer *timer, void (*fire)(tp_timer *, int64_t));
/* Sets or moves the timer. Fails with TP_ENOMEM when the heap cannot grow. */
tp_status tp_timer_set(tp_timers *timers, tp_timer *timer, int64_t at);
void tp_timer_clear(tp_timers *timers, tp_timer *timer);
int64_t tp_timers_next(const tp_timers *timers); /* TP_NEVER when empty */
void tp_timers_run(tp_timers *timers, int64_t now);
void tp_timers_free(tp_timers *timers);

#pragma GCC visibility pop
#endif
