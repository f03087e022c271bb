/* Unit tests of notices: each is taken once, in order; what nobody takes is
** freed. One thread.
*/
#include <stdlib.h>
#include <string.h>
#include "engine/notice.h"
#include "check.h"

static tp_notices notices;

static tp_notice *notice(const char *id) {
  tp_notice *n = calloc(1, sizeof *n);
  n->workflow_id = strdup(id);
  n->failure.message = strdup("message");
  return n;
}

static bool is_notice(const tp_notice *n, const char *id) {
  return n && strcmp(n->workflow_id, id) == 0;
}

static void test_notices_come_once_and_in_order(void) {
  tp_notice *n, *next;
  tp_notices_init(&notices);
  CHECK(tp_notices_take(&notices, TP_LOST) == NULL);
  tp_notices_add(&notices, TP_LOST, notice("a"));
  tp_notices_add(&notices, TP_WARNING, notice("w"));
  tp_notices_add(&notices, TP_LOST, notice("b"));
  n = tp_notices_take(&notices, TP_LOST);
  CHECK(is_notice(n, "a") && is_notice(n->next, "b") && !n->next->next);
  for (; n; n = next) {
    next = n->next;
    tp_notice_free(n);
  }
  CHECK(tp_notices_take(&notices, TP_LOST) == NULL);
  n = tp_notices_take(&notices, TP_WARNING);
  CHECK(is_notice(n, "w") && n->next == NULL);
  tp_notice_free(n);
  CHECK(!notices.any);
  tp_notices_add(&notices, TP_WARNING, notice("c")); /* to be freed */
  tp_notices_clear(&notices);
}

int main(void) {
  RUN(test_notices_come_once_and_in_order);
  return check_end();
}
