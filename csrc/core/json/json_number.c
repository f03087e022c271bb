/* Decimal text to double and back, exactly, with integers of any length.
** Nothing here reads the locale: no strtod, no printf. Any thread.
** Reading: short numbers in one floating-point operation, the others as a
** quotient of two big integers rounded once. Writing: the interval of numbers
** that read back as the value is computed exactly, the shortest member wins.
*/
#include "json_number.h"

#include <float.h>
#include <string.h>

/* ---- integers of any length, as far as doubles need them ---- */

/* The longest: 801 decimal digits (2,661 bits), or 5^1126 (2,615 bits), with
** 64 bits of room for a shift: below 96 limbs of 32 bits. */
#define LIMBS 96
#define MAX_DIGITS 800 /* a tie between two doubles has at most 767 digits */

typedef struct big {
  int n; /* limbs in use, the highest is not 0 */
  uint32_t limb[LIMBS];
} big;

static void big_set(big *a, uint64_t value) {
  a->n = 0;
  for (; value != 0; value >>= 32) a->limb[a->n++] = (uint32_t)value;
}

static void big_multiply(big *a, uint32_t factor, uint32_t add) {
  uint64_t carry = add;
  int i;
  for (i = 0; i < a->n; i++) {
    carry += (uint64_t)a->limb[i] * factor;
    a->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0) a->limb[a->n++] = (uint32_t)carry;
}

static void big_multiply_power5(big *a, int power) {
  uint32_t rest = 1;
  for (; power >= 13; power -= 13) big_multiply(a, 1220703125, 0);
  for (; power > 0; power--) rest *= 5;
  big_multiply(a, rest, 0);
}

static int bit_length(uint64_t x) {
  int n = 0;
  if (x >> 32) n += 32, x >>= 32;
  if (x >> 16) n += 16, x >>= 16;
  if (x >> 8) n += 8, x >>= 8;
  for (; x != 0; x >>= 1) n++;
  return n;
}

static int big_bits(const big *a) {
  return a->n == 0 ? 0 : (a->n - 1) * 32 + bit_length(a->limb[a->n - 1]);
}

static void big_shift(big *a, int bits) {
  int limbs = bits / 32, i;
  bits %= 32;
  if (a->n == 0) return;
  if (limbs > 0) {
    memmove(a->limb + limbs, a->limb, (size_t)a->n * sizeof a->limb[0]);
    memset(a->limb, 0, (size_t)limbs * sizeof a->limb[0]);
    a->n += limbs;
  }
  if (bits == 0) return;
  a->limb[a->n] = 0;
  for (i = a->n; i > limbs; i--)
    a->limb[i] = a->limb[i] << bits | a->limb[i - 1] >> (32 - bits);
  a->limb[limbs] <<= bits;
  if (a->limb[a->n] != 0) a->n++;
}

static int big_compare(const big *a, const big *b) {
  int i;
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (i = a->n - 1; i >= 0; i--)
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
  return 0;
}

/* a -= b * factor, which must not be more than a. */
static void big_subtract(big *a, const big *b, uint32_t factor) {
  uint64_t carry = 0;
  int i;
  for (i = 0; i < a->n; i++) {
    uint32_t low;
    if (i < b->n) carry += (uint64_t)b->limb[i] * factor;
    low = (uint32_t)carry;
    carry = (carry >> 32) + (a->limb[i] < low);
    a->limb[i] -= low;
  }
  while (a->n > 0 && a->limb[a->n - 1] == 0) a->n--;
}

/* Makes a the remainder of a / b and returns the quotient, which must be
** below 2^32. The highest bit of b's highest limb must be set: then the
** estimate is at most a few too small. */
static uint32_t big_step(big *a, const big *b) {
  uint64_t top = 0;
  uint32_t quotient;
  if (a->n < b->n) return 0;
  if (a->n > b->n) top = (uint64_t)a->limb[b->n] << 32;
  top |= a->limb[b->n - 1];
  quotient = (uint32_t)(top / ((uint64_t)b->limb[b->n - 1] + 1));
  big_subtract(a, b, quotient);
  while (big_compare(a, b) >= 0) {
    big_subtract(a, b, 1);
    quotient++;
  }
  return quotient;
}

