/* The messages a healthy server would send, as far as a client that starts
** workflows and waits for their end reads them. Written by hand: field number
** and bytes; see temporal.api.workflowservice.v1 and temporal.api.history.v1.
*/
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_varint(fp_bytes *b, uint64_t v) {
  do {
    uint8_t byte = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
    fp_add(b, &byte, 1);
    v >>= 7;
  } while (v);
}

static void put_number(fp_bytes *b, int field, uint64_t v) {
  put_varint(b, (uint64_t)field << 3);
  put_varint(b, v);
}

static void put_bytes(fp_bytes *b, int field, const void *data, size_t n) {
  put_varint(b, (uint64_t)field << 3 | 2);
  put_varint(b, n);
  fp_add(b, data, n);
}

static void put_text(fp_bytes *b, int field, const char *s) {
  put_bytes(b, field, s, strlen(s));
}

/* Adds `inner` as a message field and empties it. */
static void put_message(fp_bytes *b, int field, fp_bytes *inner) {
  put_bytes(b, field, inner->data, inner->length);
  fp_free_bytes(inner);
}

/* A run id of our own: a UUID that counts. */
static const char *run_id(const char *wanted) {
  static char id[40];
  static unsigned long serial;
  if (wanted && strcmp(wanted, "auto") != 0) return wanted;
  snprintf(id, sizeof id, "%08lx-0000-4000-8000-%012lx",
           (unsigned long)getpid() & 0xffffffffUL, ++serial & 0xffffffffUL);
  return id;
}

static void started(fp_bytes *out, const char *wanted) {
  const char *id = run_id(wanted);
  put_text(out, 1, id);
  put_number(out, 3, 1); /* started */
  put_number(out, 5, 1); /* WORKFLOW_EXECUTION_STATUS_RUNNING */
  put_text(out, 6, id);
}

static void json_payloads(fp_bytes *out, int field, const char *json) {
  fp_bytes entry = {0}, payload = {0}, payloads = {0};
  put_text(&entry, 1, "encoding");
  put_text(&entry, 2, "json/plain");
  put_message(&payload, 1, &entry);
  put_text(&payload, 2, json);
  put_message(&payloads, 1, &payload);
  put_message(out, field, &payloads);
}

static void failure(fp_bytes *out, int field, const char *what) {
  fp_bytes f = {0}, info = {0};
  put_text(&f, 1, what);
  put_text(&info, 1, "Broken"); /* application_failure_info.type */
  put_message(&f, 5, &info);
  put_message(out, field, &f);
}

typedef struct close_event {
  const char *name;
  int type, field; /* of the event; of its attributes */
  void (*fill)(fp_bytes *attributes, const char *word);
  int next_field; /* of new_execution_run_id; 0: has none */
} close_event;

static void fill_completed(fp_bytes *a, const char *word) {
  json_payloads(a, 1, word ? word : "\"done\"");
}

static void fill_failed(fp_bytes *a, const char *word) {
  failure(a, 1, word ? word : "it broke");
  put_number(a, 2, 5); /* RETRY_STATE_RETRY_POLICY_NOT_SET */
}

static void fill_timed_out(fp_bytes *a, const char *word) {
  (void)word;
  put_number(a, 1, 5);
}

static void fill_terminated(fp_bytes *a, const char *word) {
  put_text(a, 1, word ? word : "terminated");
  put_text(a, 3, "fault_peer");
}

static void fill_canceled(fp_bytes *a, const char *word) {
  if (word) json_payloads(a, 2, word);
}

static void fill_continued(fp_bytes *a, const char *word) {
  put_text(a, 1, run_id(word));
}

static const close_event close_events[] = {
  {"completed", 2, 7, fill_completed, 3},
  {"failed", 3, 8, fill_failed, 4},
  {"timed-out", 4, 9, fill_timed_out, 2},
  {"terminated", 27, 27, fill_terminated, 0},
  {"canceled", 21, 29, fill_canceled, 0},
  {"continued", 28, 33, fill_continued, 0},
};

static const close_event *find_event(const char *name) {
  size_t i;
  for (i = 0; i < sizeof close_events / sizeof close_events[0]; i++)
    if (strcmp(name, close_events[i].name) == 0) return &close_events[i];
  return NULL;
}

static const char *history(fp_bytes *out, bool raw, const close_event *kind,
                           int n, char **words) {
  fp_bytes attributes = {0}, event = {0}, events = {0};
  const char *word = NULL, *next = NULL;
  int i;
  for (i = 0; i < n; i++) {
    if (kind->next_field && strncmp(words[i], "next=", 5) == 0)
      next = words[i] + 5;
    else if (word == NULL)
      word = words[i];
    else
      return "a close event has one value and next=RUN";
  }
  kind->fill(&attributes, word);
  if (next) put_text(&attributes, kind->next_field, run_id(next));
  put_number(&event, 1, 9); /* event_id */
  put_number(&event, 3, (uint64_t)kind->type);
  put_message(&event, kind->field, &attributes);
  put_message(&events, 1, &event);
  if (raw) {
    fp_bytes blob = {0};
    put_number(&blob, 1, 1); /* ENCODING_TYPE_PROTO3 */
    put_message(&blob, 2, &events);
    put_message(out, 2, &blob);
  } else {
    put_message(out, 1, &events);
  }
  return NULL;
}

/* An answer to a start, made exactly so long by an unknown field. */
static const char *fill(fp_bytes *out, size_t n) {
  size_t before = out->length, length = n;
  put_text(out, 1, "RUN");
  while (length > 0) {
    size_t here = out->length;
    void *zeros = fp_alloc(--length);
    put_bytes(out, 15, zeros, length);
    free(zeros);
    if (out->length - before == n) return NULL;
    /* The length's own length: a few tries find it. */
    if (out->length - before > n + 16) length -= out->length - before - n - 16;
    out->length = here;
  }
  return "fill: too few bytes";
}

/* Appends the message the words describe:
** none | hex HEX | fill N | started [RUN] | empty [TOKEN] | [raw] EVENT.
*/
const char *fp_reply(fp_bytes *out, int n, char **words) {
  bool raw = n > 0 && strcmp(words[0], "raw") == 0;
  const close_event *event;
  const char *kind;
  long count;
  if (raw) n--, words++;
  if (n == 0) return "which message?";
  kind = words[0];
  event = find_event(kind);
  if (event) return history(out, raw, event, n - 1, words + 1);
  if (raw) return "raw takes a close event";
  if (n > 2) return "too many words for a message";
  if (strcmp(kind, "none") == 0 && n == 1) return NULL;
  if (strcmp(kind, "hex") == 0 && n == 2)
    return fp_from_hex(out, words[1]) ? NULL : "hex digits in pairs wanted";
  if (strcmp(kind, "fill") == 0 && n == 2 && fp_number(words[1], &count))
    return fill(out, (size_t)count);
  if (strcmp(kind, "started") == 0) {
    started(out, n == 2 ? words[1] : NULL);
    return NULL;
  }
  if (strcmp(kind, "empty") == 0) {
    fp_bytes none = {0};
    put_message(out, 1, &none);
    put_text(out, 3, n == 2 ? words[1] : "token");
    return NULL;
  }
  return "messages: none, hex HEX, fill N, started [RUN], empty [TOKEN], "
         "[raw] completed|failed|timed-out|terminated|canceled|continued";
}
