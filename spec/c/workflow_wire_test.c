/* Unit tests of the messages that the workflow state machine reads and writes
** by itself. Field numbers come from the generated schema here, so a wrong
** line of workflow_fields.h shows. One thread.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/limits.h"
#include "client/workflow_fields.h"
#include "client/workflow_wire.h"
#include "net/grpc.h"
#include "proto/schema.h"
#include "proto/wire.h"
#include "check.h"
#include "random.h"

#define SERVICE "workflowservice.v1."
#define RUN_A "aaaaaaaa-0000-4000-8000-00000000000a"
#define RUN_B "bbbbbbbb-0000-4000-8000-00000000000b"

/* --- numbers from the schema ---------- */

static int type_of(const char *message) {
  char name[128];
  snprintf(name, sizeof name, "temporal.api.%s", message);
  return tp_schema_message(name, strlen(name));
}

static const tp_field *field_of(const char *message, const char *name) {
  int type = type_of(message);
  return type < 0 ? NULL : tp_schema_field_named(type, name, strlen(name));
}

/* 0, which no field has, when there is none. */
static uint32_t number(const char *message, const char *name) {
  const tp_field *f = field_of(message, name);
  return f ? f->number : 0;
}

static int value_of(const char *enumeration, const char *name) {
  char full[128];
  const tp_enum_value *v;
  int e;
  snprintf(full, sizeof full, "temporal.api.enums.v1.%s", enumeration);
  e = tp_schema_enum(full, strlen(full));
  v = e < 0 ? NULL : tp_schema_value_named(e, name, strlen(name));
  return v ? v->number : -1;
}

static void test_every_field_number_is_the_schemas(void) {
  static const struct { unsigned number; const char *message, *field; }
  lines[] = {
#define X(constant, number, message, field) {constant, message, field},
    TP_WORKFLOW_FIELDS(X)
#undef X
  };
  size_t i;
  CHECK(sizeof lines / sizeof *lines > 20);
  for (i = 0; i < sizeof lines / sizeof *lines; i++) {
    const tp_field *f = field_of(lines[i].message, lines[i].field);
    if (f == NULL || f->number != lines[i].number)
      printf("%s.%s\n", lines[i].message, lines[i].field);
    CHECK(f != NULL && f->number == lines[i].number);
  }
}

/* --- tools ---------- */

static void put_text(tp_buffer *b, const char *message, const char *field,
                     const char *text) {
  tp_wire_put_string(b, number(message, field), text);
}

static void put_part(tp_buffer *b, const char *message, const char *field,
                     const tp_buffer *part) {
  tp_wire_put_bytes(b, number(message, field), part->data, part->length);
}

static bool is(tp_text t, const char *expected) {
  return t.length == strlen(expected) &&
         (t.length == 0 || memcmp(t.data, expected, t.length) == 0);
}

static bool is_same(tp_text t, const tp_buffer *b) {
  return t.length == b->length && memcmp(t.data, b->data, t.length) == 0;
}

static bool lies_in(tp_text t, const tp_buffer *b) {
  const char *begin = (const char *)b->data;
  if (t.length == 0) return true;
  return t.data >= begin && t.length <= b->length &&
         t.data + t.length <= begin + b->length;
}

typedef bool (*reader)(const tp_buffer *bytes);

/* Reads the first n bytes from a block of exactly their size. */
static bool reads(const uint8_t *data, size_t n, reader read) {
  tp_buffer copy;
  bool right;
  tp_buffer_init(&copy, n);
  copy.data = malloc(n ? n : 1);
  if (n) memcpy(copy.data, data, n);
  copy.length = copy.capacity = n;
  right = read(&copy);
  tp_buffer_free(&copy);
  return right;
}

