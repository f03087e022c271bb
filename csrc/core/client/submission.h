/* What futures of calls have in common: one call, whether the server must hear
** of it, and what is told of it when nobody has taken its failure. The host's
** thread, but for what is marked.
*/
#ifndef TP_SUBMISSION_H
#define TP_SUBMISSION_H

#include "../rpc/call.h"
#include "client.h"

#pragma GCC visibility push(hidden)

typedef struct tp_submission {
  tp_future future; /* first: a future is a submission, unless it has no call */
  tp_call call;     /* its channel is the client's */
} tp_submission;

/* Its owner fills the call in. `class`: with the functions below. */
void tp_submission_init(tp_submission *s, tp_client *client,
                        const tp_future_class *class,
                        void (*done)(tp_call *, bool));
/* Hands it to the engine. What cannot be sent is a future that has failed.
** `counted`: it is unacknowledged from now on. */
void tp_submission_send(tp_submission *s, bool counted);
/* Sends once more what the server refused for want of a valid key. False: it
** did not end that way, or nobody has taken that error. */
bool tp_submission_repeat(tp_submission *s);

tp_submission *tp_submission_of(tp_future *f); /* NULL: it has no call */
tp_submission *tp_submission_of_call(tp_call *call);

/* Of its class; limit() is the driving thread's. */
tp_failure *tp_submission_failure(tp_future *f);
void tp_submission_limit(tp_future *f, int64_t until);

#pragma GCC visibility pop
#endif
