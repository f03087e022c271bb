/* What the calls of a channel came to: see metrics.h. A hash table with open
** addressing, from which nothing is ever removed.
*/
#include "metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../proto/wire.h"

#define SLOTS (2 * TP_METRICS_OPERATIONS) /* a power of two, half empty */
#define NO_NAMESPACE "_unknown_"          /* as sdk-go says it */

/* All bounds of sdk-core's default (50, 100, 500, 1000, 2500, 10000 ms), and
** more where a client's calls lie: below 50 ms, and up to a long poll's end. */
const int64_t tp_latency_bounds[TP_LATENCY_BOUNDS] = {
  1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000,
  2500000, 5000000, 10000000, 30000000};

struct tp_metrics {
  pthread_mutex_t lock;
  size_t count;
  tp_operation *operations[TP_METRICS_OPERATIONS];
  tp_operation *slots[SLOTS];
  uint64_t hashes[SLOTS];
  tp_operation other[2]; /* ordinary calls, long polls */
  tp_connection_counts connections;
};

tp_metrics *tp_metrics_new(void) {
  tp_metrics *m = calloc(1, sizeof *m);
  int i;
  if (m == NULL) return NULL;
  pthread_mutex_init(&m->lock, NULL);
  for (i = 0; i < 2; i++) {
    m->other[i].name = m->other[i].namespace = "other";
    m->other[i].long_poll = i == 1;
  }
  return m;
}

void tp_metrics_free(tp_metrics *m) {
  size_t i;
  if (m == NULL) return;
  for (i = 0; i < m->count; i++) free(m->operations[i]);
  pthread_mutex_destroy(&m->lock);
  free(m);
}

/* Eight bytes at a time: names are short, and this is on the way of every
** call. */
static uint64_t hash(uint64_t h, const char *s, size_t n) {
  const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
  uint64_t word;
  for (; n >= sizeof word; s += sizeof word, n -= sizeof word) {
    memcpy(&word, s, sizeof word);
    h = (h ^ word) * factor;
    h ^= h >> 32;
  }
  word = 0;
  memcpy(&word, s, n);
  h = (h ^ word ^ (uint64_t)n << 56) * factor;
  return h ^ h >> 32;
}

/* The names are kept in the same block, behind the counters. */
static tp_operation *add(tp_metrics *m, const char *name, size_t name_length,
                         const char *namespace, size_t namespace_length,
                         bool long_poll) {
  tp_operation *o;
  char *names;
  if (m->count == TP_METRICS_OPERATIONS) return NULL;
  o = calloc(1, sizeof *o + name_length + namespace_length + 2);
  if (o == NULL) return NULL;
  names = (char *)(o + 1);
  memcpy(names, name, name_length);
  memcpy(names + name_length + 1, namespace, namespace_length);
  o->name = names;
  o->namespace = names + name_length + 1;
  o->long_poll = long_poll;
  m->operations[m->count++] = o;
  return o;
}

/* The counters of an operation; the lock is held. */
static tp_operation *find(tp_metrics *m, const char *path,
                          const char *namespace, bool long_poll) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  size_t name_length = strlen(name), namespace_length, at;
  tp_operation *o;
  uint64_t h;
  if (namespace == NULL) namespace = NO_NAMESPACE;
  namespace_length = strlen(namespace);
  h = hash(hash(long_poll, name, name_length), namespace, namespace_length);
  for (at = h & (SLOTS - 1); (o = m->slots[at]); at = (at + 1) & (SLOTS - 1)) {
    if (m->hashes[at] == h && o->long_poll == long_poll &&
        strcmp(o->name, name) == 0 && strcmp(o->namespace, namespace) == 0)
      return o;
  }
  o = add(m, name, name_length, namespace, namespace_length, long_poll);
  if (o == NULL) return &m->other[long_poll];
  m->slots[at] = o;
  m->hashes[at] = h;
  return o;
}

