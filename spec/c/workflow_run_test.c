/* Unit tests of execute-workflow as a state machine: the start and its ends,
** long polls, chains of runs, handles without a run id, failing and asking
** again. No network and no thread.
*/
#include "client/rpc_future.h"
#include "client/workflow_fields.h"
#include "proto/wire.h"
#include "check.h"
#include "played_run.h"

#define RUN_A "aaaaaaaa-0000-4000-8000-00000000000a"
#define RUN_B "bbbbbbbb-0000-4000-8000-00000000000b"
#define RUN_C "cccccccc-0000-4000-8000-00000000000c"

static bool want(unsigned what) {
  bool ready = tp_run_want(run, what, false);
  run_commands();
  return ready;
}

static bool is(const char *text, const char *expected) {
  if (text == NULL || expected == NULL) return text == expected;
  return strcmp(text, expected) == 0;
}

/* --- the server ---------- */

/* Is that method asked for just now? */
static bool asks(const char *method) {
  const tp_call *call = &run->base.call;
  const char *slash = call->path ? strrchr(call->path, '/') : NULL;
  return call->state == TP_CALL_QUEUED && slash && is(slash + 1, method);
}

#define asks_start() asks("StartWorkflowExecution")
#define asks_history() asks("GetWorkflowExecutionHistory")
#define asks_name() asks("DescribeWorkflowExecution")

static bool request_has(const char *text) {
  const tp_buffer *b = &run->base.call.request;
  size_t n = strlen(text), i;
  for (i = 0; i + n <= b->length; i++)
    if (memcmp(b->data + i, text, n) == 0) return true;
  return false;
}

static void answers_start(const char *run_id, const char *first, bool started) {
  tp_buffer b;
  tp_buffer_init(&b, 1000);
  if (run_id) tp_wire_put_string(&b, START_RESPONSE_RUN_ID, run_id);
  if (first)
    tp_wire_put_string(&b, START_RESPONSE_FIRST_EXECUTION_RUN_ID, first);
  if (started) tp_wire_put_bool(&b, START_RESPONSE_STARTED, 1);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
}

static void answers_signal_start(const char *run_id, bool started) {
  tp_buffer b;
  tp_buffer_init(&b, 1000);
  tp_wire_put_string(&b, SIGNAL_START_RESPONSE_RUN_ID, run_id);
  if (started) tp_wire_put_bool(&b, SIGNAL_START_RESPONSE_STARTED, 1);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
}

static void answers_already_started(const char *run_id) {
  tp_buffer b;
  size_t detail, value;
  tp_buffer_init(&b, 1000);
  detail = tp_wire_begin(&b, 3); /* google.rpc.Status.details */
  tp_wire_put_string(&b, 1, "type.googleapis.com/temporal.api."
                     "errordetails.v1.WorkflowExecutionAlreadyStartedFailure");
  value = tp_wire_begin(&b, 2);
  if (run_id) tp_wire_put_string(&b, ALREADY_STARTED_RUN_ID, run_id);
  tp_wire_put_string(&b, ALREADY_STARTED_FIRST_EXECUTION_RUN_ID, RUN_A);
  tp_wire_end(&b, value);
  tp_wire_end(&b, detail);
  answers(TP_GRPC_ALREADY_EXISTS, &b);
  tp_buffer_free(&b);
}

/* A close event with that id; `next` is the run that follows, or NULL. */
static void write_event(tp_buffer *b, int id, const char *next) {
  size_t attributes;
  tp_buffer_init(b, 1000);
  tp_wire_put_varint(b, EVENT_ID, (uint64_t)id);
  attributes = tp_wire_begin(b, EVENT_COMPLETED);
  if (next) tp_wire_put_string(b, COMPLETED_NEW_RUN_ID, next);
  tp_wire_end(b, attributes);
}

static void answers_event(int id, const char *next) {
  tp_buffer b, event;
  size_t history;
  write_event(&event, id, next);
  tp_buffer_init(&b, 1000);
  history = tp_wire_begin(&b, HISTORY_RESPONSE_HISTORY);
  tp_wire_put_bytes(&b, HISTORY_EVENTS, event.data, event.length);
  tp_wire_end(&b, history);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
  tp_buffer_free(&event);
}

/* Not closed yet; the token names the run, if any. */
static void answers_not_yet(const char *token_run, const char *text) {
  tp_buffer b;
  size_t token;
  tp_buffer_init(&b, 1000);
  token = tp_wire_begin(&b, HISTORY_RESPONSE_NEXT_PAGE_TOKEN);
  if (token_run) tp_wire_put_string(&b, 1, token_run);
  tp_wire_put_string(&b, 9, text);
  tp_wire_end(&b, token);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
}

