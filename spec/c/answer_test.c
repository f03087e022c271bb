/* Unit tests of the verdicts on ended streams: which answers are final, which
** are worth another attempt, and what the failure says. No network: the
** stream is filled in by hand. One thread.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/limits.h"
#include "base/timer.h"
#include "net/grpc.h"
#include "rpc/answer.h"
#include "check.h"

static tp_stream stream;
static tp_answer out;
static bool long_poll;
static int64_t left; /* of the time the peer was told */

/* A stream that has ended; what came is filled in by the test. */
static void begin(tp_stream_end end) {
  tp_stream_clear(&stream);
  stream.max_message = TP_MAX_MESSAGE;
  stream.end = end;
  long_poll = false;
  left = TP_NEVER;
}

static void answer(int http, int status, const char *message) {
  stream.http_status = http;
  stream.grpc_status = status;
  free(stream.message);
  stream.message = message ? strdup(message) : NULL;
}

/* `announced` bytes of a message were promised and `n` came. */
static void body(size_t announced, size_t n) {
  stream.announced = announced + 1;
  while (stream.response.length < n)
    tp_buffer_byte(&stream.response, 'x');
}

static tp_verdict judge_of(const tp_http2 *session) {
  tp_failure_clear(&out.failure);
  return tp_answer_judge(&stream, session, long_poll, left, &out);
}

static tp_verdict judge(void) {
  return judge_of(NULL);
}

static bool says(const char *part) {
  return out.failure.message && strstr(out.failure.message, part) != NULL;
}

static bool is_kind(const char *kind) {
  if (kind == NULL) return out.failure.kind == NULL;
  return out.failure.kind && strcmp(out.failure.kind, kind) == 0;
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
  CHECK(judge() == TP_VERDICT_OK && out.failure.message == NULL);
  CHECK(out.heard && !out.ambiguous);
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
      long_poll = poll == 1;
      answer(200, code, "the server's text");
      CHECK(judge() == (retry ? TP_VERDICT_RETRY : TP_VERDICT_FINAL));
      CHECK(out.ambiguous == codes[code].ambiguous);
      CHECK(out.failure.code == code && is_kind(NULL));
      CHECK(strcmp(out.failure.message, "the server's text") == 0);
      CHECK(out.heard);
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
  stream.details = (uint8_t *)strdup("details");
  stream.details_length = 7;
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(strcmp(out.failure.message, text) == 0); /* whole */
  CHECK(out.failure.details_length == 7 && stream.details == NULL);
  CHECK(memcmp(out.failure.details, "details", 7) == 0);
  free(text);
  begin(TP_END_NORMAL); /* no text at all */
  answer(200, TP_GRPC_NOT_FOUND, NULL);
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(out.failure.message && out.failure.message[0] == '\0');
  CHECK(out.failure.details == NULL);
}

/* An earlier attempt leaves nothing behind. */
static void test_next_failure_replaces_the_last(void) {
  begin(TP_END_NORMAL);
  answer(200, TP_GRPC_RESOURCE_EXHAUSTED,
         "grpc: received message larger than max (5 vs. 4)");
  CHECK(judge() == TP_VERDICT_FINAL && out.failure.limit == 4);
  answer(200, TP_GRPC_UNAVAILABLE, "later");
  CHECK(judge() == TP_VERDICT_RETRY);
  CHECK(is_kind(NULL) && out.failure.code == TP_GRPC_UNAVAILABLE);
  CHECK(out.failure.limit == 0 && out.failure.size == 0);
  CHECK(says("later"));
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
    CHECK(out.failure.size == 5000000 && out.failure.limit == 4194304);
    CHECK(strcmp(out.failure.message, texts[i]) == 0);
    CHECK(!out.ambiguous);
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
    CHECK(out.failure.size == 0 && out.failure.limit == 0);
  }
}

static void test_not_refused_for_their_size(void) {
  begin(TP_END_NORMAL); /* with details: an ordinary limit */
  answer(200, TP_GRPC_RESOURCE_EXHAUSTED, "grpc: message too large (5 vs. 4)");
  stream.details = (uint8_t *)strdup("d");
  stream.details_length = 1;
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
  CHECK(judge() == TP_VERDICT_RETRY && out.failure.code == TP_GRPC_INTERNAL);
  CHECK(out.ambiguous && says("no message"));
  begin(TP_END_NORMAL);
  answer(200, 0, NULL);
  body(10, 9);
  CHECK(judge() == TP_VERDICT_RETRY && out.failure.code == TP_GRPC_INTERNAL);
  CHECK(out.ambiguous && says("in the middle"));
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
    stream.error_code = e;
    CHECK(judge() == errors[e].verdict);
    CHECK(out.failure.code == errors[e].code && is_kind(NULL));
    CHECK(out.ambiguous && says(tp_http2_error_name(e)));
    CHECK(!out.heard);
  }
}

