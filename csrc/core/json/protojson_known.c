/* The types of google.protobuf that have a JSON form of their own: which they
** are, and their text. See protojson_parts.h. Any thread.
*/
#include "protojson_parts.h"

#include <string.h>
#include "json.h"

#define PACKAGE "google.protobuf."
#define NANOS 1000000000
#define DAY 86400
#define FIRST_SECOND INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31T23:59:59Z */
#define LONGEST INT64_C(315576000000)      /* seconds of a Duration */

tp_well_known tp_well_known_of(int type) {
  static const struct {
    const char *name;
    tp_well_known which;
  } known[] = {{"Timestamp", TP_TIMESTAMP}, {"Duration", TP_DURATION},
               {"FieldMask", TP_FIELD_MASK}, {"Any", TP_ANY},
               {"Struct", TP_STRUCT}, {"Value", TP_VALUE},
               {"ListValue", TP_LIST_VALUE}};
  const char *name;
  size_t i;
  if (tp_schema_messages[type].flags & TP_MESSAGE_WRAPPER) return TP_WRAPPER;
  name = tp_schema_message_name(type);
  if (strncmp(name, PACKAGE, sizeof PACKAGE - 1) != 0) return TP_ORDINARY;
  name += sizeof PACKAGE - 1;
  for (i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(name, known[i].name) == 0) return known[i].which;
  return TP_ORDINARY;
}

int tp_is_null_value(int enumeration) {
  return strcmp(tp_schema_string(tp_schema_enums[enumeration].name, NULL),
                PACKAGE "NullValue") == 0;
}

int tp_takes_null(const tp_field *field) {
  if (field->type == TP_ENUM) return tp_is_null_value(field->sub);
  return field->type == TP_MESSAGE && !(field->flags & TP_FIELD_MAP) &&
         tp_well_known_of(field->sub) == TP_VALUE;
}

int tp_message_of_url(const char *url, size_t n) {
  size_t start = n;
  while (start > 0 && url[start - 1] != '/') start--;
  return tp_schema_message(url + start, n - start);
}

/* ---- writing times ---- */

/* `n` digits of x, zeros before it. */
static char *put_digits(char *p, uint32_t x, int n) {
  int i;
  for (i = n - 1; i >= 0; i--, x /= 10) p[i] = (char)('0' + x % 10);
  return p + n;
}

/* 0, 3, 6 or 9 digits, whichever is enough. */
static char *put_fraction(char *p, uint32_t nanos) {
  if (nanos == 0) return p;
  *p++ = '.';
  if (nanos % 1000000 == 0) return put_digits(p, nanos / 1000000, 3);
  if (nanos % 1000 == 0) return put_digits(p, nanos / 1000, 6);
  return put_digits(p, nanos, 9);
}

/* The proleptic Gregorian calendar; a year is taken to begin in March, so
** that the leap day is its last. `days` counts from 1970-01-01. */
static char *put_date(char *p, int64_t days) {
  uint32_t z = (uint32_t)(days + 719468); /* from 0000-03-01: never below 0 */
  uint32_t era = z / 146097, of_era = z % 146097;
  uint32_t year = (of_era - of_era / 1460 + of_era / 36524 -
                   of_era / 146096) / 365;
  uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
  uint32_t month = (5 * of_year + 2) / 153; /* 0 is March */
  uint32_t day = of_year - (153 * month + 2) / 5 + 1;
  year += era * 400 + (month >= 10);
  p = put_digits(p, year, 4);
  *p++ = '-';
  p = put_digits(p, month < 10 ? month + 3 : month - 9, 2);
  *p++ = '-';
  return put_digits(p, day, 2);
}

size_t tp_timestamp_write(int64_t seconds, int64_t nanos,
                          char out[TP_TIME_TEXT]) {
  int64_t days;
  uint32_t left;
  char *p;
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 ||
      nanos >= NANOS)
    return 0;
  days = seconds / DAY - (seconds % DAY < 0);
  left = (uint32_t)(seconds - days * DAY);
  p = put_date(out, days);
  *p++ = 'T';
  p = put_digits(p, left / 3600, 2);
  *p++ = ':';
  p = put_digits(p, left / 60 % 60, 2);
  *p++ = ':';
  p = put_fraction(put_digits(p, left % 60, 2), (uint32_t)nanos);
  *p++ = 'Z';
  return (size_t)(p - out);
}

size_t tp_duration_write(int64_t seconds, int64_t nanos,
                         char out[TP_TIME_TEXT]) {
  int negative = seconds < 0 || nanos < 0;
  char *p = out;
  if (seconds < -LONGEST || seconds > LONGEST || nanos <= -NANOS ||
      nanos >= NANOS || (negative && (seconds > 0 || nanos > 0)))
    return 0;
  if (negative) *p++ = '-';
  p += tp_integer_write(negative ? -seconds : seconds, p);
  p = put_fraction(p, (uint32_t)(negative ? -nanos : nanos));
  *p++ = 's';
  return (size_t)(p - out);
}

