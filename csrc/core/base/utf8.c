/* UTF-8 validation: see utf8.h. */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

static int continues(unsigned char c) {
  return (c & 0xC0) == 0x80;
}

/* The length of the sequence at s (of n bytes, n > 0), 0 when invalid. */
static size_t sequence(const unsigned char *s, size_t n) {
  unsigned char a = s[0], low = 0x80, high = 0xBF;
  size_t k, length = a < 0xC2 ? 0 : a < 0xE0 ? 2 : a < 0xF0 ? 3
                   : a < 0xF5 ? 4 : 0;
  if (a < 0x80) return 1;
  if (length == 0 || n < length) return 0;
  if (a == 0xE0) low = 0xA0;       /* overlong */
  else if (a == 0xED) high = 0x9F; /* surrogates */
  else if (a == 0xF0) low = 0x90;  /* overlong */
  else if (a == 0xF4) high = 0x8F; /* above U+10FFFF */
  if (s[1] < low || s[1] > high) return 0;
  for (k = 2; k < length; k++)
    if (!continues(s[k])) return 0;
  return length;
}

size_t tp_utf8_valid_prefix(const char *string, size_t n) {
  const unsigned char *s = (const unsigned char *)string;
  size_t i = 0;
  while (i < n) {
    uint64_t eight;
    size_t k;
    if (n - i >= 8) { /* eight ASCII bytes at a time */
      memcpy(&eight, s + i, 8);
      if ((eight & UINT64_C(0x8080808080808080)) == 0) {
        i += 8;
        continue;
      }
    }
    k = sequence(s + i, n - i);
    if (k == 0) break;
    i += k;
  }
  return i;
}
