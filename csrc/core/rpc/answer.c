/* From an ended stream to a verdict: see answer.h.
** Sources: gRPC's status and HTTP mappings; which codes are retried is the
** line "Recommended" of the project's survey of the other SDKs: Go's set, and
** internal only where the transport, not the server, says it.
*/
#include "answer.h"

#include <stdio.h>
#include <string.h>

#include "../base/one_line.h"
#include "../base/timer.h"
#include "../base/utf8.h"
#include "../net/grpc.h"
#include "../net/gzip.h"

#define EARLY_END (TP_SECOND / 5) /* the server's clock against ours */

/* Texts with which gRPC servers refuse a message for its size; unlike other
** resource_exhausted answers they carry no details and never get better. */
static bool is_too_large(const tp_failure *failure) {
  static const char *const texts[] = {
    "grpc: received message larger than max",
    "grpc: received message after decompression larger than max",
    "grpc: message after decompression larger than max",
    "grpc: trying to send message larger than max",
    "grpc: message too large",
    "trying to send message larger than max"};
  size_t i;
  if (failure->code != TP_GRPC_RESOURCE_EXHAUSTED || failure->details ||
      failure->message == NULL)
    return false;
  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    if (strncmp(failure->message, texts[i], strlen(texts[i])) == 0) return true;
  return false;
}

static void read_sizes(tp_failure *failure) {
  const char *open = strrchr(failure->message, '(');
  if (open && sscanf(open, "(%zu vs. %zu)", &failure->size,
                     &failure->limit) != 2)
    failure->size = failure->limit = 0;
}

/* Might the server have carried the request out, for all this code says? */
static bool is_ambiguous(int code) {
  switch (code) {
    case TP_GRPC_CANCELLED: case TP_GRPC_UNKNOWN:
    case TP_GRPC_DEADLINE_EXCEEDED: case TP_GRPC_ABORTED:
    case TP_GRPC_INTERNAL: case TP_GRPC_UNAVAILABLE: case TP_GRPC_DATA_LOSS:
      return true;
    default:
      return false;
  }
}

static bool is_retryable(int code, bool long_poll) {
  switch (code) {
    case TP_GRPC_UNKNOWN: case TP_GRPC_RESOURCE_EXHAUSTED:
    case TP_GRPC_ABORTED: case TP_GRPC_UNAVAILABLE:
      return true;
    case TP_GRPC_CANCELLED: case TP_GRPC_DEADLINE_EXCEEDED:
      return long_poll; /* it is simply asked again */
    default:
      return false;
  }
}

static tp_verdict retry_if(bool so) {
  return so ? TP_VERDICT_RETRY : TP_VERDICT_FINAL;
}

/* Canceled, since the time that the server was told is over? It says so by
** RST_STREAM, or by the status of whatever it was doing for the call. */
static bool is_over(int code, int64_t left) {
  return code == TP_GRPC_CANCELLED && left <= EARLY_END;
}

static tp_verdict judge_late(bool long_poll, tp_answer *a) {
  a->ambiguous = a->heard = a->late = true; /* it is there */
  tp_failure_set(&a->failure, "deadline_exceeded", TP_GRPC_DEADLINE_EXCEEDED,
                 "the deadline passed while the server worked on the answer");
  return retry_if(long_poll);
}

/* The server's own word: grpc-status came. */
static tp_verdict judge_status(tp_stream *s, bool long_poll, int64_t left,
                               tp_answer *a) {
  tp_failure *f = &a->failure;
  if (is_over(s->grpc_status, left)) return judge_late(long_poll, a);
  a->heard = true;
  if (s->message) { /* whole, whatever its length */
    f->code = s->grpc_status;
    f->message = s->message;
    s->message = NULL;
  } else {
    tp_failure_set(f, NULL, s->grpc_status, "%s", "");
  }
  f->details = s->details;
  f->details_length = s->details_length;
  s->details = NULL;
  if (is_too_large(f)) {
    f->kind = "message_too_large";
    read_sizes(f);
    return TP_VERDICT_FINAL;
  }
  a->ambiguous = is_ambiguous(s->grpc_status);
  return retry_if(is_retryable(s->grpc_status, long_poll));
}

static tp_verdict judge_reset(const tp_stream *s, bool long_poll,
                              int64_t left, tp_answer *a) {
  int code = tp_grpc_code_of_rst(s->error_code);
  if (is_over(code, left)) return judge_late(long_poll, a);
  a->ambiguous = true;
  tp_failure_set(&a->failure, NULL, code, "the peer reset the stream: %s",
                 tp_http2_error_name(s->error_code));
  /* Internal here is the transport's word, not the server's. */
  return retry_if(code == TP_GRPC_INTERNAL || is_retryable(code, long_poll));
}

