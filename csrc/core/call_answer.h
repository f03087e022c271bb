/* What an ended stream means for its call. Driving thread only. */
#ifndef TP_CALL_ANSWER_H
#define TP_CALL_ANSWER_H

#include "call.h"

#pragma GCC visibility push(hidden)

typedef enum {
  TP_VERDICT_OK,     /* stream.response is the answer */
  TP_VERDICT_REPEAT, /* the peer did not touch it: repeat at once */
  TP_VERDICT_RETRY,  /* call->failure says why; trying again may help */
  TP_VERDICT_FINAL   /* call->failure says why */
} tp_verdict;

tp_verdict tp_call_judge(tp_call *call, const tp_http2 *session, int64_t now);

/* Replaces call->failure; printf-like. */
void tp_call_fail(tp_call *call, const char *kind, int code,
                  const char *format, ...)
  __attribute__((format(printf, 4, 5)));

#pragma GCC visibility pop
#endif
