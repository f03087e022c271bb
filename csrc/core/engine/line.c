/* Lines over unix sockets: see line.h. */
#include "line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FOLDER "/temporal-XXXXXX" /* mkdtemp: only we may look inside */
#define SOCKET "/line"

void tp_listener_init(tp_listener *l) {
  memset(l, 0, sizeof *l);
  l->fd = -1;
  l->at.sun_family = AF_UNIX;
}

static tp_status fail(tp_listener *l) {
  int problem = errno;
  tp_listener_close(l);
  errno = problem;
  return TP_ESYSTEM;
}

tp_status tp_listener_open(tp_listener *l, const char *folder) {
  char *path = l->at.sun_path;
  int length = snprintf(path, sizeof l->at.sun_path, "%s" FOLDER, folder);
  if (length < 0 || (size_t)length + sizeof SOCKET > sizeof l->at.sun_path) {
    path[0] = '\0';
    errno = ENAMETOOLONG;
    return TP_ESYSTEM;
  }
  if (mkdtemp(path) == NULL) {
    path[0] = '\0';
    return TP_ESYSTEM;
  }
  strcpy(path + length, SOCKET);
  l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (l->fd < 0) return fail(l);
  if (bind(l->fd, (struct sockaddr *)&l->at, sizeof l->at) != 0)
    return fail(l);
  return listen(l->fd, 1) == 0 ? TP_OK : fail(l);
}

int tp_listener_accept(tp_listener *l) {
  struct ucred peer = {0, 0, 0};
  socklen_t size = sizeof peer;
  int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  int problem = errno;
  tp_listener_close(l);
  errno = problem;
  if (fd < 0) return -1;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
      peer.pid == getpid())
    return fd;
  close(fd);
  errno = EPERM;
  return -1;
}

void tp_listener_close(tp_listener *l) {
  char *path = l->at.sun_path;
  if (l->fd >= 0) close(l->fd);
  l->fd = -1;
  if (path[0] == '\0') return;
  unlink(path);
  *strrchr(path, '/') = '\0';
  rmdir(path);
  path[0] = '\0';
}

void tp_line_ring(int fd) {
  /* A full buffer means that it is ringing already; a closed far end, that
  ** nobody listens any more. */
  ssize_t sent = send(fd, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  (void)sent;
}
