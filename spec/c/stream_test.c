/* Unit tests of reading a gRPC answer: its blocks of headers, trailers-only
** answers, error pages, sizes, and the message split in every way. One thread.
*/
#include <stdlib.h>
#include <string.h>
#include "base/limits.h"
#include "net/grpc.h"
#include "net/stream.h"
#include "check.h"

static tp_stream s;

static void start(void) {
  tp_stream_init(&s);
  s.max_message = TP_MAX_MESSAGE;
}

/* Name and value in blocks of exactly their sizes, as nghttp2 hands them. */
static void header_n(const char *name, const char *value, size_t n) {
  size_t k = strlen(name);
  char *a = malloc(k ? k : 1), *b = malloc(n ? n : 1);
  memcpy(a, name, k);
  memcpy(b, value, n);
  tp_response_header(&s, a, k, b, n);
  free(a);
  free(b);
}

static void header(const char *name, const char *value) {
  header_n(name, value, strlen(value));
}

static void headers_end(void) {
  tp_response_headers_end(&s);
}

static void data(const void *bytes, size_t n) {
  uint8_t *copy = malloc(n ? n : 1);
  if (n) memcpy(copy, bytes, n);
  tp_response_data(&s, copy, n);
  free(copy);
}

static void begin(void) {
  start();
  header(":status", "200");
  header("content-type", "application/grpc");
  headers_end();
}

static void trailers(const char *status) {
  header("grpc-status", status);
  headers_end();
}

static int holds(const char *expected) {
  size_t n = strlen(expected);
  return s.announced == n + 1 && s.response.length == n &&
         (n == 0 || memcmp(s.response.data, expected, n) == 0);
}

static void test_fresh_stream(void) {
  start();
  CHECK(s.grpc_status == -1 && s.http_status == 0 && !s.answered);
  CHECK(s.announced == 0 && s.problem == NULL && s.message == NULL);
  tp_stream_clear(&s);
}

static void test_three_blocks(void) {
  start();
  header(":status", "103");
  header("content-type", "text/html"); /* of the hint, not of the answer */
  headers_end();
  CHECK(s.http_status == 0 && !s.foreign);
  header(":status", "200");
  header("content-type", "application/grpc+proto");
  headers_end();
  CHECK(s.http_status == 200 && !s.foreign && s.grpc_status == -1);
  data("\0\0\0\0\2hi", 7);
  trailers("0");
  CHECK(s.grpc_status == 0 && s.http_status == 200 && holds("hi"));
  CHECK(s.problem == NULL && s.answered);
  tp_stream_clear(&s);
}

static void test_several_informational_blocks(void) {
  start();
  header(":status", "100");
  headers_end();
  header(":status", "199");
  headers_end();
  CHECK(s.http_status == 0);
  header(":status", "200");
  headers_end();
  CHECK(s.http_status == 200);
  tp_stream_clear(&s);
}

static void test_trailers_only(void) {
  start();
  header(":status", "200");
  header("content-type", "application/grpc");
  header("grpc-status", "5");
  header("grpc-message", "no%20such%20w%C3%B6rkflow");
  header("grpc-status-details-bin", "CAUSA2Zvbw==");
  headers_end();
  CHECK(s.grpc_status == 5 && s.announced == 0 && s.problem == NULL);
  CHECK(strcmp(s.message, "no such w\xC3\xB6rkflow") == 0);
  CHECK(s.details_length == 7);
  CHECK(memcmp(s.details, "\x08\x05\x12\x03" "foo", 7) == 0);
  tp_stream_clear(&s);
}

static void test_grpc_statuses(void) {
  static const struct { const char *text; int status; } cases[] = {
    {"0", 0}, {"1", 1}, {"16", 16}, {"014", 14}, {"17", 2}, {"9999", 2},
    {"99999", 2}, {"4294967296", 2}, {"-1", 2}, {"+5", 2}, {" 5", 2},
    {"5 ", 2}, {"0x5", 2}, {"five", 2}, {"", 2}};
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    start();
    header("grpc-status", cases[i].text);
    CHECK(s.grpc_status == cases[i].status && s.problem == NULL);
    tp_stream_clear(&s);
  }
}

static void test_content_types(void) {
  static const struct { const char *text; int foreign; } cases[] = {
    {"application/grpc", 0}, {"application/grpc+proto", 0},
    {"application/grpc;charset=utf-8", 0}, {"application/grpc-web", 1},
    {"application/grpcx", 1}, {"application/grp", 1}, {"text/html", 1},
    {"application/json", 1}, {"", 1}};
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    start();
    header("content-type", cases[i].text);
    CHECK(s.foreign == (cases[i].foreign != 0));
    tp_stream_clear(&s);
  }
}

static void test_names_match_as_a_whole(void) {
  start();
  header("grpc-statu", "5");
  header("grpc-status2", "5");
  header("xgrpc-status", "5");
  header(":statu", "200");
  header("", "5");
  CHECK(s.grpc_status == -1 && s.http_status == 0 && s.problem == NULL);
  tp_stream_clear(&s);
}