/* What it answers lies within the bytes: for every truncation, and for many
** random damages. */
static bool survives(const tp_buffer *whole, reader read) {
  uint64_t seed = 99;
  uint8_t *damaged = malloc(whole->length);
  bool right = true;
  size_t n, i;
  for (n = 0; n <= whole->length && right; n++)
    right = reads(whole->data, n, read);
  for (i = 0; i < 20000 && right; i++) {
    size_t changes = 1 + random_below(&seed, 3);
    memcpy(damaged, whole->data, whole->length);
    while (changes--)
      damaged[random_below(&seed, whole->length)] =
        (uint8_t)random_next(&seed);
    right = reads(damaged, whole->length, read);
  }
  free(damaged);
  return right;
}

/* --- the start ---------- */

#define START_ANSWER SERVICE "StartWorkflowExecutionResponse"

static void write_start_answer(tp_buffer *b) {
  tp_buffer_init(b, 1000);
  put_text(b, START_ANSWER, "run_id", RUN_B);
  tp_wire_put_bool(b, number(START_ANSWER, "started"), 1);
  put_text(b, START_ANSWER, "first_execution_run_id", RUN_A);
  put_text(b, START_ANSWER, "eager_workflow_task", "a task");
  tp_wire_put_string(b, 1000, "a field of the future");
}

static bool reads_start_answer(const tp_buffer *bytes) {
  tp_start_answer a;
  (void)tp_wire_start_answer(bytes, &a);
  return lies_in(a.run_id, bytes) && lies_in(a.first_run_id, bytes) &&
         lies_in(a.task, bytes);
}

static void test_start_answer(void) {
  tp_start_answer a;
  tp_buffer b;
  write_start_answer(&b);
  CHECK(tp_wire_start_answer(&b, &a) == TP_OK);
  CHECK(is(a.run_id, RUN_B) && is(a.first_run_id, RUN_A) && a.started);
  CHECK(is(a.task, "a task"));
  CHECK(survives(&b, reads_start_answer));
  b.length--; /* in the middle of the last field */
  CHECK(tp_wire_start_answer(&b, &a) == TP_ETRUNCATED);
  tp_buffer_free(&b);
}

static void test_start_answer_with_little_in_it(void) {
  tp_start_answer a;
  tp_buffer b;
  tp_buffer_init(&b, 1000);
  CHECK(tp_wire_start_answer(&b, &a) == TP_OK); /* empty, without a block */
  CHECK(a.run_id.length == 0 && a.first_run_id.length == 0 && !a.started);
  put_text(&b, START_ANSWER, "run_id", RUN_A);
  tp_wire_put_bool(&b, number(START_ANSWER, "started"), 0);
  CHECK(tp_wire_start_answer(&b, &a) == TP_OK);
  CHECK(is(a.run_id, RUN_A) && a.first_run_id.length == 0 && !a.started);
  put_text(&b, START_ANSWER, "run_id", RUN_B); /* the last one counts */
  CHECK(tp_wire_start_answer(&b, &a) == TP_OK && is(a.run_id, RUN_B));
  tp_buffer_free(&b);
}

/* Fields of the wrong wire type are as good as absent. */
static void test_start_answer_of_wrong_wire_types(void) {
  tp_start_answer a;
  tp_buffer b;
  tp_buffer_init(&b, 1000);
  tp_wire_put_varint(&b, number(START_ANSWER, "run_id"), 36);
  tp_wire_put_fixed64(&b, number(START_ANSWER, "first_execution_run_id"), 36);
  CHECK(tp_wire_start_answer(&b, &a) == TP_OK);
  CHECK(a.run_id.length == 0 && a.first_run_id.length == 0);
  tp_buffer_free(&b);
}

#define START_REQUEST SERVICE "StartWorkflowExecutionRequest"

static bool uses_existing(int policy, bool framed) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0};
  tp_buffer b;
  bool answer;
  tp_buffer_init(&b, 1000);
  if (framed) tp_buffer_put(&b, prefix, sizeof prefix);
  put_text(&b, START_REQUEST, "namespace", "default");
  put_text(&b, START_REQUEST, "workflow_id", "w");
  if (policy >= 0)
    tp_wire_put_varint(&b, number(START_REQUEST, "workflow_id_conflict_policy"),
                       (uint64_t)policy);
  answer = tp_wire_uses_existing(&b);
  tp_buffer_free(&b);
  return answer;
}

