/* Repeatable random numbers for tests against a model (xorshift64*): the same
** seed, the same test. One thread for each seed. Cannot fail.
*/
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *seed) {
  *seed ^= *seed >> 12;
  *seed ^= *seed << 25;
  *seed ^= *seed >> 27;
  return *seed * UINT64_C(2685821657736338717);
}

/* One of 0 .. n - 1. */
static inline uint64_t random_below(uint64_t *seed, uint64_t n) {
  return (random_next(seed) >> 11) % n;
}

#endif
