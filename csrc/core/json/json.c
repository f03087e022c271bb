/* JSON reader and writer: see json.h. Strings and grammar are here, numbers
** in json_number.c.
*/
#include "json.h"

#include <math.h>
#include <string.h>
#include "../base/utf8.h"

/* ---- reader ---- */

/* What the grammar allows next. */
enum {
  VALUE,       /* a value */
  FIRST_ITEM,  /* a value, or the array's end */
  FIRST_KEY,   /* a key, or the object's end */
  KEY,         /* a key: after a comma (only within one call) */
  MORE,        /* a comma, or the container's end */
  NOTHING,     /* the end of the text */
  FAILED
};

/* Bytes inside a string: 1 ends a run of plain ones, 2 is not ASCII. */
static const uint8_t string_class[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
};

void tp_json_open(tp_json_reader *r, const char *text, size_t n,
                  tp_buffer *scratch) {
  r->begin = r->next = text;
  r->end = text + n;
  r->scratch = scratch;
  r->string = NULL;
  r->length = 0;
  r->integer = 0;
  r->number = 0;
  r->status = TP_OK;
  r->reason = NULL;
  r->offset = 0;
  r->expect = VALUE;
  r->lenient = 0;
  r->depth = 0;
  r->deepest = TP_MAX_DEPTH;
}

void tp_json_be_lenient(tp_json_reader *r) {
  r->lenient = 1;
  r->deepest = TP_MAX_LENIENT_DEPTH;
}

static tp_json_event fail(tp_json_reader *r, tp_status status, const char *at,
                          const char *reason) {
  r->status = status;
  r->reason = reason;
  r->offset = (size_t)(at - r->begin);
  r->expect = FAILED;
  return TP_JSON_ERROR;
}

static int is_digit(const char *p, const char *end) {
  return p < end && *p >= '0' && *p <= '9';
}

static void skip_space(tp_json_reader *r) {
  const char *p = r->next;
  while (p < r->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    p++;
  r->next = p;
}

/* One value is complete: what may follow it? */
static void completed(tp_json_reader *r) {
  r->expect = r->depth > 0 ? MORE : NOTHING;
}

static tp_json_event read_word(tp_json_reader *r, const char *word, size_t n,
                               tp_json_event event) {
  if ((size_t)(r->end - r->next) < n || memcmp(r->next, word, n) != 0)
    return fail(r, TP_ESYNTAX, r->next,
                "expected a value (the only words are true, false, null)");
  r->next += n;
  completed(r);
  return event;
}

/* What Python writes for floats that JSON has no words for. */
static tp_json_event read_unreal(tp_json_reader *r) {
  switch (*r->next) {
    case 'N': r->number = NAN; return read_word(r, "NaN", 3, TP_JSON_DOUBLE);
    case 'I':
      r->number = INFINITY;
      return read_word(r, "Infinity", 8, TP_JSON_DOUBLE);
    default:
      r->number = -INFINITY;
      return read_word(r, "-Infinity", 9, TP_JSON_DOUBLE);
  }
}

/* Fraction and exponent; p is after the integer part. NULL after a failure. */
static const char *read_fraction(tp_json_reader *r, const char *p) {
  if (p < r->end && *p == '.') {
    p++;
    if (!is_digit(p, r->end)) {
      fail(r, TP_ESYNTAX, p, "expected a digit after the decimal point");
      return NULL;
    }
    while (is_digit(p, r->end)) p++;
  }
  if (p < r->end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < r->end && (*p == '+' || *p == '-')) p++;
    if (!is_digit(p, r->end)) {
      fail(r, TP_ESYNTAX, p, "expected a digit in the exponent");
      return NULL;
    }
    while (is_digit(p, r->end)) p++;
  }
  return p;
}

