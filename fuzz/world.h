/* The world of fuzz_peer. The linker puts these functions in the place of the
** real ones (-Wl,--wrap): the clock, poll(2), connections, the I/O thread,
** allocations. The engine drives itself as ever; it sleeps by moving the clock,
** and what the peer "sends" is what the input says. One thread.
*/
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../csrc/core/engine/drive.h"
#include "../csrc/core/net/dial.h"

#define WRAP(type, name, parameters) \
  type __wrap_##name parameters; \
  type __wrap_##name parameters

static void fatal(const char *what) {
  fputs("fuzz_peer: ", stderr);
  fputs(what, stderr);
  fputs("\n", stderr);
  abort();
}

/* --- allocations ---------- */

static int fail_at;   /* the allocation that fails, counted down; 0: none */
static int fail_more; /* so many fail after it */
static long live;     /* allocations of the core that it has not freed */

static void *counted(void *fresh) {
  live += fresh != NULL;
  return fresh;
}

static bool fails(void) {
  if (fail_at == 0 || --fail_at > 0) return false;
  fail_at = fail_more > 0;
  if (fail_more > 0) fail_more--;
  return true;
}

void __real_free(void *old);
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);

WRAP(void, free, (void *old)) {
  live -= old != NULL;
  __real_free(old);
}

WRAP(void *, malloc, (size_t n)) {
  return fails() ? NULL : counted(__real_malloc(n));
}

WRAP(void *, calloc, (size_t n, size_t size)) {
  return fails() ? NULL : counted(__real_calloc(n, size));
}

WRAP(void *, realloc, (void *old, size_t n)) {
  if (fails()) return NULL;
  return old ? __real_realloc(old, n) : counted(__real_realloc(old, n));
}

WRAP(char *, strdup, (const char *text)) {
  return fails() ? NULL : counted(__real_strdup(text));
}

WRAP(char *, strndup, (const char *text, size_t n)) {
  return fails() ? NULL : counted(__real_strndup(text, n));
}

/* --- the clock ---------- */

#define BEGINNING (1000 * TP_SECOND)

static int64_t world_now = BEGINNING;

WRAP(int64_t, tp_now, (void)) {
  return world_now;
}

/* --- connections ---------- */

#define DIAL_DISTANCE (TP_SECOND / 10)
#define MAX_CONNECTIONS 64
#define FIRST_FD 1000
#define IN_MAX (4u << 20)

typedef enum { SENDS_ALL, SENDS_NOTHING, SENDING_FAILS, SENDS_LITTLE } sending;

struct tp_connection {
  uint8_t *in;
  size_t length, capacity, at; /* of in; what is read */
  size_t chunk;                /* at most so much with one read */
  int64_t until;               /* of the dial */
  tp_dial_state state;
  sending sends;
  bool closed, wrapped;
};

static tp_connection *connections[MAX_CONNECTIONS]; /* oldest first */
static int connection_count;
static tp_dial_state next_dial = TP_CONNECTED;
static bool next_wrapped;
static int64_t dialled_at;
static unsigned long moved; /* counts all that the engine did to the world */

static tp_connection *newest(void) {
  return connection_count ? connections[connection_count - 1] : NULL;
}

static void feed(tp_connection *c, const void *bytes, size_t n) {
  if (c == NULL || n == 0 || c->length + n > IN_MAX) return;
  if (c->length + n > c->capacity) {
    c->capacity = (c->length + n) * 2;
    c->in = __real_realloc(c->in, c->capacity);
  }
  memcpy(c->in + c->length, bytes, n);
  c->length += n;
}

WRAP(tp_connection *, tp_engine_dial, (tp_engine *e, const tp_dial_options *o,
                                       tp_avoided *avoided)) {
  tp_connection *c;
  (void)e;
  (void)avoided;
  moved++;
  if (dialled_at != 0 && world_now - dialled_at < DIAL_DISTANCE)
    fatal("a dial too soon after another");
  dialled_at = world_now;
  if (connection_count == MAX_CONNECTIONS || fails()) return NULL;
  c = __real_calloc(1, sizeof *c);
  c->chunk = IN_MAX;
  c->until = tp_after(world_now, o->connect_timeout);
  c->state = next_dial;
  c->wrapped = next_wrapped;
  connections[connection_count++] = c;
  return c;
}

