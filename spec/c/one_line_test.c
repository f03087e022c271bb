/* Unit tests of text for people: one line, without control characters. One
** thread. */
#include <string.h>
#include "base/one_line.h"
#include "check.h"

static char out[100];

static int becomes(const char *text, size_t n, const char *expected) {
  size_t length = tp_one_line(out, text, n);
  return length == strlen(expected) && memcmp(out, expected, length) == 0;
}

#define BECOMES(text, expected) becomes(text, sizeof(text) - 1, expected)

static void test_control_characters(void) {
  CHECK(BECOMES("", ""));
  CHECK(BECOMES("plain text", "plain text"));
  CHECK(BECOMES("a\nb", "a b"));
  CHECK(BECOMES("a\r\n\0\x1b[2J\x7f" "b", "a [2J b"));
  CHECK(BECOMES("\1a\37", " a "));
  CHECK(BECOMES("a \n b", "a   b"));
}

/* C1, as UTF-8 has it and as one byte. */
static void test_c1(void) {
  CHECK(BECOMES("a\xc2\x9b" "2J", "a 2J"));
  CHECK(BECOMES("a\xc2\x80\xc2\x9f" "b", "a b"));
  CHECK(BECOMES("a\x9b" "2J", "a 2J"));
  CHECK(BECOMES("\xe2\n\x9b" "b", "\xe2 b"));
  CHECK(BECOMES("a\xc2", "a\xc2"));
}

static void test_utf8_stays(void) {
  CHECK(BECOMES("\xc2\xa0\xc3\x9b", "\xc2\xa0\xc3\x9b"));
  CHECK(BECOMES("\xe2\x80\x9c\xe2\x82\xac", "\xe2\x80\x9c\xe2\x82\xac"));
  CHECK(BECOMES("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"));
}

static void test_in_place(void) {
  char text[] = "a\r\nb";
  CHECK(tp_one_line(text, text, 4) == 3 && memcmp(text, "a b", 3) == 0);
}

int main(void) {
  RUN(test_control_characters);
  RUN(test_c1);
  RUN(test_utf8_stays);
  RUN(test_in_place);
  return check_end();
}
