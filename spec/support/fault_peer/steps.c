/* Every step a script of the fault peer may have. A step answers FP_WAIT to be
** asked again when something happened; `entered` tells it from the first time.
*/
#include "peer.h"

#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

static fp_result step_headers(fp_run *r, int n, char **words) {
  fp_headers(r->stream, n, words, FP_RESPONSE);
  return FP_DONE;
}

static fp_result step_inform(fp_run *r, int n, char **words) {
  fp_headers(r->stream, n, words, FP_INFORM);
  return FP_DONE;
}

static fp_result step_only(fp_run *r, int n, char **words) {
  fp_headers(r->stream, n, words, FP_ONLY);
  return FP_STOP;
}

static fp_result step_trailers(fp_run *r, int n, char **words) {
  fp_headers(r->stream, n, words, FP_LAST);
  return FP_STOP;
}

static fp_result step_end(fp_run *r, int n, char **words) {
  (void)n, (void)words;
  r->stream->ending = FP_EMPTY_END;
  nghttp2_session_resume_data(r->conn->session, r->stream->id);
  return FP_STOP;
}

/* Done when the stream's bytes are in frames: a window may hold them back. */
static fp_result written(fp_run *r) {
  nghttp2_session_resume_data(r->conn->session, r->stream->id);
  fp_session_output(r->conn);
  return r->stream->out.length ? FP_WAIT : FP_DONE;
}

static fp_result step_data(fp_run *r, int n, char **words) {
  (void)n;
  if (!r->entered) fp_from_hex(&r->stream->out, words[0]);
  return written(r);
}

static fp_result step_text(fp_run *r, int n, char **words) {
  (void)n;
  if (!r->entered) fp_add_text(&r->stream->out, words[0]);
  return written(r);
}

static void frame_message(fp_bytes *out, int n, char **words) {
  fp_bytes body = {0};
  uint8_t prefix[5];
  long flag = 0, length = FP_FOREVER, first = FP_FOREVER;
  size_t before = out->length;
  for (; n > 0 && strchr(words[0], '='); n--, words++) {
    long *value = strncmp(words[0], "flag=", 5) == 0     ? &flag
                  : strncmp(words[0], "length=", 7) == 0 ? &length
                                                         : &first;
    fp_number(strchr(words[0], '=') + 1, value);
  }
  fp_reply(&body, n, words);
  if (length == FP_FOREVER) length = (long)body.length;
  prefix[0] = (uint8_t)flag;
  prefix[1] = (uint8_t)(length >> 24);
  prefix[2] = (uint8_t)(length >> 16);
  prefix[3] = (uint8_t)(length >> 8);
  prefix[4] = (uint8_t)length;
  fp_add(out, prefix, sizeof prefix);
  fp_add(out, body.data, body.length);
  fp_free_bytes(&body);
  if (first != FP_FOREVER && before + (size_t)first < out->length)
    out->length = before + (size_t)first;
}

static fp_result step_message(fp_run *r, int n, char **words) {
  if (!r->entered) frame_message(&r->stream->out, n, words);
  return written(r);
}

static fp_result step_answer(fp_run *r, int n, char **words) {
  if (!r->entered) {
    fp_headers(r->stream, 0, NULL, FP_RESPONSE);
    frame_message(&r->stream->out, n, words);
  }
  if (written(r) == FP_WAIT) return FP_WAIT;
  fp_headers(r->stream, 0, NULL, FP_LAST);
  return FP_STOP;
}

static fp_result step_rst(fp_run *r, int n, char **words) {
  uint32_t code = 0;
  (void)n;
  fp_error_code(words[0], &code);
  nghttp2_submit_rst_stream(r->conn->session, NGHTTP2_FLAG_NONE,
                            r->stream->id, code);
  return FP_DONE;
}

/* ---- the connection ---- */

static fp_result step_goaway(fp_run *r, int n, char **words) {
  uint32_t code = 0;
  int32_t last = r->conn->last_seen;
  long number;
  fp_error_code(words[0], &code);
  if (n > 1 && strcmp(words[1], "all") == 0)
    last = FP_EVERY_STREAM;
  else if (n > 1 && strcmp(words[1], "this") == 0)
    last = r->stream ? r->stream->id : last;
  else if (n > 1 && strcmp(words[1], "before") == 0)
    last = r->stream && r->stream->id > 1 ? r->stream->id - 2 : 0;
  else if (n > 1 && fp_number(words[1], &number))
    last = (int32_t)number;
  fp_goaway(r->conn, code, last, n > 2 ? words[2] : "");
  return FP_DONE;
}

