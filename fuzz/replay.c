/* Runs the inputs of a fuzz target's corpus (fuzz/corpus, one a line, in
** hexadecimal digits) once each, for `make test`: no fuzzer and no sanitizer is
** needed. What the target finds wrong ends the program.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define INPUT_MAX 65536

static int digit(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of the next line, or -1 at the end. */
static long read_line(FILE *file, uint8_t *out) {
  long n = 0;
  int c = getc(file), high = -1;
  if (c == EOF) return -1;
  for (; c != '\n' && c != EOF && n < INPUT_MAX; c = getc(file)) {
    int value = digit(c);
    if (value < 0) return -1;
    if (high >= 0) out[n++] = (uint8_t)(high << 4 | value);
    high = high < 0 ? value : -1;
  }
  return n;
}

int main(int argc, char **argv) {
  static uint8_t line[INPUT_MAX];
  FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
  long n;
  int count = 0;
  if (file == NULL) {
    fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  while ((n = read_line(file, line)) >= 0) {
    /* A block of its own: a read past its end is found by a sanitizer. */
    uint8_t *input = malloc(n ? (size_t)n : 1);
    if (input == NULL) return 2;
    for (long i = 0; i < n; i++) input[i] = line[i];
    LLVMFuzzerTestOneInput(input, (size_t)n);
    free(input);
    count++;
  }
  fclose(file);
  printf("%d passed, 0 failed\n", count);
  return count == 0;
}
