/* libFuzzer target for ProtoJSON; fuzz/README.md says what it checks.
** Bytes 1 and 2: message type, and in the two top bits what the rest is: a
** message, JSON text, or the argument of a call while memory runs out (the
** allocation whose number is byte 3 fails). One thread.
*/
#include "../csrc/binding/message/message_decode.h"
#include "../csrc/binding/message/message_encode.h"
#include "../csrc/core/base/limits.h"
#include "../csrc/core/json/protojson.h"
#include "../csrc/core/proto/schema.h"
#include "state.h"

#define INPUTS_OF_ONE_STATE 1000

static void open_parts(lua_State *L) {
  ltp_open_message(L, 0);
  ltp_open_value(L, 0);
  ltp_open_json(L, 0);
  ltp_open_protojson(L, 0);
}

/* What was refused says where and why, and has written nothing. */
static void check_refusal(const tp_buffer *out, const char *error) {
  size_t n = strlen(error);
  ASSERT(out->length == 0 && n > 0 && n < TP_PROTOJSON_ERROR);
  ASSERT(strstr(error, ": ") != NULL);
}

static int too_deep(const char *error) {
  return strstr(error, "deeper than 100") != NULL;
}

static int same(const tp_buffer *a, const tp_buffer *b) {
  return a->length == b->length &&
         (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* Text that we wrote is read, and written again it is the same. Only its
** arrays and objects may be nested deeper than JSON text may be. */
static void read_again(int type, const tp_buffer *text, int flags) {
  char error[TP_PROTOJSON_ERROR];
  tp_buffer bytes, again;
  tp_buffer_init(&bytes, TP_MAX_MESSAGE);
  tp_buffer_init(&again, TP_MAX_MESSAGE);
  if (tp_protojson_read(type, (const char *)text->data, text->length, 0,
                        &bytes, error) != 0) {
    check_refusal(&bytes, error);
    ASSERT(too_deep(error));
  } else {
    ASSERT(tp_protojson_write(type, bytes.data, bytes.length, flags, &again,
                              error) == 0);
    ASSERT(same(text, &again));
  }
  tp_buffer_free(&bytes);
  tp_buffer_free(&again);
}

/* A message as it came, and by way of a table, has the same text. */
static void from_bytes(lua_State *L, int type, const uint8_t *data, size_t n,
                       int flags) {
  char error[TP_PROTOJSON_ERROR];
  tp_buffer text, bytes, other;
  int wrong;
  tp_buffer_init(&text, TP_MAX_MESSAGE);
  tp_buffer_init(&bytes, TP_MAX_MESSAGE);
  tp_buffer_init(&other, TP_MAX_MESSAGE);
  wrong = tp_protojson_write(type, data, n, flags, &text, error);
  if (wrong) check_refusal(&text, error);
  else read_again(type, &text, flags);
  if (ltp_message_decode(L, data, n, type, TP_MAX_DECODED) == 0) {
    ASSERT(ltp_message_encode(L, -1, type, &bytes, 0) == 0);
    if (tp_protojson_write(type, bytes.data, bytes.length, flags, &other,
                           error) == 0)
      ASSERT(!wrong && same(&text, &other));
    else
      ASSERT(wrong);
  }
  tp_buffer_free(&text);
  tp_buffer_free(&bytes);
  tp_buffer_free(&other);
}

/* Text that is read is a message that decodes and has text. */
static void from_text(lua_State *L, int type, const uint8_t *data, size_t n,
                      int flags) {
  char error[TP_PROTOJSON_ERROR];
  tp_buffer bytes, text;
  tp_buffer_init(&bytes, TP_MAX_MESSAGE);
  tp_buffer_init(&text, TP_MAX_MESSAGE);
  if (tp_protojson_read(type, (const char *)data, n, flags, &bytes, error) !=
      0) {
    check_refusal(&bytes, error);
  } else {
    ASSERT(ltp_message_decode(L, bytes.data, bytes.length, type,
                              TP_MAX_DECODED) == 0);
    ASSERT(tp_protojson_write(type, bytes.data, bytes.length, 0, &text,
                              error) == 0);
    read_again(type, &text, 0);
  }
  tp_buffer_free(&bytes);
  tp_buffer_free(&text);
}

static void scarce_memory(lua_State *L, int type, const uint8_t *data,
                          size_t n, uint8_t allocations) {
  lua_getfield(L, LUA_REGISTRYINDEX, "core"); /* 1 */
  lua_getfield(L, 1, "protojson_encode");
  lua_pushstring(L, tp_schema_message_name(type));
  lua_getfield(L, 1, "protojson_decode");
  lua_pushvalue(L, 3);
  lua_pushlstring(L, (const char *)data, n);
  if (scarce_call(L, 2, allocations)) scarce_call(L, 2, allocations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  lua_State *L;
  int type, flags;
  if (n < 3) return 0;
  L = state(INPUTS_OF_ONE_STATE, open_parts);
  type = ((data[0] & 0x3F) << 8 | data[1]) % tp_schema_count.messages;
  if (tp_schema_messages[type].flags & TP_MESSAGE_ENTRY) return 0;
  flags = data[2] & 1;
  if (data[0] & 0x80) {
    scarce_memory(L, type, data + 3, n - 3, data[2]);
  } else if (data[0] & 0x40) {
    flags = flags ? TP_PROTOJSON_IGNORE_UNKNOWN : 0;
    from_text(L, type, data + 3, n - 3, flags);
  } else {
    flags = flags ? TP_PROTOJSON_PROTO_NAMES : 0;
    from_bytes(L, type, data + 3, n - 3, flags);
  }
  lua_settop(L, 0);
  return 0;
}