/* Integers that fit int64 are exact; "-0" would lose its sign as one. */
static tp_json_event read_number(tp_json_reader *r) {
  const char *start = r->next, *p = start, *first, *after;
  int negative = *p == '-';
  uint64_t value = 0;
  p += negative;
  first = p;
  if (!is_digit(p, r->end))
    return fail(r, TP_ESYNTAX, p, "expected a digit after the minus sign");
  for (; is_digit(p, r->end) && p - first < 19; p++)
    value = value * 10 + (uint64_t)(*p - '0');
  while (is_digit(p, r->end)) p++;
  if (*first == '0' && p - first > 1)
    return fail(r, TP_ESYNTAX, first, "a number must not begin with 0");
  after = read_fraction(r, p);
  if (after == NULL) return TP_JSON_ERROR;
  r->next = after;
  if (after == p && p - first <= 19 && !(negative && value == 0) &&
      value <= (uint64_t)INT64_MAX + (uint64_t)negative) {
    /* the detour keeps INT64_MIN defined */
    r->integer = negative ? -(int64_t)(value - 1) - 1 : (int64_t)value;
    completed(r);
    return TP_JSON_INTEGER;
  }
  if (tp_decimal_read(start, (size_t)(after - start), &r->number) != TP_OK)
    return fail(r, TP_ERANGE, start,
                "the number is beyond the largest double, 1.8e308");
  completed(r);
  return TP_JSON_DOUBLE;
}

/* Four hexadecimal digits, or -1. */
static int read_hex4(const char *p, const char *end) {
  int value = 0, i;
  if (end - p < 4) return -1;
  for (i = 0; i < 4; i++) {
    int c = (unsigned char)p[i], digit;
    if (c >= '0' && c <= '9') digit = c - '0';
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') digit = (c | 0x20) - 87;
    else return -1;
    value = value << 4 | digit;
  }
  return value;
}

#define REPLACEMENT 0xFFFD

static void put_utf8(tp_buffer *b, uint32_t c) {
  uint8_t out[4];
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;
  for (i = n; i > 1; i--) {
    out[i - 1] = (uint8_t)(0x80 | (c & 0x3F));
    c >>= 6;
  }
  out[0] = (uint8_t)(n == 1 ? c : (0xF00u >> n & 0xFF) | c);
  tp_buffer_put(b, out, n);
}

/* \uXXXX at p; a character above U+FFFF takes two of them. Returns what
** follows, NULL after a failure. */
static const char *read_unicode(tp_json_reader *r, const char *p) {
  int c = read_hex4(p + 2, r->end), low;
  const char *next = p + 6;
  if (c < 0) {
    fail(r, TP_ESYNTAX, p, "expected four hexadecimal digits after \\u");
    return NULL;
  }
  if (c >= 0xD800 && c <= 0xDFFF) {
    low = c <= 0xDBFF && r->end - next >= 2 && next[0] == '\\' &&
                  next[1] == 'u'
              ? read_hex4(next + 2, r->end)
              : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
      if (r->lenient) {
        put_utf8(r->scratch, REPLACEMENT);
        return next;
      }
      fail(r, TP_EUTF8, p,
           "a surrogate without its other half is not a character");
      return NULL;
    }
    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    next += 6;
  }
  put_utf8(r->scratch, (uint32_t)c);
  return next;
}

/* The escape at p (a backslash). Returns what follows, NULL on failure. */
static const char *read_escape(tp_json_reader *r, const char *p) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *known;
  if (r->end - p < 2) {
    fail(r, TP_ESYNTAX, r->end, "the string has no end: expected '\"'");
    return NULL;
  }
  if (p[1] == 'u') return read_unicode(r, p);
  known = p[1] != '\0' ? strchr(from, p[1]) : NULL;
  if (known == NULL) {
    fail(r, TP_ESYNTAX, p,
         "unknown escape: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t"
         " \\u");
    return NULL;
  }
  tp_buffer_byte(r->scratch, (uint8_t)to[known - from]);
  return p + 2;
}

