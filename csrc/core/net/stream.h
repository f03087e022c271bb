/* One exchange: a request, and its gRPC answer read as headers, data and
** trailers arrive. Pure parsing, no I/O; a peer's nonsense becomes
** `stream->problem`, never a crash. The driving thread only.
*/
#ifndef TP_STREAM_H
#define TP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"

#pragma GCC visibility push(hidden)

/* How a stream ended. */
typedef enum {
  TP_END_NORMAL,      /* END_STREAM: all that was to come has come */
  TP_END_RESET,       /* RST_STREAM, with `error_code` */
  TP_END_LOST,        /* the connection ended first */
  TP_END_UNPROCESSED, /* the peer did not touch it: safe to repeat */
  TP_END_BAD_ANSWER   /* we reset it: `problem` says what was wrong */
} tp_stream_end;

/* One exchange. The caller owns it, sets `request` (prefix and message, kept
** until the end) and `max_message`, and reads the rest after the end. */
typedef struct tp_stream {
  const tp_buffer *request;
  size_t max_message;
  size_t sent;
  int32_t id;           /* 0: not open */
  bool too_large;       /* the answer exceeds `limit` */
  bool foreign;         /* content-type is not gRPC's */
  bool text;            /* but that of a text */
  bool gzip;            /* grpc-encoding is gzip */
  bool compressed;      /* the message is */
  bool answered;        /* a response header arrived */
  tp_stream_end end;
  uint32_t error_code;
  const char *problem;  /* of TP_END_BAD_ANSWER; a literal */
  int http_status;      /* 0: none came */
  int grpc_status;      /* -1: none came */
  uint32_t header_bytes;
  size_t announced;     /* the size the message prefix names */
  size_t limit;         /* if too_large: max_message, or what gzip may make */
  char *message;        /* grpc-message, decoded; or NULL */
  uint8_t *details;     /* grpc-status-details-bin, decoded; or NULL */
  size_t details_length;
  tp_buffer response;   /* the message, without its prefix; of a text that is
                        ** no gRPC answer, the beginning */
  struct tp_stream *next, **link; /* session's list of open streams */
} tp_stream;

void tp_stream_init(tp_stream *stream);
void tp_stream_clear(tp_stream *stream); /* frees what the answer left */

void tp_response_header(tp_stream *stream, const char *name, size_t name_length,
                        const char *value, size_t value_length);
void tp_response_headers_end(tp_stream *stream); /* of one block */
void tp_response_data(tp_stream *stream, const uint8_t *data, size_t n);

#pragma GCC visibility pop
#endif
