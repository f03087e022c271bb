/* Reading a gRPC answer: see stream.h. Headers arrive in up to three
** blocks (1xx, the response, the trailers); a trailers-only answer has
** grpc-status in the first.
*/
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#include "grpc.h"
#include "gzip.h"
#include "../base/base64.h"
#include "../base/limits.h"

void tp_stream_init(tp_stream *stream) {
  memset(stream, 0, sizeof *stream);
  stream->grpc_status = -1;
  tp_buffer_init(&stream->response, TP_MAX_MESSAGE);
}

void tp_stream_clear(tp_stream *stream) {
  const tp_buffer *request = stream->request;
  size_t max_message = stream->max_message;
  free(stream->message);
  free(stream->details);
  tp_buffer_free(&stream->response);
  tp_stream_init(stream);
  stream->request = request;
  stream->max_message = max_message;
}

static bool is(const char *name, size_t n, const char *literal) {
  return n == strlen(literal) && memcmp(name, literal, n) == 0;
}

/* A small decimal number, or -1. */
static int number(const char *value, size_t n) {
  int result = 0;
  size_t i;
  if (n == 0 || n > 4) return -1;
  for (i = 0; i < n; i++) {
    if (value[i] < '0' || value[i] > '9') return -1;
    result = result * 10 + (value[i] - '0');
  }
  return result;
}

static bool is_grpc(const char *value, size_t n) {
  static const char grpc[] = "application/grpc";
  size_t k = sizeof grpc - 1;
  if (n < k || memcmp(value, grpc, k) != 0) return false;
  return n == k || value[k] == '+' || value[k] == ';';
}

static bool is_text(const char *value, size_t n) {
  static const char json[] = "application/json";
  return (n >= 5 && memcmp(value, "text/", 5) == 0) ||
         (n >= sizeof json - 1 && memcmp(value, json, sizeof json - 1) == 0);
}

static void keep_message(tp_stream *stream, const char *value, size_t n) {
  char *text;
  if (n == 0) return; /* as on every success */
  text = malloc(n + 1);
  if (text == NULL) {
    stream->problem = "out of memory while reading the answer";
    return;
  }
  memcpy(text, value, n);
  text[tp_grpc_percent_decode(text, n)] = '\0';
  free(stream->message);
  stream->message = text;
}

/* Details that cannot be read are left out: the code still stands. */
static void keep_details(tp_stream *stream, const char *value, size_t n) {
  uint8_t *bytes = malloc(n / 4 * 3 + 3);
  size_t length;
  if (bytes == NULL) {
    stream->problem = "out of memory while reading the answer";
    return;
  }
  if (tp_base64_decode(bytes, &length, value, n) != TP_OK) {
    free(bytes);
    return;
  }
  free(stream->details);
  stream->details = bytes;
  stream->details_length = length;
}

void tp_response_header(tp_stream *stream, const char *name, size_t nl,
                        const char *value, size_t vl) {
  if (nl + vl > TP_MAX_HEADERS - stream->header_bytes) {
    stream->problem = "the answer's headers are larger than 64 KiB";
    return;
  }
  stream->header_bytes += (uint32_t)(nl + vl);
  stream->answered = true;
  if (is(name, nl, ":status")) {
    stream->http_status = number(value, vl);
  } else if (is(name, nl, "content-type")) {
    stream->foreign = !is_grpc(value, vl);
    stream->text = is_text(value, vl);
  } else if (is(name, nl, "grpc-encoding")) {
    stream->gzip = is(value, vl, "gzip");
  } else if (is(name, nl, "grpc-status")) {
    stream->grpc_status = number(value, vl);
    if (stream->grpc_status < 0 || stream->grpc_status >= TP_GRPC_COUNT)
      stream->grpc_status = TP_GRPC_UNKNOWN;
  } else if (is(name, nl, "grpc-message")) {
    keep_message(stream, value, vl);
  } else if (is(name, nl, "grpc-status-details-bin")) {
    keep_details(stream, value, vl);
  }
}

void tp_response_headers_end(tp_stream *stream) {
  if (stream->http_status >= 100 && stream->http_status < 200) {
    stream->http_status = 0; /* informational: the answer is still to come */
    stream->foreign = stream->text = false;
  }
}

/* The five octets of the prefix are gathered in `response` itself and removed
** once they are complete; `announced` is then the length plus one. */
static void read_prefix(tp_stream *stream, const uint8_t **data, size_t *n) {
  tp_buffer *b = &stream->response;
  size_t k = TP_GRPC_PREFIX - b->length;
  uint32_t length;
  if (k > *n) k = *n;
  if (tp_buffer_put(b, *data, k) != TP_OK) {
    stream->problem = "out of memory while reading the answer";
    return;
  }
  *data += k;
  *n -= k;
  if (b->length < TP_GRPC_PREFIX) return;
  length = tp_grpc_read_length(b->data);
  stream->compressed = b->data[0] == 1;
  if (b->data[0] != 0 && !(stream->compressed && stream->gzip)) {
    stream->problem = "the answer is compressed in a way not asked for";
    return;
  }
  stream->announced = (size_t)length + 1;
  if (length > stream->max_message) {
    stream->too_large = true;
    stream->limit = stream->max_message;
    stream->problem = "the answer is larger than max_message";
    return;
  }
  b->length = 0;
  b->ceiling = length > TP_GRPC_PREFIX ? length : TP_GRPC_PREFIX;
}

/* The message is whole. */
static void inflate_answer(tp_stream *stream) {
  size_t limit = tp_gunzip_limit(stream->response.length,
                                 stream->max_message);
  tp_status status = tp_gunzip(&stream->response, stream->max_message);
  stream->compressed = false;
  if (status == TP_OK) {
    stream->announced = stream->response.length + 1;
  } else if (status == TP_ETOOBIG) {
    stream->too_large = true;
    stream->limit = limit;
    stream->announced = limit + 2;
    stream->problem = "the answer inflates to more than it may";
  } else {
    stream->problem = status == TP_ENOMEM
      ? "out of memory while reading the answer"
      : "the answer's gzip data cannot be read";
  }
}

void tp_response_data(tp_stream *stream, const uint8_t *data, size_t n) {
  if (stream->foreign || (stream->http_status != 200 && stream->http_status)) {
    size_t room = TP_MAX_EXCERPT - stream->response.length;
    /* An error page. Without memory for it, its status is enough. */
    if (stream->text && room <= TP_MAX_EXCERPT)
      tp_buffer_put(&stream->response, data, n < room ? n : room);
    return;
  }
  if (stream->announced == 0) read_prefix(stream, &data, &n);
  if (stream->problem || n == 0) return;
  if (n > stream->announced - 1 - stream->response.length) {
    stream->problem = "the answer has more than one message";
    return;
  }
  if (tp_buffer_put(&stream->response, data, n) != TP_OK)
    stream->problem = "out of memory while reading the answer";
  else if (stream->compressed &&
           stream->response.length == stream->announced - 1)
    inflate_answer(stream);
}
