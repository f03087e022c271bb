/* A future of one RPC. */
#ifndef TP_RPC_FUTURE_H
#define TP_RPC_FUTURE_H

#include "call.h"
#include "channel.h"
#include "future.h"
#include "polls.h"

#pragma GCC visibility push(hidden)

/* An answer that has neither the field `present` nor at least `least` in the
** field `number` is not the end: the request is sent again. Zeros: any is. */
typedef struct tp_again {
  unsigned present, number;
  uint64_t least;
} tp_again;

typedef struct tp_rpc_future {
  tp_future future; /* first: a future is an rpc */
  tp_call call;     /* the answer is call.stream.response */
  char *path, *namespace;
  char *workflow_id, *request_id; /* for who asks what got lost, or NULL */
  int response;     /* schema index of the answer's message */
  tp_again again;
  /* Driving thread: */
  bool active;      /* the call is under way */
  bool rotates;     /* it takes turns with the result polls of runs */
  tp_poll poll;
  int64_t asked_at;
} tp_rpc_future;

/* The host's thread. NULL: out of memory. Its owner fills the call in. */
tp_rpc_future *tp_rpc_future_new(tp_client *client);

/* Hands it to the engine. What cannot be sent is a future that has failed. */
void tp_future_submit(tp_future *future, tp_call *call, bool submission);
/* It failed before anything was sent. */
void tp_future_refuse(tp_future *future, tp_call *call, const char *kind,
                      int code, const char *message);
/* The userdata is gone: an error nobody took is reported. */
void tp_future_collect(tp_future *future);
void tp_future_abandon(tp_future *future);
/* Has the driving thread look at what is wanted of the future. */
void tp_future_ask(tp_future *future);

/* A future that is ready once nothing of the client is unacknowledged. */
typedef struct tp_drain {
  tp_future future;      /* first: a future is a drain */
  struct tp_drain *next; /* the channel's list; engine's lock */
} tp_drain;

tp_future *tp_drain_new(tp_client *client);

tp_call *tp_future_call(tp_future *future); /* NULL of the other kinds */
/* Why it failed; NULL of a drain. */
tp_failure *tp_future_failure(tp_future *future);
/* Sends once more what the server refused for want of a valid key. False: it
** did not end that way, or nobody has taken that error. The host's thread. */
bool tp_future_repeat(tp_future *future);
/* Names of what the future is about; any may be NULL. */
void tp_future_names(const tp_future *future, const char **workflow_id,
                     const char **request_id, const char **method);
/* After a submission has failed: report it if nobody can take it any more. */
void tp_future_lost(tp_future *future, unsigned flags);

#pragma GCC visibility pop
#endif