/* ---- reading times ---- */

typedef struct {
  const char *p, *end;
} cursor;

static int take(cursor *c, char expected) {
  if (c->p == c->end || *c->p != expected) return 0;
  c->p++;
  return 1;
}

/* Exactly n digits. */
static int take_digits(cursor *c, int n, int *value) {
  *value = 0;
  for (; n > 0; n--) {
    if (c->p == c->end || *c->p < '0' || *c->p > '9') return 0;
    *value = *value * 10 + (*c->p++ - '0');
  }
  return 1;
}

/* Nothing, or a point and one to nine digits. */
static int take_fraction(cursor *c, int32_t *nanos) {
  int digits = 0;
  *nanos = 0;
  if (!take(c, '.')) return 1;
  for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; digits++) {
    if (digits == 9) return 0;
    *nanos = *nanos * 10 + (*c->p++ - '0');
  }
  if (digits == 0) return 0;
  for (; digits < 9; digits++) *nanos *= 10;
  return 1;
}

static int64_t days_of(int year, int month, int day) {
  int from_march = (month + 9) % 12, era, of_era;
  if (month <= 2) year--;
  era = year / 400;
  of_era = year % 400;
  return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
         (153 * from_march + 2) / 5 + day - 1 - 719468;
}

static int days_in(int year, int month) {
  static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                 31, 31, 30, 31, 30, 31};
  int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && leap);
}

/* Z, or +hh:mm, or -hh:mm: seconds east of Greenwich. */
static int take_zone(cursor *c, int *offset) {
  int sign, hours, minutes;
  *offset = 0;
  if (take(c, 'Z')) return 1;
  sign = take(c, '-') ? -1 : take(c, '+');
  if (sign == 0 || !take_digits(c, 2, &hours) || !take(c, ':') ||
      !take_digits(c, 2, &minutes) || hours > 23 || minutes > 59)
    return 0;
  *offset = sign * (hours * 3600 + minutes * 60);
  return 1;
}

int tp_timestamp_read(const char *s, size_t n, int64_t *seconds,
                      int32_t *nanos) {
  cursor c;
  int year, month, day, hour, minute, second, offset;
  c.p = s;
  c.end = s + n;
  if (!take_digits(&c, 4, &year) || !take(&c, '-') ||
      !take_digits(&c, 2, &month) || !take(&c, '-') ||
      !take_digits(&c, 2, &day) || !take(&c, 'T') ||
      !take_digits(&c, 2, &hour) || !take(&c, ':') ||
      !take_digits(&c, 2, &minute) || !take(&c, ':') ||
      !take_digits(&c, 2, &second) || !take_fraction(&c, nanos) ||
      !take_zone(&c, &offset) || c.p != c.end)
    return 0;
  if (year < 1 || month < 1 || month > 12 || day < 1 ||
      day > days_in(year, month) || hour > 23 || minute > 59 || second > 59)
    return 0;
  *seconds = days_of(year, month, day) * DAY + hour * 3600 + minute * 60 +
             second - offset;
  return *seconds >= FIRST_SECOND && *seconds <= LAST_SECOND;
}

int tp_duration_read(const char *s, size_t n, int64_t *seconds,
                     int32_t *nanos) {
  cursor c;
  int negative, digits = 0;
  c.p = s;
  c.end = s + n;
  negative = take(&c, '-');
  *seconds = 0;
  for (; c.p < c.end && *c.p >= '0' && *c.p <= '9'; digits++) {
    *seconds = *seconds * 10 + (*c.p++ - '0');
    if (*seconds > LONGEST) return 0;
  }
  if (digits == 0 || !take_fraction(&c, nanos) || !take(&c, 's') ||
      c.p != c.end)
    return 0;
  if (negative) {
    *seconds = -*seconds;
    *nanos = -*nanos;
  }
  return 1;
}

/* ---- paths of a FieldMask ---- */

int tp_path_to_camel(const char *s, size_t n, tp_buffer *out) {
  size_t i;
  for (i = 0; i < n; i++) {
    char c = s[i];
    if (c >= 'A' && c <= 'Z') return 0;
    if (c == '_') {
      if (++i == n || s[i] < 'a' || s[i] > 'z') return 0;
      c = (char)(s[i] - 'a' + 'A');
    }
    tp_buffer_byte(out, (uint8_t)c);
  }
  return 1;
}

int tp_path_to_snake(const char *s, size_t n, tp_buffer *out) {
  size_t i;
  for (i = 0; i < n; i++) {
    char c = s[i];
    if (c == '_') return 0;
    if (c >= 'A' && c <= 'Z') {
      tp_buffer_byte(out, '_');
      c = (char)(c - 'A' + 'a');
    }
    tp_buffer_byte(out, (uint8_t)c);
  }
  return 1;
}
