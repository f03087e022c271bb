/* A future of one RPC. */
#ifndef TP_RPC_FUTURE_H
#define TP_RPC_FUTURE_H

#include "call.h"
#include "channel.h"
#include "future.h"

#pragma GCC visibility push(hidden)

typedef struct tp_rpc_future {
  tp_future future; /* first: a future is an rpc */
  tp_call call;     /* the answer is call.stream.response */
  char *path, *namespace;
  char *workflow_id, *request_id; /* for who asks what got lost, or NULL */
  int response;     /* schema index of the answer's message */
  bool active;      /* driving thread: the call is under way */
} tp_rpc_future;

/* The host's thread. NULL: out of memory. Its owner fills the call in. */
tp_rpc_future *tp_rpc_future_new(tp_channel *channel);

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

/* A future that is ready once nothing of the channel is unacknowledged. */
tp_future *tp_drain_new(tp_channel *channel);

tp_call *tp_future_call(tp_future *future); /* NULL of a drain */
/* Names of what the future is about; any may be NULL. */
void tp_future_names(const tp_future *future, const char **workflow_id,
                     const char **request_id, const char **method);
/* After a submission has failed: report it if nobody can take it any more. */
void tp_future_lost(tp_future *future, unsigned flags);

#pragma GCC visibility pop
#endif
