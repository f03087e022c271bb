/* Why something, or its latest attempt, failed. Owned by whoever holds it; the
** functions lock nothing. A failure that there was no memory for has no
** message.
*/
#ifndef TP_FAILURE_H
#define TP_FAILURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

typedef enum {
  TP_OUTCOME_NONE,
  TP_NOT_STARTED, /* the server said no, or nothing was sent */
  TP_UNKNOWN      /* an attempt may have reached the server */
} tp_outcome;

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

/* A failure of nothing yet. */
void tp_failure_init(tp_failure *failure);
/* Fills in a fresh one; printf-like, long texts are cut. */
void tp_failure_set(tp_failure *failure, const char *kind, int code,
                    const char *format, ...)
  __attribute__((format(printf, 4, 5)));
void tp_failure_set_list(tp_failure *failure, const char *kind, int code,
                         const char *format, va_list arguments)
  __attribute__((format(printf, 4, 0)));
/* A copy that shares nothing with the original. */
void tp_failure_copy(tp_failure *to, const tp_failure *from);
void tp_failure_clear(tp_failure *failure);

#pragma GCC visibility pop
#endif
