/* HTTP/2 sessions: see http2.h. Response headers are read in
** stream.c.
*/
#include "http2.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc.h"
#include "../base/limits.h"
#include "../base/timer.h"

#define STREAM_WINDOW (16 << 20)     /* or big histories crawl */
#define CONNECTION_WINDOW (64 << 20)
#define OUT_GATHER (64 << 10)        /* frames gathered into one write */
#define OUT_CEILING (4 << 20)        /* one frame never comes near it */
#define READ_SIZE (128 << 10)
#define WANTS_TLS ": does it want TLS (tls = true)?"
#define READ_ROUNDS 64               /* then others get their turn */
#define STREAMS_BEFORE_SETTINGS 100  /* nghttp2's own assumption */

struct tp_http2 {
  nghttp2_session *session;
  tp_connection *connection;
  tp_http2_options options;
  tp_buffer out;
  size_t out_sent;       /* of out, already written */
  size_t open;           /* streams */
  tp_stream *streams;    /* those open */
  tp_stream *ended;      /* to be reported once nghttp2 has returned */
  int64_t opened_at;
  int64_t last_received;
  int64_t ping_sent;     /* 0: none under way */
  bool heard;            /* the peer has said something */
  bool settings;
  bool answered;
  bool goaway;
  bool used_up;          /* no stream id is left */
  bool broken;
  bool blocked;          /* the socket took less than we have */
  bool more;             /* libcurl or OpenSSL may hold what poll cannot see */
  bool deaf;             /* the peer takes no more; it may have said why */
  int32_t last_stream;   /* of the latest GOAWAY */
  char reason[TP_REASON];
  uint8_t in[READ_SIZE];
};

static void unlink_stream(tp_http2 *s, tp_stream *stream) {
  *stream->link = stream->next;
  if (stream->next) stream->next->link = stream->link;
  stream->next = NULL;
  stream->link = NULL;
  s->open--;
}

/* Moves the stream to the ended list; report_ended() tells its owner. */
static void end_stream(tp_http2 *s, tp_stream *stream, tp_stream_end end) {
  unlink_stream(s, stream);
  stream->end = stream->problem ? TP_END_BAD_ANSWER : end;
  stream->id = 0;
  stream->next = s->ended;
  s->ended = stream;
}

static void report_ended(tp_http2 *s) {
  while (s->ended) {
    tp_stream *stream = s->ended;
    s->ended = stream->next;
    stream->next = NULL;
    s->options.closed(stream, s, s->options.owner);
  }
}

static void end_all(tp_http2 *s) {
  while (s->streams) {
    tp_stream *stream = s->streams;
    bool untouched = s->goaway && stream->id > s->last_stream;
    nghttp2_session_set_stream_user_data(s->session, stream->id, NULL);
    end_stream(s, stream, untouched ? TP_END_UNPROCESSED : TP_END_LOST);
  }
}

static void break_session(tp_http2 *s, const char *reason) {
  if (s->broken) return;
  s->broken = true;
  if (reason != s->reason) snprintf(s->reason, sizeof s->reason, "%s", reason);
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *out,
                       size_t room, uint32_t *flags,
                       nghttp2_data_source *source, void *user) {
  tp_stream *stream = nghttp2_session_get_stream_user_data(session, id);
  size_t left;
  (void)source;
  (void)user;
  if (stream == NULL) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  left = stream->request->length - stream->sent;
  if (left > room) left = room; /* more would corrupt the session */
  memcpy(out, stream->request->data + stream->sent, left);
  stream->sent += left;
  if (stream->sent == stream->request->length)
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)left;
}

/* A bad answer: reset the stream, keep the session. */
static int refuse(nghttp2_session *session, int32_t id, tp_stream *stream) {
  (void)stream;
  nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
  int32_t id = frame->hd.stream_id;
  tp_stream *stream = nghttp2_session_get_stream_user_data(session, id);
  (void)flags;
  (void)user;
  if (stream == NULL || stream->problem) return 0;
  tp_response_header(stream, (const char *)name, name_length,
                     (const char *)value, value_length);
  return stream->problem ? refuse(session, id, stream) : 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *data, size_t n, void *user) {
  tp_stream *stream = nghttp2_session_get_stream_user_data(session, id);
  (void)flags;
  (void)user;
  if (stream == NULL || stream->problem) return 0;
  tp_response_data(stream, data, n);
  return stream->problem ? refuse(session, id, stream) : 0;
}

