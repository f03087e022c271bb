/* The fault peer's side of HTTP/2: nghttp2 reads, answers SETTINGS and PING and
** frames what streams say; frames it would never send go past it, whole, into
** the same output.
*/
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* ---- streams ---- */

static fp_stream *stream_of(nghttp2_session *session, int32_t id) {
  return nghttp2_session_get_stream_user_data(session, id);
}

static void free_stream(fp_stream *s) {
  fp_note_end(s);
  fp_count.streams_open--;
  if (s->poll) fp_count.polls_open--;
  fp_free_bytes(&s->headers);
  fp_free_bytes(&s->body);
  fp_free_bytes(&s->out);
  free(s->trailers);
  free(s->method);
  free(s);
}

static void sweep_streams(fp_conn *c) {
  fp_stream **link = &c->streams;
  while (*link) {
    fp_stream *s = *link;
    if (s->closed) {
      *link = s->next;
      free_stream(s);
    } else {
      link = &s->next;
    }
  }
}

static int on_begin_headers(nghttp2_session *session,
                            const nghttp2_frame *frame, void *user) {
  fp_conn *c = user;
  fp_stream *s;
  if (frame->hd.type != NGHTTP2_HEADERS ||
      frame->headers.cat != NGHTTP2_HCAT_REQUEST)
    return 0;
  if (frame->hd.stream_id > c->last_allowed) {
    fp_count.ignored++;
    return 0;
  }
  c->last_seen = frame->hd.stream_id;
  s = fp_alloc(sizeof *s);
  s->conn = c;
  s->id = frame->hd.stream_id;
  s->next = c->streams;
  c->streams = s;
  nghttp2_session_set_stream_user_data(session, s->id, s);
  if (++fp_count.streams_open > fp_count.streams_max)
    fp_count.streams_max = fp_count.streams_open;
  return 0;
}

/* "name=value", blanks and what cannot be printed as %XX. */
static void add_escaped(fp_bytes *b, const uint8_t *p, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    if (p[i] > ' ' && p[i] < 127 && p[i] != '%') {
      fp_add(b, &p[i], 1);
    } else {
      fp_add_text(b, "%");
      fp_add_hex(b, &p[i], 1);
    }
  }
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags,
                     void *user) {
  fp_stream *s = stream_of(session, frame->hd.stream_id);
  (void)flags, (void)user;
  if (s == NULL) return 0;
  if (s->headers.length) fp_add_text(&s->headers, " ");
  add_escaped(&s->headers, name, name_length);
  fp_add_text(&s->headers, "=");
  add_escaped(&s->headers, value, value_length);
  if (name_length == 5 && memcmp(name, ":path", 5) == 0 && !s->method) {
    size_t at = value_length;
    while (at > 0 && value[at - 1] != '/') at--;
    s->method = fp_alloc(value_length - at + 1);
    memcpy(s->method, value + at, value_length - at);
  }
  return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id,
                   const uint8_t *data, size_t n, void *user) {
  fp_stream *s = stream_of(session, id);
  (void)flags, (void)user;
  if (s) fp_add(&s->body, data, n);
  return 0;
}

static void note_headers(fp_stream *s) {
  if (s->method == NULL) s->method = fp_copy("");
  fp_note_request(s);
  s->rule = fp_call_rule(s->method);
  if (strcmp(s->method, "GetWorkflowExecutionHistory") == 0) {
    s->poll = true;
    if (++fp_count.polls_open > fp_count.polls_max)
      fp_count.polls_max = fp_count.polls_open;
  }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame,
                    void *user) {
  fp_conn *c = user;
  fp_stream *s = stream_of(session, frame->hd.stream_id);
  bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (s && s->rule == NULL) note_headers(s);
      /* fall through */
    case NGHTTP2_DATA:
      if (s && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        s->complete = true;
        fp_count.completed++;
        fp_note_end(s);
      }
      break;
    case NGHTTP2_RST_STREAM:
      fp_count.rst++;
      fp_count.rst_code = (long)frame->rst_stream.error_code;
      break;
    case NGHTTP2_PING:
      if (ack) c->ping_acks++, fp_count.ping_acks++;
      else fp_count.pings++;
      break;
    case NGHTTP2_SETTINGS:
      if (ack) fp_count.settings_acks++;
      break;
    case NGHTTP2_GOAWAY: fp_count.goaways++; break;
    case NGHTTP2_WINDOW_UPDATE: fp_count.window_updates++; break;
    default: break;
  }
  return 0;
}

