/* Lookups over the generated descriptor tables: see schema.h. Any thread;
** nothing is written.
*/
#include "schema.h"

#include <string.h>

const char *tp_schema_string(unsigned id, size_t *n) {
  uint32_t start = tp_schema_strings[id];
  if (n != NULL) *n = tp_schema_strings[id + 1] - start - 1;
  return tp_schema_pool() + start;
}

/* Bytes first, then length: the order the generator sorts by. */
static int compare(const char *a, size_t an, unsigned id) {
  size_t bn;
  const char *b = tp_schema_string(id, &bn);
  int order = memcmp(a, b, an < bn ? an : bn);
  if (order != 0) return order;
  return an < bn ? -1 : an > bn;
}

int tp_schema_message(const char *full_name, size_t n) {
  int low = 0, high = tp_schema_count.messages - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    const tp_message *m = &tp_schema_messages[middle];
    int order = compare(full_name, n, m->name);
    if (order == 0) return m->flags & TP_MESSAGE_ENTRY ? -1 : middle;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return -1;
}

const char *tp_schema_message_name(int type) {
  return tp_schema_string(tp_schema_messages[type].name, NULL);
}

const char *tp_schema_message_short(int type) {
  const char *name = tp_schema_message_name(type);
  const char *dot = strrchr(name, '.');
  return dot != NULL ? dot + 1 : name;
}

const tp_field *tp_schema_fields_of(int type) {
  return &tp_schema_fields[tp_schema_messages[type].first];
}

const tp_field *tp_schema_field(int type, uint32_t number) {
  const tp_message *m = &tp_schema_messages[type];
  const tp_field *fields = &tp_schema_fields[m->first];
  int low = 0, high = m->count - 1;
  /* Most messages number their fields 1, 2, 3, ... */
  if (number - 1 < m->count && fields[number - 1].number == number)
    return &fields[number - 1];
  while (low <= high) {
    int middle = (low + high) / 2;
    if (fields[middle].number == number) return &fields[middle];
    if (number < fields[middle].number) high = middle - 1;
    else low = middle + 1;
  }
  return NULL;
}