static void test_conflict_policy_of_a_request(void) {
  static const char type[] = "WorkflowIdConflictPolicy";
  int existing = value_of(type, "use_existing"), policy;
  tp_buffer empty;
  CHECK(existing > 0 && value_of(type, "fail") > 0);
  for (policy = -1; policy < 8; policy++)
    CHECK(uses_existing(policy, true) == (policy == existing));
  tp_buffer_init(&empty, 10);
  CHECK(!tp_wire_uses_existing(&empty)); /* freed, or not even a prefix */
  CHECK(tp_buffer_put(&empty, "\0\0\0\0", 4) == TP_OK);
  CHECK(!tp_wire_uses_existing(&empty));
  tp_buffer_free(&empty);
}

/* --- already started ---------- */

#define FAILURE "errordetails.v1.WorkflowExecutionAlreadyStartedFailure"
#define URL "type.googleapis.com/temporal.api." FAILURE

/* google.rpc.Status and Any have had these numbers since they exist. */
static void put_detail(tp_buffer *status, const char *url,
                       const tp_buffer *value, bool url_first) {
  tp_buffer any;
  tp_buffer_init(&any, 1000);
  if (url_first) tp_wire_put_string(&any, 1, url);
  tp_wire_put_bytes(&any, 2, value->data, value->length);
  if (!url_first) tp_wire_put_string(&any, 1, url);
  tp_wire_put_bytes(status, 3, any.data, any.length);
  tp_buffer_free(&any);
}

static void write_failure(tp_buffer *b) {
  tp_buffer_init(b, 1000);
  put_text(b, FAILURE, "start_request_id", "request");
  put_text(b, FAILURE, "run_id", RUN_B);
  put_text(b, FAILURE, "first_execution_run_id", RUN_A);
}

static void begin_status(tp_buffer *status) {
  tp_buffer_init(status, 10000);
  tp_wire_put_varint(status, 1, TP_GRPC_ALREADY_EXISTS);
  tp_wire_put_string(status, 2, "Workflow execution is already running");
}

static bool reads_already_started(const tp_buffer *bytes) {
  tp_start_answer a;
  (void)tp_wire_already_started(bytes->data, bytes->length, &a);
  return lies_in(a.run_id, bytes) && lies_in(a.first_run_id, bytes) &&
         !a.started;
}

static void test_already_started(void) {
  tp_buffer failure, status;
  tp_start_answer a;
  bool url_first;
  int i;
  for (i = 0; i < 2; i++) {
    url_first = i == 0;
    write_failure(&failure);
    begin_status(&status);
    put_detail(&status, "type.googleapis.com/some.Other", &failure, true);
    put_detail(&status, URL, &failure, url_first);
    CHECK(tp_wire_already_started(status.data, status.length, &a) == TP_OK);
    CHECK(is(a.run_id, RUN_B) && is(a.first_run_id, RUN_A) && !a.started);
    CHECK(survives(&status, reads_already_started));
    tp_buffer_free(&failure);
    tp_buffer_free(&status);
  }
}

static void test_already_started_without_the_detail(void) {
  tp_buffer failure, status;
  tp_start_answer a;
  CHECK(tp_wire_already_started(NULL, 0, &a) == TP_OK);
  CHECK(a.run_id.length == 0);
  write_failure(&failure);
  begin_status(&status);
  CHECK(tp_wire_already_started(status.data, status.length, &a) == TP_OK);
  CHECK(a.run_id.length == 0);
  put_detail(&status, "", &failure, true);
  put_detail(&status, "WorkflowExecutionAlreadyStartedFailure", &failure, true);
  put_detail(&status, URL "2", &failure, true);
  put_detail(&status, "temporal.api.errordetails.v1."
             "ActivityExecutionAlreadyStartedFailure", &failure, true);
  CHECK(tp_wire_already_started(status.data, status.length, &a) == TP_OK);
  CHECK(a.run_id.length == 0 && a.first_run_id.length == 0);
  tp_buffer_free(&failure);
  tp_buffer_init(&failure, 100); /* the server leaves fields out */
  put_detail(&status, URL, &failure, true);
  CHECK(tp_wire_already_started(status.data, status.length, &a) == TP_OK);
  CHECK(a.run_id.length == 0);
  tp_buffer_free(&status);
}