static int on_invalid(nghttp2_session *session, const nghttp2_frame *frame,
                      int code, void *user) {
  (void)session, (void)frame, (void)code, (void)user;
  fp_count.protocol_errors++;
  return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code,
                    void *user) {
  fp_stream *s = stream_of(session, id);
  (void)code, (void)user;
  if (s) s->closed = true;
  return 0;
}

/* ---- output ---- */

static ssize_t read_out(nghttp2_session *session, int32_t id, uint8_t *data,
                        size_t n, uint32_t *flags, nghttp2_data_source *source,
                        void *user) {
  fp_stream *s = source->ptr;
  size_t k = s->out.length < n ? s->out.length : n;
  (void)user;
  if (k) memcpy(data, s->out.data, k);
  fp_drop(&s->out, k);
  if (s->out.length) return (ssize_t)k;
  if (s->ending == FP_OPEN) return k ? (ssize_t)k : NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (s->ending == FP_TRAILERS && s->n_trailers) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_submit_trailer(session, id, s->trailers, s->n_trailers);
  }
  return (ssize_t)k;
}

enum { MAX_FIELDS = 24 };

static bool same_name(const nghttp2_nv *field, const char *name, size_t n) {
  return field->namelen == n && memcmp(field->name, name, n) == 0;
}

/* A word replaces the field of its name, adds one, or (!name) takes it away.
** The fields point into the words, which live as long as the program.
*/
static size_t put_field(nghttp2_nv *fields, size_t count, const char *word) {
  bool remove = word[0] == '!';
  const char *name = word + remove;
  const char *equals = remove ? NULL : strchr(name + 1, '=');
  size_t n = equals ? (size_t)(equals - name) : strlen(name), i;
  for (i = 0; i < count && !same_name(&fields[i], name, n); i++) continue;
  if (remove) {
    if (i < count) {
      memmove(&fields[i], &fields[i + 1],
              (count - i - 1) * sizeof fields[i]);
      count--;
    }
    return count;
  }
  if (i == MAX_FIELDS || equals == NULL) return count;
  fields[i].name = (uint8_t *)(uintptr_t)name;
  fields[i].namelen = n;
  fields[i].value = (uint8_t *)(uintptr_t)(equals + 1);
  fields[i].valuelen = strlen(equals + 1);
  fields[i].flags = NGHTTP2_NV_FLAG_NONE;
  return i == count ? count + 1 : count;
}

void fp_headers(fp_stream *s, int n, char **words, int kind) {
  static const char *const usual[][4] = {
    {":status=200", "content-type=application/grpc", NULL},
    {":status=103", NULL},
    {":status=200", "content-type=application/grpc", "grpc-status=0", NULL},
    {"grpc-status=0", NULL}};
  nghttp2_session *session = s->conn->session;
  nghttp2_nv fields[MAX_FIELDS];
  nghttp2_data_provider provider;
  size_t count = 0;
  int i;
  for (i = 0; usual[kind][i]; i++)
    count = put_field(fields, count, usual[kind][i]);
  for (i = 0; i < n; i++) count = put_field(fields, count, words[i]);
  if (kind == FP_RESPONSE) {
    provider.source.ptr = s;
    provider.read_callback = read_out;
    nghttp2_submit_response(session, s->id, fields, count, &provider);
  } else if (kind == FP_LAST) {
    s->trailers = fp_alloc(count * sizeof *fields);
    if (count) memcpy(s->trailers, fields, count * sizeof *fields);
    s->n_trailers = count;
    s->ending = FP_TRAILERS;
    nghttp2_session_resume_data(session, s->id);
  } else {
    nghttp2_submit_headers(session,
                           kind == FP_ONLY ? NGHTTP2_FLAG_END_STREAM : 0,
                           s->id, NULL, fields, count, NULL);
  }
}

