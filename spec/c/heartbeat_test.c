/* Unit tests of heartbeats: what is sent when, what the answers say, and the
** ways to end.
*/
#include "client/heartbeat.h"
#include "proto/wire.h"
#include "check.h"
#include "played.h"

#define INTERVAL (4 * TP_SECOND)

static tp_heartbeat *h;

static void begin(void) {
  begin_play();
  h = tp_heartbeat_new(client);
  h->path = strdup("/service/RecordActivityTaskHeartbeat");
  h->namespace = strdup("default");
  h->base.call.path = h->path;
  h->interval = INTERVAL;
}

static bool end(void) {
  return end_play(&h->base.future);
}

static void stop(void) {
  tp_future_abandon(&h->base.future);
  run_commands();
}

/* One byte is enough to tell them apart. */
static bool beat(char details) {
  tp_buffer request;
  bool sent;
  tp_buffer_init(&request, TP_MAX_MESSAGE);
  tp_buffer_byte(&request, (uint8_t)details);
  sent = tp_heartbeat_beat(h, &request);
  tp_buffer_free(&request);
  return sent;
}

/* What is on its way; 0: nothing. */
static char sends(void) {
  const tp_call *call = &h->base.call;
  run_commands();
  return call->state == TP_CALL_QUEUED ? (char)call->request.data[0] : 0;
}

/* --- the server ---------- */

/* Ends the call that is queued; `flag`: a field of the answer that is true. */
static void answers(int status, unsigned flag) {
  tp_buffer b;
  tp_buffer_init(&b, 10);
  if (flag) tp_wire_put_bool(&b, flag, 1);
  answers_call(&h->base.call, status, status == TP_GRPC_OK ? &b : NULL);
  tp_buffer_free(&b);
}

static bool is_ready(void) {
  return tp_future_ready(&h->base.future, TP_RESULT);
}

/* --- tests ---------- */

static void test_first_at_once_then_the_newest(void) {
  begin();
  CHECK(beat('a') && sends() == 'a');
  answers(TP_GRPC_OK, 0);
  CHECK(beat('b') && beat('c') && sends() == 0);
  pass(INTERVAL - 1);
  CHECK(sends() == 0);
  pass(1);
  CHECK(sends() == 'c');
  answers(TP_GRPC_OK, 0);
  pass(INTERVAL); /* nobody has said anything */
  CHECK(sends() == 0 && !h->busy);
  CHECK(beat('d') && sends() == 'd');
  answers(TP_GRPC_OK, 0);
  CHECK(!is_ready());
  pass(INTERVAL);
  CHECK(end());
}

static void test_one_at_a_time(void) {
  begin();
  CHECK(beat('a') && sends() == 'a');
  CHECK(beat('b'));
  pass(INTERVAL - 1); /* the first takes long */
  CHECK(sends() == 'a');
  answers(TP_GRPC_OK, 0);
  CHECK(sends() == 0);
  pass(1);
  CHECK(sends() == 'b');
  stop();
  answers(TP_GRPC_OK, 0);
  CHECK(end());
}

static void test_what_the_server_wants(void) {
  static const unsigned bits[] = {0, TP_BEAT_CANCEL, TP_BEAT_PAUSE,
                                  TP_BEAT_RESET};
  unsigned flag;
  for (flag = 1; flag <= 3; flag++) {
    begin();
    CHECK(beat('a') && sends() == 'a' && !is_ready());
    answers(TP_GRPC_OK, flag);
    CHECK(is_ready() && tp_heartbeat_wanted(h) == bits[flag]);
    CHECK(beat('b')); /* it goes on, for whoever cleans up */
    pass(INTERVAL);
    CHECK(sends() == 'b');
    answers(TP_GRPC_OK, 0);
    pass(INTERVAL);
    CHECK(end());
  }
}

static void test_gone(void) {
  static const int codes[] = {TP_GRPC_NOT_FOUND, TP_GRPC_FAILED_PRECONDITION};
  int i;
  for (i = 0; i < 2; i++) {
    begin();
    CHECK(beat('a') && sends() == 'a');
    CHECK(beat('b'));
    answers(codes[i], 0);
    CHECK(is_ready() && tp_heartbeat_wanted(h) == TP_BEAT_GONE);
    CHECK(beat('c') && sends() == 0);
    pass(2 * INTERVAL);
    CHECK(sends() == 0 && end());
  }
}

static void test_failures_are_made_good(void) {
  begin();
  h->interval = TP_SECOND / 10;
  CHECK(beat('a') && sends() == 'a');
  answers(TP_GRPC_UNAVAILABLE, 0);
  pass(TP_SECOND - 1);
  CHECK(sends() == 0);
  pass(1);
  CHECK(sends() == 'a'); /* nothing newer has come */
  CHECK(beat('b'));
  answers(TP_GRPC_UNAVAILABLE, 0);
  pass(TP_SECOND);
  CHECK(sends() == 'b');
  answers(TP_GRPC_OK, 0);
  CHECK(h->failing_since == 0);
  pass(TP_SECOND);
  CHECK(sends() == 0 && end());
}

static void test_says_once_that_they_fail(void) {
  tp_notice *notice;
  int i, n = 0;
  begin();
  CHECK(beat('a'));
  for (i = 0; i < 30; i++) {
    CHECK(sends() == 'a');
    answers(TP_GRPC_UNAVAILABLE, 0);
    pass(INTERVAL);
  }
  notice = tp_notices_take(&engine->notices, TP_WARNING);
  for (; notice; n++) {
    tp_notice *next = notice->next;
    CHECK(notice->failure.code == TP_GRPC_UNAVAILABLE);
    tp_notice_free(notice);
    notice = next;
  }
  CHECK(n == 1);
  stop();
  answers(TP_GRPC_UNAVAILABLE, 0);
  CHECK(end());
}

static void test_stop(void) {
  begin(); /* before anything was sent */
  CHECK(beat('a'));
  stop();
  CHECK(sends() == 0 && end());

  begin(); /* while one is on its way */
  CHECK(beat('a') && sends() == 'a' && beat('b'));
  stop();
  CHECK(sends() == 'a' && beat('c'));
  answers(TP_GRPC_OK, 1);
  pass(INTERVAL);
  CHECK(sends() == 0 && end());

  begin(); /* while the next one waits */
  CHECK(beat('a') && sends() == 'a');
  answers(TP_GRPC_OK, 0);
  CHECK(beat('b'));
  stop();
  CHECK(engine->timers.count == 0 && end());
}

static void test_close(void) {
  begin();
  CHECK(beat('a') && sends() == 'a' && beat('b'));
  tp_future_close(&h->base.future);
  run_commands();
  CHECK(h->base.call.state == TP_CALL_IDLE && end());
}

static void test_end_of_the_engine(void) {
  begin();
  CHECK(beat('a') && sends() == 'a' && beat('b'));
  engine->ending = true;
  h->base.future.class->end(&h->base.future);
  CHECK(h->base.call.state == TP_CALL_IDLE);
  CHECK(beat('c')); /* it was stopped */
  CHECK(sends() == 0 && end());
}

static void test_no_engine(void) {
  begin();
  engine->finished = true;
  CHECK(!beat('a') && !h->busy);
  CHECK(end());
}

int main(void) {
  RUN(test_first_at_once_then_the_newest);
  RUN(test_one_at_a_time);
  RUN(test_what_the_server_wants);
  RUN(test_gone);
  RUN(test_failures_are_made_good);
  RUN(test_says_once_that_they_fail);
  RUN(test_stop);
  RUN(test_close);
  RUN(test_end_of_the_engine);
  RUN(test_no_engine);
  return check_end();
}