const tp_field *tp_schema_field_named(int type, const char *name, size_t n) {
  const tp_message *m = &tp_schema_messages[type];
  const tp_field *fields = &tp_schema_fields[m->first];
  const uint8_t *by_name = &tp_schema_by_name[m->first];
  int low = 0, high = m->count - 1;
  while (low <= high) {
    int middle = (low + high) / 2, order;
    const tp_field *field = &fields[by_name[middle]];
    size_t length;
    const char *candidate = tp_schema_string(field->name, &length);
    /* Sorted by length first: most steps need no look at the bytes. */
    if (n != length) order = n < length ? -1 : 1;
    else order = memcmp(name, candidate, n);
    if (order == 0) return field;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return NULL;
}

int tp_schema_enum(const char *full_name, size_t n) {
  int low = 0, high = tp_schema_count.enums - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    int order = compare(full_name, n, tp_schema_enums[middle].name);
    if (order == 0) return middle;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return -1;
}

const tp_enum_value *tp_schema_value(int enumeration, int32_t number) {
  const tp_enum *e = &tp_schema_enums[enumeration];
  const tp_enum_value *values = &tp_schema_values[e->first];
  int low = 0, high = e->count - 1;
  if (number >= 0 && number < e->count && values[number].number == number)
    return &values[number];
  while (low <= high) {
    int middle = (low + high) / 2;
    if (values[middle].number == number) return &values[middle];
    if (number < values[middle].number) high = middle - 1;
    else low = middle + 1;
  }
  return NULL;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static char upper(char c) {
  return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Short names are compared in upper case, so that the order by full name is
** their order too: all values of an enum have the same prefix. */
static int compare_value(const char *name, size_t n, unsigned id,
                         size_t prefix, int fold) {
  size_t length, i;
  const char *full = tp_schema_string(id, &length) + prefix;
  length -= prefix;
  for (i = 0; i < n && i < length; i++) {
    char c = fold ? upper(name[i]) : name[i];
    if (c != full[i]) return (unsigned char)c < (unsigned char)full[i] ? -1 : 1;
  }
  return n < length ? -1 : n > length;
}

const tp_enum_value *tp_schema_value_named(int enumeration, const char *name,
                                           size_t n) {
  const tp_enum *e = &tp_schema_enums[enumeration];
  const tp_enum_value *values = &tp_schema_values[e->first];
  int fold = n > 0 && name[0] >= 'a' && name[0] <= 'z';
  int low = 0, high = e->count - 1;
  size_t i;
  for (i = 0; fold && i < n; i++)
    if (name[i] >= 'A' && name[i] <= 'Z') return NULL;
  while (low <= high) {
    int middle = (low + high) / 2;
    const tp_enum_value *value = &values[values[middle].by_name];
    int order =
        compare_value(name, n, value->name, fold ? e->prefix : 0, fold);
    if (order == 0) return value;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return NULL;
}

size_t tp_schema_value_short(int enumeration, const tp_enum_value *value,
                             char *out, size_t size) {
  size_t length, i, prefix = tp_schema_enums[enumeration].prefix;
  const char *full = tp_schema_string(value->name, &length) + prefix;
  length -= prefix;
  for (i = 0; i < length && i + 1 < size; i++) out[i] = lower(full[i]);
  if (size > 0) out[i] = '\0';
  return i;
}

/* `name` is after the path's prefix. */
static int find_rpc(const tp_service *service, const char *name, size_t n) {
  int low = service->first, high = service->first + service->count - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    int order = compare_value(name, n, tp_schema_rpcs[middle].path,
                              service->prefix, 0);
    if (order == 0) return middle;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return -1;
}

int tp_schema_rpc(const char *name, size_t n) {
  const char *slash = memchr(name, '/', n);
  size_t service_n = slash != NULL ? (size_t)(slash - name) : 0;
  int i, rpc = -1;
  for (i = 0; i < tp_schema_count.services && rpc < 0; i++) {
    const tp_service *service = &tp_schema_services[i];
    const char *path =
        tp_schema_string(tp_schema_rpcs[service->first].path, NULL);
    if (slash == NULL)
      rpc = find_rpc(service, name, n);
    else if (service_n + 2u == service->prefix &&
             memcmp(path + 1, name, service_n) == 0)
      rpc = find_rpc(service, slash + 1, n - service_n - 1);
  }
  return rpc;
}

const char *tp_schema_rpc_path(int rpc, size_t *n) {
  return tp_schema_string(tp_schema_rpcs[rpc].path, n);
}

int tp_schema_rpc_request(int rpc) {
  return tp_schema_rpcs[rpc].request;
}

int tp_schema_rpc_response(int rpc) {
  return tp_schema_rpcs[rpc].response;
}

int tp_schema_has_string(int type, const char *name) {
  const tp_field *field = tp_schema_field_named(type, name, strlen(name));
  return field != NULL && field->type == TP_STRING &&
         !(field->flags & (TP_FIELD_REPEATED | TP_FIELD_MAP));
}

#define LONGEST 128 /* names compared for likeness */

/* Levenshtein's distance without regard to case; `limit` or more is far. */
static size_t distance(const char *a, size_t an, const char *b, size_t bn,
                       size_t limit) {
  size_t row[LONGEST + 1], i, j;
  if (an > LONGEST || bn > LONGEST) return limit;
  if ((an > bn ? an - bn : bn - an) >= limit) return limit;
  for (j = 0; j <= bn; j++) row[j] = j;
  for (i = 1; i <= an; i++) {
    size_t diagonal = row[0], best = row[0] = i;
    for (j = 1; j <= bn; j++) {
      size_t cost = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      diagonal = row[j];
      if (row[j] + 1 < cost) cost = row[j] + 1;
      if (row[j - 1] + 1 < cost) cost = row[j - 1] + 1;
      row[j] = cost;
      if (cost < best) best = cost;
    }
    if (best >= limit) return limit;
  }
  return row[bn];
}

/* How different a name may be and still be suggested. */
static size_t tolerance(size_t n) {
  return n / 3 + 2;
}

/* Candidate `id` from `skip` on; keeps it when it is nearer than `limit`. */
static int nearer(const char *name, size_t n, unsigned id, size_t skip,
                  size_t *limit) {
  size_t length, d;
  const char *candidate = tp_schema_string(id, &length);
  d = distance(name, n, candidate + skip, length - skip, *limit);
  if (d >= *limit) return 0;
  *limit = d;
  return 1;
}

const char *tp_schema_nearest_field(int type, const char *name, size_t n) {
  const tp_field *fields = tp_schema_fields_of(type);
  const char *best = NULL;
  size_t limit = tolerance(n);
  int i;
  for (i = 0; i < tp_schema_messages[type].count; i++)
    if (nearer(name, n, fields[i].name, 0, &limit))
      best = tp_schema_string(fields[i].name, NULL);
  return best;
}

const char *tp_schema_nearest_message(const char *name, size_t n) {
  const char *best = NULL;
  size_t limit = tolerance(n);
  int i;
  for (i = 0; i < tp_schema_count.messages; i++) {
    const tp_message *m = &tp_schema_messages[i];
    if (!(m->flags & TP_MESSAGE_ENTRY) && nearer(name, n, m->name, 0, &limit))
      best = tp_schema_string(m->name, NULL);
  }
  return best;
}

const char *tp_schema_nearest_rpc(const char *name, size_t n) {
  const char *slash = memchr(name, '/', n), *best = NULL;
  size_t limit;
  int i, k;
  if (slash != NULL) {
    n -= (size_t)(slash + 1 - name);
    name = slash + 1;
  }
  limit = tolerance(n);
  for (i = 0; i < tp_schema_count.services; i++) {
    const tp_service *s = &tp_schema_services[i];
    for (k = s->first; k < s->first + s->count; k++)
      if (nearer(name, n, tp_schema_rpcs[k].path, s->prefix, &limit))
        best = tp_schema_string(tp_schema_rpcs[k].path, NULL) + s->prefix;
  }
  return best;
}

const tp_enum_value *tp_schema_nearest_value(int enumeration,
                                             const char *name, size_t n) {
  const tp_enum *e = &tp_schema_enums[enumeration];
  const tp_enum_value *values = &tp_schema_values[e->first], *best = NULL;
  size_t limit = tolerance(n);
  int i;
  for (i = 0; i < e->count; i++)
    if (nearer(name, n, values[i].name, e->prefix, &limit) ||
        nearer(name, n, values[i].name, 0, &limit))
      best = &values[i];
  return best;
}
