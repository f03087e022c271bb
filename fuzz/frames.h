/* What a peer says in fuzz_peer: the input read byte by byte, HTTP/2 frames
** built from it, honest answers with a number of their own. What is built is
** gathered in `said`. One thread.
*/
#ifndef FUZZ_FRAMES_H
#define FUZZ_FRAMES_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "../csrc/core/base/base64.h"
#include "../csrc/core/client/workflow_fields.h"
#include "../csrc/core/net/grpc.h"
#include "../csrc/core/proto/wire.h"

/* --- the input; zeros follow its end ---------- */

static const uint8_t *input, *input_end;

static uint8_t byte(void) {
  return input < input_end ? *input++ : 0;
}

static uint32_t stream_id(void) {
  return 1 + 2 * (byte() % 16u);
}

/* Some bytes, of which a byte says how many; above 200 they are many. */
static size_t take(const uint8_t **bytes, size_t most) {
  size_t n = byte();
  if (n > 200) n = (n - 200) * 300;
  if (n > most) n = most;
  if (n > (size_t)(input_end - input)) n = (size_t)(input_end - input);
  *bytes = input;
  input += n;
  return n;
}

/* --- header blocks ---------- */

static uint8_t block[1 << 18];
static size_t block_length;

static void block_put(const void *bytes, size_t n) {
  if (block_length + n > sizeof block) return;
  if (n > 0) memcpy(block + block_length, bytes, n);
  block_length += n;
}

/* HPACK's integer of 7 bits and more. */
static void block_integer(size_t n) {
  uint8_t b;
  if (n < 127) {
    b = (uint8_t)n;
    block_put(&b, 1);
    return;
  }
  b = 127;
  block_put(&b, 1);
  for (n -= 127; n >= 128; n >>= 7) {
    b = (uint8_t)(n | 128);
    block_put(&b, 1);
  }
  b = (uint8_t)n;
  block_put(&b, 1);
}

/* A literal: 1 is put into the table, 2 must never be. */
static void put_header(const char *name, const void *value, size_t n, int how) {
  uint8_t first = how == 1 ? 0x40 : how == 2 ? 0x10 : 0;
  block_put(&first, 1);
  block_integer(strlen(name));
  block_put(name, strlen(name));
  block_integer(n);
  block_put(value, n);
}

static void answer_headers(unsigned bits, const uint8_t *extra, size_t n) {
  static const char *const statuses[] = {"200", "200", "200", "200", "200",
    "503", "401", "100", "103", "404", "999", "204"};
  block_length = 0;
  put_header(":status", statuses[bits % 12], 3, (int)(bits & 3));
  if (bits & 64)
    put_header("content-type", "application/grpc", 16, (int)(bits >> 1 & 3));
  else if (bits & 32)
    put_header("content-type", "text/html", 9, 0);
  if (bits & 16) put_header("grpc-encoding", "gzip", 4, 0);
  if (bits & 128) put_header("grpc-message", extra, n, 0);
}

static void put_already_started(void) {
  char text[512];
  tp_buffer b;
  size_t any, value;
  tp_buffer_init(&b, 300);
  any = tp_wire_begin(&b, 3);
  tp_wire_put_string(&b, 1, "type.googleapis.com/temporal.api."
                     "errordetails.v1.WorkflowExecutionAlreadyStartedFailure");
  value = tp_wire_begin(&b, 2);
  tp_wire_put_string(&b, ALREADY_STARTED_RUN_ID, "existing-run");
  tp_wire_end(&b, value);
  tp_wire_end(&b, any);
  if (b.status == TP_OK)
    put_header("grpc-status-details-bin", text,
               tp_base64_encode(text, b.data, b.length), 0);
  tp_buffer_free(&b);
}

static void put_trailers(unsigned which, unsigned bits, const uint8_t *extra,
                         size_t n) {
  static const char *const statuses[] = {"0", "1", "2", "3", "4", "5", "6", "7",
    "8", "13", "14", "16", "99", "-1", "00", ""};
  const char *status = statuses[which % 16];
  if (!(bits & 1)) put_header("grpc-status", status, strlen(status), 0);
  if (bits & 2) put_header("grpc-message", extra, n, 0);
  if (bits & 4) put_header("grpc-status-details-bin", extra, n, 0);
  if (bits & 8) put_already_started();
}

/* --- frames ---------- */

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6,
       GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4 };

#define FRAME_MAX 16384

static uint8_t said[1 << 19];
static size_t said_length;

static void put_frame(unsigned type, unsigned flags, uint32_t id,
                      const void *payload, size_t n) {
  uint8_t *out = said + said_length;
  if (said_length + 9 + n > sizeof said) return;
  tp_grpc_write_prefix(out, (uint32_t)n << 8); /* a big-endian number at 1 */
  memmove(out, out + 1, 3);
  out[3] = (uint8_t)type;
  out[4] = (uint8_t)flags;
  out[5] = (uint8_t)(id >> 24);
  out[6] = (uint8_t)(id >> 16);
  out[7] = (uint8_t)(id >> 8);
  out[8] = (uint8_t)id;
  if (n > 0) memcpy(out + 9, payload, n);
  said_length += 9 + n;
}

