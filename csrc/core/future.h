/* A future: what a Lua program holds of a call or a workflow run while the
** engine works on it. This is the part both kinds share: references, flags,
** who waits. The flags are atomic: the thread that drives the engine sets
** them after everything they announce, so a reader that sees a flag may read
** what it announces.
*/
#ifndef TP_FUTURE_H
#define TP_FUTURE_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct tp_engine;
struct tp_channel;
struct tp_client;

/* What can be awaited. */
#define TP_STARTED 1u /* the start is acknowledged, or has failed */
#define TP_FIRST 2u   /* the first run's close event, or an error */
#define TP_RESULT 4u  /* the chain's close event, the answer, or an error */
#define TP_AWAITABLE (TP_STARTED | TP_FIRST | TP_RESULT)

/* How it stands. */
#define TP_FAILED 8u       /* it ended in `failure`, for good */
#define TP_POLL_FAILED 16u /* asking for the result failed; ask again */
#define TP_TAKEN 32u       /* somebody has seen the failure */
#define TP_CLOSED 64u      /* the client was closed */
#define TP_ABANDONED 128u  /* nobody is interested any more */
#define TP_COLLECTED 256u  /* the userdata is gone */

/* Work for the driving thread, posted by others (engine.h). While it is queued
** its owner is held once; run() lets go of that. */
typedef struct tp_command {
  struct tp_command *next;
  unsigned bits; /* what is asked; 0: not queued */
  void (*run)(struct tp_command *command, unsigned bits);
} tp_command;

#define TP_BEGIN 1u   /* send it */
#define TP_WANT 2u    /* somebody wants the close event */
#define TP_DROP 4u    /* stop asking for the result */

typedef enum { TP_RPC, TP_RUN, TP_DRAIN, TP_HTTP } tp_future_kind;

typedef struct tp_future {
  tp_command command;  /* first: a command is a future */
  struct tp_engine *engine;
  struct tp_channel *channel;
  struct tp_client *client;
  tp_future_kind kind;
  int references;      /* atomic */
  unsigned flags;      /* atomic */
  unsigned subscribed; /* atomic: which of TP_AWAITABLE rings the bell */
  uint64_t id;
  bool orphan;         /* made in a forked child on the parent's channel */
  bool submission;     /* sent, and counted as unacknowledged till it ends */
  /* Under the engine's lock: */
  bool fired;                   /* in the engine's list of fired futures */
  struct tp_future *next_fired, **link_fired;
  struct tp_future *next, **link; /* the channel's list of all its futures */
  const struct tp_future_class *class;
} tp_future;

typedef struct tp_future_class {
  void (*run)(tp_command *command, unsigned bits); /* driving thread */
  /* The engine ends: stop what is under way, tell nobody. Driving thread. */
  void (*end)(tp_future *future);
  void (*destroy)(tp_future *future); /* no references are left */
} tp_future_class;

void tp_future_init(tp_future *f, struct tp_client *client,
                    tp_future_kind kind, const tp_future_class *class);
void tp_future_hold(tp_future *f);
void tp_future_release(tp_future *f);

unsigned tp_future_flags(const tp_future *f);
void tp_future_clear(tp_future *f, unsigned flags);
/* Sets flags and rings for those who wait. Driving thread, or a future that
** no other thread knows yet. Returns the flags as they were. */
unsigned tp_future_signal(tp_future *f, unsigned flags);
/* No waiting needed for `what`: it is there, or never will be. */
bool tp_future_ready(const tp_future *f, unsigned what);
void tp_future_subscribe(tp_future *f, unsigned what);
void tp_future_unsubscribe(tp_future *f, unsigned what);

#pragma GCC visibility pop
#endif
