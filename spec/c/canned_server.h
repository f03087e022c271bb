/* The smallest gRPC server for tests that must not depend on another program:
** a thread that answers the k-th request of a connection with the k-th of the
** messages given, later ones with the last, whatever was asked. One connection
** at a time; no allocation; it ends with the process.
*/
#ifndef CANNED_SERVER_H
#define CANNED_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct canned_message {
  const void *bytes;
  size_t length; /* at most 200 */
} canned_message;

typedef struct canned_server {
  int listener, port;
  const canned_message *messages;
  size_t count;
} canned_server;

static inline bool canned_send(int fd, const void *bytes, size_t n) {
  return send(fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static inline bool canned_read(int fd, uint8_t *out, size_t n) {
  return n == 0 || recv(fd, out, n, MSG_WAITALL) == (ssize_t)n;
}

/* Frame header: length, type, flags, stream. */
static inline size_t canned_frame(uint8_t *out, size_t n, uint8_t type,
                                  uint8_t flags, uint32_t stream) {
  const uint8_t header[9] = {
    (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, type, flags,
    (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
    (uint8_t)stream};
  memcpy(out, header, sizeof header);
  return sizeof header;
}

/* :status 200 of HPACK's static table; then literals, never indexed. */
static inline bool canned_answer(int fd, uint32_t stream, canned_message m) {
  static const char head[] =
    "\x88\x10\x0C" "content-type" "\x10" "application/grpc";
  static const char tail[] = "\x10\x0B" "grpc-status" "\x01" "0";
  uint8_t out[512];
  size_t n = canned_frame(out, sizeof head - 1, 1, 4, stream);
  memcpy(out + n, head, sizeof head - 1);
  n += sizeof head - 1;
  n += canned_frame(out + n, m.length + 5, 0, 0, stream);
  memset(out + n, 0, 4);
  out[n + 4] = (uint8_t)m.length;
  memcpy(out + n + 5, m.bytes, m.length);
  n += 5 + m.length;
  n += canned_frame(out + n, sizeof tail - 1, 1, 5, stream);
  memcpy(out + n, tail, sizeof tail - 1);
  return canned_send(fd, out, n + sizeof tail - 1);
}

static inline void canned_serve(const canned_server *server, int fd) {
  static uint8_t in[1 << 16];
  uint8_t settings[18], preface[24];
  size_t answered = 0, n;
  n = canned_frame(settings, 0, 4, 0, 0);
  n += canned_frame(settings + n, 0, 4, 1, 0);
  if (!canned_read(fd, preface, 24) || !canned_send(fd, settings, n)) return;
  while (canned_read(fd, in, 9)) {
    size_t length = (size_t)in[0] << 16 | (size_t)in[1] << 8 | in[2];
    uint8_t type = in[3], flags = in[4];
    uint32_t stream = (uint32_t)in[7] << 8 | in[8];
    if (length > sizeof in || !canned_read(fd, in, length)) return;
    if (type != 0 || !(flags & 1)) continue; /* not the end of a request */
    if (!canned_answer(fd, stream, server->messages[answered])) return;
    if (answered + 1 < server->count) answered++;
  }
}

static inline void *canned_thread(void *argument) {
  const canned_server *server = argument;
  for (;;) {
    int fd = accept(server->listener, NULL, NULL);
    if (fd < 0) continue;
    canned_serve(server, fd);
    close(fd);
  }
  return NULL;
}

/* Fills `port` in. The server must outlive the program's tests. */
static inline bool canned_start(canned_server *server) {
  struct sockaddr_in address;
  socklen_t n = sizeof address;
  pthread_t thread;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server->listener, (struct sockaddr *)&address, n) != 0 ||
      listen(server->listener, 16) != 0 ||
      getsockname(server->listener, (struct sockaddr *)&address, &n) != 0 ||
      pthread_create(&thread, NULL, canned_thread, server) != 0)
    return false;
  server->port = ntohs(address.sin_port);
  pthread_detach(thread);
  return true;
}

#endif
