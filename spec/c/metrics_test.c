/* Unit tests of the counters: buckets and their bounds, codes, causes, names,
** the limit on operations, and counting while another thread reads.
*/
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/timer.h"
#include "proto/wire.h"
#include "rpc/metrics.h"
#include "check.h"

#define START "/temporal.api.workflowservice.v1.WorkflowService/Start"
#define ROUNDS 20000

static tp_metrics *metrics;
static tp_operation got;

static void begin(void) {
  tp_metrics_free(metrics);
  metrics = tp_metrics_new();
}

static uint64_t requests(const tp_tally *t) {
  uint64_t n = 0;
  int i;
  for (i = 0; i <= TP_LATENCY_BOUNDS; i++) n += t->buckets[i];
  return n;
}

/* The i-th operation is this one. */
static int is(size_t i, const char *name, const char *namespace, bool poll) {
  return tp_metrics_operation(metrics, i, &got) &&
         strcmp(got.name, name) == 0 &&
         strcmp(got.namespace, namespace) == 0 && got.long_poll == poll;
}

static void test_bounds(void) {
  static const int64_t core_ms[] = {50, 100, 500, 1000, 2500, 10000};
  size_t i, found = 0;
  for (i = 0; i < TP_LATENCY_BOUNDS; i++) {
    CHECK(i == 0 || tp_latency_bounds[i] > tp_latency_bounds[i - 1]);
    if (found < 6 && tp_latency_bounds[i] == core_ms[found] * 1000) found++;
  }
  CHECK(found == 6);
}

static void test_buckets(void) {
  size_t i;
  begin();
  for (i = 0; i < TP_LATENCY_BOUNDS; i++) {
    tp_metrics_call(metrics, START, "n", false, 0, tp_latency_bounds[i]);
    tp_metrics_call(metrics, START, "n", false, 0, tp_latency_bounds[i] + 1);
  }
  tp_metrics_call(metrics, START, "n", false, 0, TP_NEVER / 2);
  tp_metrics_call(metrics, START, "n", false, 0, -1);
  CHECK(is(0, "Start", "n", false));
  CHECK(got.calls.buckets[0] == 2);
  for (i = 1; i < TP_LATENCY_BOUNDS; i++) CHECK(got.calls.buckets[i] == 2);
  CHECK(got.calls.buckets[TP_LATENCY_BOUNDS] == 2);
  CHECK(requests(&got.calls) == 2 * TP_LATENCY_BOUNDS + 2);
  CHECK(requests(&got.attempts) == 0);
  CHECK(got.calls.microseconds > (uint64_t)(TP_NEVER / 2));
}

static void test_keys(void) {
  static const char again[] = "x" START;
  char namespace[] = "a namespace of more than eight bytes";
  begin();
  tp_metrics_call(metrics, START, "n", false, 0, 1);
  tp_metrics_call(metrics, START, "n", true, 0, 1);
  tp_metrics_call(metrics, START, NULL, false, 0, 1);
  tp_metrics_call(metrics, "Plain", "", false, 0, 1);
  tp_metrics_call(metrics, START, namespace, false, 0, 1);
  namespace[0] = 'A'; /* names are copied */
  tp_metrics_call(metrics, again + 1, "n", false, 0, 1);
  CHECK(is(0, "Start", "n", false) && requests(&got.calls) == 2);
  CHECK(is(1, "Start", "n", true) && requests(&got.calls) == 1);
  CHECK(is(2, "Start", "_unknown_", false));
  CHECK(is(3, "Plain", "", false));
  CHECK(is(4, "Start", "a namespace of more than eight bytes", false));
  CHECK(is(5, "other", "other", false) && requests(&got.calls) == 0);
  CHECK(is(6, "other", "other", true) && requests(&got.calls) == 0);
  CHECK(!tp_metrics_operation(metrics, 7, &got));
}

static void test_codes(void) {
  int code;
  begin();
  for (code = -1; code <= TP_GRPC_COUNT; code++)
    tp_metrics_call(metrics, START, "n", false, code, 1);
  CHECK(is(0, "Start", "n", false));
  CHECK(got.calls.failures[TP_GRPC_OK] == 0);
  for (code = 1; code < TP_GRPC_COUNT; code++)
    CHECK(got.calls.failures[code] == (code == TP_GRPC_UNKNOWN ? 2 : 1));
  CHECK(got.calls.failures[TP_GRPC_COUNT] == 1); /* -1 */
  CHECK(requests(&got.calls) == TP_GRPC_COUNT + 2);
}

/* A google.rpc.Status with a ResourceExhaustedFailure. */
static void put_status(tp_buffer *b, uint64_t cause) {
  size_t any, value;
  tp_buffer_init(b, 1000);
  tp_wire_put_varint(b, 1, TP_GRPC_RESOURCE_EXHAUSTED);
  tp_wire_put_string(b, 2, "slow down");
  any = tp_wire_begin(b, 3);
  tp_wire_put_string(b, 1, "type.googleapis.com/temporal.api.errordetails.v1."
                           "ResourceExhaustedFailure");
  value = tp_wire_begin(b, 2);
  tp_wire_put_varint(b, 1, cause);
  tp_wire_end(b, value);
  tp_wire_end(b, any);
}

