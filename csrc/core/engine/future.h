/* A future: what a Lua program holds of something the engine works on. This is
** the part that all kinds share: references, flags, who waits; what becomes of
** it when it is begun, abandoned or collected. The flags are atomic: the
** thread that drives the engine sets them after everything they announce, so a
** reader that sees a flag may read what it announces.
*/
#ifndef TP_FUTURE_H
#define TP_FUTURE_H

#include <stdbool.h>
#include <stdint.h>
#include "engine.h"

#pragma GCC visibility push(hidden)

/* What can be awaited. */
#define TP_STARTED 1u /* the start is acknowledged, or has failed */
#define TP_FIRST 2u   /* the first run's close event, or an error */
#define TP_RESULT 4u  /* the chain's close event, the answer, or an error */
#define TP_AWAITABLE (TP_STARTED | TP_FIRST | TP_RESULT)
#define TP_HOWEVER 512u /* with one of these: closed or abandoned, or not */

/* How it stands. */
#define TP_FAILED 8u       /* it ended in its failure, for good */
#define TP_POLL_FAILED 16u /* asking for the result failed; ask again */
#define TP_TAKEN 32u       /* somebody has seen the failure */
#define TP_CLOSED 64u      /* the client was closed */
#define TP_ABANDONED 128u  /* nobody is interested any more */
#define TP_COLLECTED 256u  /* the userdata is gone */

/* What its command asks. */
#define TP_BEGIN 1u /* send it */
#define TP_WANT 2u  /* somebody wants the close event */
#define TP_DROP 4u  /* stop asking for the result */
#define TP_LAST 8u  /* of a worker's poll: ask no more once it ends */
#define TP_CUT 16u  /* the same, and end it, unless its answer is coming */

typedef enum {
  TP_RPC, TP_RUN, TP_DRAIN, TP_HTTP, TP_HEARTBEAT
} tp_future_kind;

typedef struct tp_future {
  tp_command command;  /* first: a command is a future */
  tp_wakeup wakeup;
  tp_engine *engine;
  struct tp_client *client; /* whose it is; not looked into here */
  const struct tp_future_class *class;
  int references;      /* atomic */
  unsigned flags;      /* atomic */
  unsigned subscribed; /* atomic: which of TP_AWAITABLE rings the bell */
  unsigned interest;   /* atomic: see tp_future_leave */
  uint64_t id;
  bool orphan;         /* made in a forked child on the parent's engine */
  bool submission;     /* sent, and counted as unacknowledged till it ends */
  struct tp_future *next, **link; /* the list it was made in; engine's lock */
} tp_future;

/* Names of what a future is about; any may be NULL. */
typedef struct tp_names {
  const char *workflow_id, *request_id, *method;
} tp_names;

/* What tells one kind from another. The functions marked * may be NULL. */
typedef struct tp_future_class {
  tp_future_kind kind;
  /* Flags with which it is nobody's concern any more how it ends: no notice of
  ** a failure that nobody took, and it is not listed as unacknowledged. */
  unsigned silent;
  unsigned acknowledged; /* the flag that says that the server has answered */
  void (*run)(tp_command *command, unsigned bits); /* driving thread */
  /* * Its client has closed: no longer than that. Driving thread. */
  void (*limit)(tp_future *future, int64_t until);
  /* * The engine ends: stop what is under way. Driving thread. */
  void (*end)(tp_future *future);
  /* * Is something asked that serves only who waits? */
  bool (*asks)(const tp_future *future);
  tp_failure *(*failure)(tp_future *future);             /* * */
  void (*names)(const tp_future *future, tp_names *out); /* * */
  void (*destroy)(tp_future *future); /* no references are left */
} tp_future_class;

/* Puts it into a list of futures of that engine, NULL or the first of others,
** unless it is an orphan. From then on other threads may meet it. */
void tp_future_init(tp_future *f, struct tp_client *client, tp_engine *engine,
                    tp_future **list, const tp_future_class *class);
void tp_future_hold(tp_future *f);
void tp_future_release(tp_future *f);
/* For a walk over a list: the one after `f`, or the first, held; lets go of
** `f`. NULL after the last. Those made meanwhile are not met. Any thread. */
tp_future *tp_future_next(tp_engine *engine, tp_future *const *list,
                          tp_future *f);
tp_future *tp_future_of(tp_wakeup *wakeup);

unsigned tp_future_flags(const tp_future *f);
void tp_future_clear(tp_future *f, unsigned flags);
/* Sets flags and rings for those who wait. Driving thread, or a future that
** no other thread knows yet. Returns the flags as they were. */
unsigned tp_future_signal(tp_future *f, unsigned flags);
/* No waiting needed for `what`: it is there, or never will be. */
bool tp_future_ready(const tp_future *f, unsigned what);
bool tp_future_subscribe(tp_future *f, unsigned what);
void tp_future_unsubscribe(tp_future *f, unsigned what);

/* --- who waits ----------
** What is asked for those who wait is asked no more once the last of them has
** left, unless somebody asked for good. Whoever asks again and again without
** waiting finds what was under way meanwhile. */
void tp_future_leave(tp_future *f);          /* the host's thread */
bool tp_future_deserted(const tp_future *f); /* any thread */
/* Nobody waits: the driving thread asks no more until it is told to. */
bool tp_future_rest(tp_future *f);
/* Somebody waits, or asks for good. True: the driving thread must be told. The
** host's thread. */
bool tp_future_return(tp_future *f, bool for_good);

/* What follows is the host's thread's. */
/* Is there an engine to begin it on? If not it has failed. */
bool tp_future_prepare(tp_future *f);
/* Has the engine run() it with TP_BEGIN, and holds it until it has ended.
** False: it has failed. */
bool tp_future_begin(tp_future *f);
/* It failed before anything was sent. */
void tp_future_refuse(tp_future *f, const char *kind, int code,
                      const char *message);
void tp_future_abandon(tp_future *f);
/* The userdata is gone: an error nobody took is reported. */
void tp_future_collect(tp_future *f);
/* Does the client's end end it, too? */
void tp_future_close(tp_future *f);

tp_failure *tp_future_failure(tp_future *f); /* NULL: its kind has none */
tp_names tp_future_names(const tp_future *f);
/* After it has failed: a notice if nobody can take it any more. Any thread. */
void tp_future_lost(tp_future *f, unsigned flags);

#pragma GCC visibility pop
#endif