static void answers_name(const char *run_id, int history_length) {
  tp_buffer b;
  size_t info, execution;
  tp_buffer_init(&b, 1000);
  info = tp_wire_begin(&b, DESCRIBE_RESPONSE_INFO);
  execution = tp_wire_begin(&b, INFO_EXECUTION);
  tp_wire_put_string(&b, EXECUTION_RUN_ID, run_id);
  tp_wire_end(&b, execution);
  tp_wire_put_varint(&b, INFO_HISTORY_LENGTH, (uint64_t)history_length);
  tp_wire_end(&b, info);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
}

static bool is_event(const tp_buffer *b, int id, const char *next) {
  tp_buffer event;
  bool right;
  write_event(&event, id, next);
  right = b->length == event.length &&
          memcmp(b->data, event.data, event.length) == 0;
  tp_buffer_free(&event);
  return right;
}

/* --- the start ---------- */

static void test_start(void) {
  begin();
  submit();
  CHECK(asks_start() && channel->source.unacknowledged == 1);
  CHECK(channel->pending == 1);
  CHECK(flags() == 0 && !want(TP_STARTED));
  answers_start(RUN_A, RUN_A, true);
  CHECK(flags() == TP_STARTED && want(TP_STARTED));
  CHECK(is(run->run_id, RUN_A) && is(run->first_execution_run_id, RUN_A));
  CHECK(!run->attached && channel->source.unacknowledged == 0);
  CHECK(run->base.call.request.data == NULL); /* not needed any more */
  CHECK(end());
}

static void test_start_that_finds_a_run(void) {
  begin(); /* the server's answer to USE_EXISTING */
  submit();
  tp_wire_put_varint(&run->base.call.request,
                     START_REQUEST_ID_CONFLICT_POLICY, 2);
  answers_start(RUN_A, NULL, false);
  CHECK(flags() == TP_STARTED && run->attached);
  CHECK(run->first_execution_run_id == NULL);
  CHECK(end());
  begin(); /* our own request, repeated: not attached */
  submit();
  answers_start(RUN_A, NULL, false);
  CHECK(flags() == TP_STARTED && !run->attached);
  CHECK(end());
}

/* Servers before 1.32: what is newly started is its own first run. */
static void test_first_run_that_is_not_named(void) {
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(is(run->first_execution_run_id, RUN_A) && end());
  begin(); /* nobody else's run without USE_EXISTING */
  submit();
  answers_start(RUN_A, NULL, false);
  CHECK(is(run->first_execution_run_id, RUN_A) && end());
  begin();
  run->signals = true;
  submit();
  answers_signal_start(RUN_A, true);
  CHECK(is(run->first_execution_run_id, RUN_A) && end());
  begin();
  run->signals = true;
  submit();
  answers_signal_start(RUN_A, false);
  CHECK(run->attached && run->first_execution_run_id == NULL && end());
}

static void test_already_started(void) {
  begin();
  run->attach = true;
  submit();
  answers_already_started(RUN_B);
  CHECK(flags() == TP_STARTED && run->attached);
  CHECK(is(run->run_id, RUN_B) && is(run->first_execution_run_id, RUN_A));
  CHECK(end());
  begin(); /* an error to those who did not ask for it */
  submit();
  answers_already_started(RUN_B);
  CHECK(flags() == (TP_AWAITABLE | TP_FAILED));
  CHECK(run->base.call.failure.code == TP_GRPC_ALREADY_EXISTS);
  CHECK(run->base.call.failure.outcome == TP_NOT_STARTED);
  CHECK(run->base.call.failure.details_length > 0 && end());
  begin(); /* nobody knows which run to attach to */
  run->attach = true;
  submit();
  answers_already_started(NULL);
  CHECK(flags() == (TP_AWAITABLE | TP_FAILED) && run->run_id == NULL);
  CHECK(end());
}

static void test_start_answered_with_nonsense(void) {
  tp_buffer b;
  begin();
  submit();
  tp_buffer_init(&b, 10);
  tp_buffer_put(&b, "\x0A\x24half", 6);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
  CHECK(flags() == (TP_AWAITABLE | TP_FAILED));
  CHECK(run->base.call.failure.code == TP_GRPC_INTERNAL);
  CHECK(run->base.call.failure.outcome == TP_UNKNOWN && end());
  begin();
  submit();
  answers_start(NULL, NULL, true); /* no run id */
  CHECK(flags() == (TP_AWAITABLE | TP_FAILED));
  CHECK(run->base.call.failure.outcome == TP_UNKNOWN && end());
}

