/* What the calls of a channel came to, counted: requests, failures by code and
** latencies, by operation, namespace and kind; and its connections. Has a
** mutex of its own: the driving thread counts, the host's reads. Counting
** cannot fail: what there is no room for is counted as operation "other".
*/
#ifndef TP_METRICS_H
#define TP_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/status.h"

#pragma GCC visibility push(hidden)

#define TP_METRICS_OPERATIONS 256 /* before the rest is "other" */
#define TP_LATENCY_BOUNDS 14
#define TP_EXHAUSTED_CAUSES 16    /* of temporal.api.enums.v1; 0: any other */

/* Upper bounds of the latency buckets, inclusive, ascending. */
extern const int64_t tp_latency_bounds[TP_LATENCY_BOUNDS]; /* microseconds */

typedef struct tp_tally {
  uint64_t buckets[TP_LATENCY_BOUNDS + 1]; /* each its own; the last: above */
  uint64_t microseconds;                   /* all latencies together */
  uint64_t failures[TP_GRPC_COUNT + 1];    /* by code; the last: none */
} tp_tally;

typedef struct tp_operation {
  const char *name, *namespace; /* "StartWorkflowExecution"; live as long as
                                ** the metrics */
  bool long_poll;
  tp_tally calls;    /* each with all its attempts */
  tp_tally attempts;
  uint64_t exhausted[TP_EXHAUSTED_CAUSES]; /* resource_exhausted attempts */
} tp_operation;

typedef struct tp_connection_counts {
  uint64_t open;    /* now */
  uint64_t dialled; /* ever */
  uint64_t failed;  /* dials, and connections that broke before SETTINGS */
} tp_connection_counts;

typedef struct tp_metrics tp_metrics;

tp_metrics *tp_metrics_new(void); /* NULL: out of memory */
void tp_metrics_free(tp_metrics *metrics);

/* A call, or one attempt of it, has ended: `path` is "/service/method",
** `namespace` may be NULL, `code` is gRPC's, 0 for an answer, -1 for what this
** side could not do (a strange one counts as unknown); `details` is the
** attempt's google.rpc.Status, or NULL. */
void tp_metrics_call(tp_metrics *metrics, const char *path,
                     const char *namespace, bool long_poll, int code,
                     int64_t latency_us);
void tp_metrics_attempt(tp_metrics *metrics, const char *path,
                        const char *namespace, bool long_poll, int code,
                        int64_t latency_us, const uint8_t *details,
                        size_t details_length);

void tp_metrics_dialled(tp_metrics *metrics);
void tp_metrics_disconnected(tp_metrics *metrics);
void tp_metrics_dial_failed(tp_metrics *metrics);

/* Copies the i-th operation out, in the order in which they first occurred;
** false: there are no more. */
bool tp_metrics_operation(tp_metrics *metrics, size_t i, tp_operation *out);
void tp_metrics_connections(tp_metrics *metrics, tp_connection_counts *out);

#pragma GCC visibility pop
#endif
