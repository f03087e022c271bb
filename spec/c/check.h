/* The harness of the C unit tests: a test program lists its tests in main and
** closes with "N passed, N failed". One thread; a failed CHECK ends its test.
**
**   static void test_append(void) { CHECK(1 + 1 == 2); }
**   int main(void) { RUN(test_append); return check_end(); }
*/
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int check_passed, check_failed, check_ok;

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      printf("FAILED %s:%d: %s\n", __FILE__, __LINE__, #condition); \
      check_ok = 0; \
      return; \
    } \
  } while (0)

#define RUN(test) \
  do { \
    check_ok = 1; \
    test(); \
    if (check_ok) \
      check_passed++; \
    else \
      check_failed++; \
  } while (0)

static int check_end(void) {
  printf("%d passed, %d failed\n", check_passed, check_failed);
  return check_failed > 0;
}

#endif
