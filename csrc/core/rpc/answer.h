/* What an ended stream means: from what came to a verdict. Pure: it locks,
** sends and decides nothing; call.c does. Any thread.
*/
#ifndef TP_ANSWER_H
#define TP_ANSWER_H

#include "../base/failure.h"
#include "../net/http2.h"

#pragma GCC visibility push(hidden)

typedef enum {
  TP_VERDICT_OK,     /* stream.response is the answer */
  TP_VERDICT_REPEAT, /* the peer did not touch it: repeat at once */
  TP_VERDICT_RETRY,  /* trying again may help */
  TP_VERDICT_FINAL
} tp_verdict;

typedef struct tp_answer {
  bool ambiguous;     /* the server may have carried the request out */
  bool heard;         /* the server itself has spoken */
  bool late;          /* it ended the attempt because the time was over */
  tp_failure failure; /* of TP_VERDICT_RETRY and _FINAL, the caller's */
} tp_answer;

/* `left`: of the time that the peer was told, TP_NEVER if it was told none.
** Text and details move from the stream into the failure. */
tp_verdict tp_answer_judge(tp_stream *stream, const tp_http2 *session,
                           bool long_poll, int64_t left, tp_answer *answer);

#pragma GCC visibility pop
#endif
