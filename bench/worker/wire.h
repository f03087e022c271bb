/* Octets and protobuf, for the stub: see stub.c. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *must(void *p) {
  if (!p) abort();
  return p;
}

/* ---- octets ---- */

typedef struct {
  const uint8_t *p;
  size_t n;
} str;
typedef struct {
  uint8_t *p;
  size_t n, cap;
} buf;

static void append(buf *b, const void *p, size_t n) {
  if (b->n + n > b->cap) {
    b->cap = (b->n + n) * 2;
    b->p = must(realloc(b->p, b->cap));
  }
  memcpy(b->p + b->n, p, n);
  b->n += n;
}

static bool is(str s, const char *t) {
  return s.n == strlen(t) && memcmp(s.p, t, s.n) == 0;
}
static str lit(const char *s) { return (str){(const uint8_t *)s, strlen(s)}; }

/* ---- protobuf, written from the end backwards, so that every length is known
 * ---- */

static uint8_t room[1 << 22], *w = room + sizeof room;

static void w_raw(str s) {
  if ((size_t)(w - room) < s.n + 64) abort();
  w -= s.n;
  if (s.n) memcpy(w, s.p, s.n);
}

static void w_varint(uint64_t v) {
  uint8_t t[10];
  size_t n = 0;
  do t[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
  while (v >>= 7);
  w_raw((str){t, n});
}

static void w_uint(int field, uint64_t v) {
  w_varint(v), w_varint((uint64_t)field << 3);
}
static void w_str(int field, str s) {
  w_raw(s), w_varint(s.n), w_varint((uint64_t)field << 3 | 2);
}
/* closes the message whose fields were written since w was `end` */
static void w_wrap(int field, uint8_t *end) {
  w_varint((uint64_t)(end - w)), w_varint((uint64_t)field << 3 | 2);
}

static void w_time(int field) {
  struct timespec t;
  uint8_t *end = w;
  clock_gettime(CLOCK_REALTIME, &t);
  w_uint(2, (uint64_t)t.tv_nsec), w_uint(1, (uint64_t)t.tv_sec);
  w_wrap(field, end);
}

static void w_seconds(int field, uint64_t s) {
  uint8_t *end = w;
  if (s) w_uint(1, s);
  w_wrap(field, end);
}

static void w_name(int field, str s) {
  uint8_t *end = w;
  w_str(1, s);
  w_wrap(field, end);
}

static void w_queue(int field, str s) {
  uint8_t *end = w;
  w_uint(2, 1), w_str(1, s);
  w_wrap(field, end);
}

/* ---- protobuf, read ---- */

typedef struct {
  int field;
  uint64_t v;
  str s;
} item;

static bool varint(str *m, uint64_t *v) {
  int shift = 0;
  for (*v = 0; m->n && shift < 64; shift += 7) {
    uint8_t c = *m->p++;
    m->n--;
    *v |= (uint64_t)(c & 127) << shift;
    if (c < 128) return true;
  }
  return false;
}

static bool next_item(str *m, item *i) {
  uint64_t key, n;
  if (!m->n || !varint(m, &key)) return false;
  i->field = (int)(key >> 3);
  i->s = (str){NULL, 0};
  switch (key & 7) {
  case 0: return varint(m, &i->v);
  case 1: n = 8; break;
  case 5: n = 4; break;
  case 2:
    if (!varint(m, &n)) return false;
    break;
  default: return false;
  }
  if (n > m->n) return false;
  i->s = (str){m->p, (size_t)n};
  m->p += n, m->n -= n;
  return true;
}

static str get(str m, int field) {
  item i;
  while (next_item(&m, &i))
    if (i.field == field) return i.s;
  return (str){NULL, 0};
}

static uint64_t get_uint(str m, int field) {
  item i;
  while (next_item(&m, &i))
    if (i.field == field) return i.v;
  return 0;
}

#endif
