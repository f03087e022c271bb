/* Unit tests of what gRPC adds to HTTP/2: prefix, timeout text, percent- and
** base64-coded text, and the codes of HTTP and RST errors. One thread.
*/
#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "base/timer.h"
#include "net/grpc.h"
#include "check.h"
#include "random.h"

static void test_prefix(void) {
  static const uint32_t lengths[] = {0, 1, 255, 256, 65535, 65536, 1u << 24,
                                     0x01020304, UINT32_MAX};
  uint8_t prefix[TP_GRPC_PREFIX];
  size_t i;
  for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    memset(prefix, 0xAA, sizeof prefix);
    tp_grpc_write_prefix(prefix, lengths[i]);
    CHECK(prefix[0] == 0);
    CHECK(tp_grpc_read_length(prefix) == lengths[i]);
  }
  tp_grpc_write_prefix(prefix, 0x01020304);
  CHECK(memcmp(prefix, "\0\1\2\3\4", 5) == 0); /* big-endian */
}

/* --- the timeout header ---------- */

static void test_timeout_texts(void) {
  static const struct { int64_t us; const char *text; } cases[] = {
    {1, "1u"}, {999, "999u"}, {1000, "1000u"},
    {INT64_C(99999999), "99999999u"},
    {INT64_C(100000000), "100000m"},
    {INT64_C(100000001), "100001m"}, /* rounded up */
    {INT64_C(100001000), "100001m"},
    {INT64_C(99999999000), "99999999m"},
    {INT64_C(99999999001), "100000S"},
    {INT64_C(100000000000), "100000S"},
    {INT64_C(99999999000000), "99999999S"},
    {INT64_C(99999999000001), "1666667M"},
    {INT64_C(5999999940000000), "99999999M"},
    {INT64_C(5999999940000001), "1666667H"},
    {INT64_C(359999996400000000), "99999999H"},
    {INT64_C(359999996400000001), "99999999H"}, /* cannot say more */
    {TP_NEVER, "99999999H"},
    {0, "1u"}, {-1, "1u"}, {INT64_MIN, "1u"}}; /* never "0": it is not none */
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[16];
    size_t n = tp_grpc_write_timeout(out, cases[i].us);
    CHECK(strcmp(out, cases[i].text) == 0);
    CHECK(n == strlen(out));
  }
}

/* Microseconds of one unit; 0 for strangers. */
static int64_t unit_of(char c) {
  switch (c) {
    case 'u': return 1;
    case 'm': return 1000;
    case 'S': return TP_SECOND;
    case 'M': return 60 * TP_SECOND;
    case 'H': return 3600 * TP_SECOND;
    default: return 0;
  }
}

/* Not shorter than asked, by less than one unit longer, at most 8 digits, and
** in the finest unit that has room. */
static int is_right(int64_t us) {
  char out[16], *end;
  size_t n = tp_grpc_write_timeout(out, us);
  int64_t value = strtoll(out, &end, 10), unit = unit_of(*end);
  int64_t finer = *end == 'M' || *end == 'H' ? unit / 60 : unit / 1000;
  if (n > 9 || value < 1 || value > 99999999 || unit == 0) return 0;
  if (end != out + n - 1) return 0;
  if (us > INT64_C(99999999) * 3600 * TP_SECOND) return value == 99999999;
  if (value * unit < us || (value - 1) * unit >= us) return 0;
  return *end == 'u' || (us - 1) / finer + 1 > 99999999;
}

static void test_timeout_of_every_magnitude(void) {
  uint64_t seed = 7;
  int shift, i;
  for (shift = 0; shift < 63; shift++) {
    int64_t power = INT64_C(1) << shift;
    CHECK(is_right(power) && is_right(power + 1));
    if (power > 1) CHECK(is_right(power - 1));
    for (i = 0; i < 200; i++)
      CHECK(is_right(power + (int64_t)random_below(&seed, (uint64_t)power)));
  }
}

/* --- percent-coding ---------- */

