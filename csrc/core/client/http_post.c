/* HTTP POSTs on the engine's multi handle: see http_post.h. */
#include "http_post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../base/container.h"
#include "../engine/process.h"
#include "../net/header.h"

static tp_http_post *post_of(tp_transfer *transfer) {
  return TP_CONTAINER(transfer, tp_http_post, transfer);
}

/* The end of the future's work in the engine. */
static void settle(tp_http_post *post, unsigned flags) {
  post->active = false;
  tp_transfer_clear(&post->transfer);
  tp_future_signal(&post->future, flags);
  tp_future_release(&post->future);
}

static void fail(tp_http_post *post, const char *kind, int code,
                 const char *message) {
  post->failure.kind = kind;
  post->failure.code = code;
  post->failure.message = strdup(message);
  settle(post, TP_RESULT | TP_FAILED);
}

static size_t on_body(char *data, size_t one, size_t n, void *user) {
  tp_http_post *post = user;
  if (tp_buffer_put(&post->body, data, one * n) != TP_OK) return 0;
  return one * n;
}

static void on_finished(tp_transfer *transfer, CURLcode result) {
  tp_http_post *post = post_of(transfer);
  char reason[TP_REASON];
  long status = 0;
  if (result == CURLE_OK) {
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    post->status = (int)status;
    settle(post, TP_RESULT);
  } else if (result == CURLE_WRITE_ERROR) {
    fail(post, "message_too_large", -1, "the answer is larger than allowed");
  } else {
    tp_transfer_reason(transfer, result, reason);
    fail(post, "unavailable", TP_GRPC_UNAVAILABLE, reason);
  }
}

static const tp_dial_options *dial_options(const tp_http_post *post) {
  return &post->future.client->channel->options.dial;
}

static bool is_secure(const tp_http_post *post) {
  return strncasecmp(post->url, "https:", 6) == 0;
}

static CURLcode set_headers(tp_http_post *post) {
  const char *line = (char *)post->header_lines.data;
  const char *end = line + post->header_lines.length;
  for (; line < end; line += strlen(line) + 1) {
    struct curl_slist *longer = curl_slist_append(post->headers, line);
    if (longer == NULL) return CURLE_OUT_OF_MEMORY;
    post->headers = longer;
  }
  return curl_easy_setopt(post->transfer.easy, CURLOPT_HTTPHEADER,
                          post->headers);
}

static CURLcode configure(tp_http_post *post) {
  const tp_dial_options *o = dial_options(post);
  CURL *easy = post->transfer.easy;
  CURLcode code;
  long ms = post->timeout / 1000 > INT32_MAX ? INT32_MAX
                                             : (long)(post->timeout / 1000);
#define SET(option, value) \
  if ((code = curl_easy_setopt(easy, option, value)) != CURLE_OK) return code
  SET(CURLOPT_URL, post->url);
  SET(CURLOPT_FRESH_CONNECT, 0L);
  SET(CURLOPT_TIMEOUT_MS, ms < 1 ? 1L : ms);
  SET(CURLOPT_POST, 1L);
  SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->request.length);
  SET(CURLOPT_POSTFIELDS, post->request.length ? (char *)post->request.data
                                               : "");
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, post);
  if ((code = set_headers(post)) != CURLE_OK) return code;
  code = tp_transfer_proxy(&post->transfer, o, is_secure(post));
  if (code != CURLE_OK) return code;
#undef SET
  return (CURLcode)tp_tls_configure(easy, &o->tls, NULL);
}

static void begin(tp_http_post *post) {
  tp_dialer *dialer;
  CURLcode code = CURLE_OUT_OF_MEMORY;
  char reason[TP_REASON];
  post->active = true;
  post->transfer.finish = on_finished;
  if (!tp_process_libcurl(reason)) {
    fail(post, "unavailable", TP_GRPC_UNAVAILABLE, reason);
    return;
  }
  if (is_secure(post) &&
      tp_tls_unreadable(&dial_options(post)->tls, reason, sizeof reason)) {
    fail(post, "config", -1, reason);
    return;
  }
  dialer = tp_engine_dialer(post->future.engine);
  if (dialer)
    code = tp_transfer_init(&post->transfer, dialer,
                            dial_options(post)->connect_timeout);
  if (code == CURLE_OK) code = configure(post);
  if (code == CURLE_OK) code = tp_transfer_start(&post->transfer);
  if (code != CURLE_OK)
    fail(post, "unavailable", TP_GRPC_UNAVAILABLE, curl_easy_strerror(code));
}

static void on_end(tp_future *f) {
  tp_http_post *post = (tp_http_post *)f;
  if (post->active) settle(post, TP_CLOSED);
  else tp_future_signal(f, TP_CLOSED);
}

static void on_command(tp_command *command, unsigned bits) {
  tp_http_post *post = (tp_http_post *)command;
  if (bits & TP_BEGIN) begin(post);
  if (bits & TP_DROP && post->active) settle(post, 0);
  if (post->future.engine->ending) on_end(&post->future);
  tp_future_release(&post->future);
}

static void on_destroy(tp_future *f) {
  tp_http_post *post = (tp_http_post *)f;
  tp_transfer_clear(&post->transfer);
  tp_failure_clear(&post->failure);
  if (post->headers) curl_slist_free_all(post->headers);
  tp_buffer_free(&post->header_lines);
  tp_buffer_free(&post->request);
  tp_buffer_free(&post->body);
  free(post->url);
  tp_client_free_future(f);
}

static tp_failure *on_failure(tp_future *f) {
  return &((tp_http_post *)f)->failure;
}

static bool on_asks(const tp_future *f) {
  (void)f;
  return true;
}

static void on_names(const tp_future *f, tp_names *names) {
  (void)f;
  names->method = "HTTP POST";
}

tp_http_post *tp_http_post_new(tp_client *client) {
  static const tp_future_class class = {
    .kind = TP_HTTP, .silent = ~0u, .run = on_command, .end = on_end,
    .asks = on_asks, .failure = on_failure, .names = on_names,
    .destroy = on_destroy};
  tp_http_post *post = calloc(1, sizeof *post);
  if (post == NULL) return NULL;
  post->failure.code = -1;
  tp_buffer_init(&post->header_lines, TP_MAX_MESSAGE);
  tp_buffer_init(&post->request, TP_MAX_MESSAGE);
  tp_buffer_init(&post->body, client->channel->options.max_message);
  tp_client_future(client, &post->future, &class);
  return post;
}

const char *tp_http_post_header(tp_http_post *post, const char *line,
                                size_t n) {
  const char *colon = memchr(line, ':', n);
  const char *value = colon ? colon + 1 : line;
  const char *problem;
  if (colon && value < line + n && *value == ' ') value++;
  problem = tp_header_problem(value, n - (size_t)(value - line));
  if (problem) return problem;
  tp_buffer_put(&post->header_lines, line, n);
  tp_buffer_byte(&post->header_lines, '\0');
  return NULL;
}

void tp_http_post_submit(tp_http_post *post) {
  if (tp_future_prepare(&post->future)) tp_future_begin(&post->future);
}
