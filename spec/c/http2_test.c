/* Unit tests of what a session makes of its last stream id. nghttp2's function
** that takes a request is replaced by one that skips to that id first. The peer
** is a socket of this program. One thread.
*/
#include <arpa/inet.h>
#include <dlfcn.h>
#include <nghttp2/nghttp2.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/timer.h"
#include "net/http2.h"
#include "check.h"

#define LAST_STREAM 0x7FFFFFFF

typedef int32_t submit(nghttp2_session *, const nghttp2_priority_spec *,
                       const nghttp2_nv *, size_t,
                       const nghttp2_data_provider *, void *);

int32_t nghttp2_submit_request(nghttp2_session *session,
                               const nghttp2_priority_spec *priority,
                               const nghttp2_nv *nv, size_t n,
                               const nghttp2_data_provider *provider,
                               void *user_data) {
  submit *real;
  *(void **)&real = dlsym(RTLD_NEXT, "nghttp2_submit_request");
  if (nghttp2_session_get_next_stream_id(session) < LAST_STREAM)
    nghttp2_session_set_next_stream_id(session, LAST_STREAM);
  return real(session, priority, nv, n, provider, user_data);
}

static tp_http2 *session;
static int peer = -1; /* its end of the connection */
static int ended;     /* streams */

static void closed(tp_stream *stream, tp_http2 *of, void *owner) {
  (void)stream;
  (void)of;
  (void)owner;
  ended++;
}

static tp_connection *dial(void) {
  struct sockaddr_in address;
  socklen_t n = sizeof address;
  static tp_avoided none;
  tp_dial_options o;
  tp_connection *c;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, (struct sockaddr *)&address, n) != 0 ||
      listen(listener, 1) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &n) != 0)
    return NULL;
  memset(&o, 0, sizeof o);
  o.host = "127.0.0.1";
  o.port = ntohs(address.sin_port);
  o.connect_timeout = 10 * TP_SECOND;
  c = tp_dial_directly(&o, &none);
  peer = accept(listener, NULL, NULL);
  close(listener);
  return tp_connection_state(c) == TP_CONNECTED ? c : NULL;
}

/* The peer's SETTINGS have come. */
static bool open_session(void) {
  static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
  tp_http2_options o;
  tp_connection *connection = dial();
  memset(&o, 0, sizeof o);
  o.settings_timeout = 10 * TP_SECOND;
  o.closed = closed;
  session = connection ? tp_http2_new(connection, &o, tp_now()) : NULL;
  if (session == NULL || !tp_http2_flush(session) ||
      send(peer, settings, sizeof settings, MSG_NOSIGNAL) < 0)
    return false;
  while (!tp_http2_established(session))
    if (!tp_http2_receive(session, tp_now())) return false;
  return true;
}

static tp_status open_stream(tp_stream *stream, const tp_buffer *request) {
  static const tp_header headers[] = {
    {":method", "POST", 7, 4, true, true}, {":path", "/a", 5, 2, true, true},
    {":scheme", "http", 7, 4, true, true},
    {":authority", "a", 10, 1, true, true}};
  tp_stream_init(stream);
  stream->request = request;
  stream->max_message = 100;
  return tp_http2_open(session, stream, headers, 4);
}

/* What was sent in full may have been carried out. */
static void test_after_the_last_stream_id(void) {
  tp_stream last, more;
  tp_buffer request;
  tp_buffer_init(&request, 100);
  CHECK(open_session());
  CHECK(tp_buffer_put(&request, "\0\0\0\0\3abc", 8) == TP_OK);
  CHECK(open_stream(&last, &request) == TP_OK && last.id == LAST_STREAM);
  CHECK(!tp_http2_draining(session));
  CHECK(open_stream(&more, &request) == TP_ESYSTEM);
  CHECK(tp_http2_draining(session) && !tp_http2_accepts(session));
  CHECK(tp_http2_flush(session) && last.sent == request.length);
  shutdown(peer, SHUT_WR);
  while (tp_http2_receive(session, tp_now())) continue;
  CHECK(ended == 1 && last.end == TP_END_LOST);
  CHECK(strcmp(tp_http2_reason(session),
               "the peer closed the connection") == 0);
  tp_http2_free(session);
  close(peer);
  tp_buffer_free(&request);
}

int main(void) {
  RUN(test_after_the_last_stream_id);
  return check_end();
}
