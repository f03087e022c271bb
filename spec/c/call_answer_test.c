/* Unit tests of the verdicts on ended streams: which answers are final, which
** are worth another attempt, and what the failure says. No network: the
** stream is filled in by hand. One thread.
*/
#include <stdio.h>
#include <stdlib.h>
#include "call_answer.h"
#include "check.h"
#include "fixture.h"
#include "grpc.h"

#define NOW (100 * TP_SECOND)

static tp_engine *engine;
static tp_channel *channel;
static tp_call call;

static void never(tp_call *c, bool ok) {
  (void)c;
  (void)ok;
}

/* A call whose stream has ended; what came is filled in by the test. */
static void begin(tp_stream_end end) {
  tp_call_free(&call);
  tp_call_init(&call, channel, never);
  call.attempts = 3;
  call.attempt_deadline = TP_NEVER;
  call.stream.max_message = TP_MAX_MESSAGE;
  call.stream.end = end;
  channel->answered = false;
}

static void answer(int http, int status, const char *message) {
  call.stream.http_status = http;
  call.stream.grpc_status = status;
  free(call.stream.message);
  call.stream.message = message ? strdup(message) : NULL;
}

/* `announced` bytes of a message were promised and `n` came. */
static void body(size_t announced, size_t n) {
  call.stream.announced = announced + 1;
  while (call.stream.response.length < n)
    tp_buffer_byte(&call.stream.response, 'x');
}

static tp_verdict judge(void) {
  return tp_call_judge(&call, NULL, NOW);
}

static bool says(const char *part) {
  return call.failure.message && strstr(call.failure.message, part) != NULL;
}

static bool is_kind(const char *kind) {
  if (kind == NULL) return call.failure.kind == NULL;
  return call.failure.kind && strcmp(call.failure.kind, kind) == 0;
}

static void test_success(void) {
  begin(TP_END_NORMAL);
  answer(200, 0, NULL);
  body(3, 3);
  CHECK(judge() == TP_VERDICT_OK);
  begin(TP_END_NORMAL); /* an empty message is a message */
  answer(200, 0, NULL);
  body(0, 0);
  CHECK(judge() == TP_VERDICT_OK);
  begin(TP_END_LOST); /* all had come before the connection went */
  answer(200, 0, NULL);
  body(3, 3);
  CHECK(judge() == TP_VERDICT_OK && call.failure.message == NULL);
  begin(TP_END_RESET); /* NO_ERROR after the trailers: fine too */
  answer(200, 0, NULL);
  body(3, 3);
  CHECK(judge() == TP_VERDICT_OK);
}

/* Every code by the server's own word. */
static void test_codes(void) {
  static const struct { bool retry, poll_retry, ambiguous; } codes[] = {
    {false, false, false}, /* ok: see above */
    {false, true, true},   /* cancelled */
    {true, true, true},    /* unknown */
    {false, false, false}, /* invalid_argument */
    {false, true, true},   /* deadline_exceeded */
    {false, false, false}, /* not_found */
    {false, false, false}, /* already_exists */
    {false, false, false}, /* permission_denied */
    {true, true, false},   /* resource_exhausted */
    {false, false, false}, /* failed_precondition */
    {true, true, true},    /* aborted */
    {false, false, false}, /* out_of_range */
    {false, false, false}, /* unimplemented */
    {false, false, true},  /* internal */
    {true, true, true},    /* unavailable */
    {false, false, true},  /* data_loss */
    {false, false, false}};
  int code, poll;
  CHECK(sizeof codes / sizeof *codes == TP_GRPC_COUNT);
  for (code = 1; code < TP_GRPC_COUNT; code++) {
    for (poll = 0; poll <= 1; poll++) {
      bool retry = poll ? codes[code].poll_retry : codes[code].retry;
      begin(TP_END_NORMAL);
      call.long_poll = poll == 1;
      answer(200, code, "the server's text");
      CHECK(judge() == (retry ? TP_VERDICT_RETRY : TP_VERDICT_FINAL));
      CHECK(call.ambiguous == codes[code].ambiguous);
      CHECK(call.failure.code == code && is_kind(NULL));
      CHECK(strcmp(call.failure.message, "the server's text") == 0);
      CHECK(call.failure.attempts == 3 && channel->answered);
    }
  }
}

