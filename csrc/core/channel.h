/* A target over time: dials when somebody waits, backs off, drains on GOAWAY
** and dials again; queues calls while there is no connection or no free
** stream; bounds and rotates the open result polls. Belongs to one engine.
** Driving thread only, but for what is marked.
*/
#ifndef TP_CHANNEL_H
#define TP_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "call.h"
#include "dial.h"
#include "future.h"
#include "http2.h"
#include "limits.h"
#include "metrics.h"
#include "polls.h"
#include "timer.h"

#pragma GCC visibility push(hidden)

typedef struct tp_retry {
  int64_t initial, max; /* microseconds */
  double factor, jitter;
  int attempts;         /* 1: never try again */
} tp_retry;

typedef struct tp_channel_options {
  tp_dial_options dial;  /* copied */
  const char *authority; /* copied */
  int64_t rpc_timeout, shutdown_timeout;
  int64_t keepalive_interval, keepalive_timeout;
  size_t max_message, max_pending;
  tp_retry retry;
  tp_metadata *metadata; /* taken over */
} tp_channel_options;

/* One client of the host's on a channel. Several may share it: it is closed
** with the last of them. */
typedef struct tp_client {
  struct tp_channel *channel;
  int references;        /* atomic; 0 of a channel's own, which is part of it */
  size_t unacknowledged; /* atomic: submissions without an answer */
  bool finished;         /* the host's thread */
} tp_client;

typedef struct tp_channel {
  tp_command command;       /* first: a command is a channel */
  struct tp_engine *engine;
  tp_channel_options options;
  int references;           /* atomic: userdata and futures */
  bool ended;               /* engine's lock: the engine has ended it */
  size_t pending;           /* atomic: submitted and not on a stream */
  size_t unacknowledged;    /* atomic: submissions without an answer */
  tp_future *futures;       /* all of them; engine's lock */
  struct tp_drain *drains;  /* told when none is unacknowledged; lock */
  tp_metadata *authorization; /* of every later attempt, or NULL; lock */
  unsigned authorizations;  /* how often it was set; atomic */
  tp_client client;         /* the one it was made for */
  int open_clients;         /* not finished; the host's thread */
  tp_metrics *metrics;      /* has a lock of its own */
  struct tp_channel *next, **link; /* engine's list; engine's lock */
  /* Driving thread: */
  tp_http2 *sessions[TP_MAX_SESSIONS]; /* the last one takes new streams */
  size_t session_count;
  tp_connection *connection; /* being dialled, or NULL */
  tp_call *queue, **queue_tail;
  bool closing;             /* disconnect once nothing is unacknowledged */
  bool dirty;               /* progress may be possible */
  bool answered;            /* any call has had an answer from the server */
  int64_t polls_failing_since; /* 0 while all is well */
  bool polls_warned;        /* once for each time that they fail */
  int dial_failures;        /* since the last success */
  int64_t dial_at;          /* not before then */
  int64_t dial_failed_at;
  char reason[TP_REASON];   /* of the latest transport failure */
  tp_timer timer;           /* dialling again, session ticks */
  tp_polls polls;
} tp_channel;

/* Any thread. NULL: out of memory. */
tp_channel *tp_channel_new(struct tp_engine *engine,
                           const tp_channel_options *options);
void tp_channel_hold(tp_channel *channel);
void tp_channel_release(tp_channel *channel);

void tp_channel_enqueue(tp_channel *channel, tp_call *call);
void tp_channel_dequeue(tp_channel *channel, tp_call *call);
/* Dials, opens streams, writes, as far as it goes now. */
void tp_channel_progress(tp_channel *channel, int64_t now);

/* For the engine's poll loop: at most TP_MAX_SESSIONS entries, in the order
** in which tp_channel_receive wants them back. */
size_t tp_channel_pollfds(tp_channel *channel, struct pollfd *fds);
void tp_channel_receive(tp_channel *channel, const struct pollfd *fds,
                        size_t n, int64_t now);

/* For a walk over all futures: the one after `f`, or the first, held; lets go
** of `f`. NULL after the last. Those made meanwhile are not met. Any thread. */
tp_future *tp_channel_next(tp_channel *channel, tp_future *f);

/* Another client on the same channel. NULL: out of memory. Any thread. */
tp_client *tp_client_share(tp_client *client);
void tp_client_hold(tp_client *client);
void tp_client_release(tp_client *client);

/* Everybody who still waits for something of the client is told: closed. With
** the last client of the channel that is closed too: what is unacknowledged
** goes on for at most shutdown_timeout. The host's thread. */
void tp_client_finish(tp_client *client);
/* The host holds it no more, finished or not. The host's thread. */
void tp_client_drop(tp_client *client);

/* A submission was acknowledged or has failed. Any thread. */
void tp_client_acknowledged(tp_client *client);

/* Futures that wait for the end of the submissions of a client (NULL: of any)
** are ready. Any thread. */
void tp_channel_tell_drains(tp_channel *channel, const tp_client *client);

/* The value of the header authorization from now on; NULL: none. False: out of
** memory. Any thread. */
bool tp_channel_authorize(tp_channel *channel, const char *value);

/* Closes every connection; what was open ends as lost. */
void tp_channel_disconnect(tp_channel *channel);

/* Ends everything and frees the channel (no references are left, or the
** engine is ending). */
void tp_channel_destroy(tp_channel *channel);

#pragma GCC visibility pop
#endif
