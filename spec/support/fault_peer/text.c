/* Bytes, numbers and words of the fault peer. */
#include "peer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *fp_alloc(size_t n) {
  void *p = calloc(1, n ? n : 1);
  if (p == NULL) {
    fputs("fault_peer: out of memory\n", stderr);
    exit(1);
  }
  return p;
}

char *fp_copy(const char *s) {
  size_t n = strlen(s) + 1;
  return memcpy(fp_alloc(n), s, n);
}

void fp_add(fp_bytes *b, const void *data, size_t n) {
  if (b->capacity - b->length < n) {
    size_t capacity = b->length * 2 + n + 64;
    uint8_t *block = fp_alloc(capacity);
    if (b->length) memcpy(block, b->data, b->length);
    free(b->block);
    b->block = b->data = block;
    b->capacity = capacity;
  }
  if (n) memcpy(b->data + b->length, data, n);
  b->length += n;
}

void fp_add_text(fp_bytes *b, const char *s) { fp_add(b, s, strlen(s)); }

void fp_drop(fp_bytes *b, size_t n) {
  b->length -= n;
  b->capacity -= n;
  if (n) b->data += n;
}

void fp_free_bytes(fp_bytes *b) {
  free(b->block);
  memset(b, 0, sizeof *b);
}

void fp_add_hex(fp_bytes *b, const uint8_t *data, size_t n) {
  static const char digits[] = "0123456789abcdef";
  size_t i;
  for (i = 0; i < n; i++) {
    char two[2];
    two[0] = digits[data[i] >> 4];
    two[1] = digits[data[i] & 15];
    fp_add(b, two, 2);
  }
}

bool fp_from_hex(fp_bytes *b, const char *hex) {
  for (; *hex; hex += 2) {
    char two[3] = {hex[0], hex[1], 0};
    uint8_t byte;
    if (!isxdigit((unsigned char)two[0]) || !isxdigit((unsigned char)two[1]))
      return false;
    byte = (uint8_t)strtoul(two, NULL, 16);
    if (b) fp_add(b, &byte, 1);
  }
  return true;
}

bool fp_number(const char *s, long *value) {
  char *end;
  long n;
  errno = 0;
  n = strtol(s, &end, 0);
  if (errno || end == s || *end || n < 0) return false;
  *value = n;
  return true;
}

bool fp_error_code(const char *s, uint32_t *code) {
  long n;
  uint32_t i;
  for (i = 0; i <= NGHTTP2_HTTP_1_1_REQUIRED; i++)
    if (strcmp(s, nghttp2_http2_strerror(i)) == 0) {
      *code = i;
      return true;
    }
  if (!fp_number(s, &n) || n > 0xffffffffL) return false;
  *code = (uint32_t)n;
  return true;
}

/* One escape of a quoted text: \n \r \t \" \\ \xHH. Answers its end. */
static const char *escape(const char *p, fp_bytes *word) {
  static const char names[] = "nrt", values[] = "\n\r\t";
  const char *known = *p ? strchr(names, *p) : NULL;
  char hex[3] = {0};
  if (known) {
    fp_add(word, &values[known - names], 1);
    return p + 1;
  }
  if (*p == 'x' && isxdigit((unsigned char)p[1]) &&
      isxdigit((unsigned char)p[2])) {
    memcpy(hex, p + 1, 2);
    fp_from_hex(word, hex);
    return p + 3;
  }
  if (*p) fp_add(word, p++, 1);
  return p;
}

/* One word: up to a blank or `;` outside quotes. NULL: a quote stays open. */
static const char *one_word(const char *p, fp_bytes *word) {
  bool quoted = false;
  if (*p == ';') {
    fp_add(word, p, 1);
    return p + 1;
  }
  for (; *p; ) {
    if (*p == '"') {
      quoted = !quoted;
      p++;
    } else if (quoted && *p == '\\') {
      p = escape(p + 1, word);
    } else if (!quoted && (isspace((unsigned char)*p) || *p == ';')) {
      break;
    } else {
      fp_add(word, p++, 1);
    }
  }
  return quoted ? NULL : p;
}

/* The words live as long as the program: rules keep pointing at them. */
char **fp_words(const char *line, int *count) {
  int room = 16;
  char **words = fp_alloc((size_t)room * sizeof *words);
  *count = 0;
  for (;;) {
    fp_bytes word = {0};
    while (isspace((unsigned char)*line)) line++;
    if (*line == 0) return words;
    line = one_word(line, &word);
    if (line == NULL) return NULL;
    fp_add(&word, "", 1);
    if (*count == room) {
      char **more = fp_alloc((size_t)(room *= 2) * sizeof *more);
      memcpy(more, words, (size_t)*count * sizeof *more);
      words = more;
    }
    words[(*count)++] = (char *)word.data;
  }
}