/* The server gives up at the deadline it was told; clocks differ a little. */
static void test_cancel_at_the_deadline(void) {
  static const struct { int64_t left; bool is_deadline; } cases[] = {
    {-TP_SECOND, true}, {0, true}, {TP_SECOND / 5, true},
    {TP_SECOND / 5 + 1, false}, {TP_SECOND, false},
    {TP_NEVER, false}};
  size_t i;
  int way;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (way = 0; way < 4; way++) {
      bool poll = way % 2 == 1;
      begin(way < 2 ? TP_END_RESET : TP_END_NORMAL);
      stream.error_code = 8; /* CANCEL */
      if (way >= 2) answer(200, TP_GRPC_CANCELLED, "context canceled");
      left = cases[i].left;
      long_poll = poll;
      CHECK(judge() == (poll ? TP_VERDICT_RETRY : TP_VERDICT_FINAL));
      CHECK(is_kind(cases[i].is_deadline ? "deadline_exceeded" : NULL));
      CHECK(out.late == cases[i].is_deadline);
      CHECK(out.failure.code == (cases[i].is_deadline
              ? TP_GRPC_DEADLINE_EXCEEDED : TP_GRPC_CANCELLED));
      CHECK(out.ambiguous);
    }
  }
}

static void test_reset_after_status(void) {
  begin(TP_END_RESET); /* what the server said counts more */
  answer(200, TP_GRPC_NOT_FOUND, "gone");
  stream.error_code = 2;
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(out.failure.code == TP_GRPC_NOT_FOUND);
  begin(TP_END_RESET); /* status 0, but the message is not whole */
  answer(200, 0, NULL);
  body(10, 9);
  stream.error_code = 2;
  CHECK(judge() == TP_VERDICT_RETRY && says("INTERNAL_ERROR"));
}

/* --- lost, unprocessed, bad ---------- */

static void closed(tp_stream *ended, tp_http2 *session, void *owner) {
  (void)ended;
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
  CHECK(!tp_http2_tick(session, TP_SECOND) && tp_http2_broken(session));
  begin(TP_END_LOST);
  CHECK(judge_of(session) == TP_VERDICT_RETRY);
  CHECK(is_kind("unavailable") && out.failure.code == TP_GRPC_UNAVAILABLE);
  CHECK(says("connection lost") && says("SETTINGS"));
  CHECK(!out.ambiguous); /* nothing of the request had gone out */
  begin(TP_END_LOST);
  stream.sent = 1;
  CHECK(judge_of(session) == TP_VERDICT_RETRY);
  CHECK(is_kind("unavailable") && out.ambiguous);
  begin(TP_END_LOST); /* half an answer had come */
  answer(200, 0, NULL);
  body(10, 9);
  CHECK(judge_of(session) == TP_VERDICT_RETRY);
  CHECK(is_kind("unavailable"));
  begin(TP_END_LOST); /* its status had come */
  answer(200, TP_GRPC_NOT_FOUND, "gone");
  CHECK(judge_of(session) == TP_VERDICT_FINAL);
  CHECK(out.failure.code == TP_GRPC_NOT_FOUND);
  tp_http2_free(session);
}

static void test_unprocessed(void) {
  begin(TP_END_UNPROCESSED);
  stream.error_code = 7;
  CHECK(judge() == TP_VERDICT_REPEAT && !out.heard);
  CHECK(!out.ambiguous && out.failure.message == NULL);
}

static void test_bad_answer(void) {
  begin(TP_END_BAD_ANSWER);
  answer(200, 0, NULL);
  body(3, 3);
  stream.problem = "the answer has more than one message";
  CHECK(judge() == TP_VERDICT_FINAL && out.ambiguous);
  CHECK(out.failure.code == TP_GRPC_INTERNAL && is_kind(NULL));
  CHECK(says("more than one message"));
  begin(TP_END_BAD_ANSWER);
  stream.problem = "the answer is larger than max_message";
  stream.too_large = true;
  stream.announced = 1001;
  stream.max_message = stream.limit = 999;
  CHECK(judge() == TP_VERDICT_FINAL && is_kind("message_too_large"));
  CHECK(out.failure.code == TP_GRPC_RESOURCE_EXHAUSTED && out.ambiguous);
  CHECK(out.failure.size == 1000 && out.failure.limit == 999);
  CHECK(says("1000 bytes") && says("999"));
  begin(TP_END_BAD_ANSWER);
  stream.problem = "the answer inflates to more than it may";
  stream.too_large = true;
  stream.limit = 500;
  stream.announced = 502;
  stream.max_message = 999;
  CHECK(judge() == TP_VERDICT_FINAL && is_kind("message_too_large"));
  CHECK(out.failure.size == 501 && out.failure.limit == 500);
  CHECK(says("more than 500") && says("max_message (999)"));
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
      stream.foreign = i % 2 == 0;
      CHECK(judge() == cases[i].verdict);
      CHECK(out.failure.code == cases[i].code && is_kind(NULL));
      snprintf(text, sizeof text, "HTTP status %d", cases[i].http);
      CHECK(says(text) && out.ambiguous && !out.heard);
    }
  }
}

