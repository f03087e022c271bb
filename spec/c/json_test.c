/* Unit tests of JSON numbers against the C library (in its "C" locale), and of
** what Lua cannot bring about: buffers that are full. One thread; the random
** numbers are the same in every run.
*/
#include "json/json.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"

#define ROUNDS 200000

static uint64_t seed;

static uint64_t random64(void) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return seed;
}

/* Every bit pattern, subnormals and powers of two often. */
static double random_double(int i) {
  uint64_t bits = random64();
  double v;
  do {
    if (i % 4 == 1) bits &= (UINT64_C(1) << bits % 52) - 1;
    if (i % 4 == 2) bits &= UINT64_C(0xFFF) << 52;
    memcpy(&v, &bits, sizeof v);
    bits = random64();
  } while (v - v != 0);
  return i % 4 == 3 ? (double)(bits % 100000000) / 1000 : v;
}

static int same(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

/* tp_decimal_read and strtod agree on text. */
static int agrees(const char *text) {
  double ours = 0, theirs = strtod(text, NULL);
  tp_status status = tp_decimal_read(text, strlen(text), &ours);
  if (status == TP_ERANGE) return theirs - theirs != 0;
  return status == TP_OK && same(ours, theirs);
}

static void test_what_is_written_reads_back(void) {
  char text[TP_DECIMAL_SIZE + 1];
  int i;
  seed = 88172645463325252u;
  for (i = 0; i < ROUNDS; i++) {
    double v = random_double(i), back;
    size_t n = tp_decimal_write(v, text);
    CHECK(n <= TP_DECIMAL_SIZE);
    text[n] = '\0';
    CHECK(strpbrk(text, ".e") != NULL);
    CHECK(tp_decimal_read(text, n, &back) == TP_OK && same(v, back));
    CHECK(same(strtod(text, NULL), v));
  }
}

static void test_reads_as_strtod_does(void) {
  char text[64];
  int i;
  seed = 2463534242u;
  for (i = 0; i < ROUNDS; i++) {
    double v = random_double(i);
    snprintf(text, sizeof text, "%.*e", (int)(random64() % 25), v);
    CHECK(agrees(text));
    snprintf(text, sizeof text, "%de%d", (int)(random64() % 100000),
             (int)(random64() % 800) - 400);
    CHECK(agrees(text));
  }
}

#if LDBL_MANT_DIG > DBL_MANT_DIG
/* Exactly between two doubles, and a last digit more or less. */
static void test_ties(void) {
  static char text[1300];
  int i;
  seed = 123456789u;
  for (i = 0; i < 3000; i++) {
    double v = random_double(i);
    uint64_t bits;
    double next;
    size_t n;
    memcpy(&bits, &v, sizeof bits);
    bits++;
    memcpy(&next, &bits, sizeof next);
    if (next - next != 0) continue;
    n = (size_t)snprintf(text, sizeof text, "%.1100Le",
                         ((long double)v + (long double)next) / 2);
    CHECK(n < sizeof text);
    CHECK(agrees(text));
    text[1000] = '1'; /* far behind the last digit that is not 0 */
    CHECK(agrees(text));
  }
}
#else
static void test_ties(void) {
  CHECK(agrees("9007199254740993.0"));
}
#endif

static void test_integers(void) {
  static const int64_t values[] = {0, 1, -1, 9, 10, INT64_MAX, INT64_MIN};
  char text[TP_DECIMAL_SIZE + 1];
  size_t i;
  for (i = 0; i < sizeof values / sizeof *values; i++) {
    text[tp_integer_write(values[i], text)] = '\0';
    CHECK(strtoll(text, NULL, 10) == values[i]);
  }
}

static void test_refused_numbers_write_nothing(void) {
  tp_buffer b;
  tp_buffer_init(&b, 10);
  CHECK(tp_json_put_double(&b, DBL_MAX * 10) == TP_ERANGE);
  CHECK(tp_json_put_double(&b, DBL_MAX * 10 - DBL_MAX * 10) == TP_ERANGE);
  CHECK(b.length == 0 && b.status == TP_OK);
  CHECK(tp_json_put_integer(&b, 1234567890) == TP_OK && b.length == 10);
  CHECK(tp_json_put_integer(&b, 1) == TP_ETOOBIG && b.length == 10);
  CHECK(tp_json_put_double(&b, 1) == TP_ETOOBIG);
  tp_buffer_free(&b);
}

static void test_strings_up_to_the_ceiling(void) {
  tp_buffer b;
  size_t bad = 99;
  tp_buffer_init(&b, 8);
  CHECK(tp_json_put_string(&b, "a\n\"b", 4, &bad) == TP_OK);
  CHECK(b.length == 8 && memcmp(b.data, "\"a\\n\\\"b\"", 8) == 0);
  b.length = 0;
  CHECK(tp_json_put_string(&b, "ab\xff", 3, &bad) == TP_EUTF8 && bad == 2);
  CHECK(b.length == 0 && b.status == TP_OK);
  CHECK(tp_json_put_string(&b, "a\n\"bc", 5, &bad) == TP_ETOOBIG);
  tp_buffer_free(&b);
}

static void test_reader_with_a_full_buffer(void) {
  static const char text[] = "[\"abcdefgh\",\"\\u00e9bcdefg\"]";
  tp_json_reader r;
  tp_buffer scratch;
  tp_buffer_init(&scratch, 7);
  tp_json_open(&r, text, sizeof text - 1, &scratch);
  CHECK(tp_json_next(&r) == TP_JSON_ARRAY);
  CHECK(tp_json_next(&r) == TP_JSON_STRING && r.length == 8);
  CHECK(tp_json_next(&r) == TP_JSON_ERROR && r.status == TP_ETOOBIG);
  CHECK(tp_json_next(&r) == TP_JSON_ERROR && r.status == TP_ETOOBIG);
  tp_buffer_free(&scratch);
}

static void test_reader_ends_and_stays_at_its_end(void) {
  static const char text[] = " {\"k\":[1,-2.5,null]} ";
  static const tp_json_event events[] = {
      TP_JSON_OBJECT, TP_JSON_KEY,       TP_JSON_ARRAY,      TP_JSON_INTEGER,
      TP_JSON_DOUBLE, TP_JSON_NULL,      TP_JSON_ARRAY_END,
      TP_JSON_OBJECT_END, TP_JSON_END, TP_JSON_END};
  tp_json_reader r;
  tp_buffer scratch;
  size_t i;
  tp_buffer_init(&scratch, 7);
  tp_json_open(&r, text, sizeof text - 1, &scratch);
  for (i = 0; i < sizeof events / sizeof *events; i++)
    CHECK(tp_json_next(&r) == events[i]);
  CHECK(r.integer == 1 && same(r.number, -2.5) && scratch.data == NULL);
}

int main(void) {
  RUN(test_what_is_written_reads_back);
  RUN(test_reads_as_strtod_does);
  RUN(test_ties);
  RUN(test_integers);
  RUN(test_refused_numbers_write_nothing);
  RUN(test_strings_up_to_the_ceiling);
  RUN(test_reader_with_a_full_buffer);
  RUN(test_reader_ends_and_stays_at_its_end);
  return check_end();
}