/* --- asking for the close event ---------- */

#define HISTORY_REQUEST SERVICE "GetWorkflowExecutionHistoryRequest"

/* The value of a field of a framed request; wire type 7: absent. */
static tp_field_value look(const tp_buffer *request, const char *field) {
  uint32_t wanted = number(HISTORY_REQUEST, field);
  tp_field_value v, found;
  tp_reader r;
  memset(&found, 0, sizeof found);
  found.wire = (tp_wire_type)7;
  tp_reader_init(&r, request->data + TP_GRPC_PREFIX,
                 request->length - TP_GRPC_PREFIX);
  while (!tp_reader_done(&r) && tp_wire_next(&r, &v) == TP_OK)
    if (v.number == wanted) found = v;
  return found;
}

static bool holds(tp_field_value v, const char *text) {
  return v.wire == TP_WIRE_BYTES && v.length == strlen(text) &&
         memcmp(v.bytes, text, v.length) == 0;
}

static bool names_execution(const tp_buffer *request, const char *run_id) {
  tp_field_value v = look(request, "execution");
  tp_buffer expected;
  bool right;
  tp_buffer_init(&expected, 1000);
  put_text(&expected, "common.v1.WorkflowExecution", "workflow_id", "w-1");
  if (run_id)
    put_text(&expected, "common.v1.WorkflowExecution", "run_id", run_id);
  right = v.wire == TP_WIRE_BYTES && v.length == expected.length &&
          memcmp(v.bytes, expected.data, v.length) == 0;
  tp_buffer_free(&expected);
  return right;
}

static void test_history_request(void) {
  tp_buffer out, token;
  tp_buffer_init(&out, TP_MAX_MESSAGE);
  tp_buffer_init(&token, TP_MAX_TOKEN);
  tp_wire_history_request(&out, "ns", "w-1", NULL, &token);
  CHECK(out.status == TP_OK && out.data[0] == 0);
  CHECK(tp_grpc_read_length(out.data) == out.length - TP_GRPC_PREFIX);
  CHECK(holds(look(&out, "namespace"), "ns") && names_execution(&out, NULL));
  CHECK(look(&out, "next_page_token").wire == 7);
  CHECK(look(&out, "wait_new_event").integer == 1);
  CHECK(look(&out, "skip_archival").integer == 1);
  CHECK((int)look(&out, "history_event_filter_type").integer ==
        value_of("HistoryEventFilterType", "close_event"));
  CHECK(tp_buffer_put(&token, "token\0\xFF", 7) == TP_OK);
  tp_wire_history_request(&out, "ns", "w-1", RUN_A, &token); /* over it */
  CHECK(tp_grpc_read_length(out.data) == out.length - TP_GRPC_PREFIX);
  CHECK(names_execution(&out, RUN_A));
  CHECK(look(&out, "next_page_token").length == 7);
  CHECK(memcmp(look(&out, "next_page_token").bytes, "token\0\xFF", 7) == 0);
  tp_buffer_free(&out);
  tp_buffer_free(&token);
}

static void test_history_request_without_room(void) {
  tp_buffer out, token;
  size_t room;
  tp_buffer_init(&token, 10);
  for (room = 0; room < 40; room++) {
    tp_buffer_init(&out, room);
    tp_wire_history_request(&out, "namespace", "workflow id", RUN_A, &token);
    CHECK(out.status == TP_ETOOBIG && out.length <= room);
    tp_buffer_free(&out);
  }
}

/* --- its answer ---------- */

#define HISTORY_ANSWER SERVICE "GetWorkflowExecutionHistoryResponse"

