/* Unit tests of the limits of limits.h, and of the options, at N and N + 1,
** where no other test of a module does that already. nghttp2's function that
** takes a request is replaced here, to see what would be sent. One thread.
*/
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include "client/rpc_future.h"
#include "client/workflow_run.h"
#include "json/json.h"
#include "check.h"
#include "fixture.h"

static tp_engine *engine;
static tp_client *client;
static tp_channel *channel; /* the client's */

static size_t sent, sent_metadata; /* headers of the last request */
static char sent_timeout[16];

int32_t nghttp2_submit_request(nghttp2_session *session,
                               const nghttp2_priority_spec *priority,
                               const nghttp2_nv *nv, size_t n,
                               const nghttp2_data_provider *provider,
                               void *user_data) {
  size_t i;
  (void)session;
  (void)priority;
  (void)provider;
  (void)user_data;
  sent = n;
  sent_metadata = 0;
  for (i = 0; i < n; i++) {
    if (nv[i].namelen > 2 && memcmp(nv[i].name, "x-", 2) == 0) sent_metadata++;
    if (nv[i].namelen == 12 && memcmp(nv[i].name, "grpc-timeout", 12) == 0)
      snprintf(sent_timeout, sizeof sent_timeout, "%.*s", (int)nv[i].valuelen,
               (const char *)nv[i].value);
  }
  return 1;
}

static void closed(tp_stream *stream, tp_http2 *session, void *owner) {
  (void)stream;
  (void)session;
  (void)owner;
}

static void never(tp_call *call, bool ok) {
  (void)call;
  (void)ok;
}

/* --- metadata ---------- */

/* x-<letter>0 ... of different names. */
static tp_metadata *metadata(char letter, size_t pairs) {
  tp_metadata *m = tp_metadata_new(pairs, pairs * 8);
  char *at = (char *)(m->headers + pairs);
  size_t i;
  for (i = 0; i < pairs; i++, at += 8) {
    int n = snprintf(at, 8, "x-%c%u", letter, (unsigned)i);
    m->headers[i].name = m->headers[i].value = at;
    m->headers[i].name_length = m->headers[i].value_length = (size_t)n;
  }
  return m;
}

/* Everything goes out, with all the headers of the SDK's own there can be. */
static bool all_go_out(size_t of_channel, size_t of_call) {
  tp_http2_options o;
  tp_http2 *session;
  tp_call call;
  bool opened;
  memset(&o, 0, sizeof o);
  o.settings_timeout = TP_NEVER;
  o.closed = closed;
  session = tp_http2_new(NULL, &o, 0);
  channel->options.metadata = of_channel ? metadata('a', of_channel) : NULL;
  tp_call_init(&call, channel, never);
  call.path = "/service/method";
  call.namespace = "default";
  call.long_poll = true;
  call.metadata = of_call ? metadata('b', of_call) : NULL;
  call.deadline = TP_NEVER;
  sent = sent_metadata = 0;
  opened = call.attempt.class->open(&call.attempt, session, 0);
  tp_call_free(&call);
  tp_http2_free(session);
  tp_metadata_release(channel->options.metadata);
  channel->options.metadata = NULL;
  return opened && sent_metadata == of_channel + of_call &&
         sent == of_channel + of_call + 13;
}

static void test_metadata_up_to_the_limit(void) {
  CHECK(all_go_out(0, 0));
  CHECK(all_go_out(1, 1));
  CHECK(all_go_out(TP_MAX_METADATA, 0));
  CHECK(all_go_out(0, TP_MAX_METADATA));
}

/* None is left out in silence, even if each has as many as both may have. */
static void test_metadata_of_channel_and_call_together(void) {
  size_t n;
  for (n = 0; n <= TP_MAX_METADATA; n++)
    CHECK(all_go_out(n, TP_MAX_METADATA - n));
  CHECK(all_go_out(TP_MAX_METADATA, TP_MAX_METADATA));
}

static void test_too_many_headers_open_no_stream(void) {
  static tp_header headers[10000];
  tp_http2_options o;
  tp_http2 *session;
  tp_stream stream;
  memset(&o, 0, sizeof o);
  o.closed = closed;
  session = tp_http2_new(NULL, &o, 0);
  tp_stream_init(&stream);
  sent = 0;
  CHECK(tp_http2_open(session, &stream, headers, 10000) == TP_ETOOBIG);
  CHECK(sent == 0 && stream.id == 0);
  CHECK(tp_http2_open_streams(session) == 0);
  tp_http2_free(session);
}