static fp_result step_settings(fp_run *r, int n, char **words) {
  fp_options o;
  memset(&o, 0, sizeof o);
  fp_parse_settings(words, n, &o);
  if (r->conn->session == NULL) return FP_DONE;
  nghttp2_submit_settings(r->conn->session, 0, o.settings, o.n_settings);
  return FP_DONE;
}

static fp_result step_settings_flood(fp_run *r, int n, char **words) {
  long count = 0;
  (void)n;
  for (fp_number(words[0], &count); count > 0; count--)
    fp_frame(r->conn, NGHTTP2_SETTINGS, 0, 0, "", 0);
  return FP_DONE;
}

static fp_result step_ping(fp_run *r, int n, char **words) {
  long count = 1;
  if (n > 0) fp_number(words[0], &count);
  for (; count > 0; count--)
    fp_frame(r->conn, NGHTTP2_PING, 0, 0, "faultpee", 8);
  return FP_DONE;
}

/* A ping, and its answer: what happens between the two GOAWAY of a drain. */
static fp_result step_round_trip(fp_run *r, int n, char **words) {
  if (!r->entered) {
    r->mark = r->conn->ping_acks;
    step_ping(r, 0, words);
  }
  (void)n;
  return r->conn->ping_acks > r->mark ? FP_DONE : FP_WAIT;
}

static fp_result step_window(fp_run *r, int n, char **words) {
  long by = 0;
  uint8_t payload[4];
  (void)n;
  fp_number(words[0], &by);
  payload[0] = (uint8_t)(by >> 24);
  payload[1] = (uint8_t)(by >> 16);
  payload[2] = (uint8_t)(by >> 8);
  payload[3] = (uint8_t)by;
  if (r->conn->session == NULL) return FP_DONE;
  nghttp2_submit_window_update(r->conn->session, 0, 0, (int32_t)by);
  if (r->stream)
    fp_frame(r->conn, NGHTTP2_WINDOW_UPDATE, 0, r->stream->id, payload, 4);
  return FP_DONE;
}

static fp_result step_frame(fp_run *r, int n, char **words) {
  static const char *const types[] = {
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE",
    "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"};
  fp_bytes payload = {0};
  long type = 0, flags = 0, id = 0;
  while (type < 10 && strcmp(words[0], types[type]) != 0) type++;
  if (type == 10) fp_number(words[0], &type);
  fp_number(words[1], &flags);
  if (strcmp(words[2], "this") == 0)
    id = r->stream ? r->stream->id : 0;
  else
    fp_number(words[2], &id);
  if (n > 3) fp_from_hex(&payload, words[3]);
  fp_frame(r->conn, (int)type, (int)flags, (int32_t)id, payload.data,
           payload.length);
  fp_free_bytes(&payload);
  return FP_DONE;
}

static fp_result step_bytes(fp_run *r, int n, char **words) {
  (void)n;
  fp_from_hex(&r->conn->out, words[0]);
  return FP_DONE;
}

static fp_result step_say(fp_run *r, int n, char **words) {
  (void)n;
  fp_add_text(&r->conn->out, words[0]);
  return FP_DONE;
}

/* The same bytes for the same seed, so that a failure can be repeated. */
static fp_result step_random(fp_run *r, int n, char **words) {
  long count = 0, seed = 1;
  uint64_t x;
  fp_number(words[0], &count);
  if (n > 1) fp_number(words[1], &seed);
  x = (uint64_t)seed * 0x9e3779b97f4a7c15ULL + 1;
  for (; count > 0; count--) {
    uint8_t byte;
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    byte = (uint8_t)(x >> 32);
    fp_add(&r->conn->out, &byte, 1);
  }
  return FP_DONE;
}

