/* From a member to what embeds it. */
#ifndef TP_CONTAINER_H
#define TP_CONTAINER_H

#include <stddef.h>

/* The `type` whose `member` is at `pointer`. */
#define TP_CONTAINER(pointer, type, member) \
  ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
