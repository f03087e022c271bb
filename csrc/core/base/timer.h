/* Monotonic time in microseconds, and timers in a pairing heap whose links are
** in the timers themselves: setting one needs no memory, so it cannot fail. A
** heap belongs to one engine and is touched only by the thread that drives it.
*/
#ifndef TP_TIMER_H
#define TP_TIMER_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define TP_NEVER INT64_MAX
#define TP_SECOND INT64_C(1000000)

typedef struct tp_timer {
  int64_t at; /* TP_NEVER: not set */
  struct tp_timer *child; /* the first of those not earlier than this one */
  struct tp_timer *next;  /* sibling */
  struct tp_timer *prev;  /* sibling before, or parent of the first */
  void (*fire)(struct tp_timer *timer, int64_t now);
} tp_timer;

typedef struct tp_timers {
  tp_timer *first; /* the earliest */
  size_t count;
} tp_timers;

int64_t tp_now(void);

/* Seconds to microseconds; what is too large or infinite becomes ~292 years. */
int64_t tp_microseconds(double seconds);
/* now + delay, never past TP_NEVER. */
int64_t tp_after(int64_t now, int64_t delay);

void tp_timer_init(tp_timer *timer, void (*fire)(tp_timer *, int64_t));
/* Sets or moves the timer; TP_NEVER clears it. */
void tp_timer_set(tp_timers *timers, tp_timer *timer, int64_t at);
void tp_timer_clear(tp_timers *timers, tp_timer *timer);
int64_t tp_timers_next(const tp_timers *timers); /* TP_NEVER when empty */
void tp_timers_run(tp_timers *timers, int64_t now);

#pragma GCC visibility pop
#endif
