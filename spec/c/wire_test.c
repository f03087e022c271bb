/* Unit tests of the wire format's reader and writers, byte by byte. One
** thread.
*/
#include "base/limits.h"
#include "proto/wire.h"
#include "check.h"

#include <string.h>

static tp_status first(const void *bytes, size_t n, tp_field_value *v) {
  tp_reader r;
  tp_status status;
  tp_reader_init(&r, bytes, n);
  status = tp_wire_next(&r, v);
  /* A field that cannot be read leaves the reader at its start. */
  return status != TP_OK && tp_reader_offset(&r) != 0 ? TP_ESYSTEM : status;
}

#define FIRST(literal) first(literal, sizeof literal - 1, &v)

static void test_varints(void) {
  static const uint64_t values[] = {0,     1,          127,       128,
                                    16383, 16384,      1u << 21,  UINT32_MAX,
                                    (uint64_t)1 << 63, UINT64_MAX};
  size_t i, n;
  uint8_t bytes[16];
  for (i = 0; i < sizeof values / sizeof values[0]; i++) {
    uint64_t got = 0;
    tp_reader r;
    n = tp_varint_write(bytes, values[i]);
    CHECK(n == tp_varint_size(values[i]));
    tp_reader_init(&r, bytes, n);
    CHECK(tp_wire_varint(&r, &got) == TP_OK && got == values[i]);
    CHECK(tp_reader_done(&r));
    tp_reader_init(&r, bytes, n - 1);
    CHECK(tp_wire_varint(&r, &got) == TP_ETRUNCATED);
    CHECK(tp_reader_offset(&r) == 0);
  }
  CHECK(tp_varint_size(UINT64_MAX) == 10);
}

static void test_long_varints(void) {
  tp_field_value v;
  CHECK(FIRST("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") == TP_OK);
  CHECK(v.integer == UINT64_MAX);
  CHECK(FIRST("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02") == TP_EVARINT);
  CHECK(FIRST("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00") ==
        TP_EVARINT);
  CHECK(FIRST("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80") == TP_ETRUNCATED);
  CHECK(FIRST("\x08\x80\x00") == TP_OK && v.integer == 0); /* padded zero */
}

static void test_tags(void) {
  tp_field_value v;
  CHECK(FIRST("") == TP_ETRUNCATED);
  CHECK(FIRST("\x00\x00") == TP_ETAG);                     /* field 0 */
  CHECK(FIRST("\x0e\x00") == TP_ETAG);                     /* wire type 6 */
  CHECK(FIRST("\x0f\x00") == TP_ETAG);                     /* wire type 7 */
  CHECK(FIRST("\xf8\xff\xff\xff\x0f\x01") == TP_OK);       /* the largest */
  CHECK(v.number == (1u << 29) - 1 && v.integer == 1);
  CHECK(FIRST("\xf8\xff\xff\xff\x1f\x01") == TP_ETAG);     /* 33 bits */
  CHECK(FIRST("\x88\x80\x80\x80\x80\x00\x01") == TP_ETAG); /* six bytes */
  CHECK(FIRST("\x88\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") == TP_ETAG);
  CHECK(FIRST("\x88") == TP_ETRUNCATED);
}

static void test_values(void) {
  tp_field_value v;
  CHECK(FIRST("\x09\x01\x02\x03\x04\x05\x06\x07\x08") == TP_OK);
  CHECK(v.wire == TP_WIRE_FIXED64 &&
        v.integer == UINT64_C(0x0807060504030201));
  CHECK(FIRST("\x09\x01\x02\x03\x04\x05\x06\x07") == TP_ETRUNCATED);
  CHECK(FIRST("\x0d\x01\x02\x03\x84") == TP_OK);
  CHECK(v.wire == TP_WIRE_FIXED32 && v.integer == 0x84030201u);
  CHECK(FIRST("\x0d\x01\x02\x03") == TP_ETRUNCATED);
  CHECK(FIRST("\x0a\x02hi") == TP_OK);
  CHECK(v.wire == TP_WIRE_BYTES && v.length == 2 &&
        memcmp(v.bytes, "hi", 2) == 0);
  CHECK(FIRST("\x0a\x00") == TP_OK && v.length == 0);
  CHECK(FIRST("\x0a\x03hi") == TP_ETRUNCATED);
  CHECK(FIRST("\x0a") == TP_ETRUNCATED);
  CHECK(FIRST("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") ==
        TP_ETRUNCATED); /* a length of 2^64 - 1 */
}

static void test_groups(void) {
  tp_field_value v;
  CHECK(FIRST("\x0b\x0c") == TP_OK);
  CHECK(v.wire == TP_WIRE_GROUP && v.number == 1 && v.length == 0);
  CHECK(FIRST("\x0b\x10\x05\x13\x14\x0c\x08\x01") == TP_OK);
  CHECK(v.length == 4 && v.bytes[0] == 0x10 && v.start[0] == 0x0b);
  CHECK(FIRST("\x0b") == TP_ETRUNCATED);
  CHECK(FIRST("\x0b\x10\x05") == TP_ETRUNCATED);
  CHECK(FIRST("\x0b\x14") == TP_EGROUP); /* ends another group */
  CHECK(FIRST("\x0b\x13\x0c\x14") == TP_EGROUP);
  CHECK(FIRST("\x0c") == TP_EGROUP); /* ends none */
}

static void test_group_depth(void) {
  uint8_t bytes[2 * (TP_MAX_DEPTH + 1)];
  tp_field_value v;
  tp_reader r;
  size_t n;
  for (n = TP_MAX_DEPTH; n <= TP_MAX_DEPTH + 1; n++) {
    memset(bytes, 0x0b, n);
    memset(bytes + n, 0x0c, n);
    CHECK(first(bytes, 2 * n, &v) == (n > TP_MAX_DEPTH ? TP_EDEPTH : TP_OK));
  }
  tp_reader_init(&r, "\x0b\x0c", 2);
  CHECK(tp_wire_next_within(&r, &v, 0) == TP_EDEPTH);
  CHECK(tp_wire_next_within(&r, &v, 1) == TP_OK);
}

