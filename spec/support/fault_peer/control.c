/* The fault peer's control: one command a line on standard input, one line of
** answer for each on standard output ("ok ..." or "error ...").
*/
#include "peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

fp_counters fp_count;

/* ---- what was asked of us ---- */

typedef struct request {
  char *method;
  fp_bytes headers, body;
} request;

typedef struct tally {
  struct tally *next;
  char *method;
  long count;
} tally;

enum { MAX_REQUESTS = 50000 }; /* later ones are counted, not kept */
static request *requests;
static int n_requests;
static tally *tallies;

static tally *tally_of(const char *method) {
  tally *t;
  for (t = tallies; t; t = t->next)
    if (strcmp(t->method, method) == 0) return t;
  return NULL;
}

void fp_note_request(fp_stream *s) {
  tally *t = tally_of(s->method);
  if (t == NULL) {
    t = fp_alloc(sizeof *t);
    t->method = fp_copy(s->method);
    t->next = tallies;
    tallies = t;
  }
  t->count++;
  fp_count.requests++;
}

void fp_note_end(fp_stream *s) {
  request *r;
  if (s->logged || s->method == NULL || n_requests == MAX_REQUESTS) return;
  if (requests == NULL) requests = fp_alloc(MAX_REQUESTS * sizeof *requests);
  s->logged = true;
  r = &requests[n_requests++];
  r->method = fp_copy(s->method);
  fp_add(&r->headers, s->headers.data, s->headers.length);
  fp_add(&r->headers, "", 1);
  fp_add(&r->body, s->body.data, s->body.length);
}

static void forget_requests(void) {
  while (n_requests > 0) {
    request *r = &requests[--n_requests];
    free(r->method);
    fp_free_bytes(&r->headers);
    fp_free_bytes(&r->body);
    memset(r, 0, sizeof *r);
  }
}

static void forget_counts(void) {
  long connections = fp_count.open, streams = fp_count.streams_open,
       polls = fp_count.polls_open;
  memset(&fp_count, 0, sizeof fp_count);
  fp_count.open = connections;
  fp_count.streams_open = fp_count.streams_max = streams;
  fp_count.polls_open = fp_count.polls_max = polls;
  while (tallies) {
    tally *t = tallies;
    tallies = t->next;
    free(t->method);
    free(t);
  }
}

/* ---- until NAME>=N MILLISECONDS ---- */

static struct {
  bool active;
  char *name;
  char comparison;
  long value;
  int64_t deadline;
} until;