static void test_messages_of_errors(void) {
  start();
  header("grpc-message", "");
  CHECK(s.message == NULL); /* as on every success: no memory for it */
  header("grpc-message", "100%"); /* malformed: stays */
  CHECK(strcmp(s.message, "100%") == 0);
  header("grpc-message", "the%0Alast%20counts");
  CHECK(strcmp(s.message, "the\nlast counts") == 0);
  tp_stream_clear(&s);
}

static void test_details_in_every_form(void) {
  start();
  header("grpc-status-details-bin", "CAU");
  CHECK(s.details_length == 2 && memcmp(s.details, "\x08\x05", 2) == 0);
  header("grpc-status-details-bin", "!!!"); /* unreadable: left out */
  CHECK(s.problem == NULL && s.details_length == 2);
  header("grpc-status-details-bin", "CAY=");
  CHECK(s.details_length == 2 && s.details[1] == 6);
  header("grpc-status-details-bin", "");
  CHECK(s.details_length == 0 && s.problem == NULL);
  tp_stream_clear(&s);
  start();
  header("grpc-status-details-bin", "A");
  CHECK(s.details == NULL && s.problem == NULL);
  tp_stream_clear(&s);
}

static void test_error_page(void) {
  start();
  header(":status", "502");
  header("content-type", "text/html");
  headers_end();
  data("<html>bad gateway</html>", 24);
  CHECK(s.http_status == 502 && s.foreign && s.problem == NULL);
  CHECK(s.announced == 0 && s.response.length == 24); /* for its first line */
  tp_stream_clear(&s);
  start(); /* a page that claims to be gRPC */
  header(":status", "503");
  header("content-type", "application/grpc");
  headers_end();
  data("\1\xFF\xFF\xFF\xFFx", 6);
  CHECK(s.problem == NULL && s.announced == 0);
  tp_stream_clear(&s);
  start(); /* 200, but not gRPC */
  header(":status", "200");
  header("content-type", "text/plain");
  headers_end();
  data("hello", 5);
  CHECK(s.problem == NULL && s.foreign && s.response.length == 5);
  tp_stream_clear(&s);
}

static void test_strange_http_statuses(void) {
  static const char *const texts[] = {"", "abc", "20 ", "-200", "20000"};
  size_t i;
  for (i = 0; i < sizeof texts / sizeof *texts; i++) {
    start();
    header(":status", texts[i]);
    headers_end();
    CHECK(s.http_status == -1);
    data("\0\0\0\0\0", 5);
    CHECK(s.announced == 0 && s.problem == NULL); /* no answer of ours */
    tp_stream_clear(&s);
  }
}

/* --- sizes ---------- */

static void test_headers_at_the_limit_and_one_more(void) {
  size_t left = TP_MAX_HEADERS, extra;
  char *value = calloc(1, TP_MAX_HEADERS + 1);
  for (extra = 0; extra <= 1; extra++) {
    start();
    header(":status", "200"); /* 10 bytes */
    headers_end();
    header_n("x-half", value, 40000); /* over all blocks */
    headers_end();
    left = TP_MAX_HEADERS - 10 - 40006;
    header_n("x", value, left - 1 + extra);
    CHECK((s.problem != NULL) == (extra == 1));
    CHECK(extra || s.header_bytes == TP_MAX_HEADERS);
    if (extra == 0) header("", ""); /* nothing is not more */
    CHECK((s.problem != NULL) == (extra == 1));
    if (extra == 0) header("a", "");
    CHECK(s.problem && strstr(s.problem, "64 KiB") != NULL);
    tp_stream_clear(&s);
  }
  CHECK(TP_MAX_HEADERS == 64 << 10); /* which the text says */
  start();
  header_n("x", value, TP_MAX_HEADERS + 1);
  CHECK(s.problem != NULL && s.header_bytes == 0);
  tp_stream_clear(&s);
  free(value);
}

static void test_message_at_the_limit_and_one_more(void) {
  begin();
  s.max_message = 6;
  data("\0\0\0\0\6sixsix", 11);
  CHECK(s.problem == NULL && !s.too_large && holds("sixsix"));
  tp_stream_clear(&s);
  begin();
  s.max_message = 6;
  data("\0\0\0\0\7seven", 10);
  CHECK(s.too_large && s.problem != NULL && s.announced == 8);
  tp_stream_clear(&s);
  begin(); /* what a peer can say at most: nothing is reserved for it */
  data("\0\xFF\xFF\xFF\xFF", 5);
  CHECK(s.too_large && s.announced == (size_t)UINT32_MAX + 1);
  CHECK(s.response.capacity < 4096);
  tp_stream_clear(&s);
}

/* --- the message ---------- */

static void test_empty_message(void) {
  begin();
  data("\0\0\0\0\0", 5);
  CHECK(s.announced == 1 && s.response.length == 0 && s.problem == NULL);
  data("", 0);
  CHECK(s.problem == NULL);
  trailers("0");
  tp_stream_clear(&s);
}