/* A HistoryEvent with the attributes field `attributes`, whose message names
** the next run. */
static void write_event(tp_buffer *b, const tp_field *attributes,
                        const char *next_run) {
  const tp_field *f = tp_schema_field_named(
    attributes->sub, "new_execution_run_id", strlen("new_execution_run_id"));
  tp_buffer inner;
  tp_buffer_init(b, 10000);
  tp_buffer_init(&inner, 1000);
  tp_wire_put_varint(b, number("history.v1.HistoryEvent", "event_id"), 11);
  tp_wire_put_string(&inner, 900, "before");
  if (next_run && f) tp_wire_put_string(&inner, f->number, next_run);
  tp_wire_put_string(&inner, 901, "behind");
  tp_wire_put_bytes(b, attributes->number, inner.data, inner.length);
  tp_wire_put_varint(b, number("history.v1.HistoryEvent", "version"), 1);
  tp_buffer_free(&inner);
}

static const tp_field *completed(void) {
  return field_of("history.v1.HistoryEvent",
                  "workflow_execution_completed_event_attributes");
}

/* A History of an event that is none of ours, then of `event`. */
static void write_history(tp_buffer *b, const tp_buffer *event) {
  tp_buffer other;
  tp_buffer_init(b, 20000);
  tp_buffer_init(&other, 100);
  tp_wire_put_varint(&other, number("history.v1.HistoryEvent", "event_id"), 1);
  put_part(b, "history.v1.History", "events", &other);
  put_part(b, "history.v1.History", "events", event);
  tp_buffer_free(&other);
}

static void write_token(tp_buffer *b, const char *run_id) {
  tp_buffer_init(b, 1000);
  tp_wire_put_string(b, 1, run_id);
  tp_wire_put_varint(b, 2, 3);
}

static bool reads_history_answer(const tp_buffer *bytes) {
  tp_history_answer a;
  (void)tp_wire_history_answer(bytes, &a);
  return lies_in(a.event, bytes) && lies_in(a.next_run_id, bytes) &&
         lies_in(a.token, bytes) && lies_in(a.token_run_id, bytes);
}

static void test_history_answer(void) {
  tp_buffer event, history, token, answer;
  tp_history_answer a;
  write_event(&event, completed(), RUN_B);
  write_history(&history, &event);
  write_token(&token, RUN_A);
  tp_buffer_init(&answer, 30000);
  put_part(&answer, HISTORY_ANSWER, "history", &history);
  put_part(&answer, HISTORY_ANSWER, "next_page_token", &token);
  tp_wire_put_bool(&answer, number(HISTORY_ANSWER, "archived"), 1);
  CHECK(tp_wire_history_answer(&answer, &a) == TP_OK);
  CHECK(is_same(a.event, &event) && is(a.next_run_id, RUN_B));
  CHECK(is_same(a.token, &token) && is(a.token_run_id, RUN_A));
  CHECK(survives(&answer, reads_history_answer));
  tp_buffer_free(&event);
  tp_buffer_free(&history);
  tp_buffer_free(&token);
  tp_buffer_free(&answer);
}

static void test_history_answer_before_the_end(void) {
  tp_buffer answer, token, nothing;
  tp_history_answer a;
  tp_buffer_init(&answer, 1000);
  tp_buffer_init(&nothing, 10);
  CHECK(tp_wire_history_answer(&answer, &a) == TP_OK);
  CHECK(a.event.length == 0 && a.token.length == 0);
  write_token(&token, RUN_A);
  put_part(&answer, HISTORY_ANSWER, "history", &nothing);
  put_part(&answer, HISTORY_ANSWER, "next_page_token", &token);
  CHECK(tp_wire_history_answer(&answer, &a) == TP_OK);
  CHECK(a.event.length == 0 && a.next_run_id.length == 0);
  CHECK(is_same(a.token, &token) && is(a.token_run_id, RUN_A));
  tp_buffer_free(&answer);
  tp_buffer_free(&token);
}