static void test_text_and_details_move_over(void) {
  size_t n = 10000;
  char *text = malloc(n + 1);
  memset(text, 'a', n);
  text[n] = '\0';
  begin(TP_END_NORMAL);
  answer(200, TP_GRPC_NOT_FOUND, text);
  call.stream.details = (uint8_t *)strdup("details");
  call.stream.details_length = 7;
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(strcmp(call.failure.message, text) == 0); /* whole */
  CHECK(call.failure.details_length == 7 && call.stream.details == NULL);
  CHECK(memcmp(call.failure.details, "details", 7) == 0);
  free(text);
  begin(TP_END_NORMAL); /* no text at all */
  answer(200, TP_GRPC_NOT_FOUND, NULL);
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(call.failure.message && call.failure.message[0] == '\0');
  CHECK(call.failure.details == NULL);
}

/* An earlier attempt leaves nothing behind. */
static void test_next_failure_replaces_the_last(void) {
  begin(TP_END_NORMAL);
  answer(200, TP_GRPC_RESOURCE_EXHAUSTED,
         "grpc: received message larger than max (5 vs. 4)");
  CHECK(judge() == TP_VERDICT_FINAL && call.failure.limit == 4);
  answer(200, TP_GRPC_UNAVAILABLE, "later");
  call.attempts = 4;
  CHECK(judge() == TP_VERDICT_RETRY);
  CHECK(is_kind(NULL) && call.failure.code == TP_GRPC_UNAVAILABLE);
  CHECK(call.failure.limit == 0 && call.failure.size == 0);
  CHECK(call.failure.attempts == 4 && says("later"));
}

static void test_refused_for_their_size(void) {
  static const char *const texts[] = {
    "grpc: received message larger than max (5000000 vs. 4194304)",
    "grpc: received message after decompression larger than max "
      "(5000000 vs. 4194304)",
    "grpc: message after decompression larger than max (5000000 vs. 4194304)",
    "grpc: trying to send message larger than max (5000000 vs. 4194304)",
    "grpc: message too large (5000000 vs. 4194304)",
    "trying to send message larger than max (5000000 vs. 4194304)"};
  size_t i;
  for (i = 0; i < sizeof texts / sizeof *texts; i++) {
    begin(TP_END_NORMAL);
    answer(200, TP_GRPC_RESOURCE_EXHAUSTED, texts[i]);
    CHECK(judge() == TP_VERDICT_FINAL && is_kind("message_too_large"));
    CHECK(call.failure.size == 5000000 && call.failure.limit == 4194304);
    CHECK(strcmp(call.failure.message, texts[i]) == 0);
    CHECK(!call.ambiguous);
  }
}

static void test_sizes_that_cannot_be_read(void) {
  static const char *const tails[] = {"", " (", " (x vs. y)", " (12)",
                                      " (12 vs. )", " 12 vs. 13)"};
  char text[128];
  size_t i;
  for (i = 0; i < sizeof tails / sizeof *tails; i++) {
    snprintf(text, sizeof text, "grpc: message too large%s", tails[i]);
    begin(TP_END_NORMAL);
    answer(200, TP_GRPC_RESOURCE_EXHAUSTED, text);
    CHECK(judge() == TP_VERDICT_FINAL && is_kind("message_too_large"));
    CHECK(call.failure.size == 0 && call.failure.limit == 0);
  }
}

