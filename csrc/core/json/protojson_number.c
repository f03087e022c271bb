/* Integers in decimal text: see protojson_number.h. Any thread. */
#include "protojson_number.h"

#include "../proto/schema.h"

#define FAR 1000000000 /* an exponent beyond which it does not matter */

typedef struct {
  const char *p, *end;
} cursor;

static int digit(const cursor *c) {
  return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static int digits(cursor *c) {
  const char *start = c->p;
  while (digit(c)) c->p++;
  return c->p > start;
}

static int take(cursor *c, char either, char other) {
  if (c->p == c->end || (*c->p != either && *c->p != other)) return 0;
  c->p++;
  return 1;
}

int tp_is_number(const char *s, size_t n) {
  cursor c;
  c.p = s;
  c.end = s + n;
  take(&c, '-', '-');
  if (!take(&c, '0', '0') && !digits(&c)) return 0;
  if (take(&c, '.', '.') && !digits(&c)) return 0;
  if (take(&c, 'e', 'E')) {
    take(&c, '+', '-');
    if (!digits(&c)) return 0;
  }
  return c.p == c.end;
}

/* value * 10^power + add; false beyond 64 bits. */
static int shift(uint64_t *value, int64_t power, unsigned add) {
  if (*value == 0) power = 0;
  for (; power > 0; power--) {
    if (*value > UINT64_MAX / 10) return 0;
    *value *= 10;
  }
  if (*value > UINT64_MAX - add) return 0;
  *value += add;
  return 1;
}

static int64_t exponent(cursor *c) {
  int64_t value = 0;
  int negative;
  if (!take(c, 'e', 'E')) return 0;
  negative = take(c, '-', '-');
  take(c, '+', '+');
  for (; digit(c); c->p++)
    if (value < FAR) value = value * 10 + (*c->p - '0');
  return negative ? -value : value;
}

/* Absolute value of a whole number. Zeros are held back until a digit comes
** after them, so that "1e-2" times 100 is told from 1.00. */
static tp_status magnitude(cursor *c, uint64_t *value) {
  int64_t zeros = 0, fraction = 0, power;
  int pointed = 0, fits = 1;
  *value = 0;
  for (; digit(c) || (c->p < c->end && *c->p == '.'); c->p++) {
    if (*c->p == '.') {
      pointed = 1;
      continue;
    }
    fraction += pointed;
    if (*c->p == '0') {
      zeros++;
      continue;
    }
    fits = fits && shift(value, zeros + 1, (unsigned)(*c->p - '0'));
    zeros = 0;
  }
  power = exponent(c) - fraction + zeros;
  if (*value == 0) return TP_OK;
  if (power < 0) return TP_ESYNTAX;
  return fits && shift(value, power, 0) ? TP_OK : TP_ERANGE;
}

tp_status tp_integer_read(const char *s, size_t n, int type,
                          uint64_t *value) {
  cursor c;
  uint64_t limit;
  int negative;
  tp_status status;
  c.p = s;
  c.end = s + n;
  negative = take(&c, '-', '-');
  status = magnitude(&c, value);
  if (status != TP_OK) return status;
  switch (type) {
    case TP_UINT64: case TP_FIXED64: limit = negative ? 0 : UINT64_MAX; break;
    case TP_UINT32: case TP_FIXED32: limit = negative ? 0 : UINT32_MAX; break;
    case TP_INT64: case TP_SFIXED64: case TP_SINT64:
      limit = (uint64_t)INT64_MAX + (uint64_t)negative;
      break;
    default: limit = (uint64_t)INT32_MAX + (uint64_t)negative;
  }
  if (*value > limit) return TP_ERANGE;
  if (negative) *value = 0 - *value;
  return TP_OK;
}

const char *tp_integer_type(int type) {
  switch (type) {
    case TP_UINT64: case TP_FIXED64: return "uint64";
    case TP_UINT32: case TP_FIXED32: return "uint32";
    case TP_INT64: case TP_SFIXED64: case TP_SINT64: return "int64";
    default: return "int32";
  }
}
