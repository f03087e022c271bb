/* One RPC: one deadline over all its attempts, the retry policy, metadata.
** The only place that decides "try again". Driven by the engine's thread;
** the owner embeds it, fills the request in, and is told once by `done`.
*/
#ifndef TP_CALL_H
#define TP_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/failure.h"
#include "../base/timer.h"
#include "channel.h"
#include "metadata.h"

#pragma GCC visibility push(hidden)

typedef enum {
  TP_CALL_IDLE,   /* before the start and after the end */
  TP_CALL_QUEUED, /* waits for a connection or a free stream */
  TP_CALL_OPEN,   /* on the wire */
  TP_CALL_BACKOFF
} tp_call_state;

typedef struct tp_call {
  tp_attempt attempt;     /* first: an attempt is a call; has the answer */
  tp_channel *channel;
  /* The request, set by the owner. */
  const char *path;       /* "/service/method", the owner's */
  const char *namespace;  /* for the header, or NULL */
  tp_metadata *metadata;  /* beside the channel's, or NULL; engine's lock */
  tp_buffer request;      /* prefix and message */
  bool long_poll;         /* no deadline, no attempt limit: see call.c */
  bool worker_poll;       /* a long poll that brings a task: what the server
                          ** says is the end, only the transport is retried */
  bool retry;
  int64_t timeout;        /* microseconds; all attempts, queueing included */
  void (*done)(struct tp_call *call, bool ok);
  /* Does nobody wait for this long poll? Then it is not tried again: it ends as
  ** `unwanted`. Or NULL. */
  bool (*deserted)(const struct tp_call *call);
  /* The rest is the call's own. */
  tp_call_state state;
  int64_t begun;
  int64_t deadline;
  int64_t attempt_deadline; /* what the peer was told, or TP_NEVER */
  int64_t retry_at;
  int64_t due, attempt_due; /* when it, and its attempt, were to begin */
  int64_t latency;        /* of the whole call, once it has ended */
  tp_timer timer;
  tp_http2 *session;      /* while open */
  int attempts;
  unsigned authorizations; /* the channel's, when the attempt was opened */
  int transparent;        /* repetitions that did not count */
  bool ambiguous;         /* an attempt may have been carried out */
  bool limited;           /* by the close of its client */
  bool pending;           /* counted in the channel's `pending` */
  bool unwanted;          /* it failed, and nobody waits for another attempt */
  tp_failure failure;     /* of the latest attempt; written under the lock */
} tp_call;

void tp_call_init(tp_call *call, tp_channel *channel,
                  void (*done)(tp_call *, bool));
void tp_call_free(tp_call *call);

/* Starts over with what `request` holds now; the first attempt goes out after
** `delay`. Whether it is another request than before, and `ambiguous` is to be
** forgotten, the owner knows. */
void tp_call_begin(tp_call *call, int64_t now, int64_t delay);
/* Ends it silently: `done` is not called. */
void tp_call_cancel(tp_call *call);
/* The same to a call that may have been carried out: it has failed, for
** `message` unless there is an older reason. */
void tp_call_give_up(tp_call *call, const char *message);
/* Its client was closed: cuts the time that is left. */
void tp_call_limit(tp_call *call, int64_t deadline);

/* The answer, once done() has been told true. */
#define tp_call_answer(call) (&(call)->attempt.stream.response)

/* Counts a submission against max_pending, before it is begun. Any thread;
** false: there are too many. */
bool tp_call_submit(tp_call *call);

/* Other metadata, taken over, for every later attempt. Any thread. */
void tp_call_replace_metadata(tp_call *call, tp_metadata *metadata);

/* Replaces call->failure; printf-like. Driving thread. */
void tp_call_fail(tp_call *call, const char *kind, int code,
                  const char *format, ...)
  __attribute__((format(printf, 4, 5)));

#pragma GCC visibility pop
#endif
