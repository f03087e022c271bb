/* Outcomes of the C core, and gRPC status codes. Lists are written once, as
** X-macros; names and texts are derived from them (status.c).
** Any thread; nothing here can fail.
*/
#ifndef TP_STATUS_H
#define TP_STATUS_H

#pragma GCC visibility push(hidden)

/* X(symbol, text): what a core function can answer besides TP_OK. */
#define TP_STATUSES(X) \
  X(TP_OK, "ok") \
  X(TP_ENOMEM, "out of memory") \
  X(TP_ETOOBIG, "larger than the limit") \
  X(TP_ETRUNCATED, "ends in the middle of a field") \
  X(TP_EVARINT, "varint longer than 10 bytes") \
  X(TP_ETAG, "invalid field tag") \
  X(TP_EGROUP, "unbalanced group") \
  X(TP_EDEPTH, "nested deeper than 100 levels") \
  X(TP_EUTF8, "not valid UTF-8") \
  X(TP_EWIRETYPE, "wire type does not fit the field") \
  X(TP_ESYNTAX, "syntax error") \
  X(TP_ERANGE, "number out of range") \
  X(TP_ESYSTEM, "system call failed") \
  X(TP_EFORK, "the process forked after the engine started")

typedef enum {
#define X(symbol, text) symbol,
  TP_STATUSES(X)
#undef X
  TP_STATUS_COUNT
} tp_status;

/* X(number, symbol, name): gRPC codes, names in lower snake case. */
#define TP_GRPC_CODES(X) \
  X(0, OK, "ok") \
  X(1, CANCELLED, "cancelled") \
  X(2, UNKNOWN, "unknown") \
  X(3, INVALID_ARGUMENT, "invalid_argument") \
  X(4, DEADLINE_EXCEEDED, "deadline_exceeded") \
  X(5, NOT_FOUND, "not_found") \
  X(6, ALREADY_EXISTS, "already_exists") \
  X(7, PERMISSION_DENIED, "permission_denied") \
  X(8, RESOURCE_EXHAUSTED, "resource_exhausted") \
  X(9, FAILED_PRECONDITION, "failed_precondition") \
  X(10, ABORTED, "aborted") \
  X(11, OUT_OF_RANGE, "out_of_range") \
  X(12, UNIMPLEMENTED, "unimplemented") \
  X(13, INTERNAL, "internal") \
  X(14, UNAVAILABLE, "unavailable") \
  X(15, DATA_LOSS, "data_loss") \
  X(16, UNAUTHENTICATED, "unauthenticated")

typedef enum {
#define X(number, symbol, name) TP_GRPC_##symbol = number,
  TP_GRPC_CODES(X)
#undef X
  TP_GRPC_COUNT
} tp_grpc_code;

const char *tp_status_text(tp_status status);
const char *tp_grpc_code_name(int code); /* "unknown" for strangers */

#pragma GCC visibility pop
#endif