static tp_verdict judge_problem(const tp_stream *s, tp_answer *a) {
  a->ambiguous = true;
  if (!s->too_large) {
    tp_failure_set(&a->failure, NULL, TP_GRPC_INTERNAL, "%s", s->problem);
    return TP_VERDICT_FINAL;
  }
  if (s->limit == s->max_message)
    tp_failure_set(&a->failure, "message_too_large",
                   TP_GRPC_RESOURCE_EXHAUSTED,
                   "the answer of %zu bytes is larger than max_message (%zu)",
                   s->announced - 1, s->max_message);
  else
    tp_failure_set(&a->failure, "message_too_large",
                   TP_GRPC_RESOURCE_EXHAUSTED,
                   "the answer's gzip data, %zu bytes, inflates to more than "
                   "%zu: more than %d times its size is taken up to an eighth "
                   "of max_message (%zu)", s->response.length, s->limit,
                   TP_GUNZIP_RATIO, s->max_message);
  a->failure.size = s->announced - 1;
  a->failure.limit = s->limit;
  return TP_VERDICT_FINAL;
}

static bool is_tag(const char *text, const char *end) {
  char next = end - text > 1 ? text[1] : ' ';
  return *text == '<' && (next == '/' || next == '!' ||
                          ((next | 32) >= 'a' && (next | 32) <= 'z'));
}

/* The first line of an error page that says something, without its tags, as far
** as it is UTF-8. */
static size_t first_line(const tp_buffer *page, char *out, size_t room) {
  const char *text = (const char *)page->data;
  size_t i, n = 0;
  bool tag = false;
  for (i = 0; i < page->length && n < room; i++) {
    char c = text[i];
    if (is_tag(text + i, text + page->length)) tag = true;
    else if (c == '>' && tag) tag = false;
    else if (!tag && (c == '\n' || c == '\r') && n > 0) break;
    else if (!tag && (n > 0 || (unsigned char)c > ' ')) out[n++] = c;
  }
  n = tp_one_line(out, out, n);
  n = tp_utf8_valid_prefix(out, n);
  while (n > 0 && out[n - 1] == ' ') n--;
  return n;
}

/* An answer without grpc-status. */
static tp_verdict judge_http(const tp_stream *s, bool long_poll,
                             tp_answer *a) {
  int code = tp_grpc_code_of_http(s->http_status);
  char line[200];
  int n = s->text ? (int)first_line(&s->response, line, sizeof line) : 0;
  a->ambiguous = true;
  if (s->http_status == 200 && !s->foreign) {
    tp_failure_set(&a->failure, NULL, TP_GRPC_INTERNAL,
                   "the answer ended without grpc-status");
    return TP_VERDICT_RETRY;
  }
  if (s->http_status != 200)
    tp_failure_set(&a->failure, NULL, code,
                   "HTTP status %d and no grpc-status: not a gRPC answer"
                   "%s%.*s%s", s->http_status, n ? ": \"" : "", n, line,
                   n ? "\"" : "");
  else
    tp_failure_set(&a->failure, NULL, code = TP_GRPC_UNKNOWN,
                   "the answer's content-type is not application/grpc"
                   "%s%.*s%s", n ? ": \"" : "", n, line, n ? "\"" : "");
  a->failure.http_status = s->http_status;
  return retry_if(is_retryable(code, long_poll));
}

tp_verdict tp_answer_judge(tp_stream *s, const tp_http2 *session,
                           bool long_poll, int64_t left, tp_answer *a) {
  bool whole = s->announced > 0 && s->response.length == s->announced - 1;
  a->ambiguous = a->heard = a->late = false;
  tp_failure_init(&a->failure);
  if (s->end == TP_END_BAD_ANSWER) return judge_problem(s, a);
  if (s->end == TP_END_UNPROCESSED) return TP_VERDICT_REPEAT;
  if (s->grpc_status == 0 && whole) {
    a->heard = true;
    return TP_VERDICT_OK;
  }
  if (s->grpc_status > 0) return judge_status(s, long_poll, left, a);
  if (s->grpc_status == 0 && s->end == TP_END_NORMAL) {
    a->ambiguous = true;
    tp_failure_set(&a->failure, NULL, TP_GRPC_INTERNAL, "%s", s->announced
                     ? "the answer ended in the middle of its message"
                     : "grpc-status 0, but no message came with it");
    return TP_VERDICT_RETRY;
  }
  if (s->end == TP_END_LOST) {
    a->ambiguous = s->sent > 0;
    tp_failure_set(&a->failure, "unavailable", TP_GRPC_UNAVAILABLE,
                   "connection lost: %s", tp_http2_reason(session));
    return TP_VERDICT_RETRY;
  }
  if (s->http_status != 0 && (s->http_status != 200 || s->foreign ||
                              s->end == TP_END_NORMAL))
    return judge_http(s, long_poll, a);
  return judge_reset(s, long_poll, left, a);
}