static void test_lost_errors_are_told_once(void) {
  tp_notice *lost;
  begin();
  submit();
  tp_future_hold(&run->base.future); /* the test's, beside the userdata's */
  tp_future_collect(&run->base.future);
  CHECK(tp_notices_take(&engine->notices, TP_LOST) == NULL);
  answers(TP_GRPC_INVALID_ARGUMENT, NULL);
  lost = tp_notices_take(&engine->notices, TP_LOST);
  CHECK(lost != NULL && lost->next == NULL);
  CHECK(is(lost->workflow_id, "w-1") && is(lost->request_id, "r-1"));
  CHECK(is(lost->method, "StartWorkflowExecution"));
  CHECK(lost->failure.code == TP_GRPC_INVALID_ARGUMENT);
  tp_notice_free(lost);
  CHECK(end());
  begin();
  submit();
  answers(TP_GRPC_INVALID_ARGUMENT, NULL);
  tp_future_signal(&run->base.future, TP_TAKEN);
  CHECK(end() /* and no notice: ASan would see it leak */);
}

/* --- the result ---------- */

static void test_result_of_a_single_run(void) {
  begin();
  submit();
  CHECK(!want(TP_RESULT) && asks_start()); /* asked for before it started */
  answers_start(RUN_A, RUN_A, true);
  CHECK(asks_history() && request_has("w-1") && request_has(RUN_A));
  CHECK(run->base.call.long_poll && run->base.future.references == 2);
  answers_event(7, NULL);
  CHECK(flags() == (TP_STARTED | TP_FIRST | TP_RESULT) && want(TP_RESULT));
  CHECK(is_event(&run->first_event, 7, NULL) && !run->result_event.length);
  CHECK(is(run->result_run_id, RUN_A) && is(run->first_closed_run_id, RUN_A));
  CHECK(run->base.call.state == TP_CALL_IDLE && end());
}

static void test_polls_go_on_with_the_token(void) {
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(run->base.call.state == TP_CALL_IDLE); /* nobody has asked */
  CHECK(!want(TP_RESULT) && asks_history() && !request_has("token-1"));
  pass(20 * TP_SECOND);
  answers_not_yet(RUN_A, "token-1");
  CHECK(asks_history() && request_has("token-1"));
  pass(1000);
  answers_not_yet(RUN_A, "token-2"); /* at once: it is not asked at once */
  CHECK(run->base.call.state == TP_CALL_BACKOFF && request_has("token-2"));
  CHECK(!request_has("token-1"));
  pass(TP_SECOND / 2);
  CHECK(asks_history() && !(flags() & TP_RESULT));
  answers_event(7, NULL);
  CHECK(flags() & TP_RESULT && is(run->result_run_id, RUN_A));
  CHECK(end());
}

static void answers_token_of(size_t n) {
  char *text = calloc(1, n + 1);
  tp_buffer b;
  memset(text, 't', n);
  tp_buffer_init(&b, n + 100);
  tp_wire_put_string(&b, HISTORY_RESPONSE_NEXT_PAGE_TOKEN, text);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
  free(text);
}

/* A token that is too long is asked without, and spoils none that follow. */
static void test_token_at_the_limit_and_one_more(void) {
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(!want(TP_RESULT));
  pass(20 * TP_SECOND);
  answers_token_of(TP_MAX_TOKEN);
  CHECK(asks_history() && run->token.length == TP_MAX_TOKEN);
  CHECK(run->base.call.request.length > TP_MAX_TOKEN);
  pass(20 * TP_SECOND);
  answers_token_of(TP_MAX_TOKEN + 1);
  CHECK(asks_history() && run->token.length == 0);
  pass(20 * TP_SECOND);
  answers_not_yet(RUN_A, "token-3");
  CHECK(asks_history() && request_has("token-3"));
  answers_event(7, NULL);
  CHECK(end());
}

static void test_an_answer_with_nothing_in_it_does_not_spin(void) {
  tp_buffer nothing;
  tp_buffer_init(&nothing, 0);
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(!want(TP_RESULT));
  answers(TP_GRPC_OK, &nothing);
  CHECK(run->base.call.state == TP_CALL_BACKOFF);
  pass(TP_SECOND);
  CHECK(asks_history());
  answers_event(7, NULL);
  CHECK(end());
}

