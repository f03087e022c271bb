/* One HTTP/2 session (nghttp2) on a dialled connection: streams, windows,
** PING, GOAWAY. It moves requests and responses; what an answer means and
** whether to try again is decided in call.c. A session is touched only by the
** thread that drives its engine.
** A session never fails a call by itself: it closes streams, saying how.
*/
#ifndef TP_HTTP2_H
#define TP_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buffer.h"
#include "dial.h"

#pragma GCC visibility push(hidden)

typedef struct tp_http2 tp_http2;

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
  bool too_large;       /* the answer exceeds max_message */
  bool foreign;         /* content-type is not gRPC's */
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
  char *message;        /* grpc-message, decoded; or NULL */
  uint8_t *details;     /* grpc-status-details-bin, decoded; or NULL */
  size_t details_length;
  tp_buffer response;   /* the message, without its prefix */
  struct tp_stream *next, **link; /* session's list of open streams */
} tp_stream;

typedef struct tp_header {
  const char *name, *value;
  size_t name_length, value_length;
} tp_header;

typedef struct tp_http2_options {
  int64_t settings_timeout;   /* for the peer's first SETTINGS */
  int64_t keepalive_interval; /* 0: no PINGs */
  int64_t keepalive_timeout;
  void (*closed)(tp_stream *stream, tp_http2 *session, void *owner);
  void *owner;
} tp_http2_options;

/* Takes the connection over. NULL: out of memory (the connection is freed). */
tp_http2 *tp_http2_new(tp_connection *connection,
                       const tp_http2_options *options, int64_t now);
/* Ends what is open as lost and frees everything. Never from `closed`. */
void tp_http2_free(tp_http2 *session);

/* Room for one more stream now? False while draining or broken. */
bool tp_http2_accepts(const tp_http2 *session);
/* What the peer allows, once it has said so. */
uint32_t tp_http2_stream_limit(const tp_http2 *session);
/* TP_OK, or the stream is not open and was not counted. */
tp_status tp_http2_open(tp_http2 *session, tp_stream *stream,
                        const tp_header *headers, size_t n);
/* Resets the stream with CANCEL; `closed` is not called for it. */
void tp_http2_cancel(tp_http2 *session, tp_stream *stream);

/* One round each; both return false once the session is broken. */
bool tp_http2_flush(tp_http2 *session);
bool tp_http2_receive(tp_http2 *session, int64_t now);
/* PINGs and verdicts that are due. */
bool tp_http2_tick(tp_http2 *session, int64_t now);
int64_t tp_http2_next_tick(const tp_http2 *session);

int tp_http2_fd(const tp_http2 *session);
bool tp_http2_wants_write(const tp_http2 *session);
bool tp_http2_broken(const tp_http2 *session);
bool tp_http2_draining(const tp_http2 *session); /* saw GOAWAY */
size_t tp_http2_open_streams(const tp_http2 *session);
bool tp_http2_established(const tp_http2 *session); /* SETTINGS came */
const char *tp_http2_reason(const tp_http2 *session);

void tp_stream_init(tp_stream *stream);
void tp_stream_clear(tp_stream *stream); /* frees what the answer left */

#pragma GCC visibility pop
#endif