static void put_frame_u32(unsigned type, uint32_t id, uint32_t value) {
  uint8_t payload[4];
  payload[0] = (uint8_t)(value >> 24);
  payload[1] = (uint8_t)(value >> 16);
  payload[2] = (uint8_t)(value >> 8);
  payload[3] = (uint8_t)value;
  put_frame(type, 0, id, payload, sizeof payload);
}

/* The block, in frames of at most `piece` bytes. */
static void put_block(uint32_t id, unsigned flags, size_t piece) {
  unsigned type = HEADERS;
  size_t at = 0;
  if (piece < 1) piece = FRAME_MAX;
  do {
    size_t n = block_length - at;
    if (n > piece) n = piece;
    at += n;
    put_frame(type, flags | (at == block_length ? END_HEADERS : 0), id,
              block + at - n, n);
    type = CONTINUATION;
    flags = 0;
  } while (at < block_length);
}

static void put_data(uint32_t id, const uint8_t *bytes, size_t n, size_t piece,
                     bool last) {
  size_t at = 0;
  if (piece < 1 || piece > FRAME_MAX) piece = FRAME_MAX;
  do {
    size_t part = n - at;
    if (part > piece) part = piece;
    at += part;
    put_frame(DATA, last && at == n ? END_STREAM : 0, id, bytes + at - part,
              part);
  } while (at < n);
}

/* --- honest answers ---------- */

#define RUN_ID "serial-%08u-aaaaaaaaaaaaaaaaaaaa"
#define TAG 0xC0FFEE00u
/* Fields of a tagged answer: the tag, its number, how long the rest is, and
** the rest. */
enum { TAG_FIELD = 100, SERIAL_FIELD, LENGTH_FIELD, REST_FIELD };

typedef enum { STARTED, COMPLETED, NOT_CLOSED, TAGGED, DESCRIBED,
               CONTINUED, ANSWERS } answer_kind;

static unsigned serial; /* of the latest answer */

static void put_history(tp_buffer *b, bool continued, const char *next,
                        const uint8_t *extra, size_t n) {
  size_t history = tp_wire_begin(b, HISTORY_RESPONSE_HISTORY);
  size_t event = tp_wire_begin(b, HISTORY_EVENTS), attributes;
  tp_wire_put_varint(b, EVENT_ID, 7);
  attributes = tp_wire_begin(b, continued ? EVENT_CONTINUED_AS_NEW
                                          : EVENT_COMPLETED);
  if (continued) tp_wire_put_string(b, CONTINUED_AS_NEW_NEW_RUN_ID, next);
  else if (n & 1) tp_wire_put_string(b, COMPLETED_NEW_RUN_ID, next);
  tp_wire_put_bytes(b, 15, extra, n);
  tp_wire_end(b, attributes);
  tp_wire_end(b, event);
  tp_wire_end(b, history);
}

static void put_described(tp_buffer *b, const char *run_id) {
  size_t info = tp_wire_begin(b, DESCRIBE_RESPONSE_INFO);
  size_t execution = tp_wire_begin(b, INFO_EXECUTION);
  tp_wire_put_string(b, EXECUTION_RUN_ID, run_id);
  tp_wire_end(b, execution);
  tp_wire_put_varint(b, INFO_HISTORY_LENGTH, 7);
  tp_wire_end(b, info);
}

static void put_answer(tp_buffer *b, answer_kind kind, const uint8_t *extra,
                       size_t n) {
  static const uint8_t prefix[TP_GRPC_PREFIX] = {0};
  char run_id[64];
  snprintf(run_id, sizeof run_id, RUN_ID, ++serial);
  tp_buffer_put(b, prefix, sizeof prefix);
  if (kind == STARTED) {
    tp_wire_put_string(b, START_RESPONSE_RUN_ID, run_id);
  } else if (kind == NOT_CLOSED) {
    tp_wire_put_bytes(b, HISTORY_RESPONSE_NEXT_PAGE_TOKEN, extra, n);
  } else if (kind == TAGGED) {
    tp_wire_put_fixed32(b, TAG_FIELD, TAG);
    tp_wire_put_varint(b, SERIAL_FIELD, serial);
    tp_wire_put_varint(b, LENGTH_FIELD, n);
    tp_wire_put_bytes(b, REST_FIELD, extra, n);
  } else if (kind == DESCRIBED) {
    put_described(b, run_id);
  } else {
    put_history(b, kind == CONTINUED, run_id, extra, n);
  }
  if (b->status == TP_OK)
    tp_grpc_write_prefix(b->data, (uint32_t)(b->length - TP_GRPC_PREFIX));
}

static void compress_answer(tp_buffer *b) {
  static uint8_t out[1 << 17];
  z_stream z;
  memset(&z, 0, sizeof z);
  if (b->status != TP_OK ||
      deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return;
  z.next_in = b->data + TP_GRPC_PREFIX;
  z.avail_in = (unsigned)(b->length - TP_GRPC_PREFIX);
  z.next_out = out;
  z.avail_out = sizeof out;
  deflate(&z, Z_FINISH);
  b->length = TP_GRPC_PREFIX;
  tp_buffer_put(b, out, sizeof out - z.avail_out);
  deflateEnd(&z);
  if (b->status != TP_OK) return;
  tp_grpc_write_prefix(b->data, (uint32_t)(b->length - TP_GRPC_PREFIX));
  b->data[0] = 1;
}

#endif
