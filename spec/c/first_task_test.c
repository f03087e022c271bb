/* Unit tests of starts that ask for the first task of the workflow: when it is
** there, and that it is asked for once.
*/
#include "client/workflow_fields.h"
#include "proto/wire.h"
#include "check.h"
#include "played_run.h"

#define ANSWERED (TP_STARTED | TP_HOWEVER)

static bool ready(unsigned what) {
  return tp_future_ready(&run->base.future, what);
}

/* The answer to the start; without a task: NULL. */
static void answers_start(const char *task) {
  tp_buffer b;
  tp_buffer_init(&b, 1000);
  tp_wire_put_string(&b, START_RESPONSE_RUN_ID, "a run");
  tp_wire_put_bool(&b, START_RESPONSE_STARTED, 1);
  if (task) tp_wire_put_string(&b, START_RESPONSE_EAGER_WORKFLOW_TASK, task);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
}

static void test_comes_with_the_answer(void) {
  begin();
  CHECK(tp_run_want_task(run));
  submit();
  CHECK(!ready(ANSWERED));
  answers_start("a task");
  CHECK(ready(ANSWERED) && run->task->length == 6);
  CHECK(memcmp(run->task->data, "a task", 6) == 0 && end());
}

static void test_comes_though_nobody_waits_for_the_run(void) {
  begin();
  CHECK(tp_run_want_task(run));
  submit();
  tp_future_abandon(&run->base.future); /* the start goes on */
  CHECK(ready(TP_STARTED) && !ready(ANSWERED));
  answers_start("a task");
  CHECK(ready(ANSWERED) && run->task->length == 6 && end());
  begin();
  CHECK(tp_run_want_task(run));
  submit();
  tp_future_close(&run->base.future);
  CHECK(ready(TP_STARTED) && !ready(ANSWERED));
  answers_start("a task");
  CHECK(ready(ANSWERED) && run->task->length == 6 && end());
}

static void test_may_not_come(void) {
  begin();
  CHECK(tp_run_want_task(run));
  submit();
  answers_start(NULL);
  CHECK(ready(ANSWERED) && run->task->length == 0 && end());
  begin(); /* the start fails */
  CHECK(tp_run_want_task(run));
  submit();
  answers(TP_GRPC_INVALID_ARGUMENT, NULL);
  CHECK(ready(ANSWERED) && run->task->length == 0 && end());
  begin(); /* nobody asked for it */
  submit();
  answers_start("a task");
  CHECK(ready(ANSWERED) && run->task == NULL && end());
}

/* Whoever was ready for it is so no more when the start is sent again. */
static void test_is_not_asked_for_with_another_key(void) {
  const tp_buffer *request;
  begin();
  request = &run->base.call.request;
  CHECK(tp_run_want_task(run));
  submit();
  answers(TP_GRPC_UNAUTHENTICATED, NULL);
  CHECK(ready(ANSWERED) && request->length == TP_GRPC_PREFIX + 3);
  CHECK(tp_grpc_read_length(request->data) == 3);
  CHECK(memcmp(request->data + TP_GRPC_PREFIX, "\x88\x01\x00", 3) == 0);
  CHECK(end());
}

int main(void) {
  RUN(test_comes_with_the_answer);
  RUN(test_comes_though_nobody_waits_for_the_run);
  RUN(test_may_not_come);
  RUN(test_is_not_asked_for_with_another_key);
  return check_end();
}
