/* What a channel (tp_channel) has counted, as a Lua table. Lua thread. */
#ifndef LTP_METRICS_H
#define LTP_METRICS_H

#include "../../core/rpc/metrics.h"
#include "../base/compat.h"

#pragma GCC visibility push(hidden)

/* Pushes a snapshot: {connections = {open, dialled, failed}, pending,
** unacknowledged, bounds = {seconds, ...}, operations = {{name, namespace,
** long_poll, calls = tally, attempts = tally, exhausted = {[cause] = count}},
** ...}}, where tally = {buckets = {count of each, ...}, seconds, failures =
** {[code name] = count}}; bounds and buckets are parallel, and the last bucket
** has no bound. A failure without a code is "local". */
void ltp_pushmetrics(lua_State *L, tp_metrics *metrics, size_t pending,
                     size_t unacknowledged);

#pragma GCC visibility pop
#endif