static void test_not_refused_for_their_size(void) {
  begin(TP_END_NORMAL); /* with details: an ordinary limit */
  answer(200, TP_GRPC_RESOURCE_EXHAUSTED, "grpc: message too large (5 vs. 4)");
  call.stream.details = (uint8_t *)strdup("d");
  call.stream.details_length = 1;
  CHECK(judge() == TP_VERDICT_RETRY && is_kind(NULL));
  begin(TP_END_NORMAL); /* another code */
  answer(200, TP_GRPC_INVALID_ARGUMENT, "grpc: message too large (5 vs. 4)");
  CHECK(judge() == TP_VERDICT_FINAL && is_kind(NULL));
  begin(TP_END_NORMAL); /* somewhere in the text */
  answer(200, TP_GRPC_RESOURCE_EXHAUSTED, "x grpc: message too large");
  CHECK(judge() == TP_VERDICT_RETRY && is_kind(NULL));
}

static void test_ok_without_a_whole_message(void) {
  begin(TP_END_NORMAL);
  answer(200, 0, NULL);
  CHECK(judge() == TP_VERDICT_RETRY && call.failure.code == TP_GRPC_INTERNAL);
  CHECK(call.ambiguous && says("no message"));
  begin(TP_END_NORMAL);
  answer(200, 0, NULL);
  body(10, 9);
  CHECK(judge() == TP_VERDICT_RETRY && call.failure.code == TP_GRPC_INTERNAL);
  CHECK(call.ambiguous && says("in the middle"));
}

/* --- resets ---------- */

static void test_resets(void) {
  static const struct { tp_verdict verdict; int code; } errors[] = {
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* NO_ERROR */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* PROTOCOL_ERROR */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* INTERNAL_ERROR */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* FLOW_CONTROL_ERROR */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* SETTINGS_TIMEOUT */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* STREAM_CLOSED */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* FRAME_SIZE_ERROR */
    {TP_VERDICT_RETRY, TP_GRPC_UNAVAILABLE}, /* REFUSED_STREAM */
    {TP_VERDICT_FINAL, TP_GRPC_CANCELLED},  /* CANCEL */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* COMPRESSION_ERROR */
    {TP_VERDICT_RETRY, TP_GRPC_INTERNAL},   /* CONNECT_ERROR */
    {TP_VERDICT_RETRY, TP_GRPC_RESOURCE_EXHAUSTED},
    {TP_VERDICT_FINAL, TP_GRPC_PERMISSION_DENIED},
    {TP_VERDICT_RETRY, TP_GRPC_UNKNOWN},    /* HTTP_1_1_REQUIRED */
    {TP_VERDICT_RETRY, TP_GRPC_UNKNOWN}};   /* a stranger */
  uint32_t e;
  for (e = 0; e < sizeof errors / sizeof *errors; e++) {
    begin(TP_END_RESET);
    answer(200, -1, NULL); /* its headers had come */
    call.stream.error_code = e;
    CHECK(judge() == errors[e].verdict);
    CHECK(call.failure.code == errors[e].code && is_kind(NULL));
    CHECK(call.ambiguous && says(tp_http2_error_name(e)));
    CHECK(!channel->answered);
  }
}

/* The server gives up at the deadline it was told; clocks differ a little. */
static void test_cancel_at_the_deadline(void) {
  static const struct { int64_t left; bool is_deadline; } cases[] = {
    {-TP_SECOND, true}, {0, true}, {TP_SECOND / 5, true},
    {TP_SECOND / 5 + 1, false}, {TP_SECOND, false},
    {TP_NEVER - NOW, false}};
  size_t i;
  int poll;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (poll = 0; poll <= 1; poll++) {
      begin(TP_END_RESET);
      call.stream.error_code = 8; /* CANCEL */
      call.attempt_deadline = NOW + cases[i].left;
      call.long_poll = poll == 1;
      CHECK(judge() == (poll ? TP_VERDICT_RETRY : TP_VERDICT_FINAL));
      CHECK(is_kind(cases[i].is_deadline ? "deadline_exceeded" : NULL));
      CHECK(call.failure.code == (cases[i].is_deadline
              ? TP_GRPC_DEADLINE_EXCEEDED : TP_GRPC_CANCELLED));
      CHECK(call.ambiguous);
    }
  }
}