/* Answered before the peer has the whole request: the rest is not sent. */
static void withhold_rest(nghttp2_session *session, const tp_stream *stream) {
  if (stream->sent < stream->request->length)
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id,
                              NGHTTP2_NO_ERROR);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame,
                    void *user) {
  tp_http2 *s = user;
  tp_stream *stream =
    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  switch (frame->hd.type) {
    case NGHTTP2_SETTINGS:
      s->settings = true;
      break;
    case NGHTTP2_GOAWAY:
      s->goaway = true;
      s->last_stream = frame->goaway.last_stream_id;
      snprintf(s->reason, sizeof s->reason, "GOAWAY %s%s%.*s",
               tp_http2_error_name(frame->goaway.error_code),
               frame->goaway.opaque_data_len ? ": " : "",
               (int)(frame->goaway.opaque_data_len < 100
                       ? frame->goaway.opaque_data_len : 100),
               frame->goaway.opaque_data_len
                 ? (const char *)frame->goaway.opaque_data : "");
      break;
    case NGHTTP2_HEADERS:
      if (stream) tp_response_headers_end(stream);
      /* fall through */
    case NGHTTP2_DATA:
      if (stream && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        withhold_rest(session, stream);
      break;
    default:
      break;
  }
  return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id,
                           uint32_t error_code, void *user) {
  tp_http2 *s = user;
  tp_stream *stream = nghttp2_session_get_stream_user_data(session, id);
  tp_stream_end end = TP_END_NORMAL;
  if (stream == NULL) return 0;
  if (stream->grpc_status >= 0) s->answered = true;
  stream->error_code = error_code;
  if (error_code == NGHTTP2_REFUSED_STREAM) end = TP_END_UNPROCESSED;
  else if (error_code != NGHTTP2_NO_ERROR) end = TP_END_RESET;
  end_stream(s, stream, end);
  return 0;
}

/* nghttp2 ends a session whose peer breaks the protocol; this is its reason. */
static int on_error(nghttp2_session *session, int error, const char *message,
                    size_t n, void *user) {
  tp_http2 *s = user;
  (void)session;
  (void)error;
  if (!s->goaway && s->reason[0] == '\0')
    snprintf(s->reason, sizeof s->reason, "HTTP/2 protocol error: %.*s",
             (int)(n < 200 ? n : 200), message);
  return 0;
}

static nghttp2_session_callbacks *make_callbacks(void) {
  nghttp2_session_callbacks *cb;
  if (nghttp2_session_callbacks_new(&cb) != 0) return NULL;
  nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
  nghttp2_session_callbacks_set_error_callback2(cb, on_error);
  return cb;
}

static int start_session(tp_http2 *s) {
  nghttp2_session_callbacks *cb = make_callbacks();
  nghttp2_settings_entry settings[] = {
    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, TP_MAX_HEADERS}};
  int failed;
  if (cb == NULL) return -1;
  failed = nghttp2_session_client_new(&s->session, cb, s);
  nghttp2_session_callbacks_del(cb);
  if (failed) return -1;
  if (nghttp2_submit_settings(s->session, 0, settings,
                              sizeof settings / sizeof *settings) != 0)
    return -1;
  return nghttp2_session_set_local_window_size(s->session, 0, 0,
                                               CONNECTION_WINDOW);
}

tp_http2 *tp_http2_new(tp_connection *connection,
                       const tp_http2_options *options, int64_t now) {
  tp_http2 *s = malloc(sizeof *s);
  if (s == NULL) {
    tp_connection_free(connection);
    return NULL;
  }
  memset(s, 0, offsetof(tp_http2, in));
  s->connection = connection;
  s->options = *options;
  s->opened_at = s->last_received = now;
  tp_buffer_init(&s->out, OUT_CEILING);
  if (start_session(s) != 0) {
    tp_http2_free(s);
    return NULL;
  }
  return s;
}

void tp_http2_free(tp_http2 *s) {
  if (s == NULL) return;
  if (s->session) {
    break_session(s, "the connection was closed by this client");
    end_all(s);
    report_ended(s);
    nghttp2_session_del(s->session);
  }
  tp_buffer_free(&s->out);
  tp_connection_free(s->connection);
  free(s);
}

bool tp_http2_accepts(const tp_http2 *s) {
  return !s->broken && !tp_http2_draining(s) && !s->deaf &&
         s->open < tp_http2_stream_limit(s);
}