static int decodes(const char *text, const char *expected, size_t n) {
  size_t length = strlen(text);
  /* Exactly its size: ASan sees every step beyond. */
  char *copy = malloc(length ? length : 1);
  int right;
  memcpy(copy, text, length);
  right = tp_grpc_percent_decode(copy, length) == n &&
          memcmp(copy, expected, n) == 0;
  free(copy);
  return right;
}

static void test_percent_decoding(void) {
  CHECK(decodes("", "", 0));
  CHECK(decodes("plain text", "plain text", 10));
  CHECK(decodes("a%20b", "a b", 3));
  CHECK(decodes("%E4%bd%A0", "\xE4\xBD\xA0", 3)); /* both cases */
  CHECK(decodes("100%25", "100%", 4));
  CHECK(decodes("%2525", "%25", 3)); /* once only */
  CHECK(decodes("%00x", "\0x", 2));
  CHECK(decodes("%fF", "\xFF", 1));
}

static void test_malformed_percents_stay(void) {
  CHECK(decodes("%", "%", 1));
  CHECK(decodes("%4", "%4", 2));
  CHECK(decodes("100%", "100%", 4));
  CHECK(decodes("%zz%41", "%zzA", 4));
  CHECK(decodes("%%41", "%A", 2));
  CHECK(decodes("%4g%g4", "%4g%g4", 6));
  CHECK(decodes("% 41", "% 41", 4));
}

/* What lies behind the length is not looked at. */
static void test_percent_at_the_end_of_the_length(void) {
  char text[] = "a%41";
  CHECK(tp_grpc_percent_decode(text, 3) == 3);
  CHECK(memcmp(text, "a%4", 3) == 0);
}

/* --- base64 ---------- */

/* Decodes from and into blocks of exactly the promised sizes. */
static tp_status decode(const char *text, size_t n, uint8_t *out,
                        size_t *length) {
  char *copy = malloc(n ? n : 1);
  uint8_t *bytes = malloc(n / 4 * 3 + 3);
  tp_status status;
  memcpy(copy, text, n);
  *length = 0;
  status = tp_base64_decode(bytes, length, copy, n);
  if (status == TP_OK) memcpy(out, bytes, *length);
  free(copy);
  free(bytes);
  return status;
}

static int decodes64(const char *text, const char *expected) {
  uint8_t out[64];
  size_t n;
  return decode(text, strlen(text), out, &n) == TP_OK &&
         n == strlen(expected) && memcmp(out, expected, n) == 0;
}

static void test_base64_vectors(void) {
  static const struct { const char *plain, *text, *padded; } cases[] = {
    {"", "", ""}, {"f", "Zg", "Zg=="}, {"fo", "Zm8", "Zm8="},
    {"foo", "Zm9v", "Zm9v"}, {"foob", "Zm9vYg", "Zm9vYg=="},
    {"fooba", "Zm9vYmE", "Zm9vYmE="}, {"foobar", "Zm9vYmFy", "Zm9vYmFy"}};
  size_t i;
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    char out[32];
    size_t n = tp_base64_encode(out, (const uint8_t *)cases[i].plain,
                                strlen(cases[i].plain));
    CHECK(n == strlen(cases[i].text) && memcmp(out, cases[i].text, n) == 0);
    CHECK(decodes64(cases[i].text, cases[i].plain));
    CHECK(decodes64(cases[i].padded, cases[i].plain));
  }
  CHECK(decodes64("++//", "\xFB\xEF\xFF"));
}

static void test_base64_there_and_back(void) {
  uint64_t seed = 3;
  size_t n, i, got;
  for (n = 0; n < 100; n++) {
    uint8_t *bytes = malloc(n ? n : 1), back[128];
    char *text = malloc(4 * n / 3 + 4);
    size_t length;
    for (i = 0; i < n; i++) bytes[i] = (uint8_t)random_next(&seed);
    length = tp_base64_encode(text, bytes, n);
    CHECK(length == (4 * n + 2) / 3);
    CHECK(decode(text, length, back, &got) == TP_OK && got == n);
    CHECK(n == 0 || memcmp(back, bytes, n) == 0);
    free(bytes);
    free(text);
  }
}