static void test_a_chain_is_followed_to_its_end(void) {
  begin();
  submit();
  answers_start(RUN_A, RUN_A, true);
  CHECK(!want(TP_RESULT));
  answers_event(7, RUN_B);
  CHECK(flags() == (TP_STARTED | TP_FIRST));
  CHECK(is_event(&run->first_event, 7, RUN_B));
  CHECK(is(run->first_closed_run_id, RUN_A));
  CHECK(asks_history() && request_has(RUN_B) && !request_has(RUN_A));
  answers_event(9, RUN_C);
  CHECK(flags() == (TP_STARTED | TP_FIRST) && asks_history());
  CHECK(request_has(RUN_C) && run->result_event.length == 0);
  answers_event(11, NULL);
  CHECK(flags() == (TP_STARTED | TP_FIRST | TP_RESULT));
  CHECK(is_event(&run->first_event, 7, RUN_B));
  CHECK(is_event(&run->result_event, 11, NULL));
  CHECK(is(run->result_run_id, RUN_C) && end());
}

static void test_first_run_alone(void) {
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(!want(TP_FIRST));
  answers_event(7, RUN_B);
  CHECK(want(TP_FIRST) && !(flags() & TP_RESULT));
  CHECK(run->base.call.state == TP_CALL_IDLE);
  CHECK(run->base.future.references == 1);
  CHECK(!want(TP_RESULT)); /* later, the rest */
  CHECK(asks_history() && request_has(RUN_B));
  answers_event(9, NULL);
  CHECK(want(TP_RESULT) && is(run->result_run_id, RUN_B) && end());
}

/* --- handles without a start ---------- */

static void begin_handle(void) {
  begin();
  tp_future_signal(&run->base.future, TP_STARTED);
}

static void test_token_names_the_run(void) {
  begin_handle();
  CHECK(!want(TP_RESULT) && asks_history() && !request_has(RUN_A));
  pass(5 * TP_SECOND);
  answers_not_yet(RUN_A, "token");
  CHECK(asks_history() && request_has(RUN_A));
  answers_event(7, NULL);
  CHECK(is(run->result_run_id, RUN_A) && flags() & TP_RESULT && end());
}

static void test_closed_run_is_described(void) {
  begin_handle();
  CHECK(!want(TP_RESULT));
  answers_event(7, NULL);
  CHECK(!(flags() & TP_AWAITABLE & ~TP_STARTED) && asks_name());
  CHECK(!run->base.call.long_poll && request_has("w-1"));
  answers_name(RUN_A, 7);
  CHECK(flags() == (TP_STARTED | TP_FIRST | TP_RESULT));
  CHECK(is(run->result_run_id, RUN_A) && is(run->first_closed_run_id, RUN_A));
  CHECK(is_event(&run->first_event, 7, NULL) && end());
  begin_handle(); /* another run has begun meanwhile: better no name */
  CHECK(!want(TP_RESULT));
  answers_event(7, NULL);
  answers_name(RUN_B, 3);
  CHECK(flags() & TP_RESULT && run->result_run_id == NULL && end());
  begin_handle(); /* no answer: no reason to keep the result back */
  CHECK(!want(TP_RESULT));
  answers_event(7, NULL);
  answers(TP_GRPC_NOT_FOUND, NULL);
  CHECK(flags() == (TP_STARTED | TP_FIRST | TP_RESULT));
  CHECK(is_event(&run->first_event, 7, NULL) && end());
}

/* Its poll is over, so that no rotation can cut the naming off. */
static void test_naming_takes_no_place_among_the_polls(void) {
  begin_handle();
  CHECK(!want(TP_RESULT) && channel->polls.open_count == 1);
  answers_event(7, NULL);
  CHECK(asks_name() && run->poll.state == TP_POLL_NONE);
  CHECK(channel->polls.open_count == 0);
  pass(10 * TP_POLL_SLICE); /* and it does not wait for ever */
  CHECK(flags() == (TP_STARTED | TP_FIRST | TP_RESULT));
  CHECK(is_event(&run->first_event, 7, NULL) && end());
}

/* --- failing, ending ---------- */

static void test_failed_poll_is_asked_again_once_taken(void) {
  begin_handle();
  CHECK(!want(TP_RESULT));
  answers(TP_GRPC_NOT_FOUND, NULL);
  CHECK(flags() == (TP_AWAITABLE | TP_POLL_FAILED));
  CHECK(run->base.future.references == 1);
  CHECK(want(TP_RESULT)); /* not taken yet */
  tp_future_signal(&run->base.future, TP_TAKEN);
  CHECK(!want(TP_RESULT) && asks_history());
  CHECK(flags() == TP_STARTED);
  answers_event(7, NULL);
  answers_name(RUN_A, 7);
  CHECK(flags() == (TP_STARTED | TP_FIRST | TP_RESULT) && end());
}