static bool counter(const char *name, long *value) {
  tally *t;
#define X(field)                  \
  if (strcmp(name, #field) == 0) { \
    *value = fp_count.field;      \
    return true;                  \
  }
  FP_COUNTERS(X)
#undef X
  t = tally_of(name);
  *value = t ? t->count : 0;
  return t != NULL;
}

static bool until_holds(void) {
  long now;
  counter(until.name, &now);
  return until.comparison == '>'   ? now >= until.value
         : until.comparison == '<' ? now <= until.value
                                   : now == until.value;
}

static const char *begin_until(int n, char **words) {
  static const char usage[] = "until NAME>=N|NAME<=N|NAME==N MILLISECONDS";
  char *at;
  long ms;
  if (n != 2 || !fp_number(words[1], &ms)) return usage;
  at = strpbrk(words[0], "<>=");
  if (at == NULL || at[1] != '=' || !fp_number(at + 2, &until.value))
    return usage;
  until.comparison = *at;
  *at = 0;
  until.name = words[0];
  until.deadline = fp_now() + ms;
  until.active = true;
  return NULL;
}

int64_t fp_control_deadline(void) {
  return until.active ? until.deadline : 0;
}

static void answer(const char *kind, const char *text) {
  printf("%s%s%s\n", kind, *text ? " " : "", text);
  fflush(stdout);
}

static void check_until(void) {
  long now;
  char text[128];
  if (!until.active) return;
  if (until_holds()) {
    until.active = false;
    answer("ok", "");
  } else if (fp_now() >= until.deadline) {
    until.active = false;
    counter(until.name, &now);
    snprintf(text, sizeof text, "%.60s is %ld, not %c= %ld", until.name, now,
             until.comparison, until.value);
    answer("error", text);
  }
}

/* ---- commands: the answer is left in `reply`; else, what is wrong ---- */

static fp_bytes reply;

static void add_number(const char *name, long value) {
  char text[96];
  snprintf(text, sizeof text, "%s%.60s=%ld", reply.length ? " " : "", name,
           value);
  fp_add_text(&reply, text);
}

static const char *do_stats(int n, char **words) {
  const tally *t;
  (void)n, (void)words;
#define X(field) add_number(#field, fp_count.field);
  FP_COUNTERS(X)
#undef X
  for (t = tallies; t; t = t->next) add_number(t->method, t->count);
  return NULL;
}

static const request *last_request(int n, char **words) {
  int i;
  for (i = n_requests - 1; i >= 0; i--)
    if (n == 0 || strcmp(requests[i].method, words[0]) == 0)
      return &requests[i];
  return NULL;
}

static const char *do_last(int n, char **words) {
  const request *r = last_request(n, words);
  if (r == NULL) return "no such request";
  fp_add_text(&reply, (const char *)r->headers.data);
  return NULL;
}

static const char *do_body(int n, char **words) {
  const request *r = last_request(n, words);
  if (r == NULL) return "no such request";
  fp_add_hex(&reply, r->body.data, r->body.length);
  return NULL;
}

static const char *do_bodies(int n, char **words) {
  int i;
  for (i = 0; i < n_requests; i++) {
    if (n > 0 && strcmp(requests[i].method, words[0]) != 0) continue;
    if (reply.length) fp_add_text(&reply, " ");
    if (requests[i].body.length == 0) fp_add_text(&reply, "-");
    fp_add_hex(&reply, requests[i].body.data, requests[i].body.length);
  }
  return NULL;
}

static const char *do_conn(int n, char **words) {
  return fp_parse_conn(words, n);
}

static const char *do_call(int n, char **words) {
  return fp_parse_call(words, n);
}

static const char *do_clear(int n, char **words) {
  (void)n, (void)words;
  fp_forget_rules();
  forget_requests();
  forget_counts();
  return NULL;
}

static const char *do_all(int n, char **words) {
  fp_script *script = fp_alloc(sizeof *script);
  const char *wrong;
  fp_conn *c;
  if (n > 0 && strcmp(words[0], ":") == 0) n--, words++;
  wrong = fp_parse_script(words, n, false, script);
  for (c = fp_conns; c && wrong == NULL; c = c->next)
    fp_begin(&c->extra, script, c, NULL);
  return wrong;
}

/* The streams that are open now do this instead of the rest of their steps. */
static const char *do_streams(int n, char **words) {
  fp_script *script = fp_alloc(sizeof *script);
  const char *wrong, *method = NULL;
  fp_conn *c;
  fp_stream *s;
  if (n > 0 && strcmp(words[0], ":") != 0) method = words[0], n--, words++;
  if (n == 0) return "streams [METHOD] : STEP; ...";
  wrong = fp_parse_script(words + 1, n - 1, true, script);
  if (wrong) return wrong;
  for (c = fp_conns; c; c = c->next)
    for (s = c->streams; s; s = s->next)
      if (s->method && (!method || strcmp(method, s->method) == 0)) {
        fp_begin(&s->run, script, c, s);
        s->begun = true;
      }
  return NULL;
}

static bool awaits(const fp_run *r) {
  return r->script && r->at < r->script->count && !r->released &&
         strcmp(r->script->steps[r->at].kind->name, "await") == 0;
}

static const char *do_release(int n, char **words) {
  long most = FP_FOREVER, count = 0;
  fp_conn *c;
  fp_stream *s;
  if (n > 0 && !fp_number(words[0], &most)) return "release [N]";
  for (c = fp_conns; c; c = c->next) {
    if (awaits(&c->run)) c->run.released = true;
    for (s = c->streams; s && count != most; s = s->next)
      if (awaits(&s->run)) s->run.released = true, count++;
  }
  add_number("released", count);
  return NULL;
}

static const char *do_listen(int n, char **words) {
  return fp_listen(n == 1 ? words[0] : "");
}

static const struct command {
  const char *name;
  const char *(*run)(int n, char **words);
} commands[] = {
  {"conn", do_conn},       {"call", do_call},       {"clear", do_clear},
  {"all", do_all},         {"streams", do_streams}, {"release", do_release},
  {"listen", do_listen},   {"stats", do_stats},     {"last", do_last},
  {"body", do_body},       {"bodies", do_bodies},   {"until", begin_until},
  {NULL, NULL},
};

const char *fp_command(const char *line) {
  int n;
  char **words = fp_words(line, &n);
  const struct command *c;
  reply.length = 0;
  if (words == NULL) return "a quote stays open";
  if (n == 0) return "no command";
  for (c = commands; c->name; c++)
    if (strcmp(words[0], c->name) == 0) return c->run(n - 1, words + 1);
  return "commands: conn call clear all streams release listen stats last "
         "body bodies until quit";
}

static fp_bytes input;

bool fp_control_read(void) {
  char chunk[65536];
  ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  fp_add(&input, chunk, (size_t)n);
  return n > 0;
}

bool fp_control_work(void) {
  char *newline;
  check_until();
  while (!until.active && input.length &&
         (newline = memchr(input.data, '\n', input.length)) != NULL) {
    size_t n = (size_t)(newline - (char *)input.data);
    const char *wrong;
    *newline = 0;
    if (strcmp((char *)input.data, "quit") == 0) return false;
    wrong = fp_command((char *)input.data);
    fp_add(&reply, "", 1);
    if (wrong)
      answer("error", wrong);
    else if (!until.active)
      answer("ok", (char *)reply.data);
    fp_drop(&input, n + 1);
    check_until();
  }
  return true;
}
