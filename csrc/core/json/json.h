/* JSON text (RFC 8259): a pull reader, and the pieces of a writer.
** A reader or writer has one owner at a time; any thread. No recursion, no
** locale, no allocation but in the tp_buffer given.
** Fails with TP_ESYNTAX, TP_EUTF8, TP_EDEPTH, TP_ERANGE, or as the buffer.
*/
#ifndef TP_JSON_H
#define TP_JSON_H

#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../base/limits.h"
#include "../base/status.h"
#include "json_number.h"

#pragma GCC visibility push(hidden)

typedef enum {
  TP_JSON_ERROR,      /* status, reason and offset say what; stays so */
  TP_JSON_END,        /* the one value is complete, nothing follows */
  TP_JSON_NULL,
  TP_JSON_FALSE,
  TP_JSON_TRUE,
  TP_JSON_INTEGER,    /* `integer`: no fraction, no exponent, fits int64 */
  TP_JSON_DOUBLE,     /* `number`: every other number; "-0" is -0.0 */
  TP_JSON_STRING,     /* `string`, `length`: valid UTF-8, may hold NUL */
  TP_JSON_KEY,        /* likewise; the member's value comes next */
  TP_JSON_ARRAY,
  TP_JSON_ARRAY_END,
  TP_JSON_OBJECT,
  TP_JSON_OBJECT_END
} tp_json_event;

typedef struct tp_json_reader {
  const char *begin, *next, *end;
  tp_buffer *scratch;    /* holds a string that was written with escapes */
  const char *string;    /* valid until the next call */
  size_t length;
  int64_t integer;
  double number;
  tp_status status;      /* of the error */
  const char *reason;    /* of the error: what was wrong, what is right */
  size_t offset;         /* of the error: bytes before it */
  int expect;            /* what the grammar allows next */
  int lenient;
  unsigned depth;        /* containers open now */
  unsigned deepest;      /* that there may be: TP_MAX_DEPTH */
  uint8_t object[TP_MAX_LENIENT_DEPTH / 8]; /* is that at depth - 1 one? bits */
} tp_json_reader;

/* `text` must outlive the reader; `scratch` is the caller's and is emptied. */
void tp_json_open(tp_json_reader *r, const char *text, size_t n,
                  tp_buffer *scratch);
/* Reads also what others write that is not JSON, or is more than we write:
** surrogates without their other half and bytes that are no UTF-8, as U+FFFD;
** NaN, Infinity, -Infinity; TP_MAX_LENIENT_DEPTH levels. */
void tp_json_be_lenient(tp_json_reader *r);
tp_json_event tp_json_next(tp_json_reader *r);
/* After TP_JSON_ARRAY or TP_JSON_OBJECT: does its end follow at once? */
int tp_json_empty(const tp_json_reader *r);
/* Is the innermost open container an object? There must be one. */
static inline int tp_json_in_object(const tp_json_reader *r) {
  unsigned level = r->depth - 1;
  return r->object[level / 8] >> level % 8 & 1;
}

/* Append one value. Only these two can refuse it, and then write nothing:
** put_double NaN and infinities with TP_ERANGE, put_string with TP_EUTF8 and
** the offset of the first wrong byte in `bad`. A double is written with the
** fewest digits that read back as the same double, and so that it reads back
** as TP_JSON_DOUBLE: 1 as `1.0`.
*/
tp_status tp_json_put_integer(tp_buffer *b, int64_t value);
tp_status tp_json_put_double(tp_buffer *b, double value);
tp_status tp_json_put_string(tp_buffer *b, const char *s, size_t n,
                             size_t *bad);

#pragma GCC visibility pop
#endif
