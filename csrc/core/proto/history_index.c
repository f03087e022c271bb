/* Events in the bytes of a History: see history_index.h. Any thread. */
#include "history_index.h"

#include <string.h>

/* temporal.api.history.v1.History, .HistoryEvent, google.protobuf.Timestamp */
enum { HISTORY_EVENTS = 1 };
enum {
  EVENT_ID = 1,
  EVENT_TIME = 2,
  EVENT_TYPE = 3,
  EVENT_FIRST_ATTRIBUTES = 6, /* of the oneof, up to: */
  EVENT_MAY_IGNORE = 300
};
enum { TIME_SECONDS = 1, TIME_NANOS = 2 };

#define is_event(v) \
  ((v)->number == HISTORY_EVENTS && (v)->wire == TP_WIRE_BYTES)

tp_status tp_history_count(tp_reader *r, size_t *count) {
  tp_reader ahead = *r;
  tp_field_value v;
  *count = 0;
  while (!tp_reader_done(&ahead)) {
    tp_status status = tp_wire_next(&ahead, &v);
    if (status != TP_OK) {
      r->p = ahead.p;
      return status;
    }
    *count += is_event(&v);
  }
  return TP_OK;
}

static tp_status read_time(tp_reader *r, tp_history_event *event) {
  tp_field_value v;
  while (!tp_reader_done(r)) {
    tp_status status = tp_wire_next(r, &v);
    if (status != TP_OK) return status;
    if (v.wire != TP_WIRE_VARINT) continue;
    if (v.number == TIME_SECONDS) event->seconds = (int64_t)v.integer;
    if (v.number == TIME_NANOS) event->nanos = (int32_t)v.integer;
  }
  return TP_OK;
}

static void take_number(tp_history_event *event, const tp_field_value *v) {
  switch (v->number) {
    case EVENT_ID: event->id = (int64_t)v->integer; break;
    case EVENT_TYPE: event->type = (int32_t)v->integer; break;
    case EVENT_MAY_IGNORE: event->ignored = v->integer != 0; break;
    default: break;
  }
}

static void take_attributes(tp_history_event *event, const tp_field_value *v) {
  if (v->number < EVENT_FIRST_ATTRIBUTES || v->number >= EVENT_MAY_IGNORE)
    return;
  event->twice = event->field != 0;
  event->field = (uint16_t)v->number;
  event->attributes = v->bytes;
  event->attributes_length = (uint32_t)v->length;
}

static tp_status read_event(tp_reader *r, tp_history_event *event) {
  tp_field_value v;
  while (!tp_reader_done(r)) {
    tp_status status = tp_wire_next(r, &v);
    if (status != TP_OK) return status;
    if (v.wire == TP_WIRE_VARINT) {
      take_number(event, &v);
    } else if (v.wire == TP_WIRE_BYTES && v.number == EVENT_TIME) {
      tp_reader time = tp_reader_within(r, v.bytes, v.length);
      status = read_time(&time, event);
      if (status != TP_OK) {
        r->p = time.p;
        return status;
      }
    } else if (v.wire == TP_WIRE_BYTES) {
      take_attributes(event, &v);
    }
  }
  return TP_OK;
}

tp_status tp_history_next(tp_reader *r, tp_history_event *event, int *done) {
  tp_field_value v;
  *done = 0;
  do {
    tp_status status;
    if (tp_reader_done(r)) {
      *done = 1;
      return TP_OK;
    }
    status = tp_wire_next(r, &v);
    if (status != TP_OK) return status;
  } while (!is_event(&v));
  if (v.length > UINT32_MAX) return TP_ETOOBIG;
  memset(event, 0, sizeof *event);
  event->bytes = v.bytes;
  event->length = (uint32_t)v.length;
  {
    tp_reader inner = tp_reader_within(r, v.bytes, v.length);
    tp_status status = read_event(&inner, event);
    if (status != TP_OK) r->p = inner.p;
    return status;
  }
}
