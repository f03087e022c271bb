/* Unit tests of lines: the far end of a host's wake-up socket. One thread. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "engine/drive.h"
#include "engine/line.h"
#include "check.h"

static int dial(const tp_listener *l) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&l->at, sizeof l->at)) {
    close(fd);
    fd = -1;
  }
  return fd;
}

static int readable(int fd) {
  struct pollfd p = {fd, POLLIN, 0};
  return poll(&p, 1, 0) == 1;
}

static void test_connect(void) {
  tp_listener l;
  struct stat s;
  char path[sizeof l.at.sun_path], byte = 0;
  int near, far;
  tp_listener_init(&l);
  CHECK(tp_listener_open(&l, "/tmp") == TP_OK);
  strcpy(path, l.at.sun_path);
  CHECK(stat(path, &s) == 0 && S_ISSOCK(s.st_mode));
  *strrchr(path, '/') = '\0';
  CHECK(stat(path, &s) == 0 && (s.st_mode & 0777) == 0700);
  near = dial(&l);
  CHECK(near >= 0);
  far = tp_listener_accept(&l);
  CHECK(far >= 0);
  CHECK(fcntl(far, F_GETFD) & FD_CLOEXEC);
  CHECK(fcntl(far, F_GETFL) & O_NONBLOCK);
  CHECK(stat(path, &s) != 0 && errno == ENOENT); /* nothing is left */
  CHECK(!readable(near));
  tp_line_ring(far);
  CHECK(readable(near) && read(near, &byte, 1) == 1 && byte == '!');
  close(near);
  tp_line_ring(far); /* to nobody: no SIGPIPE */
  close(far);
  tp_listener_close(&l);
}

static void test_nobody(void) {
  tp_listener l;
  struct stat s;
  char path[sizeof l.at.sun_path];
  tp_listener_init(&l);
  CHECK(tp_listener_open(&l, "/tmp") == TP_OK);
  strcpy(path, l.at.sun_path);
  CHECK(tp_listener_accept(&l) == -1 && errno == EAGAIN);
  CHECK(stat(path, &s) != 0);
  tp_listener_close(&l); /* closing twice is fine */
}

static void test_no_place(void) {
  char long_name[200];
  tp_listener l;
  tp_listener_init(&l);
  CHECK(tp_listener_open(&l, "/tmp/no such folder") == TP_ESYSTEM);
  CHECK(errno == ENOENT && l.fd == -1);
  memset(long_name, 'x', sizeof long_name);
  long_name[sizeof long_name - 1] = '\0';
  CHECK(tp_listener_open(&l, long_name) == TP_ESYSTEM);
  CHECK(errno == ENAMETOOLONG);
  tp_listener_close(&l);
}

/* A full buffer is ringing enough. */
static void test_unread(void) {
  tp_listener l;
  int near, far, i;
  tp_listener_init(&l);
  CHECK(tp_listener_open(&l, "/tmp") == TP_OK);
  near = dial(&l);
  far = tp_listener_accept(&l);
  CHECK(near >= 0 && far >= 0);
  for (i = 0; i < 1000000; i++) tp_line_ring(far);
  CHECK(readable(near));
  close(near);
  close(far);
}

static void test_engine(void) {
  tp_engine *e = tp_engine_new();
  tp_listener l;
  int first, second, fd;
  char byte;
  CHECK(e != NULL);
  tp_listener_init(&l);
  CHECK(tp_listener_open(&l, "/tmp") == TP_OK);
  first = dial(&l);
  fd = tp_listener_accept(&l);
  CHECK(first >= 0 && fd >= 0);
  tp_engine_set_line(e, fd);
  CHECK(!readable(first));
  CHECK(tp_listener_open(&l, "/tmp") == TP_OK);
  second = dial(&l);
  fd = tp_listener_accept(&l);
  CHECK(second >= 0 && fd >= 0);
  tp_engine_set_line(e, fd); /* the first one hears that it is over */
  CHECK(readable(first) && read(first, &byte, 1) == 0);
  CHECK(!readable(second));
  tp_engine_set_line(e, -1);
  CHECK(readable(second) && read(second, &byte, 1) == 0);
  close(first);
  close(second);
  tp_engine_release(e);
}

static void test_before_fork(void) {
  tp_engine *e = tp_engine_new();
  CHECK(e != NULL);
  tp_engine_set_before_fork(e, true);
  CHECK(tp_engine_start(e) == TP_EFORK && !e->thread_started);
  tp_engine_set_before_fork(e, false);
  CHECK(tp_engine_start(e) == TP_OK);
  tp_engine_stop(e);
  tp_engine_detach(e);
  tp_engine_release(e);
}

int main(void) {
  RUN(test_connect);
  RUN(test_nobody);
  RUN(test_no_place);
  RUN(test_unread);
  RUN(test_engine);
  RUN(test_before_fork);
  return check_end();
}