void fp_frame(fp_conn *c, int type, int flags, int32_t id, const void *data,
              size_t n) {
  uint8_t head[9];
  head[0] = (uint8_t)(n >> 16);
  head[1] = (uint8_t)(n >> 8);
  head[2] = (uint8_t)n;
  head[3] = (uint8_t)type;
  head[4] = (uint8_t)flags;
  head[5] = (uint8_t)((uint32_t)id >> 24);
  head[6] = (uint8_t)((uint32_t)id >> 16);
  head[7] = (uint8_t)((uint32_t)id >> 8);
  head[8] = (uint8_t)id;
  if (c->options.mute) return;
  fp_session_output(c);
  fp_add(&c->out, head, sizeof head);
  fp_add(&c->out, data, n);
}

/* Not nghttp2's own, which decides what else may happen after it. */
void fp_goaway(fp_conn *c, uint32_t code, int32_t last, const char *debug) {
  fp_bytes payload = {0};
  uint8_t head[8];
  int i;
  for (i = 0; i < 4; i++) {
    head[i] = (uint8_t)((uint32_t)last >> (24 - 8 * i));
    head[4 + i] = (uint8_t)(code >> (24 - 8 * i));
  }
  fp_add(&payload, head, sizeof head);
  fp_add_text(&payload, debug);
  fp_frame(c, NGHTTP2_GOAWAY, 0, 0, payload.data, payload.length);
  fp_free_bytes(&payload);
  c->last_allowed = last;
}

void fp_session_output(fp_conn *c) {
  const uint8_t *data;
  ssize_t n;
  if (c->session == NULL) return;
  while ((n = nghttp2_session_mem_send(c->session, &data)) > 0) {
    bool settings_ack = n >= 9 && data[3] == NGHTTP2_SETTINGS &&
                        (data[4] & NGHTTP2_FLAG_ACK);
    if (c->options.mute || (settings_ack && c->options.no_settings_ack))
      continue;
    fp_add(&c->out, data, (size_t)n);
  }
}

/* ---- the session ---- */

void fp_session_open(fp_conn *c) {
  nghttp2_session_callbacks *cb;
  nghttp2_option *option;
  if (nghttp2_session_callbacks_new(&cb) || nghttp2_option_new(&option))
    abort();
  nghttp2_session_callbacks_set_on_begin_headers_callback(cb,
                                                          on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(cb, on_invalid);
  nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
  nghttp2_option_set_no_auto_ping_ack(option, c->options.no_ping_ack);
  nghttp2_option_set_no_auto_window_update(option,
                                           c->options.no_window_update);
  nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
  nghttp2_option_set_stream_reset_rate_limit(option, 1000000, 1000000);
  if (nghttp2_session_server_new2(&c->session, cb, c, option)) abort();
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(cb);
  if (!c->options.no_settings)
    nghttp2_submit_settings(c->session, 0, c->options.settings,
                            c->options.n_settings);
}

void fp_session_input(fp_conn *c, const uint8_t *data, size_t n) {
  if (c->session == NULL) return;
  if (nghttp2_session_mem_recv(c->session, data, n) < 0) {
    fp_count.protocol_errors++;
    c->fate = FP_CLOSE;
  }
}

static bool advance_stream(fp_stream *s) {
  if (!s->begun) {
    if (s->rule == NULL || !(s->complete || s->rule->early)) return false;
    s->begun = true;
    fp_begin(&s->run, &s->rule->script, s->conn, s);
  }
  return !s->closed && fp_advance(&s->run);
}

void fp_session_pump(fp_conn *c) {
  bool more = true;
  while (more && c->fate == FP_STAY) {
    fp_stream *s;
    more = fp_advance(&c->run);
    more |= fp_advance(&c->extra);
    fp_session_output(c);
    for (s = c->streams; s; s = s->next) more |= advance_stream(s);
    fp_session_output(c);
    sweep_streams(c);
    if (c->session && !nghttp2_session_want_read(c->session) &&
        !nghttp2_session_want_write(c->session))
      c->fate = FP_CLOSE;
  }
}

void fp_session_close(fp_conn *c) {
  fp_stream *s;
  nghttp2_session_del(c->session);
  c->session = NULL;
  for (s = c->streams; s; s = s->next) s->closed = true;
  sweep_streams(c);
}
