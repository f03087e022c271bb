/* Unit tests of what may be a header's value: every byte at every place. One
** thread.
*/
#include <string.h>
#include "net/header.h"
#include "check.h"

static int is_right(const char *value, size_t n) {
  return tp_header_problem(value, n) == NULL;
}

static void test_every_byte_at_every_place(void) {
  char value[40];
  size_t at;
  int c;
  for (at = 0; at < sizeof value; at++) {
    for (c = 0; c < 256; c++) {
      int inside = at > 0 && at < sizeof value - 1;
      int control = (c < ' ' && c != '\t') || c == 127;
      int blank = c == ' ' || c == '\t';
      memset(value, 'x', sizeof value);
      value[at] = (char)c;
      CHECK(is_right(value, sizeof value) == (!control && (inside || !blank)));
    }
  }
}

static void test_lengths(void) {
  char value[40];
  size_t n;
  memset(value, '\n', sizeof value); /* behind the end */
  for (n = 0; n < sizeof value; n++) {
    CHECK(is_right(value, n) == (n == 0));
    memset(value, 'x', n);
    CHECK(is_right(value, n));
    memset(value, '\n', n);
  }
  CHECK(is_right("\xc3\xa9 \xff", 4));
}

int main(void) {
  RUN(test_every_byte_at_every_place);
  RUN(test_lengths);
  return check_end();
}