static void test_failed_poll_keeps_the_first_event(void) {
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(!want(TP_RESULT));
  answers_event(7, RUN_B);
  answers(TP_GRPC_NOT_FOUND, NULL);
  CHECK(flags() == (TP_AWAITABLE | TP_POLL_FAILED));
  tp_future_signal(&run->base.future, TP_TAKEN);
  CHECK(!want(TP_RESULT) && asks_history() && request_has(RUN_B));
  CHECK(flags() == (TP_STARTED | TP_FIRST)); /* that stands */
  answers_event(9, NULL);
  CHECK(is_event(&run->first_event, 7, RUN_B));
  CHECK(is_event(&run->result_event, 9, NULL) && end());
}

static void test_unreadable_history(void) {
  tp_buffer b;
  begin_handle();
  CHECK(!want(TP_RESULT));
  tp_buffer_init(&b, 10);
  tp_buffer_put(&b, "\x0A\x24half", 6);
  answers(TP_GRPC_OK, &b);
  tp_buffer_free(&b);
  CHECK(flags() == (TP_AWAITABLE | TP_POLL_FAILED));
  CHECK(run->base.call.failure.code == TP_GRPC_INTERNAL && end());
}

static void test_abandoned_while_polling(void) {
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(!want(TP_RESULT) && asks_history());
  tp_future_abandon(&run->base.future);
  run_commands();
  CHECK(run->base.call.state == TP_CALL_IDLE && channel->queue == NULL);
  CHECK(flags() & TP_ABANDONED);
  CHECK(tp_future_ready(&run->base.future, TP_RESULT));
  CHECK(want(TP_RESULT) && run->base.call.state == TP_CALL_IDLE && end());
}

/* Abandoning a start does not take it back. */
static void test_abandoned_while_starting(void) {
  begin();
  submit();
  CHECK(!want(TP_RESULT));
  tp_future_abandon(&run->base.future);
  run_commands();
  CHECK(asks_start() && channel->source.unacknowledged == 1);
  answers_start(RUN_A, NULL, true);
  CHECK(run->base.call.state == TP_CALL_IDLE && flags() & TP_STARTED && end());
}

static void test_closed_while_polling(void) {
  begin();
  submit();
  answers_start(RUN_A, NULL, true);
  CHECK(!want(TP_RESULT) && asks_history());
  tp_client_finish(client);
  run_commands();
  CHECK(run->base.call.state == TP_CALL_IDLE && flags() & TP_CLOSED && end());
}

static void test_engine_ends(void) {
  begin(); /* while starting */
  submit();
  run->base.future.class->end(&run->base.future);
  CHECK(flags() == (TP_AWAITABLE | TP_FAILED | TP_CLOSED));
  CHECK(run->base.call.failure.outcome == TP_UNKNOWN);
  CHECK(is(run->base.call.failure.kind, "closed") && end());
  begin_handle(); /* while polling */
  CHECK(!want(TP_RESULT));
  run->base.future.class->end(&run->base.future);
  CHECK(flags() == (TP_STARTED | TP_CLOSED) && end());
}

int main(void) {
  tp_process_load();
  RUN(test_start);
  RUN(test_start_that_finds_a_run);
  RUN(test_first_run_that_is_not_named);
  RUN(test_already_started);
  RUN(test_start_answered_with_nonsense);
  RUN(test_lost_errors_are_told_once);
  RUN(test_result_of_a_single_run);
  RUN(test_polls_go_on_with_the_token);
  RUN(test_token_at_the_limit_and_one_more);
  RUN(test_an_answer_with_nothing_in_it_does_not_spin);
  RUN(test_a_chain_is_followed_to_its_end);
  RUN(test_first_run_alone);
  RUN(test_token_names_the_run);
  RUN(test_closed_run_is_described);
  RUN(test_naming_takes_no_place_among_the_polls);
  RUN(test_failed_poll_is_asked_again_once_taken);
  RUN(test_failed_poll_keeps_the_first_event);
  RUN(test_unreadable_history);
  RUN(test_abandoned_while_polling);
  RUN(test_abandoned_while_starting);
  RUN(test_closed_while_polling);
  RUN(test_engine_ends);
  return check_end();
}