WRAP(void, tp_connection_free, (tp_connection *c)) {
  int i = 0;
  if (c == NULL) return;
  while (i < connection_count && connections[i] != c) i++;
  if (i == connection_count) fatal("a connection is freed twice");
  connection_count--;
  memmove(connections + i, connections + i + 1,
          (size_t)(connection_count - i) * sizeof *connections);
  moved++;
  __real_free(c->in);
  __real_free(c);
}

WRAP(tp_dial_state, tp_connection_state, (tp_connection *c)) {
  if (c->state == TP_DIALLING && world_now >= c->until)
    c->state = TP_DIAL_FAILED;
  return c->state;
}

WRAP(const char *, tp_connection_reason, (const tp_connection *c)) {
  (void)c;
  return "the dial failed";
}

WRAP(const char *, tp_connection_address, (const tp_connection *c)) {
  return c->state == TP_CONNECTED ? "127.0.0.1" : "";
}

WRAP(int, tp_connection_fd, (const tp_connection *c)) {
  int i;
  for (i = 0; i < connection_count; i++)
    if (connections[i] == c) return FIRST_FD + i;
  return -1;
}

WRAP(int64_t, tp_connection_until, (const tp_connection *c)) {
  return c->until;
}

WRAP(bool, tp_connection_wrapped, (const tp_connection *c)) {
  return c->wrapped;
}

WRAP(long, tp_connection_send, (tp_connection *c, const uint8_t *data,
                                size_t n, char reason[TP_REASON])) {
  (void)data;
  if (c->sends == SENDS_NOTHING) return 0;
  moved++;
  if (c->sends == SENDING_FAILS) {
    snprintf(reason, TP_REASON, "sending failed");
    return -1;
  }
  return c->sends == SENDS_LITTLE && n > 7 ? 7 : (long)n;
}

WRAP(long, tp_connection_receive, (tp_connection *c, uint8_t *data, size_t n,
                                   char reason[TP_REASON])) {
  size_t left = c->length - c->at;
  if (left == 0 && !c->closed) return 0;
  moved++;
  if (left == 0) {
    snprintf(reason, TP_REASON, "the peer closed the connection");
    return -1;
  }
  if (left > n) left = n;
  if (left > c->chunk) left = c->chunk;
  memcpy(data, c->in + c->at, left);
  c->at += left;
  return (long)left;
}

/* --- poll(2), which is how time passes ---------- */

#define IDLE_MAX 1000 /* rounds at one moment in which nothing is moved */

static short ready_for(const tp_connection *c, short events) {
  short ready = 0;
  if (c->state == TP_DIALLING) return 0;
  if (events & POLLIN && (c->at < c->length || c->closed)) ready |= POLLIN;
  if (events & POLLOUT && c->sends != SENDS_NOTHING) ready |= POLLOUT;
  return ready;
}

static void note_round(void) {
  static int64_t then;
  static unsigned long moved_then;
  static int idle;
  idle = world_now == then && moved == moved_then ? idle + 1 : 0;
  then = world_now;
  moved_then = moved;
  if (idle > IDLE_MAX) fatal("a busy loop");
}

WRAP(int, poll, (struct pollfd *fds, nfds_t n, int timeout)) {
  int ready = 0;
  nfds_t i;
  for (i = 0; i < n; i++) {
    int number = fds[i].fd - FIRST_FD;
    fds[i].revents = 0;
    if (number >= 0 && number < connection_count)
      fds[i].revents = ready_for(connections[number], fds[i].events);
    ready += fds[i].revents != 0;
  }
  if (ready == 0) world_now += (int64_t)timeout * 1000;
  note_round();
  return ready;
}

/* --- the I/O thread, which runs when it is told to, and the last words --- */

static void *(*thread_body)(void *);
static void *thread_argument;

WRAP(int, pthread_create, (pthread_t *thread, const pthread_attr_t *attributes,
                           void *(*body)(void *), void *argument)) {
  (void)attributes;
  if (fails()) return EAGAIN;
  *thread = pthread_self();
  thread_body = body;
  thread_argument = argument;
  return 0;
}

WRAP(int, fprintf, (FILE *file, const char *format, ...)) {
  (void)file;
  (void)format;
  return 0;
}

static void begin_world(void) {
  world_now = BEGINNING;
  dialled_at = 0;
  live = 0;
  connection_count = 0;
  next_dial = TP_CONNECTED;
  next_wrapped = false;
  fail_at = fail_more = 0;
  thread_body = NULL;
}

#endif