static void count(tp_tally *t, int code, int64_t latency) {
  int i = 0;
  if (latency < 0) latency = 0;
  while (i < TP_LATENCY_BOUNDS && latency > tp_latency_bounds[i]) i++;
  t->buckets[i]++;
  t->microseconds += (uint64_t)latency;
  if (code == TP_GRPC_OK) return;
  if (code < 0) code = TP_GRPC_COUNT;
  else if (code >= TP_GRPC_COUNT) code = TP_GRPC_UNKNOWN;
  t->failures[code]++;
}

/* The varint in a message's field, 0 when it has none. */
static uint64_t varint_field(const uint8_t *data, size_t n, uint32_t number) {
  tp_reader r;
  tp_field_value v;
  tp_reader_init(&r, data, n);
  while (!tp_reader_done(&r) && tp_wire_next(&r, &v) == TP_OK)
    if (v.number == number && v.wire == TP_WIRE_VARINT) return v.integer;
  return 0;
}

/* The bytes in a message's first field of that number; false: none. */
static bool bytes_field(const uint8_t *data, size_t n, uint32_t number,
                        tp_field_value *out) {
  tp_reader r;
  tp_reader_init(&r, data, n);
  while (!tp_reader_done(&r) && tp_wire_next(&r, out) == TP_OK)
    if (out->number == number && out->wire == TP_WIRE_BYTES) return true;
  return false;
}

/* google.rpc.Status: details 3, an Any: value 2, here the message
** temporal.api.errordetails.v1.ResourceExhaustedFailure: cause 1. */
static unsigned exhausted_cause(const uint8_t *status, size_t n) {
  tp_field_value any, value;
  uint64_t cause;
  if (status == NULL || !bytes_field(status, n, 3, &any) ||
      !bytes_field(any.bytes, any.length, 2, &value))
    return 0;
  cause = varint_field(value.bytes, value.length, 1);
  return cause < TP_EXHAUSTED_CAUSES ? (unsigned)cause : 0;
}

void tp_metrics_call(tp_metrics *m, const char *path, const char *namespace,
                     bool long_poll, int code, int64_t latency) {
  pthread_mutex_lock(&m->lock);
  count(&find(m, path, namespace, long_poll)->calls, code, latency);
  pthread_mutex_unlock(&m->lock);
}

void tp_metrics_attempt(tp_metrics *m, const char *path, const char *namespace,
                        bool long_poll, int code, int64_t latency,
                        const uint8_t *details, size_t details_length) {
  bool exhausted = code == TP_GRPC_RESOURCE_EXHAUSTED;
  unsigned cause = exhausted ? exhausted_cause(details, details_length) : 0;
  tp_operation *o;
  pthread_mutex_lock(&m->lock);
  o = find(m, path, namespace, long_poll);
  count(&o->attempts, code, latency);
  if (exhausted) o->exhausted[cause]++;
  pthread_mutex_unlock(&m->lock);
}

void tp_metrics_dialled(tp_metrics *m) {
  pthread_mutex_lock(&m->lock);
  m->connections.dialled++;
  m->connections.open++;
  pthread_mutex_unlock(&m->lock);
}

void tp_metrics_disconnected(tp_metrics *m) {
  pthread_mutex_lock(&m->lock);
  m->connections.open--;
  pthread_mutex_unlock(&m->lock);
}

void tp_metrics_dial_failed(tp_metrics *m) {
  pthread_mutex_lock(&m->lock);
  m->connections.failed++;
  pthread_mutex_unlock(&m->lock);
}

bool tp_metrics_operation(tp_metrics *m, size_t i, tp_operation *out) {
  bool exists;
  pthread_mutex_lock(&m->lock);
  exists = i < m->count + 2;
  if (exists) *out = i < m->count ? *m->operations[i] : m->other[i - m->count];
  pthread_mutex_unlock(&m->lock);
  return exists;
}

void tp_metrics_connections(tp_metrics *m, tp_connection_counts *out) {
  pthread_mutex_lock(&m->lock);
  *out = m->connections;
  pthread_mutex_unlock(&m->lock);
}