static void attempt(int code, const tp_buffer *details, size_t length) {
  tp_metrics_attempt(metrics, START, "n", false, code, 1,
                     details ? details->data : NULL, length);
}

static void test_causes(void) {
  tp_buffer b;
  size_t n, counted = 0;
  int i;
  begin();
  put_status(&b, 5);
  attempt(TP_GRPC_RESOURCE_EXHAUSTED, &b, b.length);
  attempt(TP_GRPC_UNAVAILABLE, &b, b.length); /* not looked at */
  CHECK(is(0, "Start", "n", false));
  CHECK(got.exhausted[5] == 1 && got.exhausted[0] == 0);
  CHECK(got.attempts.failures[TP_GRPC_RESOURCE_EXHAUSTED] == 1);
  CHECK(got.attempts.failures[TP_GRPC_UNAVAILABLE] == 1);
  CHECK(requests(&got.calls) == 0);
  attempt(TP_GRPC_RESOURCE_EXHAUSTED, NULL, 0);
  for (n = 0; n < b.length; n++) { /* cut anywhere */
    uint8_t *part = malloc(n ? n : 1);
    memcpy(part, b.data, n);
    tp_metrics_attempt(metrics, START, "n", false, TP_GRPC_RESOURCE_EXHAUSTED,
                       1, part, n);
    free(part);
  }
  n = b.length;
  tp_buffer_free(&b);
  put_status(&b, TP_EXHAUSTED_CAUSES); /* one of a later server */
  attempt(TP_GRPC_RESOURCE_EXHAUSTED, &b, b.length);
  tp_buffer_free(&b);
  CHECK(is(0, "Start", "n", false));
  for (i = 0; i < TP_EXHAUSTED_CAUSES; i++) counted += got.exhausted[i];
  CHECK(counted == n + 3 && got.exhausted[5] == 1);
}

static void test_limit(void) {
  char path[32];
  int i;
  begin();
  for (i = 0; i <= TP_METRICS_OPERATIONS; i++) {
    snprintf(path, sizeof path, "/s/Method%d", i);
    tp_metrics_call(metrics, path, "n", false, 0, 1);
    tp_metrics_attempt(metrics, path, "n", false, 0, 1, NULL, 0);
  }
  tp_metrics_call(metrics, "/s/Poll", "n", true, TP_GRPC_NOT_FOUND, 1);
  tp_metrics_call(metrics, "/s/Method7", "n", false, 0, 1);
  CHECK(is(7, "Method7", "n", false) && requests(&got.calls) == 2);
  CHECK(is(TP_METRICS_OPERATIONS - 1, "Method255", "n", false));
  CHECK(is(TP_METRICS_OPERATIONS, "other", "other", false));
  CHECK(requests(&got.calls) == 1 && requests(&got.attempts) == 1);
  CHECK(is(TP_METRICS_OPERATIONS + 1, "other", "other", true));
  CHECK(got.calls.failures[TP_GRPC_NOT_FOUND] == 1);
  CHECK(!tp_metrics_operation(metrics, TP_METRICS_OPERATIONS + 2, &got));
}

static void test_connections(void) {
  tp_connection_counts c;
  begin();
  tp_metrics_dialled(metrics);
  tp_metrics_dial_failed(metrics);
  tp_metrics_dialled(metrics);
  tp_metrics_disconnected(metrics);
  tp_metrics_connections(metrics, &c);
  CHECK(c.open == 1 && c.dialled == 2 && c.failed == 1);
}

static void *count_many(void *argument) {
  char path[32];
  int i;
  (void)argument;
  for (i = 0; i < ROUNDS; i++) {
    snprintf(path, sizeof path, "/s/Method%d", i % 100);
    tp_metrics_call(metrics, path, i % 2 ? "odd" : "even", false,
                    i % 3 ? 0 : TP_GRPC_UNAVAILABLE, i);
  }
  return NULL;
}

static uint64_t total(void) {
  uint64_t n = 0;
  size_t i;
  for (i = 0; tp_metrics_operation(metrics, i, &got); i++)
    n += requests(&got.calls);
  return n;
}

static void test_threads(void) {
  pthread_t threads[2];
  uint64_t last = 0, now;
  int i;
  begin();
  for (i = 0; i < 2; i++)
    CHECK(pthread_create(&threads[i], NULL, count_many, NULL) == 0);
  do { /* what is read only grows */
    now = total();
    CHECK(now >= last);
    last = now;
  } while (now < 2 * ROUNDS);
  for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  CHECK(total() == 2 * ROUNDS);
}

int main(void) {
  RUN(test_bounds);
  RUN(test_buckets);
  RUN(test_keys);
  RUN(test_codes);
  RUN(test_causes);
  RUN(test_limit);
  RUN(test_connections);
  RUN(test_threads);
  tp_metrics_free(metrics);
  return check_end();
}
