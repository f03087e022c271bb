/* Messages of the workflow state machine: see workflow_wire.h. The numbers are
** those of temporal.api; ctest checks them against the schema.
*/
#include "workflow_wire.h"

#include <string.h>

#include "../base/limits.h"
#include "../net/grpc.h"
#include "../proto/wire.h"
#include "workflow_fields.h"

#define CONFLICT_USE_EXISTING 2
#define FILTER_CLOSE_EVENT 2
#define ENCODING_PROTO3 1

static tp_text text(const tp_field_value *v) {
  tp_text t;
  t.data = (const char *)v->bytes;
  t.length = v->wire == TP_WIRE_BYTES ? v->length : 0;
  return t;
}

static tp_status read_start(const uint8_t *data, size_t n, unsigned run_id,
                            unsigned first_run_id, unsigned started,
                            unsigned task, tp_start_answer *out) {
  tp_reader r;
  tp_field_value v;
  tp_status status = TP_OK;
  tp_reader_init(&r, data, n);
  while (!tp_reader_done(&r) && (status = tp_wire_next(&r, &v)) == TP_OK) {
    if (v.number == run_id) out->run_id = text(&v);
    else if (v.number == first_run_id) out->first_run_id = text(&v);
    else if (started && v.number == started) out->started = v.integer != 0;
    else if (task && v.number == task) out->task = text(&v);
  }
  return status;
}

tp_status tp_wire_start_answer(const tp_buffer *bytes, tp_start_answer *out) {
  memset(out, 0, sizeof *out);
  return read_start(bytes->data, bytes->length, START_RESPONSE_RUN_ID,
                    START_RESPONSE_FIRST_EXECUTION_RUN_ID,
                    START_RESPONSE_STARTED,
                    START_RESPONSE_EAGER_WORKFLOW_TASK, out);
}

tp_status tp_wire_signal_start_answer(const tp_buffer *bytes,
                                      tp_start_answer *out) {
  memset(out, 0, sizeof *out);
  return read_start(bytes->data, bytes->length, SIGNAL_START_RESPONSE_RUN_ID,
                    SIGNAL_START_RESPONSE_FIRST_EXECUTION_RUN_ID,
                    SIGNAL_START_RESPONSE_STARTED, 0, out);
}

static bool ends_with(tp_text t, const char *suffix) {
  size_t n = strlen(suffix);
  return t.length >= n && memcmp(t.data + t.length - n, suffix, n) == 0;
}

/* google.rpc.Status: code 1, message 2, repeated Any details 3; Any: type_url
** 1, value 2. */
tp_status tp_wire_already_started(const uint8_t *data, size_t n,
                                  tp_start_answer *out) {
  tp_reader r, any;
  tp_field_value v, part;
  tp_status status = TP_OK;
  memset(out, 0, sizeof *out);
  tp_reader_init(&r, data, data ? n : 0);
  while (!tp_reader_done(&r) && (status = tp_wire_next(&r, &v)) == TP_OK) {
    tp_text url = {NULL, 0}, value = {NULL, 0};
    if (v.number != 3 || v.wire != TP_WIRE_BYTES) continue;
    tp_reader_init(&any, v.bytes, v.length);
    while (!tp_reader_done(&any) &&
           (status = tp_wire_next(&any, &part)) == TP_OK) {
      if (part.number == 1) url = text(&part);
      else if (part.number == 2) value = text(&part);
    }
    if (status != TP_OK) break;
    if (ends_with(url, ".WorkflowExecutionAlreadyStartedFailure"))
      return read_start((const uint8_t *)value.data, value.length,
                        ALREADY_STARTED_RUN_ID,
                        ALREADY_STARTED_FIRST_EXECUTION_RUN_ID, 0, 0, out);
  }
  return status;
}

bool tp_wire_uses_existing(const tp_buffer *request) {
  tp_reader r;
  tp_field_value v;
  if (request->length < TP_GRPC_PREFIX) return false;
  tp_reader_init(&r, request->data + TP_GRPC_PREFIX,
                 request->length - TP_GRPC_PREFIX);
  while (!tp_reader_done(&r) && tp_wire_next(&r, &v) == TP_OK)
    if (v.number == START_REQUEST_ID_CONFLICT_POLICY)
      return v.integer == CONFLICT_USE_EXISTING;
  return false;
}

/* Of a field that comes twice the last one counts. */
tp_status tp_wire_want_no_task(tp_buffer *request) {
  tp_wire_put_bool(request, START_REQUEST_REQUEST_EAGER_EXECUTION, 0);
  if (request->status == TP_OK)
    tp_grpc_write_prefix(request->data,
                         (uint32_t)(request->length - TP_GRPC_PREFIX));
  return request->status;
}

/* An empty message, with room for its prefix. */
static void begin(tp_buffer *out) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0};
  if (out->status != TP_OK) tp_buffer_free(out); /* an earlier one failed */
  out->length = 0;
  tp_buffer_put(out, prefix, sizeof prefix);
}

void tp_wire_history_request(tp_buffer *out, const char *namespace,
                             const char *workflow_id, const char *run_id,
                             const tp_buffer *token) {
  size_t execution;
  begin(out);
  tp_wire_put_string(out, HISTORY_REQUEST_NAMESPACE, namespace);
  execution = tp_wire_begin(out, HISTORY_REQUEST_EXECUTION);
  tp_wire_put_string(out, EXECUTION_WORKFLOW_ID, workflow_id);
  if (run_id) tp_wire_put_string(out, EXECUTION_RUN_ID, run_id);
  tp_wire_end(out, execution);
  if (token->length)
    tp_wire_put_bytes(out, HISTORY_REQUEST_NEXT_PAGE_TOKEN, token->data,
                      token->length);
  tp_wire_put_bool(out, HISTORY_REQUEST_WAIT_NEW_EVENT, 1);
  tp_wire_put_varint(out, HISTORY_REQUEST_HISTORY_EVENT_FILTER_TYPE,
                     FILTER_CLOSE_EVENT);
  tp_wire_put_bool(out, HISTORY_REQUEST_SKIP_ARCHIVAL, 1);
  if (out->status == TP_OK)
    tp_grpc_write_prefix(out->data, (uint32_t)(out->length - TP_GRPC_PREFIX));
}

