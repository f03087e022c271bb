/* Bounds the open result polls of a channel and rotates them. A namespace has
** about 1,200 concurrent long polls (server-side limit); past our bound, those
** that have been open for a while make room for those that wait, so that
** every waited run is looked at in turn. The polls of workers are bounded, too,
** but steady: what a stream brings when it is given up would be lost. Driving
** thread only; cannot fail.
*/
#ifndef TP_POLLS_H
#define TP_POLLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/timer.h"

#pragma GCC visibility push(hidden)

/* Open at least so long, if any wait. */
#define TP_POLL_SLICE (3 * TP_SECOND / 2)

typedef enum { TP_POLL_NONE, TP_POLL_WAITING, TP_POLL_OPEN } tp_poll_state;

typedef struct tp_poll {
  struct tp_poll *next, **link;
  tp_poll_state state;
  int64_t since; /* when it was opened, or turned out */
  void (*grant)(struct tp_poll *poll, int64_t now);  /* open it */
  void (*revoke)(struct tp_poll *poll, int64_t now); /* stop; it waits again */
  bool (*on_stream)(const struct tp_poll *poll);     /* has it one? */
} tp_poll;

typedef struct tp_poll_list {
  tp_poll *first, **tail;
} tp_poll_list;

typedef struct tp_polls {
  tp_timer timer; /* first: a timer is a tp_polls */
  tp_timers *timers;
  size_t limit;
  size_t open_count;
  bool steady;          /* none makes room for others */
  bool filling;         /* further up on the stack */
  tp_poll_list open;    /* oldest first */
  tp_poll_list waiting; /* in order of asking */
} tp_polls;

void tp_polls_init(tp_polls *polls, tp_timers *timers, size_t limit);
/* grant() is called now or later, unless the poll leaves first. A poll that is
** open already keeps its place if nobody waits, else it goes to the end. */
void tp_polls_ask(tp_polls *polls, tp_poll *poll, int64_t now);
void tp_polls_leave(tp_polls *polls, tp_poll *poll, int64_t now);
/* Those that are too many now wait again, the newest first; steady ones stay
** open. */
void tp_polls_set_limit(tp_polls *polls, size_t limit, int64_t now);
/* The oldest open one gives up its stream, for a poll that waits or for its own
** next turn. False: it has none. */
bool tp_polls_yield(tp_polls *polls, int64_t now);

/* How long a poll waits that was asked last at `asked_at` (0: never): a server
** that answers at once must not make us spin. */
int64_t tp_poll_delay(int64_t asked_at, int64_t now);

#pragma GCC visibility pop
#endif
