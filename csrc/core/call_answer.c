/* From an ended stream to a verdict: see call_answer.h.
** Sources: gRPC's status and HTTP mappings; which codes are retried is the
** line "Recommended" of the project's survey of the other SDKs: Go's set, and
** internal only where the transport, not the server, says it.
*/
#include "call_answer.h"

#include <stdio.h>
#include <string.h>

#include "channel.h"
#include "engine.h"
#include "grpc.h"

#define EARLY_RESET (TP_SECOND / 5) /* the server's clock against ours */

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

static bool is_retryable(const tp_call *call, int code) {
  switch (code) {
    case TP_GRPC_UNKNOWN: case TP_GRPC_RESOURCE_EXHAUSTED:
    case TP_GRPC_ABORTED: case TP_GRPC_UNAVAILABLE:
      return true;
    case TP_GRPC_CANCELLED: case TP_GRPC_DEADLINE_EXCEEDED:
      return call->long_poll; /* it is simply asked again */
    default:
      return false;
  }
}

/* The server's own word: grpc-status came. */
static tp_verdict judge_status(tp_call *call) {
  tp_stream *s = &call->stream;
  tp_failure *failure = &call->failure;
  tp_call_fail(call, NULL, s->grpc_status, "%s", s->message ? s->message : "");
  tp_engine_lock(call->channel->engine);
  if (s->message) { /* whole, whatever its length */
    char *text = failure->message;
    failure->message = s->message;
    s->message = text;
  }
  failure->details = s->details;
  failure->details_length = s->details_length;
  s->details = NULL;
  if (is_too_large(failure)) {
    failure->kind = "message_too_large";
    read_sizes(failure);
  }
  tp_engine_unlock(call->channel->engine);
  call->channel->answered = true;
  if (failure->kind) return TP_VERDICT_FINAL;
  if (is_ambiguous(s->grpc_status)) call->ambiguous = true;
  return is_retryable(call, s->grpc_status) ? TP_VERDICT_RETRY
                                            : TP_VERDICT_FINAL;
}

static tp_verdict judge_reset(tp_call *call, int64_t now) {
  tp_stream *s = &call->stream;
  int code = tp_grpc_code_of_rst(s->error_code);
  call->ambiguous = true;
  if (code == TP_GRPC_CANCELLED && call->attempt_deadline != TP_NEVER &&
      now >= call->attempt_deadline - EARLY_RESET) {
    tp_call_fail(call, "deadline_exceeded", TP_GRPC_DEADLINE_EXCEEDED,
                 "the deadline passed while the server worked on the answer");
    call->channel->answered = true; /* it is there */
    return call->long_poll ? TP_VERDICT_RETRY : TP_VERDICT_FINAL;
  }
  tp_call_fail(call, NULL, code, "the peer reset the stream: %s",
               tp_http2_error_name(s->error_code));
  /* Internal here is the transport's word, not the server's. */
  return code == TP_GRPC_INTERNAL || is_retryable(call, code)
    ? TP_VERDICT_RETRY : TP_VERDICT_FINAL;
}

static tp_verdict judge_problem(tp_call *call) {
  tp_stream *s = &call->stream;
  call->ambiguous = true;
  if (!s->too_large) {
    tp_call_fail(call, NULL, TP_GRPC_INTERNAL, "%s", s->problem);
    return TP_VERDICT_FINAL;
  }
  tp_call_fail(call, "message_too_large", TP_GRPC_RESOURCE_EXHAUSTED,
               "the answer of %zu bytes is larger than max_message (%zu)",
               s->announced - 1, s->max_message);
  call->failure.size = s->announced - 1;
  call->failure.limit = s->max_message;
  return TP_VERDICT_FINAL;
}

/* An answer without grpc-status. */
static tp_verdict judge_http(tp_call *call) {
  tp_stream *s = &call->stream;
  int code = tp_grpc_code_of_http(s->http_status);
  call->ambiguous = true;
  if (s->http_status == 200 && !s->foreign) {
    tp_call_fail(call, NULL, TP_GRPC_INTERNAL,
                 "the answer ended without grpc-status");
    return TP_VERDICT_RETRY;
  }
  if (s->http_status != 200)
    tp_call_fail(call, NULL, code,
                 "HTTP status %d and no grpc-status: not a gRPC answer",
                 s->http_status);
  else
    tp_call_fail(call, NULL, code = TP_GRPC_UNKNOWN,
                 "the answer's content-type is not application/grpc");
  call->failure.http_status = s->http_status;
  return is_retryable(call, code) ? TP_VERDICT_RETRY : TP_VERDICT_FINAL;
}

tp_verdict tp_call_judge(tp_call *call, const tp_http2 *session, int64_t now) {
  tp_stream *s = &call->stream;
  bool whole = s->announced > 0 && s->response.length == s->announced - 1;
  if (s->end == TP_END_BAD_ANSWER) return judge_problem(call);
  if (s->end == TP_END_UNPROCESSED) return TP_VERDICT_REPEAT;
  if (s->grpc_status == 0 && whole) return TP_VERDICT_OK;
  if (s->grpc_status > 0) return judge_status(call);
  if (s->grpc_status == 0 && s->end == TP_END_NORMAL) {
    call->ambiguous = true;
    tp_call_fail(call, NULL, TP_GRPC_INTERNAL,
                 s->announced ? "the answer ended in the middle of its message"
                              : "grpc-status 0, but no message came with it");
    return TP_VERDICT_RETRY;
  }
  if (s->end == TP_END_LOST) {
    if (s->sent > 0) call->ambiguous = true;
    tp_call_fail(call, "unavailable", TP_GRPC_UNAVAILABLE,
                 "connection lost: %s", tp_http2_reason(session));
    return TP_VERDICT_RETRY;
  }
  if (s->http_status != 0 && (s->http_status != 200 || s->foreign ||
                              s->end == TP_END_NORMAL))
    return judge_http(call);
  return judge_reset(call, now);
}
