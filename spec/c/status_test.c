/* Unit tests of the status texts and the names of gRPC codes. One thread. */
#include <stdio.h>
#include <string.h>
#include "base/limits.h"
#include "base/status.h"
#include "check.h"

static void test_every_status_has_a_text_of_its_own(void) {
  int a, b;
  for (a = 0; a < TP_STATUS_COUNT; a++) {
    const char *text = tp_status_text((tp_status)a);
    CHECK(text != NULL && text[0] != '\0');
    CHECK(strcmp(text, "unknown error") != 0);
    for (b = 0; b < a; b++)
      CHECK(strcmp(text, tp_status_text((tp_status)b)) != 0);
  }
  CHECK(TP_OK == 0);
}

static void test_texts(void) {
  CHECK(strcmp(tp_status_text(TP_OK), "ok") == 0);
  CHECK(strcmp(tp_status_text(TP_ENOMEM), "out of memory") == 0);
  CHECK(strcmp(tp_status_text(TP_ETOOBIG), "larger than the limit") == 0);
  CHECK(strcmp(tp_status_text(TP_EFORK),
               "the process forked after the engine started") == 0);
}

static void test_strange_statuses(void) {
  CHECK(strcmp(tp_status_text(TP_STATUS_COUNT), "unknown error") == 0);
  CHECK(strcmp(tp_status_text((tp_status)-1), "unknown error") == 0);
}

/* The text names the limit in words. */
static void test_text_of_the_depth_limit(void) {
  char expected[64];
  snprintf(expected, sizeof expected, "nested deeper than %d levels",
           TP_MAX_DEPTH);
  CHECK(strcmp(tp_status_text(TP_EDEPTH), expected) == 0);
}

static void test_grpc_names(void) {
  static const char *const names[] = {
    "ok", "cancelled", "unknown", "invalid_argument", "deadline_exceeded",
    "not_found", "already_exists", "permission_denied", "resource_exhausted",
    "failed_precondition", "aborted", "out_of_range", "unimplemented",
    "internal", "unavailable", "data_loss", "unauthenticated"};
  int i;
  CHECK(TP_GRPC_COUNT == sizeof names / sizeof *names);
  for (i = 0; i < TP_GRPC_COUNT; i++)
    CHECK(strcmp(tp_grpc_code_name(i), names[i]) == 0);
  CHECK(strcmp(tp_grpc_code_name(17), "unknown") == 0);
  CHECK(strcmp(tp_grpc_code_name(-1), "unknown") == 0);
  CHECK(TP_GRPC_UNAUTHENTICATED == 16 && TP_GRPC_UNAVAILABLE == 14);
}

int main(void) {
  RUN(test_every_status_has_a_text_of_its_own);
  RUN(test_texts);
  RUN(test_strange_statuses);
  RUN(test_text_of_the_depth_limit);
  RUN(test_grpc_names);
  return check_end();
}
