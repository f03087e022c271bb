/* Protobuf's wire format over bounded memory. The reader never allocates; the
** writers append to a tp_buffer. Any thread. Reading fails with TP_ETRUNCATED,
** TP_EVARINT, TP_ETAG, TP_EGROUP or TP_EDEPTH and then leaves the reader at
** the start of the field it could not read; writing fails as the buffer does
** (TP_ENOMEM, TP_ETOOBIG), and that status sticks to the buffer.
*/
#ifndef TP_WIRE_H
#define TP_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/status.h"

#pragma GCC visibility push(hidden)

typedef enum {
  TP_WIRE_VARINT = 0,
  TP_WIRE_FIXED64 = 1,
  TP_WIRE_BYTES = 2,
  TP_WIRE_GROUP = 3,
  TP_WIRE_END_GROUP = 4,
  TP_WIRE_FIXED32 = 5
} tp_wire_type;

/* [p, end) is left to read; begin is where offsets in errors count from. */
typedef struct tp_reader {
  const uint8_t *p, *end, *begin;
} tp_reader;

typedef struct tp_field_value {
  uint32_t number;
  tp_wire_type wire;
  uint64_t integer;     /* varint, fixed64, fixed32 */
  const uint8_t *bytes; /* length-delimited: the contents; group: with its */
  size_t length;        /* tags left out */
  const uint8_t *start; /* the field's first byte, its tag: [start, r->p) */
} tp_field_value;

void tp_reader_init(tp_reader *r, const void *data, size_t n);
/* A reader of a part, whose offsets still count from the whole's beginning. */
tp_reader tp_reader_within(const tp_reader *whole, const uint8_t *bytes,
                           size_t n);
#define tp_reader_done(r) ((r)->p == (r)->end)
#define tp_reader_offset(r) ((size_t)((r)->p - (r)->begin))

/* The next field. A group is stepped over as a whole (at most TP_MAX_DEPTH
** groups in each other); an end-group tag without its start is TP_EGROUP. */
tp_status tp_wire_next(tp_reader *r, tp_field_value *v);
/* The same, when the groups may only go `depth` levels deep. */
tp_status tp_wire_next_within(tp_reader *r, tp_field_value *v, int depth);
/* The first field of that number in a message; number 0 when there is none, or
** it cannot be read so far. */
tp_field_value tp_wire_find(const void *data, size_t n, uint32_t number);
/* Steps over one field: for checking that bytes are well-formed fields. */
tp_status tp_wire_skip(tp_reader *r);
/* One varint, without a tag: packed fields. */
tp_status tp_wire_varint(tp_reader *r, uint64_t *value);
/* One little-endian number of 4 or 8 bytes. */
tp_status tp_wire_fixed32(tp_reader *r, uint32_t *value);
tp_status tp_wire_fixed64(tp_reader *r, uint64_t *value);

#define tp_zigzag_decode(u) \
  ((int64_t)((u) >> 1) ^ -(int64_t)((u) & 1))
#define tp_zigzag_encode(i) \
  (((uint64_t)(i) << 1) ^ (uint64_t)((int64_t)(i) < 0 ? -1 : 0))

/* Bytes a varint takes: 1..10. */
size_t tp_varint_size(uint64_t value);
/* Writes it at `out`, which has room; returns the bytes written. */
size_t tp_varint_write(uint8_t *out, uint64_t value);

/* Writers: tag and value. They leave out nothing: zero is written too. */
tp_status tp_wire_put_varint(tp_buffer *b, uint32_t number, uint64_t value);
tp_status tp_wire_put_bool(tp_buffer *b, uint32_t number, int value);
tp_status tp_wire_put_fixed32(tp_buffer *b, uint32_t number, uint32_t value);
tp_status tp_wire_put_fixed64(tp_buffer *b, uint32_t number, uint64_t value);
tp_status tp_wire_put_bytes(tp_buffer *b, uint32_t number, const void *data,
                            size_t n);
tp_status tp_wire_put_string(tp_buffer *b, uint32_t number, const char *s);

/* A nested message in one pass: `begin` writes the tag and keeps one byte for
** the length, `end` fills the length in and moves the contents when it needs
** more. `mark` is what `begin` returned. */
size_t tp_wire_begin(tp_buffer *b, uint32_t number);
tp_status tp_wire_end(tp_buffer *b, size_t mark);

/* Pieces without a tag: packed elements. */
tp_status tp_wire_raw_varint(tp_buffer *b, uint64_t value);
tp_status tp_wire_raw_fixed32(tp_buffer *b, uint32_t value);
tp_status tp_wire_raw_fixed64(tp_buffer *b, uint64_t value);

#pragma GCC visibility pop
#endif