/* --- submissions and polls ---------- */

static void test_pending_submissions(void) {
  size_t limit = channel->options.max_pending, i;
  tp_call *calls = calloc(limit + 1, sizeof *calls);
  for (i = 0; i < limit; i++) {
    tp_call_init(&calls[i], channel, never);
    CHECK(tp_call_submit(&calls[i]));
  }
  tp_call_init(&calls[limit], channel, never);
  CHECK(!tp_call_submit(&calls[limit]) && channel->pending == limit);
  tp_call_free(&calls[limit]); /* it was not counted */
  CHECK(channel->pending == limit);
  tp_call_free(&calls[0]); /* room for one, and for one only */
  CHECK(tp_call_submit(&calls[limit]) && channel->pending == limit);
  CHECK(!tp_call_submit(&calls[0]));
  for (i = 1; i <= limit; i++) tp_call_free(&calls[i]);
  CHECK(channel->pending == 0);
  free(calls);
}

static void test_open_polls_of_a_channel(void) {
  CHECK(channel->polls.limit == TP_MAX_POLLS);
  CHECK(TP_MAX_POLLS < 1200); /* what the server takes */
}

/* Failing polls are said after ten seconds, and once, till one is answered;
** other answers do not count. */
static void test_failing_polls_are_said_once(void) {
  int64_t from = 5 * TP_SECOND, late = from + 10 * TP_SECOND;
  tp_channel_heard(channel, false);
  CHECK(channel->answered);
  CHECK(!tp_channel_poll_failed(channel, from));
  tp_channel_heard(channel, false);
  CHECK(!tp_channel_poll_failed(channel, late - 1));
  CHECK(tp_channel_poll_failed(channel, late));
  CHECK(!tp_channel_poll_failed(channel, 2 * late));
  tp_channel_heard(channel, true);
  CHECK(!tp_channel_poll_failed(channel, 2 * late));
  CHECK(tp_channel_poll_failed(channel, 3 * late));
  tp_channel_heard(channel, true);
  channel->answered = false;
}

/* --- buffers ---------- */

/* The ceiling holds for what is reserved too: nothing is written. */
static bool takes(tp_buffer *b, size_t ceiling) {
  bool right = b->ceiling == ceiling &&
               tp_buffer_reserve(b, ceiling) != NULL &&
               tp_buffer_reserve(b, ceiling + 1) == NULL &&
               b->status == TP_ETOOBIG;
  tp_buffer_free(b);
  return right;
}

static void test_ceilings(void) {
  tp_rpc_future *rpc = tp_rpc_future_new(client);
  static const tp_run_names names = {"default", "w-1", NULL, NULL};
  tp_run *run = tp_run_new(client, &names);
  CHECK(rpc != NULL && run != NULL);
  CHECK(takes(&rpc->base.call.request, TP_MAX_MESSAGE));
  CHECK(takes(&rpc->base.call.attempt.stream.response, TP_MAX_MESSAGE));
  CHECK(takes(&run->base.call.request, TP_MAX_MESSAGE));
  CHECK(takes(&run->first_event, TP_MAX_MESSAGE));
  CHECK(takes(&run->result_event, TP_MAX_MESSAGE));
  CHECK(takes(&run->token, TP_MAX_TOKEN));
  rpc->path = strdup("/service/method");
  tp_future_release(&rpc->base.future);
  tp_future_release(&run->base.future);
}

static void test_ceiling_at_every_size_of_growth(void) {
  size_t ceiling, i;
  for (ceiling = 0; ceiling < 2000; ceiling += 1 + ceiling / 16) {
    tp_buffer b;
    tp_buffer_init(&b, ceiling);
    for (i = 0; i < ceiling; i++) CHECK(tp_buffer_byte(&b, 'x') == TP_OK);
    CHECK(tp_buffer_byte(&b, 'x') == TP_ETOOBIG && b.length == ceiling);
    tp_buffer_free(&b);
    CHECK(tp_buffer_put(&b, NULL, 0) == TP_OK);
    tp_buffer_free(&b);
  }
}

/* --- depth ---------- */

static bool lenient;