static void test_bad_base64(void) {
  static const char *const bad[] = {
    "A", "A=", "A===", "AAAAA", "AA=A", "=AAA", "AA A", "AAAA\n", "AA-A",
    "AA_A", "A\xC3\xA9""A", "%41AA", "AAAA,AAAA"};
  uint8_t out[64];
  size_t i, n;
  for (i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(decode(bad[i], strlen(bad[i]), out, &n) == TP_ESYNTAX);
  CHECK(decode("A\0AA", 4, out, &n) == TP_ESYNTAX);
  CHECK(decode("AAA\0", 4, out, &n) == TP_ESYNTAX);
}

/* 64 characters are good at each of the four places, the others at none. */
static void test_every_character_of_base64(void) {
  int c, place;
  for (place = 0; place < 4; place++) {
    int good = 0;
    for (c = 0; c < 256; c++) {
      char text[8] = "AAAAAAA";
      uint8_t out[8];
      size_t n;
      text[place] = (char)c;
      if (decode(text, 7, out, &n) == TP_OK) good++;
    }
    CHECK(good == 64);
  }
}

/* --- codes ---------- */

static void test_codes_of_http(void) {
  int status;
  for (status = -1; status < 1000; status++) {
    int expected = status == 400 ? TP_GRPC_INTERNAL
                 : status == 401 ? TP_GRPC_UNAUTHENTICATED
                 : status == 403 ? TP_GRPC_PERMISSION_DENIED
                 : status == 404 ? TP_GRPC_UNIMPLEMENTED
                 : status == 429 || status == 502 || status == 503 ||
                   status == 504 ? TP_GRPC_UNAVAILABLE : TP_GRPC_UNKNOWN;
    CHECK(tp_grpc_code_of_http(status) == expected);
  }
}

static void test_codes_of_rst(void) {
  static const struct { int code; const char *name; } errors[] = {
    {TP_GRPC_INTERNAL, "NO_ERROR"}, {TP_GRPC_INTERNAL, "PROTOCOL_ERROR"},
    {TP_GRPC_INTERNAL, "INTERNAL_ERROR"},
    {TP_GRPC_INTERNAL, "FLOW_CONTROL_ERROR"},
    {TP_GRPC_INTERNAL, "SETTINGS_TIMEOUT"},
    {TP_GRPC_INTERNAL, "STREAM_CLOSED"},
    {TP_GRPC_INTERNAL, "FRAME_SIZE_ERROR"},
    {TP_GRPC_UNAVAILABLE, "REFUSED_STREAM"}, {TP_GRPC_CANCELLED, "CANCEL"},
    {TP_GRPC_INTERNAL, "COMPRESSION_ERROR"},
    {TP_GRPC_INTERNAL, "CONNECT_ERROR"},
    {TP_GRPC_RESOURCE_EXHAUSTED, "ENHANCE_YOUR_CALM"},
    {TP_GRPC_PERMISSION_DENIED, "INADEQUATE_SECURITY"},
    {TP_GRPC_UNKNOWN, "HTTP_1_1_REQUIRED"}};
  uint32_t i, n = sizeof errors / sizeof *errors;
  CHECK(n == 14);
  for (i = 0; i < n; i++) {
    CHECK(tp_grpc_code_of_rst(i) == errors[i].code);
    CHECK(strcmp(tp_http2_error_name(i), errors[i].name) == 0);
  }
  for (i = 0; i < 3; i++) {
    static const uint32_t strange[] = {14, 255, UINT32_MAX};
    CHECK(tp_grpc_code_of_rst(strange[i]) == TP_GRPC_UNKNOWN);
    CHECK(strcmp(tp_http2_error_name(strange[i]), "unknown error code") == 0);
  }
}

int main(void) {
  RUN(test_prefix);
  RUN(test_timeout_texts);
  RUN(test_timeout_of_every_magnitude);
  RUN(test_percent_decoding);
  RUN(test_malformed_percents_stay);
  RUN(test_percent_at_the_end_of_the_length);
  RUN(test_base64_vectors);
  RUN(test_base64_there_and_back);
  RUN(test_bad_base64);
  RUN(test_every_character_of_base64);
  RUN(test_codes_of_http);
  RUN(test_codes_of_rst);
  return check_end();
}