void tp_wire_describe_request(tp_buffer *out, const char *namespace,
                              const char *workflow_id) {
  size_t execution;
  begin(out);
  tp_wire_put_string(out, DESCRIBE_REQUEST_NAMESPACE, namespace);
  execution = tp_wire_begin(out, DESCRIBE_REQUEST_EXECUTION);
  tp_wire_put_string(out, EXECUTION_WORKFLOW_ID, workflow_id);
  tp_wire_end(out, execution);
  if (out->status == TP_OK)
    tp_grpc_write_prefix(out->data, (uint32_t)(out->length - TP_GRPC_PREFIX));
}

tp_text tp_wire_described_run(const tp_buffer *bytes, const tp_buffer *event) {
  tp_field_value info =
    tp_wire_find(bytes->data, bytes->length, DESCRIBE_RESPONSE_INFO);
  tp_field_value execution =
    tp_wire_find(info.bytes, info.length, INFO_EXECUTION);
  tp_field_value run_id =
    tp_wire_find(execution.bytes, execution.length, EXECUTION_RUN_ID);
  tp_field_value length =
    tp_wire_find(info.bytes, info.length, INFO_HISTORY_LENGTH);
  tp_field_value id = tp_wire_find(event->data, event->length, EVENT_ID);
  if (id.number == 0 || id.integer != length.integer) run_id.length = 0;
  return text(&run_id);
}

/* The last event of a History message. */
static tp_status read_history(tp_text bytes, tp_history_answer *out) {
  tp_reader r;
  tp_field_value v;
  tp_status status = TP_OK;
  tp_reader_init(&r, bytes.data, bytes.length);
  while (!tp_reader_done(&r) && (status = tp_wire_next(&r, &v)) == TP_OK)
    if (v.number == HISTORY_EVENTS) out->event = text(&v);
  return status;
}

/* A DataBlob that holds a History: how a server with raw history answers. */
static tp_status read_blob(tp_text bytes, tp_history_answer *out) {
  tp_reader r;
  tp_field_value v;
  tp_text data = {NULL, 0};
  uint64_t encoding = ENCODING_PROTO3;
  tp_status status = TP_OK;
  tp_reader_init(&r, bytes.data, bytes.length);
  while (!tp_reader_done(&r) && (status = tp_wire_next(&r, &v)) == TP_OK) {
    if (v.number == DATA_BLOB_ENCODING_TYPE) encoding = v.integer;
    else if (v.number == DATA_BLOB_DATA) data = text(&v);
  }
  if (status != TP_OK || data.length == 0) return status;
  return encoding == ENCODING_PROTO3 ? read_history(data, out) : TP_ESYNTAX;
}

/* new_execution_run_id has another number in each kind of close event. */
static tp_status read_next_run(tp_text event, tp_history_answer *out) {
  tp_reader r, attributes;
  tp_field_value v, part;
  tp_status status = TP_OK;
  tp_reader_init(&r, event.data, event.length);
  while (!tp_reader_done(&r) && (status = tp_wire_next(&r, &v)) == TP_OK) {
    unsigned number = v.number == EVENT_COMPLETED ? COMPLETED_NEW_RUN_ID
                    : v.number == EVENT_FAILED ? FAILED_NEW_RUN_ID
                    : v.number == EVENT_TIMED_OUT ? TIMED_OUT_NEW_RUN_ID
                    : v.number == EVENT_CONTINUED_AS_NEW
                        ? CONTINUED_AS_NEW_NEW_RUN_ID : 0;
    if (number == 0 || v.wire != TP_WIRE_BYTES) continue;
    tp_reader_init(&attributes, v.bytes, v.length);
    while (!tp_reader_done(&attributes) &&
           (status = tp_wire_next(&attributes, &part)) == TP_OK)
      if (part.number == number) out->next_run_id = text(&part);
    if (status != TP_OK) break;
  }
  return status;
}

/* The server's token is a message whose field 1 is the run id. Anything else
** in there is not ours to complain about. */
static void read_token(tp_history_answer *out) {
  tp_reader r;
  tp_field_value v;
  tp_reader_init(&r, out->token.data, out->token.length);
  while (!tp_reader_done(&r) && tp_wire_next(&r, &v) == TP_OK)
    if (v.number == 1 && v.wire == TP_WIRE_BYTES && v.length == 36)
      out->token_run_id = text(&v);
}

tp_status tp_wire_history_answer(const tp_buffer *bytes,
                                 tp_history_answer *out) {
  tp_reader r;
  tp_field_value v;
  tp_status status = TP_OK;
  memset(out, 0, sizeof *out);
  tp_reader_init(&r, bytes->data, bytes->length);
  while (!tp_reader_done(&r) && (status = tp_wire_next(&r, &v)) == TP_OK) {
    if (v.number == HISTORY_RESPONSE_HISTORY)
      status = read_history(text(&v), out);
    else if (v.number == HISTORY_RESPONSE_RAW_HISTORY)
      status = read_blob(text(&v), out);
    else if (v.number == HISTORY_RESPONSE_NEXT_PAGE_TOKEN)
      out->token = text(&v);
    if (status != TP_OK) return status;
  }
  if (status == TP_OK && out->event.length)
    status = read_next_run(out->event, out);
  read_token(out);
  return status;
}
