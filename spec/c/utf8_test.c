/* Unit tests of the UTF-8 check: every boundary of RFC 3629. One thread. */
#include "base/utf8.h"
#include "check.h"

#define VALID(s) (tp_utf8_valid_prefix(s, sizeof(s) - 1) == sizeof(s) - 1)
#define PREFIX(s) tp_utf8_valid_prefix(s, sizeof(s) - 1)

static void test_first_and_last_of_each_length(void) {
  CHECK(VALID(""));
  CHECK(VALID("\0\x7f"));
  CHECK(VALID("\xc2\x80\xdf\xbf"));
  CHECK(VALID("\xe0\xa0\x80\xef\xbf\xbf"));
  CHECK(VALID("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

static void test_overlong_forms(void) {
  CHECK(PREFIX("a\xc0\x80") == 1);
  CHECK(PREFIX("a\xc1\xbf") == 1);
  CHECK(PREFIX("a\xe0\x9f\xbf") == 1);
  CHECK(PREFIX("a\xf0\x8f\xbf\xbf") == 1);
}

static void test_surrogates(void) {
  CHECK(VALID("\xed\x9f\xbf"));
  CHECK(PREFIX("\xed\xa0\x80") == 0);
  CHECK(PREFIX("\xed\xbf\xbf") == 0);
  CHECK(VALID("\xee\x80\x80"));
}

static void test_beyond_unicode(void) {
  CHECK(PREFIX("\xf4\x90\x80\x80") == 0);
  CHECK(PREFIX("\xf5\x80\x80\x80") == 0);
  CHECK(PREFIX("\xff") == 0);
}

static void test_cut_and_stray_bytes(void) {
  CHECK(PREFIX("ab\x80") == 2);
  CHECK(PREFIX("ab\xc3") == 2);
  CHECK(PREFIX("ab\xe2\x82") == 2);
  CHECK(PREFIX("ab\xf0\x9f\x98") == 2);
  CHECK(PREFIX("ab\xe2\x28\xa1") == 2);
  CHECK(PREFIX("abcdefghijklmnop\x80qrstuvwxyz") == 16);
}

int main(void) {
  RUN(test_first_and_last_of_each_length);
  RUN(test_overlong_forms);
  RUN(test_surrogates);
  RUN(test_beyond_unicode);
  RUN(test_cut_and_stray_bytes);
  return check_end();
}
