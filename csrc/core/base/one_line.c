/* Text for people: see one_line.h. */
#include "one_line.h"

#include <stdbool.h>

/* Continuation bytes that follow a first byte of UTF-8. */
static int followers(unsigned char c) {
  return c < 0xC2 || c > 0xF4 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
}

static bool is_c1(unsigned char c) {
  return c >= 0x80 && c <= 0x9F;
}

size_t tp_one_line(char *out, const char *text, size_t n) {
  bool blank = false; /* the latest was one, for control characters */
  int due = 0;        /* continuation bytes */
  size_t i, length = 0;
  for (i = 0; i < n; i++) {
    unsigned char c = (unsigned char)text[i];
    bool two = c == 0xC2 && i + 1 < n && is_c1((unsigned char)text[i + 1]);
    if (two || c < ' ' || c == 127 || (due == 0 && is_c1(c))) {
      if (!blank) out[length++] = ' ';
      blank = true;
      due = 0;
      i += two;
    } else {
      due = c >= 0x80 && c <= 0xBF ? due - (due > 0) : followers(c);
      blank = false;
      out[length++] = (char)c;
    }
  }
  return length;
}