/* `depth` containers in each other, the innermost empty. */
static tp_status parse_nested(size_t depth, const char *open, char close) {
  size_t width = strlen(open), n = 0, i;
  char *text = malloc(depth * (width + 1));
  tp_buffer scratch;
  tp_json_reader r;
  tp_json_event e;
  for (i = 1; i < depth; i++, n += width) memcpy(text + n, open, width);
  text[n++] = open[0];
  for (i = 0; i < depth; i++) text[n++] = close;
  tp_buffer_init(&scratch, 1000);
  tp_json_open(&r, text, n, &scratch);
  if (lenient) tp_json_be_lenient(&r);
  while ((e = tp_json_next(&r)) != TP_JSON_END && e != TP_JSON_ERROR) continue;
  free(text);
  tp_buffer_free(&scratch);
  return e == TP_JSON_END ? TP_OK : r.status;
}

static void test_depth_of_json(void) {
  static const char object[] = "{\"a\":";
  CHECK(parse_nested(1, "[", ']') == TP_OK);
  CHECK(parse_nested(1, object, '}') == TP_OK);
  CHECK(parse_nested(TP_MAX_DEPTH, "[", ']') == TP_OK);
  CHECK(parse_nested(TP_MAX_DEPTH, object, '}') == TP_OK);
  CHECK(parse_nested(TP_MAX_DEPTH + 1, "[", ']') == TP_EDEPTH);
  CHECK(parse_nested(TP_MAX_DEPTH + 1, object, '}') == TP_EDEPTH);
  CHECK(parse_nested(100000, "[", ']') == TP_EDEPTH);
  lenient = true;
  CHECK(parse_nested(TP_MAX_LENIENT_DEPTH, "[", ']') == TP_OK);
  CHECK(parse_nested(TP_MAX_LENIENT_DEPTH, object, '}') == TP_OK);
  CHECK(parse_nested(TP_MAX_LENIENT_DEPTH + 1, "[", ']') == TP_EDEPTH);
  CHECK(parse_nested(100000, object, '}') == TP_EDEPTH);
  lenient = false;
}

/* --- what the peer is told of the time ---------- */

static bool worker_poll;

static const char *told(bool long_poll, bool answered, int64_t left) {
  tp_http2_options o;
  tp_http2 *session;
  tp_call call;
  memset(&o, 0, sizeof o);
  o.settings_timeout = TP_NEVER;
  o.closed = closed;
  session = tp_http2_new(NULL, &o, 0);
  channel->answered = answered;
  tp_call_init(&call, channel, never);
  call.path = "/service/method";
  call.long_poll = long_poll;
  call.worker_poll = worker_poll;
  call.deadline = left == TP_NEVER ? TP_NEVER : 1000 + left;
  strcpy(sent_timeout, "none");
  call.attempt.class->open(&call.attempt, session, 1000);
  tp_call_free(&call);
  tp_http2_free(session);
  channel->answered = false;
  return sent_timeout;
}

static void test_told_timeouts(void) {
  CHECK(strcmp(told(false, true, TP_SECOND), "1000000u") == 0);
  CHECK(strcmp(told(false, false, 1), "1u") == 0);
  CHECK(strcmp(told(false, true, TP_NEVER), "none") == 0);
  /* A long poll lasts 30 s however patient its owner is, and less only while
  ** nobody knows whether a server is there. */
  CHECK(strcmp(told(true, true, TP_NEVER), "30000000u") == 0);
  CHECK(strcmp(told(true, true, TP_SECOND), "30000000u") == 0);
  CHECK(strcmp(told(true, false, TP_SECOND), "1000000u") == 0);
  CHECK(strcmp(told(true, false, TP_NEVER), "30000000u") == 0);
  worker_poll = true;
  CHECK(strcmp(told(true, true, TP_NEVER), "70000000u") == 0);
  CHECK(strcmp(told(true, false, TP_NEVER), "70000000u") == 0);
  worker_poll = false;
}

int main(void) {
  engine = tp_engine_new();
  client = engine ? fixture_client(engine) : NULL;
  if (client == NULL) return 1;
  channel = client->channel;
  RUN(test_metadata_up_to_the_limit);
  RUN(test_metadata_of_channel_and_call_together);
  RUN(test_too_many_headers_open_no_stream);
  RUN(test_pending_submissions);
  RUN(test_open_polls_of_a_channel);
  RUN(test_failing_polls_are_said_once);
  RUN(test_ceilings);
  RUN(test_ceiling_at_every_size_of_growth);
  RUN(test_depth_of_json);
  RUN(test_told_timeouts);
  tp_client_release(client);
  tp_engine_release(engine);
  return check_end();
}
