/* Unit tests of inflating an answer: sizes at their limits, bombs, streams that
** are cut or not gzip at all. One thread.
*/
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/limits.h"
#include "net/gzip.h"
#include "check.h"

enum { GZIP = 16 + MAX_WBITS, ZLIB = MAX_WBITS, RAW = -MAX_WBITS };

static tp_buffer b;

/* `n` bytes of `pattern`, compressed, as the content of `b`. */
static void compress_as(const uint8_t *data, size_t n, int format) {
  z_stream z;
  size_t room = n / 2 + 65536;
  tp_buffer_init(&b, TP_MAX_MESSAGE);
  memset(&z, 0, sizeof z);
  deflateInit2(&z, 6, Z_DEFLATED, format, 8, Z_DEFAULT_STRATEGY);
  z.next_in = (Bytef *)(uintptr_t)data;
  z.avail_in = (unsigned)n;
  z.next_out = tp_buffer_reserve(&b, room);
  z.avail_out = (unsigned)room;
  deflate(&z, Z_FINISH);
  b.length = room - z.avail_out;
  deflateEnd(&z);
}

static uint8_t *pattern(size_t n) {
  uint8_t *data = malloc(n ? n : 1);
  size_t i;
  for (i = 0; i < n; i++) data[i] = (uint8_t)(i * 7 + i / 251);
  return data;
}

/* Compresses `n` bytes and inflates them with the limit `max`. */
static tp_status there_and_back(size_t n, size_t max, int *same) {
  uint8_t *data = pattern(n);
  tp_status status;
  compress_as(data, n, GZIP);
  status = tp_gunzip(&b, max);
  *same = b.length == n && memcmp(b.data, data, n) == 0;
  tp_buffer_free(&b);
  free(data);
  return status;
}

static void test_sizes(void) {
  static const size_t sizes[] = {0, 1, 2, 16383, 16384, 16385, 32768, 65536,
                                 1000000};
  size_t i;
  int same;
  for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    CHECK(there_and_back(sizes[i], TP_MAX_MESSAGE, &same) == TP_OK && same);
    CHECK(there_and_back(sizes[i], sizes[i], &same) == TP_OK && same);
    CHECK(there_and_back(sizes[i], sizes[i] + 1, &same) == TP_OK && same);
  }
}

static void test_one_too_many(void) {
  static const size_t sizes[] = {1, 2, 16384, 16385, 65536, 1000000};
  size_t i;
  int same;
  for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
    CHECK(there_and_back(sizes[i], sizes[i] - 1, &same) == TP_ETOOBIG);
}

/* 16 MiB of zeros are 16 KiB: it must end at the limit, not at the end. */
static void test_bomb(void) {
  size_t n = 16 << 20, before;
  uint8_t *zeros = calloc(n, 1), *copy;
  compress_as(zeros, n, GZIP);
  free(zeros);
  CHECK(b.length < 100000);
  before = b.length;
  copy = malloc(before);
  memcpy(copy, b.data, before);
  CHECK(tp_gunzip(&b, 1 << 20) == TP_ETOOBIG);
  CHECK(b.length == before && memcmp(b.data, copy, before) == 0);
  CHECK(tp_gunzip(&b, n - 1) == TP_ETOOBIG);
  CHECK(tp_gunzip(&b, n) == TP_OK && b.length == n);
  tp_buffer_free(&b);
  free(copy);
}

/* Zeros, as far as any ratio is taken and one byte further; where max_message
** is larger that is taken, too. */
static void test_ratio(void) {
  size_t n = (16 << 20) + 1;
  uint8_t *zeros = calloc(n, 1);
  compress_as(zeros, n - 1, GZIP);
  CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_OK && b.length == n - 1);
  tp_buffer_free(&b);
  compress_as(zeros, n, GZIP);
  CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_ETOOBIG);
  CHECK(tp_gunzip(&b, 2 * TP_MAX_MESSAGE) == TP_OK && b.length == n);
  tp_buffer_free(&b);
  free(zeros);
  CHECK(tp_gunzip_limit(1000, TP_MAX_MESSAGE) == 16 << 20);
  CHECK(tp_gunzip_limit(1000, 5000) == 5000);
  CHECK(tp_gunzip_limit(1000000, TP_MAX_MESSAGE) == 100000000);
  CHECK(tp_gunzip_limit(2000000, TP_MAX_MESSAGE) == TP_MAX_MESSAGE);
  CHECK(tp_gunzip_limit(1, (size_t)1 << 30) == (size_t)1 << 27);
}

/* Cut at every byte: never taken for whole. */
static void test_truncated(void) {
  uint8_t *data = pattern(3000), *whole;
  size_t n, k;
  compress_as(data, 3000, GZIP);
  n = b.length;
  whole = malloc(n);
  memcpy(whole, b.data, n);
  for (k = 0; k < n; k++) {
    b.length = 0;
    tp_buffer_put(&b, whole, k);
    CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_ESYNTAX);
    CHECK(b.length == k && (k == 0 || memcmp(b.data, whole, k) == 0));
    CHECK(tp_gunzip(&b, 3000) == TP_ESYNTAX);
  }
  b.length = 0;
  tp_buffer_put(&b, whole, n);
  CHECK(tp_gunzip(&b, 3000) == TP_OK && memcmp(b.data, data, 3000) == 0);
  tp_buffer_free(&b);
  free(whole);
  free(data);
}

/* One bit changed anywhere: an error, or the same bytes (of the header some
** bits mean nothing). */
static void test_corrupt(void) {
  uint8_t *data = pattern(500), *whole;
  size_t n, i;
  compress_as(data, 500, GZIP);
  n = b.length;
  whole = malloc(n);
  memcpy(whole, b.data, n);
  for (i = 0; i < n * 8; i++) {
    b.length = 0;
    tp_buffer_put(&b, whole, n);
    b.data[i / 8] ^= (uint8_t)(1u << i % 8);
    if (tp_gunzip(&b, TP_MAX_MESSAGE) == TP_OK)
      CHECK(b.length == 500 && memcmp(b.data, data, 500) == 0);
  }
  tp_buffer_free(&b);
  free(whole);
  free(data);
}

static void test_not_gzip(void) {
  uint8_t *data = pattern(500);
  compress_as(data, 500, ZLIB);
  CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_ESYNTAX);
  tp_buffer_free(&b);
  compress_as(data, 500, RAW);
  CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_ESYNTAX);
  tp_buffer_free(&b);
  tp_buffer_init(&b, TP_MAX_MESSAGE);
  CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_ESYNTAX);
  tp_buffer_put(&b, data, 500);
  CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_ESYNTAX && b.length == 500);
  tp_buffer_free(&b);
  free(data);
}

/* A message is one stream, and what follows it is no part of it. */
static void test_rest(void) {
  uint8_t *data = pattern(500);
  compress_as(data, 500, GZIP);
  tp_buffer_put(&b, "x", 1);
  CHECK(tp_gunzip(&b, TP_MAX_MESSAGE) == TP_ESYNTAX);
  tp_buffer_free(&b);
  free(data);
}

int main(void) {
  RUN(test_sizes);
  RUN(test_one_too_many);
  RUN(test_bomb);
  RUN(test_ratio);
  RUN(test_truncated);
  RUN(test_corrupt);
  RUN(test_not_gzip);
  RUN(test_rest);
  return check_end();
}