/* HEADERS that never end: CONTINUATION frames with 16 KiB of header fields. */
static fp_result step_header_flood(fp_run *r, int n, char **words) {
  fp_bytes block = {0}, first = {0};
  long count = 0;
  (void)n;
  fp_number(words[0], &count);
  fp_add(&first, "\x88", 1); /* :status 200 of the static table */
  fp_frame(r->conn, NGHTTP2_HEADERS, 0, r->stream->id, first.data, 1);
  while (block.length < 16000) /* literal, not indexed: "flood: xxx..." */
    fp_add_text(&block, "\x10\x05" "flood" "\x18" "xxxxxxxxxxxxxxxxxxxxxxxx");
  for (; count > 0; count--)
    fp_frame(r->conn, NGHTTP2_CONTINUATION, 0, r->stream->id, block.data,
             block.length);
  fp_free_bytes(&block);
  fp_free_bytes(&first);
  return FP_DONE;
}

static fp_result step_mute(fp_run *r, int n, char **words) {
  (void)n, (void)words;
  fp_session_output(r->conn); /* what was due before */
  r->conn->options.mute = true;
  return FP_DONE;
}

static fp_result step_slow(fp_run *r, int n, char **words) {
  (void)n;
  fp_number(words[0], &r->conn->options.slow_bytes);
  fp_number(words[1], &r->conn->options.slow_ms);
  return FP_DONE;
}

static fp_result step_close(fp_run *r, int n, char **words) {
  (void)n, (void)words;
  r->conn->fate = FP_CLOSE;
  return FP_STOP;
}

static fp_result step_abort(fp_run *r, int n, char **words) {
  (void)n, (void)words;
  r->conn->fate = FP_ABORT;
  return FP_STOP;
}

/* ---- waiting ---- */

static fp_result step_wait(fp_run *r, int n, char **words) {
  long ms = 0;
  (void)n;
  if (!r->entered) {
    fp_number(words[0], &ms);
    r->until = fp_now() + ms;
  }
  if (fp_now() < r->until) return FP_WAIT;
  r->until = 0;
  return FP_DONE;
}

static fp_result step_await(fp_run *r, int n, char **words) {
  (void)n, (void)words;
  return r->released ? FP_DONE : FP_WAIT;
}

static fp_result step_hold(fp_run *r, int n, char **words) {
  (void)r, (void)n, (void)words;
  return FP_WAIT;
}

static fp_result step_request(fp_run *r, int n, char **words) {
  (void)n, (void)words;
  return r->stream->complete ? FP_DONE : FP_WAIT;
}

static fp_result step_received(fp_run *r, int n, char **words) {
  long count = 0;
  (void)n;
  fp_number(words[0], &count);
  return r->conn->received >= count ? FP_DONE : FP_WAIT;
}

static fp_result step_drained(fp_run *r, int n, char **words) {
  const fp_stream *s;
  (void)n, (void)words;
  for (s = r->conn->streams; s; s = s->next)
    if (!s->closed) return FP_WAIT;
  return FP_DONE;
}

const fp_step_kind fp_step_kinds[] = {
  {"headers", "P", true, step_headers},
  {"inform", "P", true, step_inform},
  {"only", "P", true, step_only},
  {"trailers", "P", true, step_trailers},
  {"end", "", true, step_end},
  {"data", "h", true, step_data},
  {"text", "w", true, step_text},
  {"message", "M", true, step_message},
  {"answer", "M", true, step_answer},
  {"rst", "c", true, step_rst},
  {"header-flood", "n", true, step_header_flood},
  {"request", "", true, step_request},
  {"goaway", "cw?w?", false, step_goaway},
  {"settings", "S", false, step_settings},
  {"settings-flood", "n", false, step_settings_flood},
  {"ping", "n?", false, step_ping},
  {"round-trip", "", false, step_round_trip},
  {"window", "n", false, step_window},
  {"frame", "wnwh?", false, step_frame},
  {"bytes", "h", false, step_bytes},
  {"say", "w", false, step_say},
  {"random", "nn?", false, step_random},
  {"mute", "", false, step_mute},
  {"slow", "nn", false, step_slow},
  {"close", "", false, step_close},
  {"abort", "", false, step_abort},
  {"wait", "n", false, step_wait},
  {"await", "", false, step_await},
  {"hold", "", false, step_hold},
  {"received", "n", false, step_received},
  {"drained", "", false, step_drained},
  {NULL, NULL, false, NULL},
};
