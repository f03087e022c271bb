/* A target over time: dials when somebody waits, backs off, drains on GOAWAY
** and dials again; queues attempts while there is no connection or no free
** stream; bounds and rotates the open result polls. Belongs to one engine,
** which drives it as a source. Driving thread only, but for what is marked.
*/
#ifndef TP_CHANNEL_H
#define TP_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/limits.h"
#include "../base/timer.h"
#include "../engine/future.h"
#include "../net/dial.h"
#include "../net/http2.h"
#include "metadata.h"
#include "metrics.h"
#include "polls.h"

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
  size_t max_decoded; /* for whoever decodes the answers */
  tp_retry retry;
  tp_metadata *metadata; /* taken over, unless there is no memory */
} tp_channel_options;

/* What waits for a stream, and then has one. Embedded by its owner. */
typedef struct tp_attempt {
  const struct tp_attempt_class *class;
  tp_stream stream;
  struct tp_attempt *next, **link; /* the channel's queue */
} tp_attempt;

typedef struct tp_attempt_class {
  /* Opens its stream on the session, or ends. False: no memory; it waits on.
  */
  bool (*open)(tp_attempt *attempt, tp_http2 *session, int64_t now);
  /* Its stream has ended; stream.end says how. */
  void (*closed)(tp_attempt *attempt, tp_http2 *session, int64_t now);
  /* In the queue: a dial has failed, and the channel will dial again. May
  ** leave the queue. */
  void (*dial_failed)(tp_attempt *attempt, const char *reason,
                      bool misconfigured, int64_t now);
} tp_attempt_class;

typedef struct tp_channel {
  tp_source source;         /* first: a source is a channel */
  tp_command command;
  tp_engine *engine;
  tp_channel_options options;
  size_t pending;           /* atomic: submitted and not on a stream */
  tp_future *futures;       /* all that are made on it; engine's lock */
  tp_metadata *authorization; /* of every later attempt, or NULL; lock */
  unsigned authorizations;  /* how often it was set; atomic */
  int users;                /* the host's thread */
  tp_metrics *metrics;      /* has a lock of its own */
  /* Driving thread: */
  tp_http2 *sessions[TP_MAX_SESSIONS]; /* the last one takes new streams */
  size_t session_count;
  tp_connection *connection; /* being dialled, or NULL */
  tp_avoided avoided;       /* addresses of dials that came to nothing */
  char address[INET6_ADDRSTRLEN]; /* of the newest session */
  tp_attempt *queue, **queue_tail;
  bool closing;             /* disconnect once nothing is unacknowledged */
  bool dirty;               /* progress may be possible */
  bool answered;            /* any call has had an answer from the server */
  int64_t polls_failing_since; /* 0 while all is well */
  bool polls_warned;        /* once for each time that they fail */
  int dial_failures;        /* since the last answer */
  int64_t dialled_at;       /* when the latest dial began */
  int64_t dial_at;          /* the next one not before then */
  int64_t dial_failed_at;
  char reason[TP_REASON];   /* of the latest transport failure */
  tp_timer timer;           /* dialling again, session ticks */
  tp_polls polls;           /* for results */
  tp_polls worker_polls;    /* for tasks */
} tp_channel;

/* Any thread. NULL: out of memory. */
tp_channel *tp_channel_new(tp_engine *engine,
                           const tp_channel_options *options);
void tp_channel_hold(tp_channel *channel);
void tp_channel_release(tp_channel *channel);

/* Nobody begins anything on it any more: what is under way goes on for at
** most shutdown_timeout, then it disconnects. Any thread. */
void tp_channel_close(tp_channel *channel);

/* Counts one more user, one less; true: it was the last. The host's thread. */
void tp_channel_join(tp_channel *channel);
bool tp_channel_leave(tp_channel *channel);

/* A place among the max_pending that wait for a stream; false: none is free.
** Any thread. */
bool tp_channel_reserve(tp_channel *channel);
void tp_channel_unreserve(tp_channel *channel);
size_t tp_channel_pending(const tp_channel *channel);
size_t tp_channel_unacknowledged(const tp_channel *channel);

/* Progress may be possible. */
void tp_channel_touch(tp_channel *channel);
/* The server itself has spoken; `polled`: it has answered a long poll. */
void tp_channel_heard(tp_channel *channel, bool polled);
/* A long poll has failed. True when they have been failing for so long that
** it is to be said: once. */
bool tp_channel_poll_failed(tp_channel *channel, int64_t now);

/* `fresh`: it does not sit out a long back-off that others earned. */
void tp_channel_enqueue(tp_channel *channel, tp_attempt *attempt, bool fresh);
void tp_channel_dequeue(tp_channel *channel, tp_attempt *attempt);

/* The value of the header authorization from now on; NULL: none. False: out of
** memory. Any thread. */
bool tp_channel_authorize(tp_channel *channel, const char *value);

#pragma GCC visibility pop
#endif