/* Whichever kinds of event the schema lets name a next run. */
static void test_next_run_of_every_kind_of_event(void) {
  int type = type_of("history.v1.HistoryEvent"), kinds = 0;
  const tp_field *f = tp_schema_fields_of(type);
  size_t i;
  for (i = 0; i < tp_schema_messages[type].count; i++) {
    tp_buffer event, history, answer;
    tp_history_answer a;
    bool has;
    if (f[i].type != TP_MESSAGE) continue;
    has = tp_schema_has_string(f[i].sub, "new_execution_run_id") != 0;
    kinds += has;
    write_event(&event, &f[i], RUN_B);
    write_history(&history, &event);
    tp_buffer_init(&answer, 30000);
    put_part(&answer, HISTORY_ANSWER, "history", &history);
    CHECK(tp_wire_history_answer(&answer, &a) == TP_OK);
    CHECK(is_same(a.event, &event));
    CHECK(is(a.next_run_id, has ? RUN_B : ""));
    tp_buffer_free(&event);
    tp_buffer_free(&history);
    tp_buffer_free(&answer);
  }
  CHECK(kinds == 4);
}

/* --- raw history ---------- */

static void write_blob(tp_buffer *b, int encoding, const tp_buffer *data) {
  tp_buffer_init(b, 30000);
  if (encoding >= 0)
    tp_wire_put_varint(b, number("common.v1.DataBlob", "encoding_type"),
                       (uint64_t)encoding);
  put_part(b, "common.v1.DataBlob", "data", data);
}

static tp_status read_raw(int encoding, const tp_buffer *data,
                          tp_history_answer *a, tp_buffer *answer) {
  tp_buffer blob;
  write_blob(&blob, encoding, data);
  tp_buffer_init(answer, 60000);
  put_part(answer, HISTORY_ANSWER, "raw_history", &blob);
  tp_buffer_free(&blob);
  return tp_wire_history_answer(answer, a);
}

static void test_raw_history(void) {
  int proto3 = value_of("EncodingType", "proto3"), encoding;
  tp_buffer event, history, answer;
  tp_history_answer a;
  CHECK(proto3 > 0);
  write_event(&event, completed(), RUN_B);
  write_history(&history, &event);
  for (encoding = -1; encoding < 4; encoding++) {
    tp_status status = read_raw(encoding, &history, &a, &answer);
    bool good = encoding == -1 || encoding == proto3; /* absent: proto3 */
    CHECK(status == (good ? TP_OK : TP_ESYNTAX));
    CHECK(!good || (is_same(a.event, &event) && is(a.next_run_id, RUN_B)));
    if (encoding == proto3) CHECK(survives(&answer, reads_history_answer));
    tp_buffer_free(&answer);
  }
  tp_buffer_free(&event);
  tp_buffer_free(&history);
}

/* Several blobs: the last event counts; an empty one changes nothing. */
static void test_several_raw_blobs(void) {
  int proto3 = value_of("EncodingType", "proto3");
  tp_buffer event, history, answer, blob, nothing;
  tp_history_answer a;
  tp_buffer_init(&nothing, 10);
  write_event(&event, completed(), RUN_A);
  write_history(&history, &event);
  CHECK(read_raw(proto3, &history, &a, &answer) == TP_OK);
  tp_buffer_free(&event);
  tp_buffer_free(&history);
  write_event(&event, completed(), RUN_B);
  write_history(&history, &event);
  write_blob(&blob, proto3, &history);
  put_part(&answer, HISTORY_ANSWER, "raw_history", &blob);
  tp_buffer_free(&blob);
  write_blob(&blob, -1, &nothing);
  put_part(&answer, HISTORY_ANSWER, "raw_history", &blob);
  CHECK(tp_wire_history_answer(&answer, &a) == TP_OK);
  CHECK(is(a.next_run_id, RUN_B) && is_same(a.event, &event));
  tp_buffer_free(&event);
  tp_buffer_free(&history);
  tp_buffer_free(&blob);
  tp_buffer_free(&answer);
}

/* --- the run id within a token ---------- */