static void test_reset_after_status(void) {
  begin(TP_END_RESET); /* what the server said counts more */
  answer(200, TP_GRPC_NOT_FOUND, "gone");
  call.stream.error_code = 2;
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(call.failure.code == TP_GRPC_NOT_FOUND);
  begin(TP_END_RESET); /* status 0, but the message is not whole */
  answer(200, 0, NULL);
  body(10, 9);
  call.stream.error_code = 2;
  CHECK(judge() == TP_VERDICT_RETRY && says("INTERNAL_ERROR"));
}

/* --- lost, unprocessed, bad ---------- */

static void closed(tp_stream *stream, tp_http2 *session, void *owner) {
  (void)stream;
  (void)session;
  (void)owner;
}

static void test_lost(void) {
  tp_http2_options o;
  tp_http2 *session;
  memset(&o, 0, sizeof o);
  o.settings_timeout = 1;
  o.closed = closed;
  session = tp_http2_new(NULL, &o, 0); /* no socket is touched below */
  CHECK(session != NULL);
  CHECK(!tp_http2_tick(session, NOW) && tp_http2_broken(session));
  begin(TP_END_LOST);
  CHECK(tp_call_judge(&call, session, NOW) == TP_VERDICT_RETRY);
  CHECK(is_kind("unavailable") && call.failure.code == TP_GRPC_UNAVAILABLE);
  CHECK(says("connection lost") && says("SETTINGS"));
  CHECK(!call.ambiguous); /* nothing of the request had gone out */
  begin(TP_END_LOST);
  call.stream.sent = 1;
  CHECK(tp_call_judge(&call, session, NOW) == TP_VERDICT_RETRY);
  CHECK(is_kind("unavailable") && call.ambiguous);
  begin(TP_END_LOST); /* half an answer had come */
  answer(200, 0, NULL);
  body(10, 9);
  CHECK(tp_call_judge(&call, session, NOW) == TP_VERDICT_RETRY);
  CHECK(is_kind("unavailable"));
  begin(TP_END_LOST); /* its status had come */
  answer(200, TP_GRPC_NOT_FOUND, "gone");
  CHECK(tp_call_judge(&call, session, NOW) == TP_VERDICT_FINAL);
  CHECK(call.failure.code == TP_GRPC_NOT_FOUND);
  tp_http2_free(session);
}

static void test_unprocessed(void) {
  begin(TP_END_UNPROCESSED);
  call.stream.error_code = 7;
  CHECK(judge() == TP_VERDICT_REPEAT);
  CHECK(!call.ambiguous && call.failure.message == NULL);
}

static void test_bad_answer(void) {
  begin(TP_END_BAD_ANSWER);
  answer(200, 0, NULL);
  body(3, 3);
  call.stream.problem = "the answer has more than one message";
  CHECK(judge() == TP_VERDICT_FINAL && call.ambiguous);
  CHECK(call.failure.code == TP_GRPC_INTERNAL && is_kind(NULL));
  CHECK(says("more than one message"));
  begin(TP_END_BAD_ANSWER);
  call.stream.problem = "the answer is larger than max_message";
  call.stream.too_large = true;
  call.stream.announced = 1001;
  call.stream.max_message = 999;
  CHECK(judge() == TP_VERDICT_FINAL && is_kind("message_too_large"));
  CHECK(call.failure.code == TP_GRPC_RESOURCE_EXHAUSTED && call.ambiguous);
  CHECK(call.failure.size == 1000 && call.failure.limit == 999);
  CHECK(says("1000 bytes") && says("999"));
}

/* --- answers that are not gRPC ---------- */