uint32_t tp_http2_stream_limit(const tp_http2 *s) {
  if (!s->settings) return STREAMS_BEFORE_SETTINGS;
  return nghttp2_session_get_remote_settings(
    s->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

tp_status tp_http2_open(tp_http2 *s, tp_stream *stream,
                        const tp_header *headers, size_t n) {
  nghttp2_nv nv[2 * TP_MAX_METADATA + 16];
  nghttp2_data_provider provider;
  int32_t id;
  size_t i;
  if (n > sizeof nv / sizeof *nv) return TP_ETOOBIG;
  for (i = 0; i < n; i++) {
    nv[i].name = (uint8_t *)(uintptr_t)headers[i].name;
    nv[i].value = (uint8_t *)(uintptr_t)headers[i].value;
    nv[i].namelen = headers[i].name_length;
    nv[i].valuelen = headers[i].value_length;
    nv[i].flags = (uint8_t)(
      (headers[i].name_lasts ? NGHTTP2_NV_FLAG_NO_COPY_NAME : 0) |
      (headers[i].value_lasts ? NGHTTP2_NV_FLAG_NO_COPY_VALUE : 0));
  }
  memset(&provider, 0, sizeof provider);
  provider.read_callback = on_read;
  id = nghttp2_submit_request(s->session, NULL, nv, n, &provider, stream);
  if (id < 0) {
    if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE) s->used_up = true;
    return id == NGHTTP2_ERR_NOMEM ? TP_ENOMEM : TP_ESYSTEM;
  }
  stream->id = id;
  stream->next = s->streams;
  stream->link = &s->streams;
  if (s->streams) s->streams->link = &stream->next;
  s->streams = stream;
  s->open++;
  return TP_OK;
}

void tp_http2_cancel(tp_http2 *s, tp_stream *stream) {
  tp_stream **at;
  if (stream->link) {
    nghttp2_session_set_stream_user_data(s->session, stream->id, NULL);
    nghttp2_submit_rst_stream(s->session, NGHTTP2_FLAG_NONE, stream->id,
                              NGHTTP2_CANCEL);
    unlink_stream(s, stream);
    stream->id = 0;
    return;
  }
  for (at = &s->ended; *at; at = &(*at)->next) { /* ended, not yet reported */
    if (*at == stream) {
      *at = stream->next;
      stream->next = NULL;
      return;
    }
  }
}

/* Gathers frames until there is a good write's worth of them. */
static bool gather(tp_http2 *s) {
  const uint8_t *frame;
  ssize_t n;
  s->out.length = s->out_sent = 0;
  while (s->out.length < OUT_GATHER) {
    n = nghttp2_session_mem_send(s->session, &frame);
    if (n < 0) {
      break_session(s, nghttp2_strerror((int)n));
      return false;
    }
    if (n == 0) break;
    if (tp_buffer_put(&s->out, frame, (size_t)n) != TP_OK) {
      break_session(s, "out of memory while sending");
      return false;
    }
  }
  return true;
}

static bool is_over(const tp_http2 *s) {
  return !s->broken && !s->blocked && !s->deaf &&
         !nghttp2_session_want_read(s->session) &&
         !nghttp2_session_want_write(s->session);
}

bool tp_http2_flush(tp_http2 *s) {
  char text[TP_REASON];
  s->blocked = false;
  while (!s->broken && !s->deaf) {
    long n;
    if (s->out_sent == s->out.length) {
      if (!gather(s)) break;
      if (s->out.length == 0) break;
    }
    n = tp_connection_send(s->connection, s->out.data + s->out_sent,
                           s->out.length - s->out_sent, text);
    if (n < 0) { /* what it sent before is still to be read: receive() ends */
      s->deaf = true;
      if (!s->goaway) memcpy(s->reason, text, sizeof text);
    }
    if (n == 0) {
      s->blocked = true;
      break;
    }
    if (n > 0) s->out_sent += (size_t)n;
  }
  if (is_over(s))
    break_session(s, s->reason[0] ? s->reason : "HTTP/2 protocol error");
  if (s->broken) end_all(s);
  report_ended(s);
  return !s->broken;
}

/* TLS, to a client that speaks plaintext. */
static bool is_alert(const tp_http2 *s, const uint8_t *data, size_t n) {
  return !s->heard && !tp_connection_secure(s->connection) && n >= 2 &&
         data[0] == 0x15 && data[1] == 3;
}

/* What nginx makes of HTTP/2 on a port for TLS. */
static bool is_bad_request(const uint8_t *data, size_t n) {
  return n >= 12 && memcmp(data + 8, " 400", 4) == 0;
}

/* The connection has ended. */
static void lost(tp_http2 *s, const char *text) {
  size_t n;
  if (!s->goaway && (!s->deaf || tp_connection_alerted(s->connection)))
    snprintf(s->reason, sizeof s->reason, "%s", text);
  n = strlen(s->reason);
  if (!s->heard && !tp_connection_secure(s->connection))
    snprintf(s->reason + n, sizeof s->reason - n, " before it said anything"
             WANTS_TLS);
  break_session(s, s->reason);
}

/* What a peer that does not speak HTTP/2 says is the best error text. */
static void explain(tp_http2 *s, const uint8_t *data, size_t n, ssize_t error) {
  size_t line = 0;
  while (line < n && line < 60 && data[line] >= ' ' && data[line] < 127) line++;
  if (!s->settings && n >= 5 && memcmp(data, "HTTP/", 5) == 0)
    snprintf(s->reason, sizeof s->reason,
             "the peer does not speak HTTP/2: it answered \"%.*s\"%s",
             (int)line, (const char *)data,
             !tp_connection_secure(s->connection) && is_bad_request(data, n)
               ? WANTS_TLS : "");
  else if (is_alert(s, data, n))
    snprintf(s->reason, sizeof s->reason,
             "the peer speaks TLS: tls = true");
  else
    snprintf(s->reason, sizeof s->reason, "HTTP/2 protocol error: %s",
             nghttp2_strerror((int)error));
  break_session(s, s->reason);
}

bool tp_http2_receive(tp_http2 *s, int64_t now) {
  int round;
  for (round = 0; round < READ_ROUNDS && !s->broken; round++) {
    char text[TP_REASON];
    long n = tp_connection_receive(s->connection, s->in, READ_SIZE, text);
    ssize_t used;
    if (n == 0) {
      if (s->deaf) break_session(s, s->reason);
      break;
    }
    if (n < 0) {
      lost(s, text);
      break;
    }
    s->last_received = now;
    s->ping_sent = 0; /* whatever came, the peer lives */
    used = nghttp2_session_mem_recv(s->session, s->in, (size_t)n);
    if (used < 0 || is_alert(s, s->in, (size_t)n) ||
        (!s->settings && n >= 5 && !memcmp(s->in, "HTTP/", 5))) {
      explain(s, s->in, (size_t)n, used);
      break;
    }
    s->heard = true;
    /* That was all of it; TLS comes in records of 16 KiB. */
    if (n < READ_SIZE && !tp_connection_wrapped(s->connection)) break;
  }
  s->more = round == READ_ROUNDS && tp_connection_wrapped(s->connection);
  if (s->broken) end_all(s);
  report_ended(s);
  return !s->broken;
}

int64_t tp_http2_next_tick(const tp_http2 *s) {
  int64_t at = TP_NEVER;
  if (s->more || s->deaf) return 0;
  if (!s->settings) at = tp_after(s->opened_at, s->options.settings_timeout);
  if (s->options.keepalive_interval > 0) {
    int64_t ping = s->ping_sent
      ? tp_after(s->ping_sent, s->options.keepalive_timeout)
      : tp_after(s->last_received, s->options.keepalive_interval);
    if (ping < at) at = ping;
  }
  return at;
}

bool tp_http2_tick(tp_http2 *s, int64_t now) {
  if (s->broken) return false;
  if (s->more || s->deaf) return tp_http2_receive(s, now);
  if (!s->settings &&
      now >= tp_after(s->opened_at, s->options.settings_timeout)) {
    break_session(s, "connected, but the peer sent no HTTP/2 SETTINGS within "
                     "connect_timeout: is this a Temporal frontend?");
  } else if (s->options.keepalive_interval > 0) {
    if (s->ping_sent &&
        now >= tp_after(s->ping_sent, s->options.keepalive_timeout)) {
      break_session(s, "keepalive: the peer did not answer a PING in time");
    } else if (!s->ping_sent &&
               now >= tp_after(s->last_received,
                               s->options.keepalive_interval)) {
      s->ping_sent = now;
      nghttp2_submit_ping(s->session, NGHTTP2_FLAG_NONE, NULL);
    }
  }
  if (s->broken) {
    end_all(s);
    report_ended(s);
  }
  return !s->broken;
}

int tp_http2_fd(const tp_http2 *s) {
  return tp_connection_fd(s->connection);
}

bool tp_http2_wants_write(const tp_http2 *s) {
  return s->blocked;
}

bool tp_http2_broken(const tp_http2 *s) {
  return s->broken;
}

bool tp_http2_draining(const tp_http2 *s) {
  return s->goaway || s->used_up;
}

size_t tp_http2_open_streams(const tp_http2 *s) {
  return s->open;
}

bool tp_http2_established(const tp_http2 *s) {
  return s->settings;
}

bool tp_http2_answered(const tp_http2 *s) {
  return s->answered;
}

const char *tp_http2_reason(const tp_http2 *s) {
  return s->reason;
}
