/* One RPC: one deadline over all its attempts, the retry policy, metadata.
** The only place that decides "try again". Driven by the engine's thread;
** the owner embeds it, fills the request in, and is told once by `done`.
*/
#ifndef TP_CALL_H
#define TP_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buffer.h"
#include "http2.h"
#include "timer.h"

#pragma GCC visibility push(hidden)

struct tp_channel;

typedef enum {
  TP_OUTCOME_NONE,
  TP_NOT_STARTED, /* the server said no, or nothing was sent */
  TP_UNKNOWN      /* an attempt may have reached the server */
} tp_outcome;

/* Why a call, or its latest attempt, failed. */
typedef struct tp_failure {
  const char *kind;  /* a literal, or NULL: code and details tell */
  int code;          /* gRPC code, -1: none */
  char *message;     /* owned; NULL: out of memory, or nothing failed yet */
  uint8_t *details;  /* google.rpc.Status, owned, or NULL */
  size_t details_length;
  size_t size, limit; /* of message_too_large */
  int http_status;    /* of an answer that was not gRPC's, or 0 */
  int attempts;
  tp_outcome outcome;
} tp_failure;

/* Pairs of metadata in one block, shared by calls. */
typedef struct tp_metadata {
  int references; /* atomic */
  size_t count;
  tp_header headers[];
} tp_metadata;

typedef enum {
  TP_CALL_IDLE,   /* before the start and after the end */
  TP_CALL_QUEUED, /* waits for a connection or a free stream */
  TP_CALL_OPEN,   /* on the wire */
  TP_CALL_BACKOFF
} tp_call_state;

typedef struct tp_call {
  struct tp_channel *channel;
  /* The request, set by the owner. */
  const char *path;       /* "/service/method", the owner's */
  const char *namespace;  /* for the header, or NULL */
  tp_metadata *metadata;  /* beside the channel's, or NULL; engine's lock */
  tp_buffer request;      /* prefix and message */
  bool long_poll;         /* no deadline, no attempt limit: see call.c */
  bool retry;
  int64_t timeout;        /* microseconds; all attempts, queueing included */
  void (*done)(struct tp_call *call, bool ok);
  /* The rest is the call's own. */
  tp_call_state state;
  int64_t begun;
  int64_t deadline;
  int64_t attempt_deadline; /* what the peer was told, or TP_NEVER */
  int64_t retry_at;
  int64_t due, attempt_due; /* when it, and its attempt, were to begin */
  int64_t latency;        /* of the whole call, once it has ended */
  tp_timer timer;
  tp_stream stream;
  tp_http2 *session;      /* while open */
  int attempts;
  unsigned authorizations; /* the channel's, when the attempt was opened */
  int transparent;        /* repetitions that did not count */
  bool ambiguous;         /* an attempt may have been carried out */
  bool pending;           /* counted in the channel's `pending` */
  tp_failure failure;     /* of the latest attempt; written under the lock */
  struct tp_call *next, **link; /* channel's queue */
} tp_call;

void tp_call_init(tp_call *call, struct tp_channel *channel,
                  void (*done)(tp_call *, bool));
void tp_call_free(tp_call *call);

/* Starts over with what `request` holds now; the first attempt goes out after
** `delay`. Whether it is another request than before, and `ambiguous` is to be
** forgotten, the owner knows. */
void tp_call_begin(tp_call *call, int64_t now, int64_t delay);
/* Ends it silently: `done` is not called. */
void tp_call_cancel(tp_call *call);
/* Cuts the time that is left. */
void tp_call_limit(tp_call *call, int64_t deadline);

/* Counts a submission against max_pending, before it is begun. Any thread;
** false: there are too many. */
bool tp_call_submit(tp_call *call);

/* Other metadata, taken over, for every later attempt. Any thread. */
void tp_call_replace_metadata(tp_call *call, tp_metadata *metadata);

/* From the channel: */
bool tp_call_open(tp_call *call, tp_http2 *session, int64_t now);
void tp_call_closed(tp_call *call, tp_http2 *session, int64_t now);
void tp_call_dial_failed(tp_call *call, const char *reason, bool misconfigured,
                         int64_t now);

tp_metadata *tp_metadata_new(size_t count, size_t text);
void tp_metadata_release(tp_metadata *metadata);

void tp_failure_clear(tp_failure *failure);

#pragma GCC visibility pop
#endif
