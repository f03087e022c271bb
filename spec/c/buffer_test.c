/* Unit tests of the growable buffer: growth, the ceiling at N and N + 1, the
** failure that sticks, and consuming from the front. One thread.
*/
#include <string.h>
#include "base/buffer.h"
#include "check.h"

static void test_appends_and_keeps_order(void) {
  tp_buffer b;
  tp_buffer_init(&b, 100);
  CHECK(tp_buffer_put(&b, "ab", 2) == TP_OK);
  CHECK(tp_buffer_byte(&b, 'c') == TP_OK);
  CHECK(b.length == 3 && memcmp(b.data, "abc", 3) == 0);
  tp_buffer_free(&b);
}

static void test_takes_the_ceiling_and_not_one_more(void) {
  tp_buffer b;
  tp_buffer_init(&b, 4);
  CHECK(tp_buffer_put(&b, "abcd", 4) == TP_OK);
  CHECK(tp_buffer_byte(&b, 'e') == TP_ETOOBIG);
  CHECK(b.status == TP_ETOOBIG);
  CHECK(b.length == 4);
  tp_buffer_free(&b);
}

static void test_first_failure_sticks(void) {
  tp_buffer b;
  tp_buffer_init(&b, 4);
  CHECK(tp_buffer_put(&b, "abcde", 5) == TP_ETOOBIG);
  CHECK(tp_buffer_byte(&b, 'a') == TP_ETOOBIG);
  CHECK(b.length == 0);
  tp_buffer_free(&b);
}

static void test_huge_request_does_not_wrap(void) {
  tp_buffer b;
  tp_buffer_init(&b, SIZE_MAX);
  CHECK(tp_buffer_byte(&b, 'a') == TP_OK);
  CHECK(tp_buffer_reserve(&b, SIZE_MAX) == NULL);
  CHECK(b.status == TP_ETOOBIG || b.status == TP_ENOMEM);
  tp_buffer_free(&b);
}

static void test_reserve_does_not_move_length(void) {
  tp_buffer b;
  tp_buffer_init(&b, 100);
  CHECK(tp_buffer_reserve(&b, 10) != NULL);
  CHECK(b.length == 0 && b.capacity >= 10);
  tp_buffer_free(&b);
}

static void test_usable_after_free(void) {
  tp_buffer b;
  tp_buffer_init(&b, 4);
  CHECK(tp_buffer_put(&b, "abcde", 5) == TP_ETOOBIG);
  tp_buffer_free(&b);
  CHECK(tp_buffer_put(&b, "abcd", 4) == TP_OK);
  tp_buffer_free(&b);
}

int main(void) {
  RUN(test_appends_and_keeps_order);
  RUN(test_takes_the_ceiling_and_not_one_more);
  RUN(test_first_failure_sticks);
  RUN(test_huge_request_does_not_wrap);
  RUN(test_reserve_does_not_move_length);
  RUN(test_usable_after_free);
  return check_end();
}
