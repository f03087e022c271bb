/* Unit tests of dialling with libcurl: connections get on where their engine
** looks at them, and nowhere else. One thread.
*/
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/timer.h"
#include "engine/process.h"
#include "net/dial.h"
#include "check.h"

static int listener = -1;
static tp_dial_options options; /* of a dial to it */
static tp_avoided avoided;

static bool listen_on_loopback(void) {
  struct sockaddr_in address;
  socklen_t n = sizeof address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, n) != 0 ||
      listen(listener, 16) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &n) != 0)
    return false;
  options.host = "127.0.0.1";
  options.port = ntohs(address.sin_port);
  options.connect_timeout = 10 * TP_SECOND;
  return true;
}

/* Who has had its turn would not hear of it. */
static void test_a_dial_does_not_drive_others(void) {
  tp_dialer *dialer = tp_dialer_new();
  tp_connection *connections[4];
  size_t i, k;
  for (i = 0; i < 4; i++) {
    connections[i] = tp_dial(dialer, &options, &avoided);
    for (k = 0; k <= i; k++)
      CHECK(tp_connection_state(connections[k]) == TP_DIALLING);
  }
  while (tp_dialer_busy(dialer)) {
    tp_dialer_poll(dialer, NULL, 0, 10000);
    tp_dialer_advance(dialer);
  }
  for (i = 0; i < 4; i++) {
    CHECK(tp_connection_state(connections[i]) == TP_CONNECTED);
    tp_connection_free(connections[i]);
  }
  tp_dialer_free(dialer);
}

int main(void) {
  char reason[TP_REASON];
  if (!listen_on_loopback() || !tp_process_libcurl(reason)) return 1;
  RUN(test_a_dial_does_not_drive_others);
  close(listener);
  return check_end();
}