/* The bytes up to the next quote, escape or control byte, checked; `broken`
** is set when they are no UTF-8 and the reader is lenient. */
static const char *plain_run(tp_json_reader *r, const char *p, int *broken) {
  const char *start = p;
  unsigned seen = 0, class = 0;
  for (; p < r->end; p++) {
    class = string_class[(unsigned char)*p];
    if (class == 1) break;
    seen |= class;
  }
  if (seen != 0) {
    size_t n = (size_t)(p - start), valid = tp_utf8_valid_prefix(start, n);
    if (valid < n && !r->lenient) {
      fail(r, TP_EUTF8, start + valid, "the string is not valid UTF-8");
      return NULL;
    }
    *broken |= valid < n;
  }
  if (p == r->end) {
    fail(r, TP_ESYNTAX, p, "the string has no end: expected '\"'");
    return NULL;
  }
  if ((unsigned char)*p < 0x20) {
    fail(r, TP_ESYNTAX, p,
         "a control character in a string must be written as an escape");
    return NULL;
  }
  return p;
}

/* A run, with U+FFFD for each byte that belongs to no character. */
static void put_mended(tp_buffer *b, const char *s, const char *end) {
  while (s < end) {
    size_t valid = tp_utf8_valid_prefix(s, (size_t)(end - s));
    tp_buffer_put(b, s, valid);
    s += valid;
    if (s < end) {
      put_utf8(b, REPLACEMENT);
      s++;
    }
  }
}

/* The string whose opening quote is at next. Without escapes it is a part of
** the text, otherwise it is put together in scratch. */
static int read_string(tp_json_reader *r) {
  int broken = 0;
  const char *start = r->next + 1, *p = plain_run(r, start, &broken);
  if (p == NULL) return 0;
  if (*p == '"' && !broken) {
    r->string = start;
    r->length = (size_t)(p - start);
    r->next = p + 1;
    return 1;
  }
  r->scratch->length = 0;
  for (;;) {
    if (broken) put_mended(r->scratch, start, p);
    else if (p > start) tp_buffer_put(r->scratch, start, (size_t)(p - start));
    if (*p == '"') break;
    start = read_escape(r, p);
    if (start == NULL) return 0;
    p = plain_run(r, start, &broken);
    if (p == NULL) return 0;
  }
  if (r->scratch->status != TP_OK) {
    fail(r, r->scratch->status, start, "the string does not fit in memory");
    return 0;
  }
  r->string = (const char *)r->scratch->data;
  r->length = r->scratch->length;
  r->next = p + 1;
  return 1;
}

static tp_json_event open_container(tp_json_reader *r, int object) {
  uint8_t *bits, bit = (uint8_t)(1u << r->depth % 8);
  if (r->depth == r->deepest)
    return fail(r, TP_EDEPTH, r->next,
                r->lenient ? "nested deeper than 1000 levels"
                           : "nested deeper than 100 levels");
  bits = &r->object[r->depth / 8];
  *bits = (uint8_t)(object ? *bits | bit : *bits & ~bit);
  r->depth++;
  r->next++;
  r->expect = object ? FIRST_KEY : FIRST_ITEM;
  return object ? TP_JSON_OBJECT : TP_JSON_ARRAY;
}

static tp_json_event close_container(tp_json_reader *r) {
  tp_json_event event =
      tp_json_in_object(r) ? TP_JSON_OBJECT_END : TP_JSON_ARRAY_END;
  r->depth--;
  r->next++;
  completed(r);
  return event;
}

static tp_json_event read_value(tp_json_reader *r) {
  if (r->next == r->end)
    return fail(r, TP_ESYNTAX, r->next, "the text ends: expected a value");
  switch (*r->next) {
    case '{': return open_container(r, 1);
    case '[': return open_container(r, 0);
    case '"':
      if (!read_string(r)) return TP_JSON_ERROR;
      completed(r);
      return TP_JSON_STRING;
    case 't': return read_word(r, "true", 4, TP_JSON_TRUE);
    case 'f': return read_word(r, "false", 5, TP_JSON_FALSE);
    case 'n': return read_word(r, "null", 4, TP_JSON_NULL);
    default: break;
  }
  if (r->lenient && (*r->next == 'N' || *r->next == 'I' ||
                     (*r->next == '-' && r->end - r->next > 1 &&
                      r->next[1] == 'I')))
    return read_unreal(r);
  if (*r->next == '-' || is_digit(r->next, r->end)) return read_number(r);
  if (r->end - r->begin >= 3 && r->next == r->begin &&
      memcmp(r->begin, "\xEF\xBB\xBF", 3) == 0)
    return fail(r, TP_ESYNTAX, r->next,
                "JSON text must not begin with a byte order mark");
  return fail(r, TP_ESYNTAX, r->next, "expected a value");
}