/* The quotient, which must be below 2^64; a becomes the remainder, scaled by
** the same power of two as b (so their comparison still tells). */
static uint64_t big_divide(big *a, big *b) {
  big high;
  uint64_t quotient;
  int room = -big_bits(b) & 31;
  big_shift(a, room);
  big_shift(b, room);
  if (a->n <= b->n) return big_step(a, b);
  high.n = a->n - 1;
  memcpy(high.limb, a->limb + 1, (size_t)high.n * sizeof high.limb[0]);
  quotient = (uint64_t)big_step(&high, b) << 32;
  memcpy(a->limb + 1, high.limb, (size_t)high.n * sizeof high.limb[0]);
  a->n = high.n + 1;
  while (a->n > 0 && a->limb[a->n - 1] == 0) a->n--;
  return quotient | big_step(a, b);
}

/* ---- reading ---- */

typedef struct decimal {
  uint64_t digits;  /* the first 19 significant ones */
  int count;        /* how many that are */
  int64_t exponent; /* value = digits * 10^exponent, when nothing is left */
  int left;         /* were there more, not all of them zero? */
} decimal;

static const double exact_powers[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* What follows `e`. Far beyond every double is as good as exact. */
static int64_t read_exponent(const char *s, const char *end) {
  int64_t value = 0;
  int negative = *s == '-';
  if (*s == '-' || *s == '+') s++;
  for (; s < end; s++)
    if (value < INT64_C(10000000000)) value = value * 10 + (*s - '0');
  return negative ? -value : value;
}

static void scan(const char *s, const char *end, decimal *d) {
  int fraction = 0;
  memset(d, 0, sizeof *d);
  for (; s < end && (*s | 0x20) != 'e'; s++) {
    if (*s == '.') {
      fraction = 1;
      continue;
    }
    if (d->count < 19) {
      d->digits = d->digits * 10 + (uint64_t)(*s - '0');
      d->count += d->digits != 0;
      d->exponent -= fraction;
    } else {
      d->left |= *s != '0';
      d->exponent += !fraction;
    }
  }
  if (s < end) d->exponent += read_exponent(s + 1, end);
}

/* All digits, up to MAX_DIGITS; when more are left, a last 1 stands for them:
** it decides ties, nothing else. Returns how many digits were added to the 19
** that d knows. */
static int scan_big(const char *s, const char *end, big *a) {
  int count = 0;
  uint32_t chunk = 0, scale = 1;
  big_set(a, 0);
  for (; s < end && (*s | 0x20) != 'e'; s++) {
    if (*s == '.' || (count == 0 && *s == '0')) continue;
    if (count == MAX_DIGITS) {
      if (*s == '0') continue;
      chunk = chunk * 10 + 1;
      scale *= 10;
      count++;
      break;
    }
    chunk = chunk * 10 + (uint32_t)(*s - '0');
    scale *= 10;
    count++;
    if (scale == 100000000) {
      big_multiply(a, scale, chunk);
      chunk = 0;
      scale = 1;
    }
  }
  big_multiply(a, scale, chunk);
  return count - 19;
}

/* quotient * 2^exponent (the quotient has its bit 62 or 63 set) as a double;
** `more` when the exact value is above it. Infinity has no place in JSON. */
static tp_status assemble(uint64_t quotient, int exponent, int more,
                          double *value) {
  int bits = bit_length(quotient), top = bits - 1 + exponent;
  int keep = top >= -1022 ? 53 : 53 - (-1022 - top); /* subnormal: fewer */
  int drop = bits - keep;
  uint64_t result, half;
  if (drop > 64) {
    *value = 0;
    return TP_OK;
  }
  half = UINT64_C(1) << (drop - 1);
  result = drop == 64 ? 0 : quotient >> drop;
  if (quotient & half && (more || quotient & (half - 1) || result & 1))
    result++;
  if (top >= -1022) result += (uint64_t)(top + 1022) << 52;
  if (result >= UINT64_C(0x7FF) << 52) return TP_ERANGE;
  memcpy(value, &result, sizeof *value);
  return TP_OK;
}

/* numerator * 10^power, rounded. */
static tp_status read_slowly(big *a, int power, double *value) {
  big b;
  uint64_t quotient;
  int shift;
  big_set(&b, 1);
  if (power >= 0) big_multiply_power5(a, power);
  else big_multiply_power5(&b, -power);
  shift = 63 - (big_bits(a) - big_bits(&b));
  if (shift >= 0) big_shift(a, shift);
  else big_shift(&b, -shift);
  quotient = big_divide(a, &b);
  return assemble(quotient, power - shift, a->n != 0, value);
}

tp_status tp_decimal_read(const char *text, size_t n, double *value) {
  const char *end = text + n;
  int negative = *text == '-';
  tp_status status = TP_OK;
  decimal d;
  text += negative;
  scan(text, end, &d);
  if (d.count == 0 || d.count + d.exponent < -323) {
    *value = 0;
  } else if (d.count + d.exponent > 309) {
    return TP_ERANGE;
  } else if (FLT_EVAL_METHOD == 0 && !d.left &&
             d.digits <= UINT64_C(1) << 53 && d.exponent >= -22 &&
             d.exponent <= 22) {
    /* both operands are exact, so the one rounding is the right one */
    *value = (double)d.digits;
    if (d.exponent < 0) *value /= exact_powers[-d.exponent];
    else *value *= exact_powers[d.exponent];
  } else {
    big a;
    int power = (int)d.exponent;
    if (d.left) power -= scan_big(text, end, &a);
    else big_set(&a, d.digits);
    status = read_slowly(&a, power, value);
  }
  if (negative) *value = -*value;
  return status;
}

/* ---- writing ---- */

typedef struct shortest {
  uint64_t digits;
  int exponent; /* value = digits * 10^exponent */
} shortest;

/* Prices, percentages and the like: at most 15 digits, few of them after the
** point. Fifteen digits never denote two doubles, so the first that reads
** back as the value is the shortest. */
static int write_quickly(double v, shortest *s) {
  int power;
  if (FLT_EVAL_METHOD != 0 || v >= 1e15 || v < 1e-5) return 0;
  for (power = 0; power <= 20; power++) {
    double scaled = v * exact_powers[power];
    uint64_t digits = (uint64_t)(scaled + 0.5);
    if (scaled >= 1e15) return 0;
    if ((double)digits / exact_powers[power] == v) {
      s->digits = digits;
      s->exponent = -power;
      return 1;
    }
  }
  return 0;
}

/* The multiple of 10^j in [low, high] for the greatest j that has one; of
** several the nearest to middle + rest, where `rest` is the sign of the
** fraction's difference to one half (-2: no fraction at all). */
static void choose(uint64_t low, uint64_t middle, uint64_t high, int rest,
                   shortest *s) {
  uint64_t unit = 1, down, up;
  int j = 0, upward;
  while (high / (unit * 10) * (unit * 10) >= low) {
    unit *= 10;
    j++;
  }
  down = middle / unit;
  up = down + 1;
  if (j == 0) {
    upward = rest > 0 || (rest == 0 && down & 1);
  } else {
    uint64_t over = middle % unit;
    upward = over > unit / 2 ||
             (over == unit / 2 && (rest > -2 || down & 1));
  }
  if (down * unit < low) upward = 1;
  else if (up * unit > high) upward = 0;
  s->digits = upward ? up : down;
  s->exponent = j;
}

/* factor * 2^power2 * 10^power, rounded down; `rest` as in `choose`. */
static uint64_t scaled(uint64_t factor, int power2, int power, int *rest) {
  big a, b;
  uint64_t quotient;
  big_set(&a, factor);
  big_set(&b, 1);
  if (power >= 0) big_multiply_power5(&a, power);
  else big_multiply_power5(&b, -power);
  power2 += power;
  if (power2 >= 0) big_shift(&a, power2);
  else big_shift(&b, -power2);
  quotient = big_divide(&a, &b);
  if (a.n == 0) {
    *rest = -2;
  } else {
    big_shift(&a, 1);
    *rest = big_compare(&a, &b);
  }
  return quotient;
}

static void write_slowly(double v, shortest *s) {
  uint64_t bits, c, low, middle, high;
  int q, top, power, rest, rest_low, rest_high, narrow, odd;
  memcpy(&bits, &v, sizeof bits);
  q = (int)(bits >> 52);
  c = bits & ((UINT64_C(1) << 52) - 1);
  narrow = c == 0 && q > 1; /* below a power of two doubles lie closer */
  if (q > 0) c |= UINT64_C(1) << 52;
  q = (q > 0 ? q : 1) - 1075;
  odd = (int)(c & 1); /* the ends of the interval round to the even one */
  /* 17 or 18 digits: enough to tell any two doubles apart */
  top = q + bit_length(c) - 1;
  power = 16 - ((int)(top * 0.30102999566398120) - (top < 0));
  middle = scaled(4 * c, q - 2, power, &rest);
  low = scaled(4 * c - (narrow ? 1 : 2), q - 2, power, &rest_low);
  high = scaled(4 * c + 2, q - 2, power, &rest_high);
  if (rest_low != -2 || odd) low++;
  if (rest_high == -2 && odd) high--;
  choose(low, middle, high, rest, s);
  s->exponent -= power;
}

/* Decimal digits of x, right-aligned before `end`; returns their start. */
static char *put_digits(uint64_t x, char *end) {
  do {
    *--end = (char)('0' + x % 10);
    x /= 10;
  } while (x != 0);
  return end;
}

size_t tp_integer_write(int64_t value, char *out) {
  char digits[20], *p;
  uint64_t x = (uint64_t)value;
  size_t n, sign = value < 0;
  if (sign) x = 0 - x;
  p = put_digits(x, digits + sizeof digits);
  n = (size_t)(digits + sizeof digits - p);
  out[0] = '-';
  memcpy(out + sign, p, n);
  return sign + n;
}

/* n digits at d, the point after `point` of them: plain within reason, else
** with an exponent. Always has a point or an exponent. */
static char *lay_out(const char *d, int n, int point, char *o) {
  if (point > -5 && point <= 17) {
    int i;
    if (point <= 0) *o++ = '0';
    for (i = 0; i < point; i++) *o++ = i < n ? d[i] : '0';
    *o++ = '.';
    for (i = point; i < 0; i++) *o++ = '0';
    if (point >= n) *o++ = '0';
    for (i = point < 0 ? 0 : point; i < n; i++) *o++ = d[i];
    return o;
  }
  *o++ = *d;
  if (n > 1) {
    *o++ = '.';
    memcpy(o, d + 1, (size_t)n - 1);
    o += n - 1;
  }
  *o++ = 'e';
  return o + tp_integer_write(point - 1, o);
}

size_t tp_decimal_write(double value, char *out) {
  char digits[20], *p, *o = out, *end = digits + sizeof digits;
  uint64_t bits;
  shortest s = {0, 0};
  memcpy(&bits, &value, sizeof bits);
  if (bits >> 63) {
    *o++ = '-';
    value = -value;
  }
  if (value != 0 && !write_quickly(value, &s)) write_slowly(value, &s);
  p = put_digits(s.digits, end);
  while (end - p > 1 && end[-1] == '0') { /* 1500 is 15 * 10^2 */
    end--;
    s.exponent++;
  }
  return (size_t)(lay_out(p, (int)(end - p), (int)(end - p) + s.exponent, o) -
                  out);
}
