/* The engine of one Lua state: queues in and out, sources, timers, the
** doorbell, the fork guard. drive.h moves it.
**
** One thread at a time drives it, holding the role `driver`: usually the I/O
** thread; in a plain script the thread that waits, which then sends and reads
** by itself and saves two wake-ups a call. All that is marked "driving
** thread" belongs to whoever holds the role; the rest is under `lock`.
*/
#ifndef TP_ENGINE_H
#define TP_ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/status.h"
#include "../base/timer.h"
#include "../net/dial.h"
#include "notice.h"
#include "process.h"

#pragma GCC visibility push(hidden)

#define TP_BEFORE_FORK \
  "this process is about to fork others, in which a thread started now would " \
  "be missing: submit from there (in nginx: not in init_by_lua)"

/* Work for the driving thread, posted by others. While it is queued its owner
** is held once; run() lets go of that. */
typedef struct tp_command {
  struct tp_command *next;
  unsigned bits; /* what is asked, as its owner numbers it; 0: not queued */
  void (*run)(struct tp_command *command, unsigned bits);
} tp_command;

/* What the host's thread waits for has come true. While it is queued its owner
** is held once; release() lets go of that. Engine's lock. */
typedef struct tp_wakeup {
  struct tp_wakeup *next, **link;
  bool queued;
  void (*release)(struct tp_wakeup *wakeup);
} tp_wakeup;

/* What has descriptors of its own and is driven with the engine (a channel).
** Embedded by its owner. */
typedef struct tp_source {
  const struct tp_source_class *class;
  int references;                 /* atomic */
  size_t unacknowledged;          /* atomic: submissions without an answer;
                                  ** counted by those who make them */
  bool ended;                     /* engine's lock: the engine has ended it */
  struct tp_source *next, **link; /* engine's list; engine's lock */
  size_t polled;                  /* driving thread: descriptors in poll(2) */
} tp_source;

/* All on the driving thread. */
typedef struct tp_source_class {
  /* All that can be done without waiting. */
  void (*progress)(tp_source *source, int64_t now);
  /* At most TP_MAX_POLLED entries; receive() gets them back in that order. */
  size_t (*pollfds)(tp_source *source, struct pollfd *fds);
  void (*receive)(tp_source *source, const struct pollfd *fds, size_t n,
                  int64_t now);
  /* The engine ends: stops everything, and lets go of one reference. */
  void (*end)(tp_source *source);
} tp_source_class;

typedef enum { TP_NOBODY, TP_IO_THREAD, TP_HOST_THREAD } tp_driver;

typedef struct tp_engine {
  tp_member member;        /* first: a member is an engine */
  pthread_mutex_t lock;
  pthread_cond_t changed;  /* for the host: the role is free, rung, ended */
  pthread_cond_t idle;     /* for the I/O thread: not to wait any longer */
  int references;          /* atomic: Lua state, sources, thread */
  /* Under the lock: */
  bool thread_started;
  unsigned forks;          /* tp_forks() when the thread was started */
  bool stopping;           /* the thread ends as soon as it can */
  bool draining;           /* no Lua state any more: ends when all is sent */
  pthread_t thread;
  bool claimed;            /* somebody joins the thread */
  bool finished;           /* it does nothing more but end */
  int64_t drain_until;
  tp_driver driver;
  bool quiet;              /* the I/O thread wants to hear when it leaves */
  bool host_wants;         /* the host's thread waits for the role */
  bool host_waits;         /* ... on `changed` */
  int64_t host_until;      /* so long it has the role, or may come back */
  bool sleeping;           /* the driver is in poll(2): ring `wake` */
  tp_command *commands, **commands_tail;
  tp_wakeup *fired, **fired_tail;
  bool rung;
  tp_source *sources;
  uint64_t next_id;
  int wake;                /* doorbell of the driver; -1 before the thread */
  int bell;                /* the host's; -1 until it is asked for */
  unsigned bell_forks;     /* tp_forks() when it was opened */
  int line;                /* the host's, which is rung as well; or -1 */
  bool before_fork;        /* no thread: the process is about to fork */
  unsigned before_forks;   /* tp_forks() when that was said */
  int64_t shutdown_timeout; /* the longest of its sources' */
  tp_notices notices;      /* has a lock of its own */
  /* Driving thread: */
  tp_timers timers;
  tp_dialer *dialer;
  int64_t now;
  uint64_t random;
  struct pollfd *fds;
  bool ending;             /* what begins now is ended at once */
  size_t fds_room;
} tp_engine;

/* Any thread but where it says otherwise. NULL: out of memory or
** descriptors. No thread is started. */
tp_engine *tp_engine_new(void);
void tp_engine_hold(tp_engine *engine);
void tp_engine_release(tp_engine *engine);

/* The engine had a thread, and this process is a child without it. */
bool tp_engine_forked(const tp_engine *engine);

/* Queues work for the driving thread and counts `references` up (may be NULL)
** if the command was not queued already. False when no thread runs: nothing is
** queued. */
bool tp_engine_post(tp_engine *engine, tp_command *command, unsigned bits,
                    int *references);

/* Drives the source from now on, till it is removed. `shutdown_timeout`: how
** long what is unacknowledged may take when there is no Lua state any more. */
void tp_engine_add(tp_engine *engine, tp_source *source,
                   int64_t shutdown_timeout);
/* Driving thread, or there is none. */
void tp_engine_remove(tp_engine *engine, tp_source *source);

/* A factor of 1 give or take `spread`. Driving thread. */
double tp_engine_jitter(tp_engine *engine, double spread);

void tp_engine_lock(tp_engine *engine);
void tp_engine_unlock(tp_engine *engine);

/* A wakeup that has fired, its owner held; NULL when there is none, which
** silences the doorbell: ask until then. */
tp_wakeup *tp_engine_drain(tp_engine *engine);
/* Before a fork the doorbell was opened, but no thread started: parent and
** child go on with one each, under the same number. */
void tp_engine_part_bell(tp_engine *engine);
/* The host's doorbell, readable while there is something to drain; -1 and
** errno when there are no descriptors. */
int tp_engine_pollfd(tp_engine *engine);
/* The doorbell becomes that of an engine nobody else knows yet: it is watched
** for as long as there is the Lua state. */
void tp_engine_hand_over_bell(tp_engine *from, tp_engine *to);

/* From now on the host's doorbell rings at this line (line.h), too, and no
** longer at the one before, which is closed. -1: at none. */
void tp_engine_set_line(tp_engine *engine, int fd);
/* This process is about to fork: tp_engine_start fails in it, though not in
** its children, until the opposite is said. */
void tp_engine_set_before_fork(tp_engine *engine, bool yes);

/* It has come true: rings, and counts `references` up if it was not queued
** already. */
void tp_engine_fire(tp_engine *engine, tp_wakeup *wakeup, int *references);
/* Nobody is left whom it could wake. */
void tp_engine_forget_fired(tp_engine *engine, tp_wakeup *wakeup);

/* Driving thread. NULL: out of memory. */
tp_dialer *tp_engine_dialer(tp_engine *engine); /* made at need */
tp_connection *tp_engine_dial(tp_engine *engine, const tp_dial_options *options,
                              tp_avoided *avoided);

/* Submissions that the server has not acknowledged, over all sources. */
size_t tp_engine_unacknowledged(tp_engine *engine);

/* No Lua state any more, nobody to ring for: what is unacknowledged goes on
** without it, for up to shutdown_timeout. Never waits. */
void tp_engine_detach(tp_engine *engine);
/* Tells the thread to end now. Never waits. */
void tp_engine_stop(tp_engine *engine);

#pragma GCC visibility pop
#endif
