/* Protobuf's wire format: see wire.h. Any thread; never allocates but through
** the buffer that is written to.
*/
#include "wire.h"

#include <string.h>
#include "../base/limits.h"

void tp_reader_init(tp_reader *r, const void *data, size_t n) {
  static const uint8_t nothing[1] = {0};
  r->p = r->begin = data != NULL ? data : nothing;
  r->end = r->p + n;
}

tp_reader tp_reader_within(const tp_reader *whole, const uint8_t *bytes,
                           size_t n) {
  tp_reader part;
  part.p = bytes;
  part.end = bytes + n;
  part.begin = whole->begin;
  return part;
}

tp_status tp_wire_varint(tp_reader *r, uint64_t *value) {
  const uint8_t *p = r->p;
  uint64_t sum = 0;
  unsigned shift;
  if (p < r->end && *p < 0x80) {
    *value = *p;
    r->p = p + 1;
    return TP_OK;
  }
  for (shift = 0; shift < 70; shift += 7) {
    if (p == r->end) return TP_ETRUNCATED;
    sum |= (uint64_t)(*p & 0x7F) << shift;
    if (*p++ < 0x80) {
      if (shift == 63 && p[-1] > 1) return TP_EVARINT; /* over 64 bits */
      *value = sum;
      r->p = p;
      return TP_OK;
    }
  }
  return TP_EVARINT;
}

/* Little-endian, n bytes, which are there. */
static uint64_t load(const uint8_t *p, size_t n) {
  uint64_t value = 0;
  while (n-- > 0) value = value << 8 | p[n];
  return value;
}

tp_status tp_wire_fixed32(tp_reader *r, uint32_t *value) {
  if (r->end - r->p < 4) return TP_ETRUNCATED;
  *value = (uint32_t)load(r->p, 4);
  r->p += 4;
  return TP_OK;
}

tp_status tp_wire_fixed64(tp_reader *r, uint64_t *value) {
  if (r->end - r->p < 8) return TP_ETRUNCATED;
  *value = load(r->p, 8);
  r->p += 8;
  return TP_OK;
}

/* A tag has at most 32 bits, hence at most five bytes. */
static tp_status read_tag(tp_reader *r, tp_field_value *v) {
  const uint8_t *start = r->p;
  uint64_t tag;
  tp_status status = tp_wire_varint(r, &tag);
  if (status == TP_EVARINT) return TP_ETAG;
  if (status != TP_OK) return status;
  v->start = start;
  v->number = (uint32_t)(tag >> 3);
  v->wire = (tp_wire_type)(tag & 7);
  if (r->p - start > 5 || tag > UINT32_MAX || v->number == 0 ||
      v->wire > TP_WIRE_FIXED32)
    return TP_ETAG;
  return TP_OK;
}

/* What follows a tag, groups apart. */
static tp_status read_value(tp_reader *r, tp_field_value *v) {
  uint32_t small = 0;
  tp_status status;
  v->integer = 0;
  v->bytes = NULL;
  v->length = 0;
  switch (v->wire) {
    case TP_WIRE_VARINT:
      return tp_wire_varint(r, &v->integer);
    case TP_WIRE_FIXED64:
      return tp_wire_fixed64(r, &v->integer);
    case TP_WIRE_FIXED32:
      status = tp_wire_fixed32(r, &small);
      if (status == TP_OK) v->integer = small;
      return status;
    case TP_WIRE_BYTES:
      status = tp_wire_varint(r, &v->integer);
      if (status != TP_OK) return status;
      if (v->integer > (uint64_t)(r->end - r->p)) return TP_ETRUNCATED;
      v->bytes = r->p;
      v->length = (size_t)v->integer;
      r->p += v->length;
      return TP_OK;
    case TP_WIRE_GROUP:
    case TP_WIRE_END_GROUP:
      break;
  }
  return TP_EGROUP;
}

/* Everything up to the end-group tag of group `v`; iterative, so that the C
** stack does not depend on the input. */
static tp_status read_group(tp_reader *r, tp_field_value *v, int depth) {
  uint32_t open[TP_MAX_DEPTH];
  tp_field_value inner;
  const uint8_t *contents = r->p;
  int level = 0;
  if (depth > TP_MAX_DEPTH) depth = TP_MAX_DEPTH;
  if (depth < 1) return TP_EDEPTH;
  open[level++] = v->number;
  while (level > 0) {
    tp_status status = read_tag(r, &inner);
    if (status != TP_OK) return status;
    if (inner.wire == TP_WIRE_GROUP) {
      if (level == depth) return TP_EDEPTH;
      open[level++] = inner.number;
    } else if (inner.wire == TP_WIRE_END_GROUP) {
      if (inner.number != open[--level]) return TP_EGROUP;
    } else {
      status = read_value(r, &inner);
      if (status != TP_OK) return status;
    }
  }
  v->integer = 0;
  v->bytes = contents;
  v->length = (size_t)(inner.start - contents);
  return TP_OK;
}

/* Most fields are this: a tag of one byte, and a number or a length of one. */
static int read_short(tp_reader *r, tp_field_value *v) {
  const uint8_t *p = r->p;
  size_t left = (size_t)(r->end - p);
  if (left < 2 || p[0] >= 0x80 || p[0] < 8 || p[1] >= 0x80) return 0;
  v->wire = (tp_wire_type)(p[0] & 7);
  v->integer = p[1];
  if (v->wire == TP_WIRE_VARINT) {
    v->bytes = NULL;
    v->length = 0;
  } else if (v->wire == TP_WIRE_BYTES && p[1] <= left - 2) {
    v->bytes = p + 2;
    v->length = p[1];
  } else {
    return 0;
  }
  v->number = p[0] >> 3;
  v->start = p;
  r->p = p + 2 + v->length;
  return 1;
}

