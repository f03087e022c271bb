/* gRPC's small change: see grpc.h. */
#include "grpc.h"

#include <string.h>

void tp_grpc_write_prefix(uint8_t prefix[TP_GRPC_PREFIX], uint32_t length) {
  prefix[0] = 0; /* not compressed */
  prefix[1] = (uint8_t)(length >> 24);
  prefix[2] = (uint8_t)(length >> 16);
  prefix[3] = (uint8_t)(length >> 8);
  prefix[4] = (uint8_t)length;
}

uint32_t tp_grpc_read_length(const uint8_t prefix[TP_GRPC_PREFIX]) {
  return (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 |
         (uint32_t)prefix[3] << 8 | prefix[4];
}

static size_t write_number(char *out, uint32_t n, char unit) {
  char digits[10];
  size_t k = 0, length = 0;
  do {
    digits[k++] = (char)('0' + n % 10);
    n /= 10;
  } while (n > 0);
  while (k > 0) out[length++] = digits[--k];
  out[length++] = unit;
  out[length] = '\0';
  return length;
}

size_t tp_grpc_write_timeout(char out[16], int64_t us) {
  static const struct { int64_t us; char unit; } units[] = {
    {1, 'u'}, {1000, 'm'}, {1000000, 'S'},
    {INT64_C(60000000), 'M'}, {INT64_C(3600000000), 'H'}};
  size_t i = 0;
  int64_t n;
  if (us < 1) us = 1;
  for (;; i++) {
    n = us / units[i].us + (us % units[i].us != 0);
    if (n <= 99999999 || i == sizeof units / sizeof *units - 1) break;
  }
  if (n > 99999999) n = 99999999;
  return write_number(out, (uint32_t)n, units[i].unit);
}

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

size_t tp_grpc_percent_decode(char *text, size_t n) {
  size_t i = 0, out = 0;
  while (i < n) {
    if (text[i] == '%' && n - i > 2 && hex(text[i + 1]) >= 0 &&
        hex(text[i + 2]) >= 0) {
      text[out++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
      i += 3;
    } else {
      text[out++] = text[i++];
    }
  }
  return out;
}

int tp_grpc_code_of_http(int status) {
  switch (status) {
    case 400: return TP_GRPC_INTERNAL;
    case 401: return TP_GRPC_UNAUTHENTICATED;
    case 403: return TP_GRPC_PERMISSION_DENIED;
    case 404: return TP_GRPC_UNIMPLEMENTED;
    case 429: case 502: case 503: case 504: return TP_GRPC_UNAVAILABLE;
    default: return TP_GRPC_UNKNOWN;
  }
}

#define HTTP2_ERRORS(X) \
  X(0, "NO_ERROR", INTERNAL) \
  X(1, "PROTOCOL_ERROR", INTERNAL) \
  X(2, "INTERNAL_ERROR", INTERNAL) \
  X(3, "FLOW_CONTROL_ERROR", INTERNAL) \
  X(4, "SETTINGS_TIMEOUT", INTERNAL) \
  X(5, "STREAM_CLOSED", INTERNAL) \
  X(6, "FRAME_SIZE_ERROR", INTERNAL) \
  X(7, "REFUSED_STREAM", UNAVAILABLE) \
  X(8, "CANCEL", CANCELLED) \
  X(9, "COMPRESSION_ERROR", INTERNAL) \
  X(10, "CONNECT_ERROR", INTERNAL) \
  X(11, "ENHANCE_YOUR_CALM", RESOURCE_EXHAUSTED) \
  X(12, "INADEQUATE_SECURITY", PERMISSION_DENIED) \
  X(13, "HTTP_1_1_REQUIRED", UNKNOWN)

int tp_grpc_code_of_rst(uint32_t error_code) {
  static const uint8_t codes[] = {
#define X(number, name, code) TP_GRPC_##code,
    HTTP2_ERRORS(X)
#undef X
  };
  return error_code < sizeof codes ? codes[error_code] : TP_GRPC_UNKNOWN;
}

const char *tp_http2_error_name(uint32_t error_code) {
  static const char *const names[] = {
#define X(number, name, code) name,
    HTTP2_ERRORS(X)
#undef X
  };
  return error_code < sizeof names / sizeof *names ? names[error_code]
                                                   : "unknown error code";
}