static tp_json_event read_key(tp_json_reader *r) {
  if (r->next == r->end || *r->next != '"')
    return fail(r, TP_ESYNTAX, r->next,
                r->expect == KEY ? "expected a key in double quotes"
                                 : "expected a key in double quotes, or '}'");
  if (!read_string(r)) return TP_JSON_ERROR;
  skip_space(r);
  if (r->next == r->end || *r->next != ':')
    return fail(r, TP_ESYNTAX, r->next, "expected ':' after a key");
  r->next++;
  r->expect = VALUE;
  return TP_JSON_KEY;
}

/* After a complete value inside a container. */
static tp_json_event read_more(tp_json_reader *r) {
  int object = tp_json_in_object(r);
  if (r->next < r->end) {
    if (*r->next == (object ? '}' : ']')) return close_container(r);
    if (*r->next == ',') {
      r->next++;
      skip_space(r);
      r->expect = object ? KEY : VALUE;
      return object ? read_key(r) : read_value(r);
    }
  }
  return fail(r, TP_ESYNTAX, r->next,
              object ? "expected ',' or '}'" : "expected ',' or ']'");
}

tp_json_event tp_json_next(tp_json_reader *r) {
  if (r->expect == FAILED) return TP_JSON_ERROR;
  skip_space(r);
  switch (r->expect) {
    case FIRST_ITEM:
      if (r->next < r->end && *r->next == ']') return close_container(r);
      return read_value(r);
    case FIRST_KEY:
      if (r->next < r->end && *r->next == '}') return close_container(r);
      return read_key(r);
    case MORE: return read_more(r);
    case NOTHING:
      if (r->next == r->end) return TP_JSON_END;
      return fail(r, TP_ESYNTAX, r->next,
                  "expected the end of the text after its one value");
    default: return read_value(r);
  }
}

int tp_json_empty(const tp_json_reader *r) {
  const char *p = r->next;
  while (p < r->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    p++;
  return p == r->end || *p == ']' || *p == '}';
}

/* ---- writer ---- */

tp_status tp_json_put_integer(tp_buffer *b, int64_t value) {
  char digits[TP_DECIMAL_SIZE];
  return tp_buffer_put(b, digits, tp_integer_write(value, digits));
}

tp_status tp_json_put_double(tp_buffer *b, double value) {
  char digits[TP_DECIMAL_SIZE];
  if (value - value != 0) return TP_ERANGE; /* NaN, infinity */
  return tp_buffer_put(b, digits, tp_decimal_write(value, digits));
}

static void put_escape(tp_buffer *b, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
  char out[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
  const char *known = c != 0 ? strchr(from, c) : NULL;
  if (known != NULL) out[1] = to[known - from];
  tp_buffer_put(b, out, known != NULL ? 2 : 6);
}

tp_status tp_json_put_string(tp_buffer *b, const char *s, size_t n,
                             size_t *bad) {
  const char *end = s + n, *p = s;
  uint8_t *room;
  unsigned seen = 0;
  for (; p < end; p++) seen |= string_class[(unsigned char)*p];
  if (seen & 2) {
    size_t valid = tp_utf8_valid_prefix(s, n);
    if (valid < n) {
      *bad = valid;
      return TP_EUTF8;
    }
  }
  room = tp_buffer_reserve(b, n + 2);
  if (room == NULL) return b->status;
  *room = '"';
  if (!(seen & 1)) { /* nothing to escape */
    memcpy(room + 1, s, n);
    room[n + 1] = '"';
    b->length += n + 2;
    return TP_OK;
  }
  b->length++;
  while (s < end) {
    for (p = s; p < end && string_class[(unsigned char)*p] != 1;) p++;
    tp_buffer_put(b, s, (size_t)(p - s));
    if (p < end) put_escape(b, (unsigned char)*p++);
    s = p;
  }
  return tp_buffer_byte(b, '"');
}