static bool token_names(const char *bytes, size_t n, const char *run_id) {
  tp_buffer answer;
  tp_history_answer a;
  bool right;
  tp_buffer_init(&answer, 10000);
  tp_wire_put_bytes(&answer, number(HISTORY_ANSWER, "next_page_token"), bytes,
                    n);
  right = tp_wire_history_answer(&answer, &a) == TP_OK &&
          a.token.length == n && is(a.token_run_id, run_id);
  tp_buffer_free(&answer);
  return right;
}

static void test_tokens(void) {
  CHECK(token_names("\x0A\x24" RUN_A, 38, RUN_A));
  CHECK(token_names("\x0A\x24" RUN_A "\x10\x05", 40, RUN_A));
  CHECK(token_names("\x0A\x23" RUN_A, 37, ""));      /* 35 characters */
  CHECK(token_names("\x0A\x25" RUN_A "x", 39, ""));  /* 37 characters */
  CHECK(token_names("\x12\x24" RUN_A, 38, ""));      /* another field */
  CHECK(token_names("\x08\x24" RUN_A, 38, ""));      /* a number */
  CHECK(token_names("\x0A\x24" RUN_A, 37, ""));      /* cut short */
  CHECK(token_names("\x0A\x24" RUN_A "\xFF", 39, RUN_A)); /* then nonsense */
  CHECK(token_names("\xFF\xFF\xFF", 3, ""));         /* opaque: not ours */
  CHECK(token_names("{\"run_id\":\"x\"}", 14, ""));
}

/* --- naming a closed run ---------- */

#define DESCRIBE_ANSWER SERVICE "DescribeWorkflowExecutionResponse"
#define INFO "workflow.v1.WorkflowExecutionInfo"

static tp_buffer close_event; /* event_id 11 */

static bool reads_described_run(const tp_buffer *bytes) {
  return lies_in(tp_wire_described_run(bytes, &close_event), bytes);
}

/* The name of RUN_A, whose history has that many events. */
static bool is_named(uint64_t history_length, const char *expected) {
  tp_buffer execution, info, answer;
  bool right;
  tp_buffer_init(&execution, 1000);
  tp_buffer_init(&info, 1000);
  tp_buffer_init(&answer, 1000);
  put_text(&execution, "common.v1.WorkflowExecution", "run_id", RUN_A);
  put_part(&info, INFO, "execution", &execution);
  tp_wire_put_varint(&info, number(INFO, "history_length"), history_length);
  put_part(&answer, DESCRIBE_ANSWER, "workflow_execution_info", &info);
  right = is(tp_wire_described_run(&answer, &close_event), expected) &&
          survives(&answer, reads_described_run);
  tp_buffer_free(&execution);
  tp_buffer_free(&info);
  tp_buffer_free(&answer);
  return right;
}

static void test_described_run(void) {
  tp_buffer nothing;
  tp_buffer_init(&nothing, 10);
  write_event(&close_event, completed(), NULL);
  CHECK(is_named(11, RUN_A) && is_named(10, "") && is_named(12, ""));
  CHECK(is(tp_wire_described_run(&nothing, &close_event), ""));
  tp_buffer_free(&close_event); /* an event without an id fits no run */
  CHECK(is_named(0, "") && is_named(11, ""));
}

int main(void) {
  RUN(test_every_field_number_is_the_schemas);
  RUN(test_start_answer);
  RUN(test_start_answer_with_little_in_it);
  RUN(test_start_answer_of_wrong_wire_types);
  RUN(test_conflict_policy_of_a_request);
  RUN(test_already_started);
  RUN(test_already_started_without_the_detail);
  RUN(test_history_request);
  RUN(test_history_request_without_room);
  RUN(test_history_answer);
  RUN(test_history_answer_before_the_end);
  RUN(test_next_run_of_every_kind_of_event);
  RUN(test_raw_history);
  RUN(test_several_raw_blobs);
  RUN(test_tokens);
  RUN(test_described_run);
  return check_end();
}