static void test_error_pages(void) {
  static const struct { const char *page, *line; } cases[] = {
    {"no such route\r\nmore", ": \"no such route\""},
    {"\n \t\n  upstream connect error \n", ": \"upstream connect error\""},
    {"<html>\r\n<head><title>400 No required SSL certificate was sent</title>"
     "</head>\r\n<body>", ": \"400 No required SSL certificate was sent\""},
    {"<!DOCTYPE html><p class='a", "answer"}, {"", "answer"},
    {"a < b, <b>bold", ": \"a < b, bold\""}, {"\r\n <p></p>", "answer"},
    {"a\033[2Jb\177c", ": \"a [2Jb c\""}, {"Caf\303\251 \377x",
                                          ": \"Caf\303\251\""}};
  char text[TP_MAX_EXCERPT + 2];
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    begin(TP_END_NORMAL);
    tp_response_header(&stream, ":status", 7, "400", 3);
    tp_response_header(&stream, "content-type", 12, "text/html", 9);
    tp_response_data(&stream, (const uint8_t *)cases[i].page,
                     strlen(cases[i].page));
    CHECK(judge() == TP_VERDICT_FINAL && says(cases[i].line));
    CHECK(says(": \"") == (cases[i].line[0] == ':'));
  }
  /* The beginning is kept, and of that a line that fits. */
  memset(text, 'a', sizeof text);
  begin(TP_END_NORMAL);
  tp_response_header(&stream, ":status", 7, "503", 3);
  tp_response_header(&stream, "content-type", 12, "application/json", 16);
  tp_response_data(&stream, (const uint8_t *)text, TP_MAX_EXCERPT);
  CHECK(stream.response.length == TP_MAX_EXCERPT);
  tp_response_data(&stream, (const uint8_t *)text, 1);
  CHECK(stream.response.length == TP_MAX_EXCERPT && stream.problem == NULL);
  CHECK(judge() == TP_VERDICT_RETRY && strlen(out.failure.message) < 300);
  /* Of what is no text nothing is shown. */
  begin(TP_END_NORMAL);
  tp_response_header(&stream, ":status", 7, "400", 3);
  tp_response_header(&stream, "content-type", 12, "image/png", 9);
  tp_response_data(&stream, (const uint8_t *)text, 10);
  CHECK(judge() == TP_VERDICT_FINAL && !says("aaa"));
}

static void test_status_wins_over_http(void) {
  begin(TP_END_NORMAL);
  answer(415, TP_GRPC_INVALID_ARGUMENT, "content-type");
  stream.foreign = true;
  CHECK(judge() == TP_VERDICT_FINAL);
  CHECK(out.failure.code == TP_GRPC_INVALID_ARGUMENT);
}

static void test_no_status(void) {
  begin(TP_END_NORMAL);
  answer(200, -1, NULL);
  stream.foreign = true;
  CHECK(judge() == TP_VERDICT_RETRY && out.failure.code == TP_GRPC_UNKNOWN);
  CHECK(says("content-type") && out.ambiguous);
  begin(TP_END_NORMAL);
  answer(200, -1, NULL);
  body(3, 3); /* a message, but then no trailers */
  CHECK(judge() == TP_VERDICT_RETRY && out.failure.code == TP_GRPC_INTERNAL);
  CHECK(says("without grpc-status") && out.ambiguous);
}

static void test_long_texts_are_cut(void) {
  char text[4 * TP_REASON];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  tp_failure_clear(&out.failure);
  tp_failure_set(&out.failure, "closed", -1, "%s", text);
  CHECK(is_kind("closed") && out.failure.code == -1);
  CHECK(strlen(out.failure.message) == 2 * TP_REASON - 1);
}

int main(void) {
  tp_stream_init(&stream);
  tp_failure_init(&out.failure);
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
  RUN(test_error_pages);
  RUN(test_status_wins_over_http);
  RUN(test_no_status);
  RUN(test_long_texts_are_cut);
  tp_stream_clear(&stream);
  tp_failure_clear(&out.failure);
  return check_end();
}
