/* What the files of the fault peer share: connections, streams, scripts.
** The peer is one thread and one process; memory that cannot be had ends it.
*/
#ifndef FAULT_PEER_H
#define FAULT_PEER_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FP_FOREVER (-1L)
#define FP_EVERY_STREAM 0x7fffffff /* last-stream-id of a first, kind GOAWAY */

/* ---- text.c: bytes and words ---- */

typedef struct fp_bytes {
  uint8_t *data;
  size_t length, capacity; /* from data */
  uint8_t *block;          /* data is in it, behind what was dropped */
} fp_bytes;

void *fp_alloc(size_t n); /* zeroed; ends the program without memory */
char *fp_copy(const char *s);
void fp_add(fp_bytes *b, const void *data, size_t n);
void fp_add_text(fp_bytes *b, const char *s);
void fp_drop(fp_bytes *b, size_t n); /* the first n bytes */
void fp_free_bytes(fp_bytes *b);
void fp_add_hex(fp_bytes *b, const uint8_t *data, size_t n); /* as text */
bool fp_from_hex(fp_bytes *b, const char *hex); /* from text; NULL b: checks */
bool fp_number(const char *s, long *value); /* untouched when false */
bool fp_error_code(const char *s, uint32_t *code); /* "CANCEL" or "8" */
char **fp_words(const char *line, int *count); /* NULL: an open quote */

/* ---- script.c: what to do, as the user said it ---- */

typedef struct fp_conn fp_conn;
typedef struct fp_stream fp_stream;
typedef struct fp_run fp_run;

typedef enum { FP_DONE, FP_WAIT, FP_STOP } fp_result;

typedef struct fp_step_kind {
  const char *name;
  const char *arguments; /* see fp_step_fits */
  bool stream;           /* makes sense only on a stream */
  fp_result (*run)(fp_run *r, int n, char **words);
} fp_step_kind;

typedef struct fp_step {
  const fp_step_kind *kind;
  int count;
  char **words;
} fp_step;

typedef struct fp_script {
  int count;
  fp_step *steps;
} fp_script;

typedef struct fp_options {
  bool no_settings, no_settings_ack, no_ping_ack, no_window_update, raw, mute;
  long cut_sent, cut_received; /* FP_FOREVER: not cut */
  bool cut_abort;
  long slow_bytes, slow_ms;
  nghttp2_settings_entry settings[8];
  size_t n_settings;
} fp_options;

typedef struct fp_rule {
  struct fp_rule *next;
  long left;
  char *method; /* of a call; NULL: any */
  bool early;   /* its steps begin before the request is complete */
  fp_options options;
  fp_script script;
} fp_rule;

struct fp_run {
  const fp_script *script;
  int at;
  bool entered;  /* the step at `at` was begun before */
  bool released; /* by the command */
  int64_t until;
  long mark; /* of the step itself */
  fp_conn *conn;
  fp_stream *stream; /* NULL: a connection's script */
};

extern const fp_step_kind fp_step_kinds[]; /* ends with a NULL name */

/* All of these answer NULL, or what is wrong with the words. */
const char *fp_parse_script(char **words, int n, bool stream, fp_script *out);
const char *fp_parse_conn(char **words, int n);
const char *fp_parse_call(char **words, int n);
const char *fp_parse_settings(char **words, int n, fp_options *out);
void fp_forget_rules(void);
fp_rule *fp_conn_rule(void); /* the next connection's, and counts it */
fp_rule *fp_call_rule(const char *method);
bool fp_advance(fp_run *r); /* true: at least one step was done */
void fp_begin(fp_run *r, const fp_script *s, fp_conn *c, fp_stream *st);

/* ---- replies.c ---- */

const char *fp_reply(fp_bytes *out, int n, char **words);

/* ---- http2.c ---- */

typedef enum { FP_OPEN, FP_TRAILERS, FP_EMPTY_END } fp_ending;

struct fp_stream {
  fp_stream *next;
  fp_conn *conn;
  int32_t id;
  char *method;
  fp_bytes headers, body, out; /* headers as "name=value name=value" */
  fp_ending ending;
  nghttp2_nv *trailers;
  size_t n_trailers;
  bool complete, responded, closed, logged, poll, begun;
  const fp_rule *rule;
  fp_run run;
};

void fp_session_open(fp_conn *c);
void fp_session_input(fp_conn *c, const uint8_t *data, size_t n);
void fp_session_output(fp_conn *c); /* frames that are due into c->out */
void fp_session_pump(fp_conn *c);   /* steps, then output, until quiet */
void fp_session_close(fp_conn *c);
void fp_headers(fp_stream *s, int n, char **words, int category);
void fp_frame(fp_conn *c, int type, int flags, int32_t id, const void *data,
              size_t n);
void fp_goaway(fp_conn *c, uint32_t code, int32_t last, const char *debug);
enum { FP_RESPONSE, FP_INFORM, FP_ONLY, FP_LAST };

/* ---- fault_peer.c: sockets and time ---- */

typedef enum { FP_STAY, FP_CLOSE, FP_ABORT } fp_fate;

struct fp_conn {
  fp_conn *next;
  int fd;
  fp_options options;
  nghttp2_session *session;
  fp_stream *streams;
  fp_run run, extra; /* the rule's steps; those of the command `all` */
  fp_bytes out;
  long received, sent;
  fp_fate fate;
  bool shut, gone;
  int64_t slow_next, shut_until;
  int32_t last_allowed; /* streams above it are ignored, as grpc-go does */
  int32_t last_seen;
  long ping_acks;
};

extern fp_conn *fp_conns;
int64_t fp_now(void); /* milliseconds, monotonic */
const char *fp_listen(const char *how);

/* ---- control.c: commands in, counters out ---- */

/* One list of counters: the names in `stats` and `until`. */
#define FP_COUNTERS(X)                                                        \
  X(connections) X(open) X(requests) X(completed) X(ignored) X(polls_open)   \
  X(polls_max) X(streams_open) X(streams_max) X(rst) X(rst_code) X(pings)    \
  X(ping_acks) X(goaways) X(settings_acks) X(window_updates)                 \
  X(protocol_errors) X(bytes_in) X(bytes_out) X(eof)

typedef struct fp_counters {
#define X(name) long name;
  FP_COUNTERS(X)
#undef X
} fp_counters;

extern fp_counters fp_count;
void fp_note_request(fp_stream *s); /* its headers are complete */
void fp_note_end(fp_stream *s);     /* its body is complete, or it is closed */
const char *fp_command(const char *line); /* as on standard input */
bool fp_control_read(void); /* false: the end */
bool fp_control_work(void); /* runs what was read; false: quit */
int64_t fp_control_deadline(void); /* 0: none */

#endif