static void test_split_at_every_byte(void) {
  static const char message[] = "\0\0\0\0\x0Bhello world";
  size_t n = sizeof message - 1, i, j;
  for (i = 0; i <= n; i++) {
    for (j = i; j <= n; j++) {
      begin();
      data(message, i);
      data(message + i, j - i);
      CHECK(s.problem == NULL && (j == n || !holds("hello world")));
      data(message + j, n - j);
      CHECK(s.problem == NULL && holds("hello world"));
      tp_stream_clear(&s);
    }
  }
  begin();
  for (i = 0; i < n; i++) data(message + i, 1);
  CHECK(s.problem == NULL && holds("hello world"));
  tp_stream_clear(&s);
}

/* Lengths around those at which the buffer grows, in chunks of all sizes. */
static void test_longer_messages_in_chunks(void) {
  static const size_t lengths[] = {4, 5, 6, 127, 128, 129, 16384, 100000};
  static uint8_t bytes[100005];
  size_t i, k, at, chunk;
  for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    size_t n = lengths[i];
    for (k = 0; k < n; k++) bytes[5 + k] = (uint8_t)(k * 7 + k / 251);
    tp_grpc_write_prefix(bytes, (uint32_t)n);
    for (chunk = 3; chunk <= 30000; chunk *= 10) {
      begin();
      for (at = 0; at < n + 5; at += chunk)
        data(bytes + at, n + 5 - at < chunk ? n + 5 - at : chunk);
      CHECK(s.problem == NULL && s.announced == n + 1);
      CHECK(s.response.length == n);
      CHECK(memcmp(s.response.data, bytes + 5, n) == 0);
      tp_stream_clear(&s);
    }
  }
}

static void test_several_messages(void) {
  begin(); /* in one piece */
  data("\0\0\0\0\2hi\0\0\0\0\2ho", 14);
  CHECK(s.problem != NULL && !s.too_large);
  tp_stream_clear(&s);
  begin(); /* one after the other */
  data("\0\0\0\0\2hi", 7);
  CHECK(s.problem == NULL);
  data("\0", 1);
  CHECK(s.problem != NULL);
  tp_stream_clear(&s);
  begin(); /* after an empty one */
  data("\0\0\0\0\0\0", 6);
  CHECK(s.problem != NULL);
  tp_stream_clear(&s);
  begin(); /* one byte too many at a split */
  data("\0\0\0\0\2h", 6);
  data("ix", 2);
  CHECK(s.problem != NULL && strstr(s.problem, "more than one") != NULL);
  tp_stream_clear(&s);
}

static void test_compressed_flag(void) {
  int flag;
  for (flag = 1; flag < 256; flag += 127) {
    char bytes[7] = "\0\0\0\0\2hi";
    bytes[0] = (char)flag;
    begin();
    data(bytes, 7);
    CHECK(s.problem && strstr(s.problem, "compressed") != NULL);
    tp_stream_clear(&s);
  }
}

static void test_cut_short(void) {
  begin();
  data("\0\0\0\0\5hel", 8);
  trailers("0");
  CHECK(s.problem == NULL && s.announced == 6 && s.response.length == 3);
  tp_stream_clear(&s);
  begin();
  data("\0\0\0", 3);
  trailers("0");
  CHECK(s.problem == NULL && s.announced == 0);
  tp_stream_clear(&s);
}

static void test_clear_keeps_the_question(void) {
  tp_buffer request;
  tp_buffer_init(&request, 100);
  begin();
  s.request = &request;
  s.max_message = 77;
  header("grpc-message", "x");
  header("grpc-status-details-bin", "CAU");
  data("\0\0\0\0\2hi", 7);
  tp_stream_clear(&s);
  CHECK(s.request == &request && s.max_message == 77);
  CHECK(s.grpc_status == -1 && s.http_status == 0 && s.header_bytes == 0);
  CHECK(s.message == NULL && s.details == NULL && s.announced == 0);
  CHECK(s.response.data == NULL && s.response.ceiling == TP_MAX_MESSAGE);
  tp_stream_clear(&s); /* twice is fine */
  tp_buffer_free(&request);
}

int main(void) {
  RUN(test_fresh_stream);
  RUN(test_three_blocks);
  RUN(test_several_informational_blocks);
  RUN(test_trailers_only);
  RUN(test_grpc_statuses);
  RUN(test_content_types);
  RUN(test_names_match_as_a_whole);
  RUN(test_messages_of_errors);
  RUN(test_details_in_every_form);
  RUN(test_error_page);
  RUN(test_strange_http_statuses);
  RUN(test_headers_at_the_limit_and_one_more);
  RUN(test_message_at_the_limit_and_one_more);
  RUN(test_empty_message);
  RUN(test_split_at_every_byte);
  RUN(test_longer_messages_in_chunks);
  RUN(test_several_messages);
  RUN(test_compressed_flag);
  RUN(test_cut_short);
  RUN(test_clear_keeps_the_question);
  return check_end();
}
