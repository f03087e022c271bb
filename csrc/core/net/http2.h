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
#include "dial.h"
#include "header.h"
#include "stream.h"

#pragma GCC visibility push(hidden)

typedef struct tp_http2 tp_http2;

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
/* Saw GOAWAY, or has used its last stream id: takes no new streams. */
bool tp_http2_draining(const tp_http2 *session);
size_t tp_http2_open_streams(const tp_http2 *session);
bool tp_http2_established(const tp_http2 *session); /* SETTINGS came */
bool tp_http2_answered(const tp_http2 *session); /* a grpc-status came */
const char *tp_http2_reason(const tp_http2 *session);

#pragma GCC visibility pop
#endif
