/* A future of one RPC. */
#ifndef TP_RPC_FUTURE_H
#define TP_RPC_FUTURE_H

#include "../rpc/polls.h"
#include "submission.h"

#pragma GCC visibility push(hidden)

/* An answer that has neither the field `present` nor at least `least` in the
** field `number` is not the end: the request is sent again. Zeros: any is. */
typedef struct tp_again {
  unsigned present, number;
  uint64_t least;
} tp_again;

typedef struct tp_rpc_future {
  tp_submission base; /* first: a submission is an rpc */
  char *path, *namespace;
  char *workflow_id, *request_id; /* for who asks what got lost, or NULL */
  int response;     /* schema index of the answer's message */
  bool sparse;      /* how its host wants that decoded, */
  uint64_t wanted;  /* and which of its fields */
  tp_again again;
  /* Driving thread: */
  bool active;      /* the call is under way */
  tp_polls *polls;  /* among which it is bounded, or NULL */
  bool rotates;     /* it takes turns with the result polls of runs */
  bool rests;       /* nobody waits for it: nothing is asked */
  tp_poll poll;
  int64_t asked_at;
} tp_rpc_future;

/* The host's thread. NULL: out of memory. Its owner fills the call in. */
tp_rpc_future *tp_rpc_future_new(tp_client *client);
/* Somebody waits for it, or asks for good: a poll that rests goes on. The
** host's thread. */
void tp_rpc_future_want(tp_rpc_future *rpc, bool for_good);
/* A worker's poll is the last: once it fails it is not asked again, and unless
** it is on the wire it fails now. With `cut` its stream is reset, too. Whoever
** waits is told by the driving thread, what came first: its answer or that. The
** host's thread. */
void tp_rpc_future_end_poll(tp_rpc_future *rpc, bool cut);

#pragma GCC visibility pop
#endif