static void test_http_errors(void) {
  static const struct { int http, code; tp_verdict verdict; } cases[] = {
    {400, TP_GRPC_INTERNAL, TP_VERDICT_FINAL},
    {401, TP_GRPC_UNAUTHENTICATED, TP_VERDICT_FINAL},
    {403, TP_GRPC_PERMISSION_DENIED, TP_VERDICT_FINAL},
    {404, TP_GRPC_UNIMPLEMENTED, TP_VERDICT_FINAL},
    {429, TP_GRPC_UNAVAILABLE, TP_VERDICT_RETRY},
    {502, TP_GRPC_UNAVAILABLE, TP_VERDICT_RETRY},
    {503, TP_GRPC_UNAVAILABLE, TP_VERDICT_RETRY},
    {504, TP_GRPC_UNAVAILABLE, TP_VERDICT_RETRY},
    {500, TP_GRPC_UNKNOWN, TP_VERDICT_RETRY},
    {302, TP_GRPC_UNKNOWN, TP_VERDICT_RETRY},
    {-1, TP_GRPC_UNKNOWN, TP_VERDICT_RETRY}};
  static const tp_stream_end ends[] = {TP_END_NORMAL, TP_END_RESET};
  char text[32];
  size_t i, k;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (k = 0; k < 2; k++) {
      begin(ends[k]);
      answer(cases[i].http, -1, NULL);
      call.stream.foreign = i % 2 == 0;
      CHECK(judge() == cases[i].verdict);
      CHECK(call.failure.code == cases[i].code && is_kind(NULL));
      snprintf(text, sizeof text, "HTTP status %d", cases[i].http);
      CHECK(says(text) && call.ambiguous && !channel->answered);
    }
  }
}

static void test_status_wins_over_http(void) {
  begin(TP_END_NORMAL);
  answer(415, TP_GRPC_INVALID_ARGUMENT, "content-type");
  call.stream.foreign = true;
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(call.failure.code == TP_GRPC_INVALID_ARGUMENT);
}

static void test_no_status(void) {
  begin(TP_END_NORMAL);
  answer(200, -1, NULL);
  call.stream.foreign = true;
  CHECK(judge() == TP_VERDICT_RETRY && call.failure.code == TP_GRPC_UNKNOWN);
  CHECK(says("content-type") && call.ambiguous);
  begin(TP_END_NORMAL);
  answer(200, -1, NULL);
  body(3, 3); /* a message, but then no trailers */
  CHECK(judge() == TP_VERDICT_RETRY && call.failure.code == TP_GRPC_INTERNAL);
  CHECK(says("without grpc-status") && call.ambiguous);
}

static void test_long_texts_are_cut(void) {
  char text[4 * TP_REASON];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  begin(TP_END_NORMAL);
  tp_call_fail(&call, "closed", -1, "%s", text);
  CHECK(is_kind("closed") && call.failure.code == -1);
  CHECK(strlen(call.failure.message) == 2 * TP_REASON - 1);
}

int main(void) {
  engine = tp_engine_new();
  channel = engine ? fixture_channel(engine) : NULL;
  if (channel == NULL) return 1;
  tp_call_init(&call, channel, never);
  RUN(test_success);
  RUN(test_codes);
  RUN(test_text_and_details_move_over);
  RUN(test_next_failure_replaces_the_last);
  RUN(test_refused_for_their_size);
  RUN(test_sizes_that_cannot_be_read);
  RUN(test_not_refused_for_their_size);
  RUN(test_ok_without_a_whole_message);
  RUN(test_resets);
  RUN(test_cancel_at_the_deadline);
  RUN(test_reset_after_status);
  RUN(test_lost);
  RUN(test_unprocessed);
  RUN(test_bad_answer);
  RUN(test_http_errors);
  RUN(test_status_wins_over_http);
  RUN(test_no_status);
  RUN(test_long_texts_are_cut);
  tp_call_free(&call);
  tp_channel_release(channel);
  tp_engine_release(engine);
  return check_end();
}