static void test_sequence(void) {
  static const char bytes[] = "\x08\x01\x12\x02\x08\x07\x18\xac\x02";
  tp_field_value v;
  tp_reader r, inner;
  tp_reader_init(&r, bytes, sizeof bytes - 1);
  CHECK(tp_wire_next(&r, &v) == TP_OK && v.number == 1);
  CHECK(tp_wire_next(&r, &v) == TP_OK && v.number == 2);
  inner = tp_reader_within(&r, v.bytes, v.length);
  CHECK(tp_reader_offset(&inner) == 4);
  CHECK(tp_wire_next(&inner, &v) == TP_OK && v.integer == 7);
  CHECK(tp_reader_done(&inner));
  CHECK(tp_wire_skip(&r) == TP_OK && tp_reader_done(&r));
  tp_reader_init(&r, NULL, 0);
  CHECK(tp_reader_done(&r));
}

static void test_writers(void) {
  static const char expected[] =
      "\x08\x96\x01\x10\x01\x1d\x04\x03\x02\x01\x21\x08\x07\x06\x05\x04\x03"
      "\x02\x01\x2a\x02hi\x32\x00\xfa\xff\xff\xff\x0f\x01x";
  tp_buffer b;
  tp_buffer_init(&b, 1000);
  tp_wire_put_varint(&b, 1, 150);
  tp_wire_put_bool(&b, 2, 7);
  tp_wire_put_fixed32(&b, 3, 0x01020304);
  tp_wire_put_fixed64(&b, 4, UINT64_C(0x0102030405060708));
  tp_wire_put_string(&b, 5, "hi");
  tp_wire_put_bytes(&b, 6, NULL, 0);
  CHECK(tp_wire_put_bytes(&b, (1u << 29) - 1, "x", 1) == TP_OK);
  CHECK(b.length == sizeof expected - 1);
  CHECK(memcmp(b.data, expected, sizeof expected - 1) == 0);
  tp_buffer_free(&b);
  CHECK(tp_zigzag_encode(INT64_MIN) == UINT64_MAX);
  CHECK(tp_zigzag_decode(UINT64_MAX) == INT64_MIN);
  CHECK(tp_zigzag_encode((int64_t)-1) == 1 && tp_zigzag_encode(1) == 2);
  CHECK(tp_zigzag_decode((uint64_t)3) == -2);
}

/* Nested messages whose length takes one, two, three bytes. */
static void test_nested(void) {
  static const size_t lengths[] = {0, 127, 128, 16383, 16384};
  static uint8_t filling[16384];
  size_t i;
  for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    size_t mark, size = tp_varint_size(lengths[i]);
    tp_field_value v;
    tp_buffer b;
    memset(filling, 0x5a, sizeof filling);
    tp_buffer_init(&b, 1 + size + lengths[i]);
    mark = tp_wire_begin(&b, 1);
    tp_buffer_put(&b, filling, lengths[i]);
    CHECK(tp_wire_end(&b, mark) == TP_OK);
    CHECK(b.length == 1 + size + lengths[i]);
    CHECK(first(b.data, b.length, &v) == TP_OK && v.length == lengths[i]);
    CHECK(v.length == 0 || memcmp(v.bytes, filling, v.length) == 0);
    tp_buffer_free(&b);
    if (size == 1) continue;
    tp_buffer_init(&b, size + lengths[i]); /* one byte too few */
    mark = tp_wire_begin(&b, 1);
    tp_buffer_put(&b, filling, lengths[i]);
    CHECK(tp_wire_end(&b, mark) == TP_ETOOBIG);
    tp_buffer_free(&b);
  }
}

static void test_find(void) {
  static const uint8_t message[] = {0x08, 7, 0x12, 1, 'a', 0x12, 1, 'b', 0xff};
  tp_field_value v = tp_wire_find(message, sizeof message, 2);
  CHECK(v.number == 2 && v.length == 1 && *v.bytes == 'a'); /* the first */
  CHECK(tp_wire_find(message, sizeof message, 1).integer == 7);
  CHECK(tp_wire_find(message, sizeof message, 3).number == 0);
  CHECK(tp_wire_find(message, 2, 2).number == 0);
  v = tp_wire_find(NULL, 0, 1);
  CHECK(v.number == 0 && v.bytes == NULL && v.length == 0);
}

static void test_ceiling(void) {
  tp_buffer b;
  tp_buffer_init(&b, 4);
  CHECK(tp_wire_put_string(&b, 1, "hi") == TP_OK); /* exactly full */
  CHECK(tp_wire_put_varint(&b, 1, 0) == TP_ETOOBIG);
  CHECK(b.length == 4);
  CHECK(tp_wire_begin(&b, 1) == 0 && tp_wire_end(&b, 0) == TP_ETOOBIG);
  tp_buffer_free(&b);
  tp_buffer_init(&b, 100);
  CHECK(tp_wire_put_bytes(&b, 1, "", SIZE_MAX) == TP_ETOOBIG);
  tp_buffer_free(&b);
}

int main(void) {
  RUN(test_varints);
  RUN(test_long_varints);
  RUN(test_tags);
  RUN(test_values);
  RUN(test_groups);
  RUN(test_group_depth);
  RUN(test_sequence);
  RUN(test_writers);
  RUN(test_nested);
  RUN(test_find);
  RUN(test_ceiling);
  return check_end();
}