tp_status tp_wire_next_within(tp_reader *r, tp_field_value *v, int depth) {
  const uint8_t *start = r->p;
  tp_status status;
  if (read_short(r, v)) return TP_OK;
  status = read_tag(r, v);
  if (status == TP_OK)
    status = v->wire == TP_WIRE_GROUP ? read_group(r, v, depth)
                                      : read_value(r, v);
  if (status != TP_OK) r->p = start;
  return status;
}

tp_status tp_wire_next(tp_reader *r, tp_field_value *v) {
  return tp_wire_next_within(r, v, TP_MAX_DEPTH);
}

tp_field_value tp_wire_find(const void *data, size_t n, uint32_t number) {
  tp_reader r;
  tp_field_value v;
  tp_reader_init(&r, data, n);
  while (!tp_reader_done(&r) && tp_wire_next(&r, &v) == TP_OK)
    if (v.number == number) return v;
  memset(&v, 0, sizeof v);
  return v;
}

tp_status tp_wire_skip(tp_reader *r) {
  tp_field_value v;
  return tp_wire_next(r, &v);
}

size_t tp_varint_size(uint64_t value) {
  size_t n = 1;
  while (value >= 0x80) {
    value >>= 7;
    n++;
  }
  return n;
}

size_t tp_varint_write(uint8_t *out, uint64_t value) {
  size_t n = 0;
  while (value >= 0x80) {
    out[n++] = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  out[n++] = (uint8_t)value;
  return n;
}

static size_t write_fixed(uint8_t *out, uint64_t value, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) out[i] = (uint8_t)(value >> (8 * i));
  return n;
}

#define tag_of(number, wire) ((uint64_t)(number) << 3 | (wire))

tp_status tp_wire_put_varint(tp_buffer *b, uint32_t number, uint64_t value) {
  uint64_t tag = tag_of(number, TP_WIRE_VARINT);
  uint8_t *out =
      tp_buffer_reserve(b, tp_varint_size(tag) + tp_varint_size(value));
  if (out == NULL) return b->status;
  out += tp_varint_write(out, tag);
  out += tp_varint_write(out, value);
  b->length = (size_t)(out - b->data);
  return TP_OK;
}

tp_status tp_wire_put_bool(tp_buffer *b, uint32_t number, int value) {
  return tp_wire_put_varint(b, number, value != 0);
}

static tp_status put_fixed(tp_buffer *b, uint64_t tag, uint64_t value,
                           size_t n) {
  uint8_t *out = tp_buffer_reserve(b, tp_varint_size(tag) + n);
  if (out == NULL) return b->status;
  out += tp_varint_write(out, tag);
  out += write_fixed(out, value, n);
  b->length = (size_t)(out - b->data);
  return TP_OK;
}

tp_status tp_wire_put_fixed32(tp_buffer *b, uint32_t number, uint32_t value) {
  return put_fixed(b, tag_of(number, TP_WIRE_FIXED32), value, 4);
}

tp_status tp_wire_put_fixed64(tp_buffer *b, uint32_t number, uint64_t value) {
  return put_fixed(b, tag_of(number, TP_WIRE_FIXED64), value, 8);
}

tp_status tp_wire_put_bytes(tp_buffer *b, uint32_t number, const void *data,
                            size_t n) {
  uint64_t tag = tag_of(number, TP_WIRE_BYTES);
  size_t head = tp_varint_size(tag) + tp_varint_size(n);
  uint8_t *out;
  if (n > SIZE_MAX - head) {
    if (b->status == TP_OK) b->status = TP_ETOOBIG;
    return b->status;
  }
  out = tp_buffer_reserve(b, head + n);
  if (out == NULL) return b->status;
  out += tp_varint_write(out, tag);
  out += tp_varint_write(out, n);
  if (n > 0) memcpy(out, data, n);
  b->length += head + n;
  return TP_OK;
}

tp_status tp_wire_put_string(tp_buffer *b, uint32_t number, const char *s) {
  return tp_wire_put_bytes(b, number, s, strlen(s));
}

size_t tp_wire_begin(tp_buffer *b, uint32_t number) {
  uint64_t tag = tag_of(number, TP_WIRE_BYTES);
  size_t n = tp_varint_size(tag);
  uint8_t *out = tp_buffer_reserve(b, n + 1);
  if (out == NULL) return 0;
  tp_varint_write(out, tag);
  out[n] = 0;
  b->length += n + 1;
  return b->length;
}

tp_status tp_wire_end(tp_buffer *b, size_t mark) {
  size_t n, more;
  if (b->status != TP_OK) return b->status;
  n = b->length - mark;
  more = tp_varint_size(n) - 1;
  if (more > 0) {
    if (tp_buffer_reserve(b, more) == NULL) return b->status;
    memmove(b->data + mark + more, b->data + mark, n);
    b->length += more;
  }
  tp_varint_write(b->data + mark - 1, n);
  return TP_OK;
}

tp_status tp_wire_raw_varint(tp_buffer *b, uint64_t value) {
  uint8_t *out = tp_buffer_reserve(b, tp_varint_size(value));
  if (out == NULL) return b->status;
  b->length += tp_varint_write(out, value);
  return TP_OK;
}

tp_status tp_wire_raw_fixed32(tp_buffer *b, uint32_t value) {
  uint8_t *out = tp_buffer_reserve(b, 4);
  if (out == NULL) return b->status;
  b->length += write_fixed(out, value, 4);
  return TP_OK;
}

tp_status tp_wire_raw_fixed64(tp_buffer *b, uint64_t value) {
  uint8_t *out = tp_buffer_reserve(b, 8);
  if (out == NULL) return b->status;
  b->length += write_fixed(out, value, 8);
  return TP_OK;
}
